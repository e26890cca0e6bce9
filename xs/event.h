/* Perl face.  What happens to a server, its connections and timers, and the code that is called for
 * it: what it dies of is reported to on_error, and exit in it ends the server. */
#ifndef XS_EVENT_H
#define XS_EVENT_H

#include "perlapi.h"

#include <netio/server.h>

/* X(name, option): the code that a server may be given. */
#define XS_EVENT_LIST(X)                                                                           \
    X(OPEN, "on_open")                                                                             \
    X(LINE, "on_line")                                                                             \
    X(DATA, "on_data")                                                                             \
    X(SERVE, "on_serve")                                                                           \
    X(DATAGRAM, "on_datagram")                                                                     \
    X(TOOLONG, "on_toolong")                                                                       \
    X(EOF, "on_eof")                                                                               \
    X(WRITABLE, "on_writable")                                                                     \
    X(CLOSE, "on_close")                                                                           \
    X(IDLE, "on_idle")                                                                             \
    X(REFUSED, "on_refused")                                                                       \
    X(TROUBLE, "on_trouble")                                                                       \
    X(ERROR, "on_error")

enum xs_event {
#define XS_X(name, option) XS_ON_##name,
    XS_EVENT_LIST(XS_X)
#undef XS_X
        XS_EVENTS
};

struct xs_server;

/* Sets the handlers of the whole server for what it has code for. */
void xs_event_handlers(const struct xs_server *server, struct netio_server_handlers *handlers);

/* Calls the code, if there is any.  False when it has died or exited; then it was reported, with
 * where and who: the connection, or NULL. */
bool xs_event_call(pTHX_ struct xs_server *server, CV *code, const char *where, SV *const *args,
                   int count, bool *truth, SV *who);
/* Calls it with the server's object. */
void xs_event_call_alone(pTHX_ struct xs_server *server, CV *code, const char *where);
/* Those octets as an argument, until the next call of this. */
SV *xs_event_argument(pTHX_ struct xs_server *server, const char *bytes, size_t len);

#endif
