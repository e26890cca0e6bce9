/* Perl face.  tcpopen, udpopen and unixopen of Perl: the machine netio_open with Perl's
 * arguments, signals and errors. */
#ifndef XS_OPEN_H
#define XS_OPEN_H

#include "perlapi.h"

enum xs_open_kind { XS_TCPOPEN, XS_UDPOPEN, XS_UNIXOPEN };

/* Opens, or throws a NetIO::Error.  The arguments are on Perl's stack, items from ax on: host
 * and service, or a path; then names and values of options.  Returns a new NetIO::Socket. */
SV *xs_open(pTHX_ enum xs_open_kind kind, I32 ax, I32 items);

#endif
