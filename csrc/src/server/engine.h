/* Ring 3, private: the insides of a server and of its connections.
 *
 *      server.c       a server's life: new, run, stop, free
 *      slots.c        what it listens on
 *      server_options.c  what it was made with
 *      accept.c       lets clients in, and rests when there is no place for them
 *      admission.c    rules and limits, before any handler
 *      datagram.c     datagrams to handlers
 *      model_*.c      what the models other than EVENT do otherwise
 *      conn.c         one connection's states and turns
 *      conn_calls.c   what a program may ask of it
 *      conn_deadline.c  until when it may do what it does
 *      conn_proxy.c   the header that a proxy sends first
 *      conn_input.c   bytes to lines to handlers
 *      conn_output.c  answers to bytes
 *      serve.c        the socket to on_serve
 *
 * server.c and accept.c make connections; the conn files know the server's fields, but of its
 * functions only those at the end of this file. */
#ifndef NETIO_SRC_SERVER_ENGINE_H
#define NETIO_SRC_SERVER_ENGINE_H

#include <netio/buf.h>
#include <netio/listener.h>
#include <netio/server.h>

#include "server/board.h"
#include "server/ring.h"

struct netio__slot { /* a listening socket */
    struct netio_server *server;
    struct netio_listener listener;
    struct netio_watch watch; /* stopped while it rests */
    unsigned users;           /* functions that have it in hand: until they are done it stays */
    unsigned lent : 1;        /* the descriptor is the caller's */
    unsigned shared : 1;      /* and others may let it block */
    unsigned closed : 1;      /* is in no server any more */
};

/* What on_trouble tells of, each at most once a second. */
enum netio__trouble {
    NETIO__TROUBLE_PEER,   /* a client was lost on its way in */
    NETIO__TROUBLE_CHILD,  /* a child could not be watched, and was ended */
    NETIO__TROUBLE_SCARCE, /* no descriptors or memory left: listeners rest */
    NETIO__TROUBLE_FULL,   /* max_connections are there: listeners rest */
    NETIO__TROUBLE_RATE,   /* the rate of all is spent: listeners rest */
    NETIO__TROUBLES
};

struct netio_server {
    struct netio_server_handlers handlers;
    size_t line_max;
    size_t read_max;
    size_t write_max;
    size_t high_water;
    size_t max_connections;
    /* Nanoseconds; 0: no deadline. */
    int64_t first_span, read_span, total_span, write_span, drain_span;
    void *data;
    enum netio_model model;
    pid_t (*fork)(void *data);                          /* NULL: fork(2) */
    const struct netio_access *access;                  /* the caller's; NULL: everybody may */
    struct netio_limit *limit;                          /* the caller's; NULL: none */
    char *refused_text, *full_text;                     /* with their CRLF; NULL: nothing is sent */
    int64_t refused_told[NETIO_REFUSED_REASONS];        /* when on_refused was called last */
    unsigned long refused_since[NETIO_REFUSED_REASONS]; /* and how many there were since */
    int refused_fd;                                     /* in on_refused: whose it is; or -1 */
    struct netio__board own_board, *board;              /* where it counts */
    struct netio_loop *loop;
    int own_loop;

    struct netio__slot **slots;
    size_t nslots;
    struct netio_timer rest; /* when listeners that rest look again */
    int64_t scarce_since;    /* start of this episode of scarcity; 0: none */
    int64_t passed_on;       /* when other workers were last asked to look instead */
    int64_t hung_until;      /* nobody is let in before: model_fork.c; 0: no start has hung */
    int full;                /* listeners rest until a connection ends */
    int reserve;             /* given up to shed clients when no descriptor is left */
    int64_t told[NETIO__TROUBLES];

    struct netio__ring conns;     /* all that are open */
    size_t count;                 /* of them, and of the children of model FORK */
    size_t draining;              /* of them, those that take no place; see netio__server_drains */
    size_t draining_max;          /* more would take the last descriptors */
    int child;                    /* this process is such a child: with its connection it ends */
    struct netio__ring children;  /* model_fork.c's */
    struct netio__signal *signal; /* model_signal.c's; NULL: SIGIO was not taken over yet */
    struct netio__ring pending;   /* those with work that no descriptor will announce */
    struct netio__ring due;       /* the pending ones of the turn that is running */
    struct netio_timer turn;

    int stopping;
    struct netio_timer patience; /* the deadline of netio_server_stop */

    struct netio_buf spare; /* room for the next answer, so that few need an allocation */
};

/* See conn.c for the diagram. */
enum netio__state {
    NETIO__NEW,      /* taken; on_open comes with its first turn */
    NETIO__PROXY,    /* a PROXY header is due before that */
    NETIO__OPEN,     /* reads and answers */
    NETIO__FLUSHING, /* closing: no more input counts, what waits goes out */
    NETIO__DRAINING, /* all is sent and the peer was told; waits for its end of file */
    NETIO__CLOSED    /* the descriptor is closed; on_close runs */
};

struct netio_conn {
    struct netio__ring all;    /* in server->conns */
    struct netio__ring queued; /* in server->pending, or alone */
    struct netio_server *server;
    struct netio_watch watch;
    struct netio_timer timer; /* may be earlier than the deadline, never later */
    int fd;
    enum netio__state state;
    enum netio_close why;    /* so far */
    unsigned busy : 1;       /* one of its handlers is running */
    unsigned doomed : 1;     /* ends without sending anything more, as soon as it can */
    unsigned eof : 1;        /* the peer's end of file was read */
    unsigned asked : 1;      /* it has sent a line, or octets that were taken */
    unsigned more : 1;       /* input may hold lines that were not served yet */
    unsigned blocked : 1;    /* the kernel takes no more output for now */
    unsigned proxied : 1;    /* begins with a PROXY header */
    unsigned heard : 1;      /* its first byte has come */
    unsigned paused : 1;     /* netio_conn_pause */
    unsigned deaf : 1;       /* paused, with both its ends ended: nothing is watched for */
    unsigned ending : 1;     /* netio_conn_shutdown: the end of file goes out behind output */
    unsigned ended : 1;      /* it has gone out */
    unsigned high : 1;       /* more than high_water waited: on_writable is due */
    struct netio_buf input;  /* what was read and not served */
    size_t scanned;          /* of input: holds no line end (netio_buf_line) */
    struct netio_buf output; /* what the kernel has not taken yet */
    size_t owed;             /* first bytes of output, which write_by is about */
    netio_deadline read_by;  /* OPEN: for the next line */
    netio_deadline write_by; /* while output waits */
    netio_deadline drain_by; /* DRAINING */
    int64_t opened;
    void *data;
    struct netio_addr *local; /* as the proxy declared; NULL: ask the kernel */
    struct netio_hold hold;   /* of the server's limit */
    struct netio_addr peer;
};

/* These are asked several times in each turn. */
static inline size_t netio__conn_waiting(const struct netio_conn *conn)
{
    return conn->output.end - conn->output.start;
}

/* Whether so much output waits that no more questions are read. */
static inline int netio__conn_choked(const struct netio_conn *conn)
{
    return netio__conn_waiting(conn) > conn->server->write_max / 2;
}

/* conn.c: begins with a connected descriptor, which is ours from here, also on error; peer
 * unset when it is not known.  0 and *conn, or -ENOMEM. */
int netio__conn_new(struct netio_conn **conn, struct netio_server *server, int fd,
                    const struct netio_addr *peer);
/* Goes on as far as it can without waiting; conn may be gone afterwards. */
void netio__conn_turn(struct netio_conn *conn, unsigned events);
/* It ends, without sending what waits, at the end of its turn; the first reason counts. */
void netio__conn_doom(struct netio_conn *conn, enum netio_close why);
/* Ends it here and now: on_close, and conn is gone. */
void netio__conn_end(struct netio_conn *conn, enum netio_close why);
/* Gives up what it has, not its place and its hold: it goes on in another process, or never began.
 */
void netio__conn_drop(struct netio_conn *conn);
/* OPEN becomes FLUSHING. */
void netio__conn_finish(struct netio_conn *conn, enum netio_close why);
int netio__state_follows(enum netio__state from, enum netio__state to);

/* conn_deadline.c: until when the connection may do what it does, and why it ends then. */
netio_deadline netio__conn_deadline(const struct netio_conn *conn, enum netio_close *why);
/* The time for the next line began then. */
void netio__conn_await_line(struct netio_conn *conn, int64_t since);

/* conn_proxy.c: takes the PROXY header off the connection and judges whom it declares.  Whether
 * that is done; else it is to wait for more, or doomed. */
int netio__conn_proxy(struct netio_conn *conn);

/* conn_input.c: one read from the descriptor, and its lines to the handler; once the connection
 * is no longer OPEN, what was read is thrown away. */
void netio__conn_read(struct netio_conn *conn);
/* The lines that an earlier turn left. */
void netio__conn_serve(struct netio_conn *conn);

/* conn_output.c: one send of what waits. */
void netio__conn_send(struct netio_conn *conn);
/* Whether on_writable is due, and calls it. */
int netio__conn_is_writable(const struct netio_conn *conn);
void netio__conn_tell_writable(struct netio_conn *conn);
/* Gives up the buffer of output. */
void netio__conn_output_free(struct netio_conn *conn);

/* server_options.c: 0, or -EINVAL, -ENOMEM and nothing has changed. */
int netio__server_set_options(struct netio_server *server,
                              const struct netio_server_options *options);

/* server.c: the connection gets a turn in the next step of the loop.  0; or -ENOMEM, and its
 * turn comes with its next event or deadline, if it waits for any. */
int netio__server_queue(struct netio_server *server, struct netio_conn *conn);
/* One more connection is DRAINING (1), or one less (-1). */
void netio__server_drains(struct netio_server *server, int one);
/* A connection is there; is gone. */
void netio__server_came(struct netio_server *server);
void netio__server_left(struct netio_server *server);

/* slots.c: closes the listeners behind the first count. */
void netio__server_close_slots(struct netio_server *server, size_t count);
/* Around whatever may run handlers, which may close the slot: it is there until it is put back. */
static inline struct netio__slot *netio__slot_hold(struct netio__slot *slot)
{
    slot->users++;
    return slot;
}
void netio__slot_put(struct netio__slot *slot);

/* server.c: handlers run from begin to end: the heartbeat, see server/board.h. */
void netio__server_begin(struct netio_server *server);
void netio__server_end(struct netio_server *server);
/* One more of what the board counts; its only writer is this process. */
static inline void netio__count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* accept.c: judges a client and makes a connection of it; fd is gone on error.  0 and *conn,
 * -EACCES for one who was refused (and told), or -ENOMEM. */
int netio__server_admit(struct netio_server *server, int fd, const struct netio_addr *peer,
                        struct netio_conn **conn);
int netio__slot_watch(struct netio__slot *slot); /* 0 or -errno */
/* Its socket has failed in a way that may last: it rests for a moment, and on_trouble is told. */
void netio__slot_trouble(struct netio__slot *slot, int code);
/* Something is scarce: listeners of streams rest for a moment. */
void netio__server_rest(struct netio_server *server);
/* on_trouble, at most once a second of each kind. */
void netio__server_tell(struct netio_server *server, enum netio__trouble trouble, int code,
                        const struct netio_addr *address);
void netio__server_place_free(struct netio_server *server);
void netio__server_wake(struct netio_timer *timer); /* of server->rest */
/* Gets the reserve, if it is not there and somebody may come who needs it; missing when it is
 * needed is all that can happen. */
void netio__server_reserve(struct netio_server *server);

#endif
