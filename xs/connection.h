/* Perl face.  NetIO::Connection: what a server's handlers get of a connection.
 *
 * An object is there from on_open to on_close.  One that a program keeps longer is an empty shell:
 * its methods say so by undef or false, with $! EPIPE where there is something to be sent. */
#ifndef XS_CONNECTION_H
#define XS_CONNECTION_H

#include "server.h"

struct xs_connection {
    struct netio_conn *conn; /* NULL: it has ended */
    struct xs_server *server;
    SV *self; /* a reference, which is what handlers get */
    SV *data; /* the program's own; NULL: none */
};

/* Sets the handlers of connections for what the server has code for. */
void xs_connection_handlers(const struct xs_server *server, struct netio_server_handlers *handlers);

/* Of a method's object; croaks when it is none. */
struct xs_connection *xs_connection_get(pTHX_ SV *self);

enum xs_connection_text { XS_CONN_PEER, XS_CONN_PEERHOST, XS_CONN_PEERPORT, XS_CONN_LOCAL, XS_CONN_SOCKHOST, XS_CONN_SOCKPORT };

/* A new value; undef when it is not known. */
SV *xs_connection_address(pTHX_ const struct xs_connection *connection,
                          enum xs_connection_text which);
/* Items of the stack from first on; false with $! when they are not going to be sent. */
bool xs_connection_write(pTHX_ struct xs_connection *connection, I32 ax, I32 first, I32 items);
SV *xs_connection_data(pTHX_ struct xs_connection *connection, SV *value /* or NULL */);

#endif
