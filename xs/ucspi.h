/* Perl face.  The variables that tell a program of a pool who its peer is: those of UCSPI, and
 * CGI's names for two of them.  daemon/netiod/environment.h lists them, for programs that are
 * executed. */
#ifndef XS_UCSPI_H
#define XS_UCSPI_H

#include "perlapi.h"

#include <netio/server.h>

/* Sets those of this connection; others stay as they are. */
void xs_ucspi_set(pTHX_ const struct netio_conn *conn);

#endif
