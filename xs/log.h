/* Perl face.  What Perl code says to a log: its word for a level, and texts of any octets. */
#ifndef XS_LOG_H
#define XS_LOG_H

#include "args.h"

#include <netio/log.h>

/* The level of syslog(3) of a word ("err"); throws a NetIO::Error of one that is none. */
int xs_log_level(pTHX_ SV *priority);
/* A line of the log for each of the text; NULs are shown as netio_log shows other control
 * characters. An empty text is one empty line. */
void xs_log_lines(pTHX_ struct netio_log *log, int level, const struct xs_text *all);

#endif
