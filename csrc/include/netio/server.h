/* netio/server.h: the server engine (ring 3).
 *
 * A server owns listeners and connections and calls the handlers below.  One set of handlers, five
 * models:
 *
 *      EVENT      one process, all connections at the same time, from the steps of a loop
 *      ITERATIVE  one connection after the other; who comes meanwhile waits in the backlog, but not
 *                 for the last one to close its end, too
 *      FORK       a child for each connection
 *      PREFORK    ITERATIVE in each of the workers of a netio_supervisor (netio/supervisor.h)
 *      SIGNAL     EVENT, driven by SIGIO while the program computes: the signal only marks, and
 *                 handlers run when the program says netio_server_safepoint()
 *
 * Handlers for lines, octets and datagrams (on_line, on_data, on_datagram) run in every model. They
 * run to completion, never one inside another, and never wait; what they write is buffered and goes
 * out by itself when they return.  on_serve, which has the socket to itself and may wait, runs in
 * ITERATIVE, FORK and PREFORK.
 *
 * In FORK rules, limits and PROXY headers are the parent's business, and so are datagrams; from
 * on_open on all is the child's, on_close included.  It goes on with the parent's loop, so also
 * with what else the caller watches there: what a child must not do asks getpid(2).  In SIGNAL only
 * the server's own sockets and the timers of its loop raise the signal.
 *
 * Life of a connection:
 *
 *      accept or serve_take
 *             |  rules and limits              -- refused -->  a line of text, [closed]; no handler
 *             |  PROXY header, where one is due
 *             |  on_open
 *          [OPEN] -- on_line / on_data, any number -- on_eof
 *             |  netio_conn_close(), or the end of the peer's input
 *        [FLUSHING]  the answer goes out        -- write deadline -->  [closed]
 *             |  shutdown(SHUT_WR)
 *        [DRAINING]  what still comes is dropped -- drain deadline -->  [closed]
 *             |  end of file
 *         [closed]  on_close, exactly once, then the connection is gone
 *
 * so that a peer that is still sending never gets a reset instead of its answer.  An error or
 * netio_conn_abort() closes from any state.  A peer that cannot have the whole of an answer gets a
 * reset, so that it never takes a part for the whole.
 *
 * Fork: not after netio_server_new, but for children that only exec or _exit, and where this header
 * says so.  One thread.  Not async-signal-safe.
 */
#ifndef NETIO_SERVER_H
#define NETIO_SERVER_H

#include <netio/access.h>
#include <netio/child.h>
#include <netio/error.h>
#include <netio/limit.h>
#include <netio/loop.h>
#include <stdarg.h>
#include <stddef.h>

struct netio_server;
struct netio_conn;

/* X(name, word) */
#define NETIO_MODEL_LIST(X)                                                                        \
    X(EVENT, "event")                                                                              \
    X(ITERATIVE, "iterative")                                                                      \
    X(FORK, "fork")                                                                                \
    X(PREFORK, "prefork")                                                                          \
    X(SIGNAL, "signal")

enum netio_model {
#define NETIO_X(name, word) NETIO_MODEL_##name,
    NETIO_MODEL_LIST(NETIO_X)
#undef NETIO_X
};
const char *netio_model_str(enum netio_model model);
/* The model of a word; NETIO_EBADOPTION for none. */
int netio_model_parse(enum netio_model *model, const char *word);

/* Why a connection ended: X(name, word). */
#define NETIO_CLOSE_LIST(X)                                                                        \
    X(DONE, "done")       /* closed cleanly after netio_conn_close or the peer's end of file */    \
    X(DRAIN, "drain")     /* answered in full, but the peer never closed: cut */                   \
    X(RESET, "reset")     /* the peer reset it, or another read or write error */                  \
    X(IDLE, "idle")       /* read or first-byte deadline: no complete line in time */              \
    X(TOTAL, "total")     /* total deadline */                                                     \
    X(SLOW, "slow")       /* write deadline: the peer did not take the answer in time */           \
    X(TOOLONG, "toolong") /* a line beyond line_max, and no on_toolong to answer it */             \
    X(FULL, "full")       /* the answer outgrew write_max, or memory ran out */                    \
    X(ABORT, "abort")     /* netio_conn_abort */                                                   \
    X(STOP, "stop")       /* the server stopped */

enum netio_close {
#define NETIO_X(name, word) NETIO_CLOSE_##name,
    NETIO_CLOSE_LIST(NETIO_X)
#undef NETIO_X
};
const char *netio_close_str(enum netio_close why);

struct netio_datagram {
    char *data; /* followed by a NUL that is not counted; valid during the call, may be changed */
    size_t len; /* 0 is a datagram, too */
    const struct netio_addr *peer, *local; /* local: the address that it was sent to */
    struct netio_server *server;
    int broadcast; /* that address is not this machine's alone: others may have it, too */
};
/* To who sent it, from the address that it was sent to; datagram is the handler's own, no copy, and
 * there may be several answers.  Never waits: 0, or -errno (-EAGAIN: lost, as a datagram may be).
 */
int netio_datagram_reply(const struct netio_datagram *datagram, const void *data, size_t len);

/* All may be NULL.  One of on_line, on_data and on_serve gets what a connection sends. */
struct netio_server_handlers {
    void (*on_open)(struct netio_conn *conn);
    /* A line without its CRLF or LF; followed by a NUL that is not counted, may hold
     * NULs.  Valid during the call, and the handler may change it.  A last line without
     * an end is a line.  Lines sent ahead come in order, one after another; while more than
     * half of write_max waits to be sent, or the connection is paused, they wait, too.  Once
     * closed, a connection's further lines are dropped. */
    void (*on_line)(struct netio_conn *conn, char *line, size_t len);
    /* Octets as they come; returns how many it took, the rest comes again with more, but
     * is dropped at the end of file.  More than line_max left are a line too long. */
    size_t (*on_data)(struct netio_conn *conn, char *data, size_t len);
    /* FORK only, and in the place of all handlers of connections: starts a program for this
     * one, and fills *child (netio/child.h), which the engine watches, counts and, at the deadline
     * of a stop, kills with its process group.  The program gets the connection's descriptor, which
     * blocks if it was accepted.  At most one is started each time that a listener wakes the loop,
     * so that nothing else there waits for more than one.  0; or a code, and the peer is refused
     * (FORK) as without a process, without on_trouble; after -EMFILE or -ENFILE it is called once
     * more, with the descriptor that was in reserve: to be told that it has failed wait for
     * on_refused, which comes at once, if it does.  After -ETIMEDOUT nobody is let in for nine
     * times as long as it took, so that other servers of the loop have nine tenths of the time.
     * What netio_conn_set_data says goes on to on_end. */
    int (*on_spawn)(struct netio_conn *conn, struct netio_child *child);
    /* Such a program has ended; status: as of waitpid(2), or -1 when somebody else has reaped it.
     * Its place and its share of the limits are free again afterwards.  Exactly once for each that
     * on_spawn has started, in netio_server_free at the latest. */
    void (*on_end)(struct netio_server *server, pid_t pid, int status, void *data);
    /* The socket itself, which blocks, after on_open, what that wrote having gone out.  The handler
     * reads and writes as it likes, and may speak first.  Deadlines are its own business,
     * but for single reads and writes: those that wait for read_seconds or write_seconds fail with
     * EAGAIN.  To its supervisor it is stuck only when it computes, or is stopped (SIGSTOP), for
     * heartbeat_seconds without ever waiting, or goes on a second after total_seconds, which it
     * looks at four times in heartbeat_seconds.  When it returns, the engine closes cleanly.  It
     * must leave fd open.  netio_conn_write and its like are not for it. */
    void (*on_serve)(struct netio_conn *conn, int fd);
    void (*on_datagram)(const struct netio_datagram *datagram);
    /* A line longer than line_max: what it writes goes out, then the connection closes; no
     * more lines come. */
    void (*on_toolong)(struct netio_conn *conn);
    /* The peer has sent all it will; the default closes.  One that does not close has the
     * connection to itself, without a read deadline, until it does or the peer is gone. */
    void (*on_eof)(struct netio_conn *conn);
    /* More than high_water waited to be sent, and now at most half of it does. */
    void (*on_writable)(struct netio_conn *conn);
    /* The last word, exactly once after an on_open; peer and data can still be read,
     * nothing can be written. */
    void (*on_close)(struct netio_conn *conn, enum netio_close why);
    /* Nothing else is to be done: something else can.  Returns whether it wants to go on: then it
     * is called again as soon as nothing else is to be done, else after the next event.  Of
     * netio_server_run only. */
    int (*on_idle)(struct netio_server *server);
    /* A peer was refused, before any other handler.  Each reason at most once a second; count: how
     * many since the last call with this reason, this one included.  All of them are in the status.
     */
    void (*on_refused)(struct netio_server *server, const struct netio_addr *peer,
                       enum netio_refused why, unsigned long count);
    /* A client was lost on its way in, or with its child, which could not be watched
     * (NETIO_STAGE_CHILD); or descriptors or memory ran out, all places are taken (NETIO_EFULL), or
     * the rate of all is spent (-EAGAIN), and listeners rest.  Each kind at most once a second.
     * Clients wait in the backlog meanwhile; only when there was no descriptor for a whole second
     * those who waited longest are closed unheard. */
    void (*on_trouble)(struct netio_server *server, const struct netio_error *error);
};

struct netio_server_options { /* zero: the defaults in brackets */
    enum netio_model model;   /* [EVENT] */
    size_t line_max;          /* longest line, its end not counted [1024] */
    size_t read_max;          /* most bytes read at once, 64 KiB at most; 1: nothing behind a line
                                 is read before that line is served [64 KiB] */
    size_t write_max;         /* most bytes waiting to be sent to one peer [1 MiB] */
    size_t high_water;        /* of those, from where on on_writable tells [64 KiB] */
    unsigned max_connections; /* in this process; beyond it listeners rest, or, with a full_text,
                                 clients are refused [what RLIMIT_NOFILE allows, less 32] */
    double first_seconds; /* from accept to the first byte, PROXY header included [read_seconds] */
    double read_seconds;  /* from open, or the last line, to the next complete line [30] */
    double total_seconds; /* from accept to the close [no deadline] */
    double write_seconds; /* from the first byte that waits to the last one taken [60] */
    double drain_seconds; /* from shutdown to the peer's end of file [2] */
    const struct netio_access *access; /* the caller's, as long as the server [everybody] */
    struct netio_limit *limit;         /* the same [none] */
    const char *refused_text;          /* sent to who is refused, CRLF added; copied [nothing] */
    const char *full_text;     /* the same to who finds no place [they wait in the backlog] */
    void *data;                /* the caller's; see netio_server_data */
    pid_t (*fork)(void *data); /* FORK: instead of fork(2), for hosts that have something to do
                                  around it */
};
/* Single bytes extend no deadline.  The time in which an answer waits to be taken, or a connection
 * is paused, does not count as the peer's time to ask.  Bytes written behind others that wait get a
 * deadline of their own once those were taken: who asks without a pause and keeps up is never cut.
 * Infinity: no deadline. */

/* options (may be NULL) and handlers are copied.  loop: the caller's, or NULL for one of its own;
 * handlers never step it.  0 and *server, or -errno: -EINVAL for seconds that are negative or not a
 * number, for on_serve in EVENT or SIGNAL, and for on_spawn in any but FORK. */
int netio_server_new(struct netio_server **server, struct netio_loop *loop,
                     const struct netio_server_handlers *handlers,
                     const struct netio_server_options *options);
/* Closes what is still open, on_close included.  Children of model FORK, programs of on_spawn among
 * them but for those that were adopted, are killed and waited for, at most a second in all.  Not
 * from within a handler. */
void netio_server_free(struct netio_server *server);

/* Listens on a netio_listener address; may be called several times.  0, or a negative code with
 * *error and nothing opened; -ECANCELED for a server that was stopped. */
int netio_server_listen(struct netio_server *server, const char *address,
                        struct netio_error *error);
/* Listens on a descriptor that listens already, or is a datagram socket, and owns it from now on;
 * on error it is left alone: codes of netio_listener_take, -ENOMEM, -ECANCELED. */
int netio_server_listen_take(struct netio_server *server, int fd);
/* The same on one that stays the caller's, who closes it after netio_server_unlisten, or once the
 * server has stopped.  is_shared: other processes that are not to be trusted have it, too, or had
 * it, and may let it block.  Then each accept(2) of a stream has a deadline, at 4 us of CPU; who
 * makes it wait (-EBUSY for on_trouble) has the listener rest for a second. */
int netio_server_listen_on(struct netio_server *server, int fd, int is_shared);
/* Serves one connected stream socket (inetd), and owns it from now on, also on error:
 * -ENOTSOCK, -ESOCKTNOSUPPORT for another type, -EINVAL when it listens, NETIO_EFULL at
 * max_connections, -ECANCELED, -ENOMEM, -EAGAIN after a start that has hung (on_spawn); -EACCES
 * when rules or limits refuse it (it was told). on_open comes with the loop's next step.  A peer
 * whose address is not known (it may be gone already) is served all the same, and only rules for
 * all concern it. */
int netio_server_serve_take(struct netio_server *server, int fd);
/* The same for a peer whose address accept(2) has said: one that is gone has none to ask for, but
 * what it has sent is there. */
int netio_server_serve_peer_take(struct netio_server *server, int fd,
                                 const struct netio_addr *peer);
/* Listens no more on a descriptor, and closes it if it was taken; connections stay.  0, or -ENOENT
 * for one that it does not listen on. */
int netio_server_unlisten(struct netio_server *server, int fd);
/* A program that on_spawn of another server has started, in another process even: it counts here as
 * if it had been this one's, in max_connections and in the limit, but in no rate, and on_end tells
 * of its end.  netio_server_free does not kill it.  child is owned from now on.  0; or a code, and
 * child is the caller's: -EINVAL without on_spawn, -ENOMEM, -errno. */
int netio_server_adopt(struct netio_server *server, const struct netio_child *child,
                       const struct netio_addr *peer, void *data);
/* Other options from now on, for what comes; a connection that is open keeps the deadlines that it
 * has until its next turn.  access is an option, too.  0, or nothing has changed: -ENOMEM; -EINVAL
 * for seconds as in new, another model, data, fork or limit (netio_limit_change gives the one that
 * there is other limits; a server without one may get one). */
int netio_server_change(struct netio_server *server, const struct netio_server_options *options);
/* Address i as bound; NULL beyond the last, and for all once stopped. */
const struct netio_addr *netio_server_address(const struct netio_server *server, size_t i);
/* Other rules from now on, for connections that come; the caller keeps them as long as the server.
 */
void netio_server_set_access(struct netio_server *server, const struct netio_access *access);

#define NETIO_SERVER_CHILD 0x7fffffff /* more than any step could have run */

/* Runs until netio_server_stop has done its work or, without any listener, until the last
 * connection is gone.  0; -errno; NETIO_SERVER_CHILD in a child of model FORK, whose connection has
 * ended: it must exit (in a host program by _exit) and touch nothing of its parent's.  Signals do
 * not end it (one that was stopped and continued would be over): see netio/signals.h, or step; but
 * where the loop has a mark of them (netio_loop_mark): -EINTR, look after it and call it again. */
int netio_server_run(struct netio_server *server);
/* For hosts, and for programs that handle signals: one step of the server's loop, as
 * netio_loop_step, with its codes (0 after a signal, too), or NETIO_SERVER_CHILD. */
int netio_server_step(struct netio_server *server, netio_deadline deadline);
/* SIGNAL: runs the handlers of what the signal has marked since; free of system calls when nothing
 * was.  How many ran, or -errno (-EINVAL in another model).  The first call takes SIGIO over: its
 * disposition and its mask are the server's until netio_server_free; a handler that was there
 * before is still called.  Listeners are for this process alone then, since a socket raises a
 * signal in one process. */
int netio_server_safepoint(struct netio_server *server);
/* Closes the listeners and lets connections that are answering, or whose first question is
 * still on its way, finish until the deadline; those that wait for another line are closed
 * now.  Children of model FORK are waited for, and killed at the deadline.  Then run returns.
 * Called again it changes the deadline: NETIO_NOW ends all. */
void netio_server_stop(struct netio_server *server, netio_deadline deadline);
struct netio_loop *netio_server_loop(const struct netio_server *server);
void *netio_server_data(const struct netio_server *server);
size_t netio_server_connections(const struct netio_server *server); /* open now */
/* Within on_refused the connection that is refused, to ask who it is (netio/peer.h) and for nothing
 * else; -1: there is none any more, or it was a datagram. */
int netio_server_refused_fd(const struct netio_server *server);

struct netio_server_status {
    uint64_t connections; /* open now */
    uint64_t accepted;    /* served or being served, refused ones not among them */
    uint64_t datagrams;
    uint64_t refused[NETIO_REFUSED_REASONS];
    int64_t started; /* netio_clock_now at netio_server_new */
};
void netio_server_status(const struct netio_server *server, struct netio_server_status *status);

/* Buffers bytes for the peer.  0; or NETIO_EFULL beyond write_max, or -ENOMEM: then the
 * connection is aborted after the handler returns, never half an answer; -EPIPE once
 * closed. */
int netio_conn_write(struct netio_conn *conn, const void *data, size_t len);
int netio_conn_printf(struct netio_conn *conn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int netio_conn_vprintf(struct netio_conn *conn, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
size_t netio_conn_waiting(const struct netio_conn *conn); /* bytes that wait to be sent */
/* No more input; send what is buffered, then end cleanly. */
void netio_conn_close(struct netio_conn *conn);
/* Sends what is buffered and then the end of file; input goes on, and on_eof closes as ever.
 * Nothing can be written any more. */
void netio_conn_shutdown(struct netio_conn *conn);
/* Reads nothing more, and calls neither on_line nor on_data, until resumed.  What the peer sends
 * waits in the kernel, and then at the peer's.  A peer that is gone is noticed when something is
 * sent to it, or by the total deadline. */
void netio_conn_pause(struct netio_conn *conn);
void netio_conn_resume(struct netio_conn *conn);
/* Ends it, by a reset, without sending what is buffered, once the handler returns. */
void netio_conn_abort(struct netio_conn *conn);
/* Returns the descriptor, which is the caller's from now on, as it is (close-on-exec,
 * non-blocking), with all that was not read yet (read_max), and ends the connection once the
 * handler returns: on_close comes as after a clean end, and nothing that waits to be sent goes out.
 * Its place and its share of the limits are free again.  Cannot fail; once a connection.  Not for
 * on_serve. */
int netio_conn_release(struct netio_conn *conn);
struct netio_server *netio_conn_server(const struct netio_conn *conn);
/* len 0: unknown.  Behind a proxy, the source that it declared. */
const struct netio_addr *netio_conn_peer(const struct netio_conn *conn);
/* The address that it came to, as the kernel knows it, or as the proxy declared: 0 or -errno. */
int netio_conn_local(const struct netio_conn *conn, struct netio_addr *local);
int netio_conn_fd(const struct netio_conn *conn); /* to ask things of: the connection's own */
int64_t netio_conn_opened(const struct netio_conn *conn); /* netio_clock_now at accept */
void *netio_conn_data(const struct netio_conn *conn);     /* the caller's own, NULL at first */
void netio_conn_set_data(struct netio_conn *conn, void *data);

#endif
