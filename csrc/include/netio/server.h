/* netio/server.h: the server engine, model "event", one worker (ring 3).
 *
 * A server owns listeners and connections and calls the handlers below from the steps of
 * its loop, never one inside another.  Handlers run to completion and never wait; what they
 * write is buffered and goes out by itself when they return.  Life of a connection:
 *
 *      accept or serve_take
 *             |  on_open
 *          [OPEN] -- on_line / on_data, any number -- on_eof
 *             |  netio_conn_close(), or the end of the peer's input
 *        [FLUSHING]  the answer goes out        -- write deadline -->  [closed]
 *             |  shutdown(SHUT_WR)
 *        [DRAINING]  what still comes is dropped -- drain deadline -->  [closed]
 *             |  end of file
 *         [closed]  on_close, exactly once, then the connection is gone
 *
 * so that a peer that is still sending never gets a reset instead of its answer.  An
 * error or netio_conn_abort() closes from any state.  A peer that cannot have the whole of
 * an answer gets a reset, so that it never takes a part for the whole.
 *
 * Fork: not after netio_server_new, but for children that only exec or _exit.  One
 * thread.  Not async-signal-safe.
 */
#ifndef NETIO_SERVER_H
#define NETIO_SERVER_H

#include <netio/error.h>
#include <netio/loop.h>
#include <stdarg.h>
#include <stddef.h>

struct netio_server;
struct netio_conn;

/* Why a connection ended: X(name, word). */
#define NETIO_CLOSE_LIST(X)                                                                        \
    X(DONE, "done")         /* closed cleanly after netio_conn_close or the peer's end of file */  \
    X(DRAIN, "drain")       /* answered in full, but the peer never closed: cut */                 \
    X(RESET, "reset")       /* the peer reset it, or another read or write error */                \
    X(IDLE, "idle")         /* read deadline: no complete line in time */                          \
    X(SLOW, "slow")         /* write deadline: the peer did not take the answer in time */         \
    X(TOOLONG, "toolong")   /* a line beyond line_max, and no on_toolong to answer it */           \
    X(FULL, "full")         /* the answer outgrew write_max, or memory ran out */                  \
    X(ABORT, "abort")       /* netio_conn_abort */                                                 \
    X(STOP, "stop")         /* the server stopped */

enum netio_close {
#define NETIO_X(name, word) NETIO_CLOSE_##name,
    NETIO_CLOSE_LIST(NETIO_X)
#undef NETIO_X
};
const char *netio_close_str(enum netio_close why);

/* All may be NULL.  Either on_line or on_data gets the input: with on_line it comes in
 * lines. */
struct netio_server_handlers {
    void (*on_open)(struct netio_conn *conn);
    /* A line without its CRLF or LF; followed by a NUL that is not counted, may hold
     * NULs.  Valid during the call, and the handler may change it.  A last line without
     * an end is a line.  Lines sent ahead come in order, one after another; while more than
     * half of write_max waits to be sent they wait, too.  Once closed, a connection's
     * further lines are dropped. */
    void (*on_line)(struct netio_conn *conn, char *line, size_t len);
    /* Octets as they come; returns how many it took, the rest comes again with more, but
     * is dropped at the end of file.  More than line_max left are a line too long. */
    size_t (*on_data)(struct netio_conn *conn, char *data, size_t len);
    /* A line longer than line_max: what it writes goes out, then the connection closes; no
     * more lines come. */
    void (*on_toolong)(struct netio_conn *conn);
    /* The peer has sent all it will; the default closes.  One that does not close has the
     * connection to itself, without a read deadline, until it does or the peer is gone. */
    void (*on_eof)(struct netio_conn *conn);
    /* The last word, exactly once after an on_open; peer and data can still be read,
     * nothing can be written. */
    void (*on_close)(struct netio_conn *conn, enum netio_close why);
    /* A client was lost on its way in; or descriptors or memory ran out, or all places are
     * taken (NETIO_EFULL), and listeners rest.  Each kind at most once a second.  Clients
     * wait in the backlog meanwhile; only when there was no descriptor for a whole second
     * those who waited longest are closed unheard. */
    void (*on_trouble)(struct netio_server *server, const struct netio_error *error);
};

struct netio_server_options {  /* zero: the defaults in brackets */
    size_t line_max;           /* longest line, its end not counted [1024] */
    size_t write_max;          /* most bytes waiting to be sent to one peer [1 MiB] */
    unsigned max_connections;  /* beyond it listeners rest [what RLIMIT_NOFILE allows, less 32] */
    double read_seconds;       /* from open, or the last line, to the next complete line [30] */
    double write_seconds;      /* from the first byte that waits to the last one taken [60] */
    double drain_seconds;      /* from shutdown to the peer's end of file [2] */
    void *data;                /* the caller's; see netio_server_data */
};
/* Single bytes extend no deadline.  The time in which an answer waits to be taken does not
 * count as the peer's time to ask.  Bytes written behind others that wait get a deadline of
 * their own once those were taken: who asks without a pause and keeps up is never cut.
 * Infinity: no deadline. */

/* options (may be NULL) and handlers are copied.  loop: the caller's, or NULL for one of
 * its own; handlers never step it.  0 and *server, or -errno: -EINVAL for seconds that are
 * negative or not a number. */
int netio_server_new(struct netio_server **server, struct netio_loop *loop,
                     const struct netio_server_handlers *handlers,
                     const struct netio_server_options *options);
/* Closes what is still open, on_close included.  Not from within a handler. */
void netio_server_free(struct netio_server *server);

/* Listens on a netio_listener address; may be called several times (at most 16 sockets,
 * NETIO_EFULL beyond).  0, or a negative code with *error and nothing opened; -ECANCELED
 * for a server that was stopped. */
int netio_server_listen(struct netio_server *server, const char *address,
                        struct netio_error *error);
/* Listens on a descriptor that listens already, and owns it from now on; on error it is
 * left alone: -ENOTSOCK, -EINVAL when it does not listen, NETIO_EFULL, -ECANCELED. */
int netio_server_listen_take(struct netio_server *server, int fd);
/* Serves one connected stream socket (inetd), and owns it from now on, also on error:
 * -ENOTSOCK, -ESOCKTNOSUPPORT for another type, -EINVAL when it listens, NETIO_EFULL at
 * max_connections, -ECANCELED, -ENOMEM.  on_open comes with the loop's next step.  A peer
 * whose address is not known (it may be gone already) is served all the same. */
int netio_server_serve_take(struct netio_server *server, int fd);
/* Address i as bound; NULL beyond the last, and for all once stopped. */
const struct netio_addr *netio_server_address(const struct netio_server *server, size_t i);

/* Runs until netio_server_stop has done its work or, without any listener, until the
 * last connection is gone.  0 or -errno. */
int netio_server_run(struct netio_server *server);
/* Closes the listeners and lets connections that are answering, or whose first question is
 * still on its way, finish until the deadline; those that wait for another line are closed
 * now.  Then run returns.  Called again it changes the deadline: NETIO_NOW ends all. */
void netio_server_stop(struct netio_server *server, netio_deadline deadline);
struct netio_loop *netio_server_loop(const struct netio_server *server);
void *netio_server_data(const struct netio_server *server);
size_t netio_server_connections(const struct netio_server *server); /* open now */

/* Buffers bytes for the peer.  0; or NETIO_EFULL beyond write_max, or -ENOMEM: then the
 * connection is aborted after the handler returns, never half an answer; -EPIPE once
 * closed. */
int netio_conn_write(struct netio_conn *conn, const void *data, size_t len);
int netio_conn_printf(struct netio_conn *conn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int netio_conn_vprintf(struct netio_conn *conn, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* No more input; send what is buffered, then end cleanly. */
void netio_conn_close(struct netio_conn *conn);
/* Ends it, by a reset, without sending what is buffered, once the handler returns. */
void netio_conn_abort(struct netio_conn *conn);
struct netio_server *netio_conn_server(const struct netio_conn *conn);
const struct netio_addr *netio_conn_peer(const struct netio_conn *conn); /* len 0: unknown */
int64_t netio_conn_opened(const struct netio_conn *conn); /* netio_clock_now at accept */
void *netio_conn_data(const struct netio_conn *conn);     /* the caller's own, NULL at first */
void netio_conn_set_data(struct netio_conn *conn, void *data);

#endif
