/* Perl face.  udp_ask of Perl: the machine netio_udp_ask with Perl's arguments, signals and
 * errors. */
#ifndef XS_UDP_H
#define XS_UDP_H

#include "perlapi.h"

/* Asks, or throws a NetIO::Error, or what the code of the option valid has died of.  The
 * arguments are on Perl's stack, items from ax on: a server or an array of them, service,
 * request; then names and values of options.  The answer, a new value; *from, if it is wanted,
 * is another one, the address that gave it. */
SV *xs_udp_ask(pTHX_ I32 ax, I32 items, SV **from);

#endif
