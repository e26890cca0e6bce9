/* Ring 3.  One connection: its states, its turns, its end; see netio/server.h.
 * Called by server.c and accept.c; it touches its own descriptor and the server's lists.
 *
 *      accept or serve_take
 *             |
 *           [NEW] -- behind a proxy --> [PROXY]
 *             |  first turn: on_open       |  the header is there: on_open
 *           [OPEN] <-----------------------+  lines in, answers out
 *             |  netio_conn_close, the peer's end of file, a line too long
 *         [FLUSHING] -- all is sent, and the peer has ended, too --------------+
 *             |  all is sent: shutdown                                         |
 *         [DRAINING]                                                           |
 *             |  end of file                                                   |
 *         [CLOSED] <-- from any state: an error, a deadline, abort, stop  <----+
 *
 * What counts where: input in PROXY (of the header) and OPEN; scanned, more, paused and read_by in
 * OPEN; output, owed, blocked, high and write_by in OPEN and FLUSHING; drain_by in DRAINING.
 *
 * A connection moves in turns: something happens to it, it goes as far as it can without
 * waiting, and the last thing a turn does is to say what it waits for, or to end it.  So a
 * handler never sees a connection vanish, its own or another. */
#include "server/admission.h"
#include "server/models.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BIT(state) (1u << NETIO__##state)

static const unsigned char follows[] = {
    [NETIO__NEW] = BIT(PROXY) | BIT(OPEN) | BIT(CLOSED),
    [NETIO__PROXY] = BIT(OPEN) | BIT(CLOSED),
    [NETIO__OPEN] = BIT(FLUSHING) | BIT(CLOSED),
    [NETIO__FLUSHING] = BIT(DRAINING) | BIT(CLOSED),
    [NETIO__DRAINING] = BIT(CLOSED),
    [NETIO__CLOSED] = 0,
};

int netio__state_follows(enum netio__state from, enum netio__state to)
{
    return follows[from] >> to & 1;
}

/* The only place where the state changes; what may not follow changes nothing. */
static int set_state(struct netio_conn *conn, enum netio__state to)
{
    if (!netio__state_follows(conn->state, to))
        return 0;
    conn->state = to;
    return 1;
}

static void ready(struct netio_watch *watch, unsigned events)
{
    struct netio_conn *conn = watch->data;
    struct netio_server *server = conn->server;

    netio__server_begin(server);
    netio__conn_turn(conn, events);
    netio__server_end(server);
}

/* The deadline moves with every line; the timer does not follow, but fires and is set anew.
 * A process that stood still (stopped, swapped out) finds all of its deadlines passed, and
 * what its clients did in time still unread: so what the connection waits for is tried
 * before its deadline is looked at. */
static void fire(struct netio_timer *timer)
{
    struct netio_conn *conn = timer->data;

    ready(&conn->watch, conn->watch.events);
}

int netio__conn_new(struct netio_conn **out, struct netio_server *server, int fd,
                    const struct netio_addr *peer)
{
    struct netio_conn *conn = malloc(sizeof *conn);

    *out = NULL;
    if (!conn) {
        netio_fd_close(fd);
        return -ENOMEM;
    }
    *conn = (struct netio_conn){
        .server = server,
        .watch = {.ready = ready, .data = conn},
        .timer = {.fire = fire, .data = conn},
        .fd = fd,
        .state = NETIO__NEW,
        .output = {.limit = server->write_max},
        .opened = netio_clock_now(),
        .peer = *peer,
    };
    netio_addr_unmap(&conn->peer);
    netio__ring_init(&conn->queued);
    netio__ring_add(&server->conns, &conn->all);
    netio__server_came(server);
    *out = conn;
    return 0;
}

void netio__conn_doom(struct netio_conn *conn, enum netio_close why)
{
    if (conn->doomed)
        return;
    conn->doomed = 1;
    conn->why = why;
}

void netio__conn_finish(struct netio_conn *conn, enum netio_close why)
{
    if (conn->doomed || !set_state(conn, NETIO__FLUSHING))
        return;
    conn->why = why;
    conn->more = 0;
}

/* Who got only part of an answer must be able to tell it from a whole one: a reset. */
static void end_by_reset(const struct netio_conn *conn)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* All but what on_close may still look at. */
static void strip(struct netio_conn *conn)
{
    set_state(conn, NETIO__CLOSED);
    netio_watch_stop(&conn->watch);
    netio_timer_stop(&conn->timer);
    netio__ring_out(&conn->queued);
    netio__ring_out(&conn->all);
    netio_fd_close(conn->fd);
    conn->fd = -1;
    netio_buf_free(&conn->input);
    netio__conn_output_free(conn);
}

void netio__conn_drop(struct netio_conn *conn)
{
    strip(conn);
    free(conn->local);
    free(conn);
}

void netio__conn_end(struct netio_conn *conn, enum netio_close why)
{
    struct netio_server *server = conn->server;
    int greeted = conn->state >= NETIO__OPEN;

    if (conn->state == NETIO__PROXY && why == NETIO_CLOSE_IDLE) /* the header came not in time */
        netio__tell_refused(server, conn->fd, &conn->peer, NETIO_REFUSED_PROXY);
    if (netio__conn_waiting(conn) || why == NETIO_CLOSE_FULL || why == NETIO_CLOSE_ABORT)
        end_by_reset(conn);
    if (conn->state == NETIO__DRAINING)
        netio__server_drains(server, -1);
    strip(conn);
    if (server->limit)
        netio_limit_give(server->limit, &conn->hold);
    if (greeted && server->handlers.on_close) {
        conn->busy = 1;
        server->handlers.on_close(conn, why);
    }
    free(conn->local);
    free(conn);
    netio__server_left(server);
}

/* Nothing is under way: the server may close it without cutting off an answer.  One that
 * has asked nothing yet is let ask, for its question may be on its way; one that is paused waits
 * for something of the program's. */
static int is_idle(const struct netio_conn *conn)
{
    return conn->state == NETIO__OPEN && conn->asked && !conn->more && !conn->eof &&
           !conn->paused && !netio__conn_waiting(conn);
}

static void send_end(struct netio_conn *conn)
{
    if (!conn->ended && shutdown(conn->fd, SHUT_WR) == -1)
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
    conn->ended = 1;
}

static void start_draining(struct netio_conn *conn)
{
    int64_t span = conn->server->drain_span;

    send_end(conn);
    set_state(conn, NETIO__DRAINING);
    netio__server_drains(conn->server, 1);
    conn->drain_by = span ? netio_clock_now() + span : NETIO_NEVER;
}

/* Where the turn has led to, and until when that may last.  0: to the end, conn is gone. */
static int move_on(struct netio_conn *conn, netio_deadline *deadline)
{
    int sent = !netio__conn_waiting(conn);
    enum netio_close why;

    if (!conn->doomed && conn->state == NETIO__FLUSHING && sent && !conn->eof)
        start_draining(conn);
    else if (!conn->doomed && conn->ending && sent)
        send_end(conn);
    if (!conn->doomed && conn->server->stopping && is_idle(conn))
        netio__conn_doom(conn, NETIO_CLOSE_STOP);
    int over = conn->state != NETIO__OPEN && sent && conn->eof;
    *deadline = netio__conn_deadline(conn, &why);
    if (!over && *deadline != NETIO_NEVER && *deadline <= netio_loop_now(conn->server->loop))
        netio__conn_doom(conn, why);
    if (!conn->doomed && !over)
        return 1;
    netio__conn_end(conn, conn->why);
    return 0;
}

static int watch_for(struct netio_conn *conn, unsigned events)
{
    if (conn->watch.loop)
        return netio_watch_change(&conn->watch, events);
    return netio_watch_start(conn->server->loop, &conn->watch, conn->fd, events);
}

/* Says what the connection waits for.  0 or -errno. */
static int wait_for_more(struct netio_conn *conn, netio_deadline deadline)
{
    int held = conn->state == NETIO__OPEN && (conn->paused || netio__conn_choked(conn));
    unsigned events =
        (conn->eof || held ? 0 : NETIO_READ) | (netio__conn_waiting(conn) ? NETIO_WRITE : 0);
    struct netio_timer *timer = &conn->timer;
    int code = conn->deaf && !events ? 0 : watch_for(conn, events);

    if (!code && deadline != NETIO_NEVER && (!timer->loop || timer->when > deadline))
        code = netio_timer_start(conn->server->loop, timer, deadline);
    if ((conn->more && !held) || netio__conn_is_writable(conn))
        (void)netio__server_queue(conn->server, conn);
    return code;
}

static void greet(struct netio_conn *conn)
{
    struct netio_server *server = conn->server;

    set_state(conn, NETIO__OPEN);
    netio__count(&server->board->status.accepted, 1);
    if (server->handlers.on_open) {
        conn->busy = 1;
        server->handlers.on_open(conn);
        conn->busy = 0;
    }
    /* Reading the clock costs as much as the rest of this. */
    netio__conn_await_line(conn, server->handlers.on_open || conn->proxied ? netio_clock_now()
                                                                           : conn->opened);
}

/* Before it is open.  0: conn is gone. */
static int begin(struct netio_conn *conn)
{
    if (conn->proxied) {
        set_state(conn, NETIO__PROXY);
        if (!netio__conn_proxy(conn))
            return 1;
    }
    if (conn->server->model == NETIO_MODEL_FORK && !netio__fork_conn(conn))
        return 0;
    greet(conn);
    if (conn->server->handlers.on_serve && !conn->doomed)
        netio__serve(conn);
    return 1;
}

static int has_error(const struct netio_conn *conn)
{
    int error = 0;
    socklen_t len = sizeof error;

    return getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 || error;
}

/* It was paused, and something happened that nobody asked for: an error, or both ends have ended.
 * What came before its end is not lost: it is looked at when it is resumed. */
static void hear_nothing(struct netio_conn *conn)
{
    if (has_error(conn))
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
    else {
        netio_watch_stop(&conn->watch);
        conn->deaf = 1;
    }
}

/* Behind the peer's end of file, so nobody asked for it: an error; or only that our end has gone
 * out, too, and that the program has not closed what can be used no more. */
static void hang_up(struct netio_conn *conn)
{
    if (conn->ended && !has_error(conn))
        netio__conn_finish(conn, NETIO_CLOSE_DONE);
    else
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
}

static void take_input(struct netio_conn *conn, unsigned events)
{
    if (conn->doomed)
        return;
    if (conn->state == NETIO__OPEN && conn->paused) {
        if (events & NETIO_READ)
            hear_nothing(conn);
    } else if (conn->more && conn->state == NETIO__OPEN)
        netio__conn_serve(conn);
    else if ((events & NETIO_READ) && conn->eof)
        hang_up(conn);
    else if (events & NETIO_READ)
        netio__conn_read(conn);
}

void netio__conn_turn(struct netio_conn *conn, unsigned events)
{
    netio_deadline deadline;

    /* A step of the loop within one of its handlers: the handler's own turn goes on. */
    if (conn->busy)
        return;
    if (events & NETIO_WRITE)
        conn->blocked = 0;
    netio__conn_send(conn);
    if (netio__conn_is_writable(conn))
        netio__conn_tell_writable(conn);
    if (conn->state >= NETIO__OPEN)
        take_input(conn, events);
    else if (!conn->doomed && !begin(conn))
        return;
    netio__conn_send(conn);
    if (!move_on(conn, &deadline))
        return;
    if (wait_for_more(conn, deadline) < 0) {
        netio__conn_doom(conn, NETIO_CLOSE_FULL);
        netio__conn_end(conn, conn->why);
    }
}
