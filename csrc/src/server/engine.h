/* Ring 3, private: the insides of a server and of its connections.
 *
 *      server.c       a server's life: new, listen, run, stop, free
 *      accept.c       lets clients in, and rests when there is no place for them
 *      admission.c    rules and limits, before any handler
 *      datagram.c     datagrams to handlers
 *      model_*.c      what the models other than EVENT do otherwise
 *      conn.c         one connection's states, deadlines and end
 *      conn_input.c   bytes to lines to handlers
 *      conn_output.c  answers to bytes
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

#define NETIO__SLOTS   64    /* listening sockets of one server */
#define NETIO__SCRATCH 65536 /* bytes read at once; shared by all connections of a server */

struct netio__slot {
    struct netio_server *server;
    struct netio_listener listener;
    struct netio_watch watch; /* stopped while it rests */
};

/* What on_trouble tells of, each at most once a second. */
enum netio__trouble {
    NETIO__TROUBLE_PEER,   /* a client was lost on its way in */
    NETIO__TROUBLE_SCARCE, /* no descriptors or memory left: listeners rest */
    NETIO__TROUBLE_FULL,   /* max_connections are there: listeners rest */
    NETIO__TROUBLES
};

struct netio_server {
    struct netio_server_handlers handlers;
    size_t line_max;
    size_t write_max;
    size_t max_connections;
    int64_t read_span, write_span, drain_span; /* nanoseconds; 0: no deadline */
    void *data;
    enum netio_model model;
    const struct netio_access *access;                  /* the caller's; NULL: everybody may */
    struct netio_limit *limit;                          /* the caller's; NULL: none */
    char *refused_text, *full_text;                     /* with their CRLF; NULL: nothing is sent */
    int64_t refused_told[NETIO_REFUSED_REASONS];        /* when on_refused was called last */
    unsigned long refused_since[NETIO_REFUSED_REASONS]; /* and how many there were since */
    struct netio__board own_board, *board;              /* where it counts */
    struct netio_loop *loop;
    int own_loop;

    struct netio__slot slots[NETIO__SLOTS];
    size_t nslots;
    struct netio_timer rest; /* when listeners that rest look again */
    int64_t scarce_since;    /* start of this episode of scarcity; 0: none */
    int full;                /* listeners rest until a connection ends */
    int reserve;             /* given up to shed clients when no descriptor is left */
    int64_t told[NETIO__TROUBLES];

    struct netio__ring conns; /* all that are open */
    size_t count;
    struct netio__ring pending; /* those with work that no descriptor will announce */
    struct netio__ring due;     /* the pending ones of the turn that is running */
    struct netio_timer turn;

    int stopping;
    struct netio_timer patience; /* the deadline of netio_server_stop */

    char *scratch;          /* NETIO__SCRATCH bytes, NULL while borrowed */
    struct netio_buf spare; /* room for the next answer, so that few need an allocation */
};

/* See conn.c for the diagram. */
enum netio__state {
    NETIO__NEW,      /* taken; on_open comes with its first turn */
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
    struct netio_buf input;  /* what was read and not served */
    size_t scanned;          /* of input: holds no line end (netio_buf_line) */
    struct netio_buf output; /* what the kernel has not taken yet */
    size_t owed;             /* first bytes of output, which write_by is about */
    netio_deadline read_by;  /* OPEN: for the next line */
    netio_deadline write_by; /* while output waits */
    netio_deadline drain_by; /* DRAINING */
    int64_t opened;
    void *data;
    struct netio_hold hold; /* of the server's limit */
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
/* OPEN becomes FLUSHING. */
void netio__conn_finish(struct netio_conn *conn, enum netio_close why);
int netio__state_follows(enum netio__state from, enum netio__state to);

/* conn_input.c: one read from the descriptor, and its lines to the handler; once the connection
 * is no longer OPEN, what was read is thrown away. */
void netio__conn_read(struct netio_conn *conn);
/* The lines that an earlier turn left. */
void netio__conn_serve(struct netio_conn *conn);

/* conn_output.c: one send of what waits. */
void netio__conn_send(struct netio_conn *conn);
/* Gives up the buffer of output. */
void netio__conn_output_free(struct netio_conn *conn);

/* server.c: the connection gets a turn in the next step of the loop.  0; or -ENOMEM, and its
 * turn comes with its next event or deadline, if it waits for any. */
int netio__server_queue(struct netio_server *server, struct netio_conn *conn);
/* A connection is gone. */
void netio__server_left(struct netio_server *server);

/* accept.c */
int netio__slot_watch(struct netio__slot *slot); /* 0 or -errno */
void netio__server_place_free(struct netio_server *server);
void netio__server_wake(struct netio_timer *timer); /* of server->rest */
/* Gets the reserve, if it is not there; missing when it is needed is all that can happen. */
void netio__server_reserve(struct netio_server *server);

#endif
