/* Perl face.  The two ends of a socket: addresses, and what the socket is.  self is any
 * handle, NetIO's or not.  What these return is a new value; undef, with $! set, where the kernel
 * says there is none. */
#ifndef XS_ENDS_H
#define XS_ENDS_H

#include "perlapi.h"

enum xs_end { XS_LOCAL, XS_PEER };

/* The peer is the one of a connection, or that of the last datagram, which IO::Socket's send
 * and recv keep in the slot io_socket_peername; xs_ends_connected asks the kernel alone.
 * As numbers: */
SV *xs_ends_host(pTHX_ SV *self, enum xs_end end);
SV *xs_ends_port(pTHX_ SV *self, enum xs_end end);
/* Packed, as Perl's Socket has it: with family and port, or the 4 or 16 bytes of the address
 * alone, which croaks for another family. */
SV *xs_ends_name(pTHX_ SV *self, enum xs_end end);
SV *xs_ends_address(pTHX_ SV *self, enum xs_end end);
SV *xs_ends_connected(pTHX_ SV *self);

/* AF_INET; SOCK_STREAM; IPPROTO_TCP: from the slot io_socket_domain (_type, _proto), which is
 * filled by asking the kernel. */
enum xs_kind { XS_DOMAIN, XS_TYPE, XS_PROTOCOL };
SV *xs_ends_kind(pTHX_ SV *self, enum xs_kind kind);

#endif
