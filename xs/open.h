/* Perl face.  tcpopen, udpopen and unixopen of Perl: the machine netio_open with Perl's
 * arguments, signals and errors. */
#ifndef XS_OPEN_H
#define XS_OPEN_H

#include "perlapi.h"

#include <netio/open.h>

enum xs_open_kind { XS_TCPOPEN, XS_UDPOPEN, XS_UNIXOPEN };

/* Opens, or throws a NetIO::Error.  The arguments are on Perl's stack, items from ax on: host
 * and service, or a path; then names and values of options.  Returns a new NetIO::Socket. */
SV *xs_open(pTHX_ enum xs_open_kind kind, I32 ax, I32 items);

/* The machine alone.  For SAVEDESTRUCTOR_X; errno survives. */
void xs_open_free(pTHX_ void *machine);
/* Steps it to its end, and lets %SIG handlers run in between: xs_open_free is registered.  code:
 * what its first step has returned.  A descriptor, or a negative code with *error. */
int xs_open_finish(pTHX_ struct netio_open *machine, int code, struct netio_error *error);
/* Has it block, for sysread and the like (:netio waits by itself, but takes a socket that is
 * non-blocking for one that the program has made so).  fd, or a negative code with *error. */
int xs_open_blocking_take(int fd, struct netio_error *error);

#endif
