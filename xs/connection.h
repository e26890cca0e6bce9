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
    struct xs_timer *timers;
    bool lost; /* the object has gone before it has ended */
};

/* Sets the handlers of connections for what the server has code for. */
void xs_connection_handlers(const struct xs_server *server, struct netio_server_handlers *handlers);

/* Of a method's object; croaks when it is none. */
struct xs_connection *xs_connection_get(pTHX_ SV *self);

/* Calls the code with the connection and more, if that is not NULL; if it fails, nobody shall take
 * what has been written so far for an answer. */
void xs_connection_call(pTHX_ struct xs_connection *connection, CV *code, const char *where,
                        SV *more);

enum xs_connection_text {
    XS_CONN_PEER,
    XS_CONN_PEERHOST,
    XS_CONN_PEERPORT,
    XS_CONN_LOCAL,
    XS_CONN_SOCKHOST,
    XS_CONN_SOCKPORT
};

/* A new value; undef when it is not known. */
SV *xs_connection_text(pTHX_ const struct netio_addr *address, enum xs_connection_text which);
SV *xs_connection_address(pTHX_ const struct xs_connection *connection,
                          enum xs_connection_text which);
/* The octets of a value; of a mortal copy where they have to be made of characters.  Croaks of
 * those that are none. */
const char *xs_connection_octets(pTHX_ SV *sv, STRLEN *len);
/* Items of the stack from first on; false with $! when they are not going to be sent. */
bool xs_connection_write(pTHX_ struct xs_connection *connection, I32 ax, I32 first, I32 items);
/* The line that its on_line is just called for, or undef; a new value. */
SV *xs_connection_line(pTHX_ const struct xs_connection *connection);
/* Of a peer on a unix socket: a new hash with pid, uid, gid and groups; else undef. */
SV *xs_connection_credentials(pTHX_ const struct xs_connection *connection);
/* Seconds since it was accepted; 0 of one that has ended. */
NV xs_connection_age(const struct xs_connection *connection);
SV *xs_connection_timer(pTHX_ struct xs_connection *connection, SV *seconds, SV *code);
SV *xs_connection_data(pTHX_ struct xs_connection *connection, SV *value /* or NULL */);

#endif
