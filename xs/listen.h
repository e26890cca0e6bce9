/* Perl face.  tcplisten of Perl: netio_listener with Perl's arguments and errors. */
#ifndef XS_LISTEN_H
#define XS_LISTEN_H

#include "perlapi.h"

#include <netio/listener.h>

/* Listens, or throws a NetIO::Error.  The arguments are on Perl's stack, items from ax on: a listen
 * address, then names and values of options.  How many handles there are in handles, new ones;
 * all: more than one will do. */
int xs_tcplisten(pTHX_ SV *handles[NETIO_LISTENER_MAX], I32 ax, I32 items, bool all);

#endif
