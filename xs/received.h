/* Perl face.  NetIO::Server::Datagram: what on_datagram gets besides the octets: where they come
 * from, and the way back.  Outside of the handler it is an empty shell. */
#ifndef XS_RECEIVED_H
#define XS_RECEIVED_H

#include "connection.h"

/* The engine's on_datagram. */
void xs_received_handle(const struct netio_datagram *datagram);

/* Methods; each croaks if self is none.  A new value; undef when it is not known. */
SV *xs_received_address(pTHX_ SV *self, enum xs_connection_text which);
SV *xs_received_server(pTHX_ SV *self);
/* False with $! when it is not going to be sent. */
bool xs_received_reply(pTHX_ SV *self, SV *data);

#endif
