/* Ring 3.  A server's life: new, run, stop, free; see netio/server.h.
 * Called by programs.  It listens through slots.c; clients come in through accept.c, connections
 * live in conn.c. */
#include "net/loop.h"
#include "server/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char *const words[] = {
#define NETIO_X(name, word) [NETIO_CLOSE_##name] = word,
    NETIO_CLOSE_LIST(NETIO_X)
#undef NETIO_X
};

const char *netio_close_str(enum netio_close why)
{
    return (size_t)why < sizeof words / sizeof *words ? words[why] : "unknown";
}

void netio__server_use_board(struct netio_server *server, struct netio__board *board)
{
    board->status = server->board->status;
    server->board = board;
}

/* The order of these and the supervisor's (asleep, then beat) is what matters: one of the two sees
 * what the other has done. */
void netio__server_begin(struct netio_server *server)
{
    struct netio__board *board = server->board;

    __atomic_store_n(&board->beat, board->beat + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&board->asleep, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&board->asleep, 0, __ATOMIC_SEQ_CST))
        (void)netio_fd_write(board->wake, "", 1);
}

void netio__server_end(struct netio_server *server)
{
    struct netio__board *board = server->board;

    __atomic_store_n(&board->beat, board->beat + 1, __ATOMIC_RELAXED);
}

static void run_turns(struct netio_timer *timer)
{
    struct netio_server *server = timer->data;

    netio__ring_move(&server->due, &server->pending);
    while (!netio__ring_alone(&server->due)) {
        struct netio__ring *link = server->due.next;
        netio__ring_out(link);
        netio__server_begin(server);
        netio__conn_turn(NETIO__RING_OF(link, struct netio_conn, queued), 0);
        netio__server_end(server);
    }
}

/* Just behind this step's time: the descriptors have their turn in between. */
int netio__server_queue(struct netio_server *server, struct netio_conn *conn)
{
    netio__ring_out(&conn->queued);
    netio__ring_add(&server->pending, &conn->queued);
    if (server->turn.loop)
        return 0;
    return netio_timer_start(server->loop, &server->turn, netio_loop_now(server->loop) + 1);
}

static void patience_ends(struct netio_timer *timer)
{
    struct netio_server *server = timer->data;
    struct netio__ring *link;

    netio__fork_kill(server);
    for (link = server->conns.next; link != &server->conns; link = link->next) {
        struct netio_conn *conn = NETIO__RING_OF(link, struct netio_conn, all);
        netio__conn_doom(conn, NETIO_CLOSE_STOP);
        (void)netio__server_queue(server, conn);
    }
}

static void forget(struct netio_server *server)
{
    netio_buf_free(&server->spare);
    free(server->slots);
    free(server->refused_text);
    free(server->full_text);
    free(server);
}

/* Asked for now, rather than missing when somebody has come; programs need none. */
static int get_scratch(struct netio_server *server)
{
    char *scratch;

    if (server->handlers.on_spawn)
        return 0;
    scratch = netio__loop_borrow(server->loop);
    if (!scratch)
        return -ENOMEM;
    netio__loop_return(server->loop, scratch);
    return 0;
}

/* on_serve waits, and on_spawn's programs have processes of their own. */
static int check_model(const struct netio_server *server)
{
    const struct netio_server_handlers *handlers = &server->handlers;
    int waits = server->model == NETIO_MODEL_EVENT || server->model == NETIO_MODEL_SIGNAL;

    if ((handlers->on_serve && waits) || (handlers->on_spawn && server->model != NETIO_MODEL_FORK))
        return -EINVAL;
    return 0;
}

/* All of it but the options, which may be wrong, and a loop of its own. */
static void begin(struct netio_server *server, struct netio_loop *loop,
                  const struct netio_server_handlers *handlers)
{
    netio__ring_init(&server->conns);
    netio__ring_init(&server->children);
    netio__ring_init(&server->pending);
    netio__ring_init(&server->due);
    server->reserve = server->refused_fd = -1;
    server->board = &server->own_board;
    server->board->wake = -1;
    server->board->status.started = netio_clock_now();
    server->turn = (struct netio_timer){.fire = run_turns, .data = server};
    server->rest = (struct netio_timer){.fire = netio__server_wake, .data = server};
    server->patience = (struct netio_timer){.fire = patience_ends, .data = server};
    server->handlers = *handlers;
    server->loop = loop;
    server->own_loop = !loop;
}

int netio_server_new(struct netio_server **out, struct netio_loop *loop,
                     const struct netio_server_handlers *handlers,
                     const struct netio_server_options *options)
{
    static const struct netio_server_options defaults;
    struct netio_server *server = calloc(1, sizeof *server);

    *out = NULL;
    if (!server)
        return -ENOMEM;
    begin(server, loop, handlers);
    int code = netio__server_set_options(server, options ? options : &defaults);
    if (!code)
        code = check_model(server);
    if (!code && !loop)
        code = netio_loop_new(&server->loop, 0);
    if (!code)
        code = get_scratch(server);
    if (!code) {
        *out = server;
        return 0;
    }
    if (server->own_loop)
        netio_loop_free(server->loop);
    forget(server);
    return code;
}

int netio_server_change(struct netio_server *server, const struct netio_server_options *options)
{
    /* Who is open is counted in the limit that there is. */
    if (options->model != server->model || options->data != server->data ||
        options->fork != server->fork || (server->limit && options->limit != server->limit))
        return -EINVAL;
    int code = netio__server_set_options(server, options);
    if (code || server->stopping)
        return code;
    /* There may be a place now, or a text for who finds none. */
    server->full = 0;
    netio__server_wake(&server->rest);
    return 0;
}

void netio_server_free(struct netio_server *server)
{
    if (!server)
        return;
    netio__server_close_slots(server, 0);
    while (!netio__ring_alone(&server->conns))
        netio__conn_end(NETIO__RING_OF(server->conns.next, struct netio_conn, all),
                        NETIO_CLOSE_STOP);
    netio__fork_free(server);
    netio__signal_free(server);
    netio_timer_stop(&server->turn);
    netio_timer_stop(&server->patience);
    if (server->own_loop)
        netio_loop_free(server->loop);
    forget(server);
}

/* 0 for a stream socket that can be connected. */
static int check_stream(int fd)
{
    int type = 0, listens = 0;
    socklen_t len = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1)
        return -errno;
    if (type != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    return listens ? -EINVAL : netio_fd_cloexec(fd, 1);
}

int netio_server_serve_take(struct netio_server *server, int fd)
{
    return netio_server_serve_peer_take(server, fd, NULL);
}

int netio_server_serve_peer_take(struct netio_server *server, int fd,
                                 const struct netio_addr *known)
{
    struct netio_addr peer;
    struct netio_conn *conn;
    int code = server->stopping ? -ECANCELED : check_stream(fd);

    if (!code && netio_loop_now(server->loop) < server->hung_until)
        code = -EAGAIN;
    if (!code && netio__server_is_full(server))
        code = NETIO_EFULL;
    if (code) {
        netio_fd_close(fd);
        return code;
    }
    /* One that was reset already has no address any more (ENOTCONN): it is served, and its
     * end will show. */
    if (known)
        peer = *known;
    else if (netio_addr_peer(&peer, fd) < 0)
        peer.len = 0;
    code = netio__server_admit(server, fd, &peer, &conn);
    if (code)
        return code;
    code = netio__server_queue(server, conn);
    if (code)
        netio__conn_end(conn, NETIO_CLOSE_ABORT);
    return code;
}

void netio_server_set_access(struct netio_server *server, const struct netio_access *access)
{
    server->access = access;
}

int netio_server_step(struct netio_server *server, netio_deadline deadline)
{
    int code = netio_loop_step(server->loop, deadline);

    return server->child && !server->count ? NETIO_SERVER_CHILD : code;
}

/* Whether on_idle wants to be called again as soon as nothing else is to be done. */
static int call_idle(struct netio_server *server)
{
    netio__server_begin(server);
    int more = server->handlers.on_idle(server);
    netio__server_end(server);
    return more;
}

int netio_server_run(struct netio_server *server)
{
    int idle = server->handlers.on_idle != NULL;

    while (server->nslots || server->count) {
        int code = netio_loop_step(server->loop, idle ? NETIO_NOW : NETIO_NEVER);
        if (code < 0 || netio__loop_marked(server->loop))
            return code < 0 ? code : -EINTR;
        idle = server->handlers.on_idle && (code || call_idle(server));
    }
    return server->child ? NETIO_SERVER_CHILD : 0;
}

void netio_server_stop(struct netio_server *server, netio_deadline deadline)
{
    struct netio__ring *link;

    server->stopping = 1;
    netio__server_close_slots(server, 0);
    if (!server->count)
        return;
    if (netio_timer_start(server->loop, &server->patience, deadline) < 0)
        patience_ends(&server->patience);
    for (link = server->conns.next; link != &server->conns; link = link->next)
        (void)netio__server_queue(server, NETIO__RING_OF(link, struct netio_conn, all));
}

static void count_open(struct netio_server *server)
{
    __atomic_store_n(&server->board->status.connections, server->count, __ATOMIC_RELAXED);
}

void netio__server_came(struct netio_server *server)
{
    server->count++;
    count_open(server);
}

/* In models with one place, who has had its answer does not take it any more: a peer that is slow
 * to close would keep all others waiting. */
void netio__server_drains(struct netio_server *server, int one)
{
    if (!netio__model_is_serial(server->model))
        return;
    server->draining += (size_t)one;
    netio__server_place_free(server);
}

void netio__server_left(struct netio_server *server)
{
    server->count--;
    count_open(server);
    if (server->stopping && !server->count)
        netio_timer_stop(&server->patience);
    netio__server_place_free(server);
}

struct netio_loop *netio_server_loop(const struct netio_server *server)
{
    return server->loop;
}

void *netio_server_data(const struct netio_server *server)
{
    return server->data;
}

size_t netio_server_connections(const struct netio_server *server)
{
    return server->count;
}

int netio_server_refused_fd(const struct netio_server *server)
{
    return server->refused_fd;
}

void netio_server_status(const struct netio_server *server, struct netio_server_status *status)
{
    *status = server->board->status;
}
