/* Ring 3, private: what the models other than EVENT do otherwise.  Called by server.c, accept.c and
 * conn.c at the places named here, and by nobody else.
 *
 *      ITERATIVE, PREFORK   one place for a connection; nothing else differs
 *      FORK                 model_fork.c: a connection begins in a child
 *      SIGNAL               model_signal.c: sockets that raise SIGIO, and the safepoint
 *      any but EVENT        serve.c: on_serve
 *      datagrams            datagram.c, alike in every model */
#ifndef NETIO_SRC_SERVER_MODELS_H
#define NETIO_SRC_SERVER_MODELS_H

#include "server/engine.h"

/* Whether a connection can be let wait in the backlog without anybody being told: there is only
 * ever one. */
static inline int netio__model_is_serial(enum netio_model model)
{
    return model == NETIO_MODEL_ITERATIVE || model == NETIO_MODEL_PREFORK;
}

/* Whether all places are taken, or all descriptors by those who only have to close. */
static inline int netio__server_is_full(const struct netio_server *server)
{
    return server->count - server->draining >= server->max_connections ||
           server->draining >= server->draining_max;
}

/* model_fork.c */

/* A connection that may be served, before its on_open: 1 when it goes on in this process, a new
 * child that has no other connection and no listener; 0 in the parent, where it is gone: a child
 * serves it, or none was to be had, and the peer was told. */
int netio__fork_conn(struct netio_conn *conn);
/* The deadline of netio_server_stop: no child lives on. */
void netio__fork_kill(struct netio_server *server);
/* The same at netio_server_free, and waits for their ends. */
void netio__fork_free(struct netio_server *server);

/* model_signal.c */

/* A descriptor of the server's raises SIGIO from now on, if the server has taken that over.  0 or
 * -errno. */
int netio__signal_watch(struct netio_server *server, int fd);
/* A listener, which others may go on using, does so no more. */
void netio__signal_unwatch(struct netio_server *server, int fd);
/* Gives SIGIO back. */
void netio__signal_free(struct netio_server *server);

/* serve.c: hands the socket to on_serve, and closes cleanly behind it. */
void netio__serve(struct netio_conn *conn);

/* datagram.c: makes a socket tell where datagrams were sent to; 0 or -errno. */
int netio__datagram_prepare(struct netio_server *server, const struct netio_listener *listener);
/* Some have come. */
void netio__datagram_ready(struct netio__slot *slot);

#endif
