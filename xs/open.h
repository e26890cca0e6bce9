/* Perl face.  The tcpopen of Perl: netio_tcpopen with Perl's arguments, signals, errors. */
#ifndef XS_OPEN_H
#define XS_OPEN_H

#include "perlapi.h"

/* Opens, or throws a NetIO::Error.  The arguments are on Perl's stack, items from ax on:
 * host, service, then names and values of options.  Returns a new NetIO::Socket. */
SV *xs_tcpopen(pTHX_ I32 ax, I32 items);

#endif
