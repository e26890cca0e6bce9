/* Ring 3.  Lets clients in.  Called by the loop and by server.c; it accepts, makes
 * connections, and watches the server's listeners.
 *
 * When descriptors, memory or places run out, a listener that stayed armed would spin:
 * measured on other servers, thousands of futile accepts a second.  So listeners rest, and
 * clients wait in the backlog.  They rest for a moment when something is scarce, and until
 * a connection ends when max_connections are there. */
#include "server/admission.h"
#include "server/models.h"

#include <netio/alarm.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 16
#define REST           ((int64_t)60 * 1000 * 1000) /* 60 ms: below 20 wake-ups a second */
#define HANG_MAX       (NETIO_SECOND / 100)

void netio__server_tell(struct netio_server *server, enum netio__trouble trouble, int code,
                        const struct netio_addr *address)
{
    int64_t now = netio_loop_now(server->loop);
    struct netio_error error;

    if (!server->handlers.on_trouble ||
        (server->told[trouble] && now - server->told[trouble] < NETIO_SECOND))
        return;
    server->told[trouble] = now;
    netio_error_set(&error,
                    trouble == NETIO__TROUBLE_CHILD ? NETIO_STAGE_CHILD : NETIO_STAGE_ACCEPT, code,
                    address, NULL);
    server->handlers.on_trouble(server, &error);
}

/* Without a timer to wake it up a listener must not rest. */
static void rest_until(struct netio__slot *slot, netio_deadline when)
{
    struct netio_server *server = slot->server;

    if ((!server->rest.loop || server->rest.when > when) &&
        netio_timer_start(server->loop, &server->rest, when) < 0)
        return;
    netio_watch_stop(&slot->watch);
}

static void rest(struct netio__slot *slot)
{
    rest_until(slot, netio_loop_now(slot->server->loop) + REST);
}

/* Datagrams need neither descriptors nor places. */
static int is_stream(const struct netio__slot *slot)
{
    return slot->listener.type == SOCK_STREAM;
}

void netio__server_rest(struct netio_server *server)
{
    for (size_t i = 0; i < server->nslots; i++)
        if (is_stream(server->slots[i]))
            rest(server->slots[i]);
}

/* No place: they rest until netio__server_place_free. */
static void house_full(struct netio__slot *slot)
{
    struct netio_server *server = slot->server;

    server->full = 1;
    for (size_t i = 0; i < server->nslots; i++)
        if (is_stream(server->slots[i]))
            netio_watch_stop(&server->slots[i]->watch);
    if (!netio__model_is_serial(server->model))
        netio__server_tell(server, NETIO__TROUBLE_FULL, NETIO_EFULL, &slot->listener.address);
}

void netio__server_reserve(struct netio_server *server)
{
    if (server->reserve < 0 && server->nslots)
        server->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* ---- accept(2) ------------------------------------------------------------------------------ */

struct acceptance {
    const struct netio__slot *slot;
    struct netio_addr *peer;
    int flags;
};

static int accept_now(void *data)
{
    const struct acceptance *how = data;
    struct netio_addr *peer = how->peer;
    int fd = accept4(how->slot->listener.fd, &peer->u.sa, &peer->len, how->flags);

    return fd == -1 ? -errno : fd;
}

/* A listener may be somebody else's, too, and O_NONBLOCK is then theirs and ours
 * together (open(2), "open file description"):
 *
 *      here                            who shares the listener
 *      readable
 *      O_NONBLOCK set
 *                                      clears it; accepts the client
 *      accept4 waits, for all of this process's other clients
 *
 * accept(2) has no flag against that, and no second description of a socket can be had.  So it is
 * interrupted.  Who does this for fun costs a hundredth of a second in each second.  The
 * descriptor; or -errno, -EBUSY when it waited. */
static int accept_shared(struct acceptance *how)
{
    const struct netio_alarm_options limit = {.deadline = netio_clock_now() + HANG_MAX};
    int fd = -1;

    (void)netio_fd_nonblock(how->slot->listener.fd, 1);
    int code = netio_alarm_call(accept_now, how, &limit, &fd);
    if (code == -ETIMEDOUT)
        return fd == -EINTR ? -EBUSY : fd;
    return code == -EAGAIN ? -ENOBUFS : code ? code : fd;
}

/* The descriptor or -errno. */
static int accept_one(const struct netio__slot *slot, struct netio_addr *peer, int flags)
{
    struct acceptance how = {.slot = slot, .peer = peer, .flags = flags | SOCK_CLOEXEC};

    peer->len = sizeof peer->u;
    return slot->shared ? accept_shared(&how) : accept_now(&how);
}

/* ---- when it fails -------------------------------------------------------------------------- */

/* When there has been no descriptor for a whole second, those who have waited longest are
 * told so, by closing: better than silence until their own patience ends. */
static void shed(struct netio__slot *slot)
{
    struct netio_server *server = slot->server;

    if (server->reserve < 0)
        return;
    netio_fd_close(server->reserve);
    server->reserve = -1;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct netio_addr peer;
        int fd = accept_one(slot, &peer, 0);
        if (fd < 0)
            break;
        netio_fd_close(fd);
    }
    netio__server_reserve(server);
}

/* Other workers may have what is missing here, and sleep: see board.h. */
static void pass_on(struct netio_server *server, int64_t now)
{
    if (server->board->wake < 0 || (server->passed_on && now - server->passed_on < NETIO_SECOND))
        return;
    server->passed_on = now;
    (void)netio_fd_write(server->board->wake, "\0", 2);
}

static void scarce(struct netio__slot *slot, int code)
{
    struct netio_server *server = slot->server;
    int64_t now = netio_loop_now(server->loop);

    if (!server->scarce_since)
        server->scarce_since = now;
    else if (now - server->scarce_since >= NETIO_SECOND)
        shed(slot);
    netio__server_rest(server);
    pass_on(server, now);
    netio__server_tell(server, NETIO__TROUBLE_SCARCE, code, &slot->listener.address);
}

void netio__slot_trouble(struct netio__slot *slot, int code)
{
    rest(slot);
    netio__server_tell(slot->server, NETIO__TROUBLE_PEER, code, &slot->listener.address);
}

/* accept failed: whether to go on with the next client at once. */
static int cope(struct netio__slot *slot, int code)
{
    switch (-code) {
    case EAGAIN: /* nobody is there any more */
        return 0;
    case EINTR:
        return 1;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        scarce(slot, code);
        return 0;
    /* accept(2): errors of the new connection that are already there come out here. */
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
        netio__server_tell(slot->server, NETIO__TROUBLE_PEER, code, &slot->listener.address);
        return 1;
    case EBUSY: /* somebody who shares it has kept it waiting */
        rest_until(slot, netio_loop_now(slot->server->loop) + NETIO_SECOND);
        netio__server_tell(slot->server, NETIO__TROUBLE_PEER, code, &slot->listener.address);
        return 0;
    default: /* the listener itself is broken: it may not take the others down with it */
        netio__slot_trouble(slot, code);
        return 0;
    }
}

int netio__server_admit(struct netio_server *server, int fd, const struct netio_addr *peer,
                        struct netio_conn **conn)
{
    struct netio_hold hold = {0};
    enum netio_refused why = NETIO_REFUSED_FULL;
    enum netio__admission admission = NETIO__REFUSED;

    *conn = NULL;
    if (!netio__server_is_full(server))
        admission = netio__admit(server, fd, peer, 0, &hold, &why);
    if (admission == NETIO__REFUSED) {
        netio__refuse(server, fd, peer, why);
        return -EACCES;
    }
    int code = netio__conn_new(conn, server, fd, peer);
    if (code) {
        if (server->limit)
            netio_limit_give(server->limit, &hold);
        return code;
    }
    (*conn)->hold = hold;
    (*conn)->proxied = admission == NETIO__PROXY_DUE;
    if (netio__signal_watch(server, fd) < 0)
        netio__conn_doom(*conn, NETIO_CLOSE_FULL);
    return 0;
}

static void let_in(struct netio__slot *slot, int fd, const struct netio_addr *peer)
{
    struct netio_conn *conn;
    int code = netio__server_admit(slot->server, fd, peer, &conn);

    if (code == -ENOMEM)
        scarce(slot, code);
    if (code)
        return;
    slot->server->scarce_since = 0;
    netio__server_reserve(slot->server);
    netio__conn_turn(conn, 0);
}

/* The total rate is spent, or a start has hung: whether the listener rests meanwhile. */
static int is_early(struct netio__slot *slot)
{
    struct netio_server *server = slot->server;
    int64_t now = netio_loop_now(server->loop);
    netio_deadline next = server->limit ? netio_limit_next(server->limit, now) : now;

    if (now < server->hung_until) {
        rest_until(slot, server->hung_until);
        return 1;
    }
    if (next <= now)
        return 0;
    netio__server_tell(server, NETIO__TROUBLE_RATE, -EAGAIN, &slot->listener.address);
    /* Looked at once a second: another rate may be set meanwhile. */
    rest_until(slot, netio_deadline_sooner(next, now + NETIO_SECOND));
    return 1;
}

/* Whether nobody is to be let in now. */
static int is_closed(struct netio__slot *slot)
{
    if (!netio__server_is_full(slot->server))
        return is_early(slot);
    if (slot->server->full_text && !netio__model_is_serial(slot->server->model))
        return 0;
    house_full(slot);
    return 1;
}

static void let_all_in(struct netio__slot *slot)
{
    int spawns = slot->server->handlers.on_spawn != NULL, tried = 0;
    int flags = spawns ? 0 : SOCK_NONBLOCK; /* programs want it to block */

    /* A handler may have stopped the server, or the listener may have to rest. */
    for (int i = 0; i < ACCEPTS_A_TURN && slot->watch.loop; i++) {
        struct netio_addr peer;
        if (is_closed(slot))
            return;
        int fd = accept_one(slot, &peer, flags);
        if (fd < 0) {
            if (!cope(slot, fd))
                return;
            continue;
        }
        let_in(slot, fd, &peer);
        if (spawns) /* a start takes longer than to be woken up again, if there are more */
            return;
        tried++;
    }
    if (!tried && slot->watch.loop)
        rest(slot);
}

static void ready(struct netio_watch *watch, unsigned events)
{
    struct netio__slot *slot = netio__slot_hold(watch->data);
    struct netio_server *server = slot->server;

    (void)events;
    netio__server_begin(server);
    if (is_stream(slot))
        let_all_in(slot);
    else
        netio__datagram_ready(slot);
    netio__server_end(server);
    netio__slot_put(slot);
}

int netio__slot_watch(struct netio__slot *slot)
{
    slot->watch.ready = ready;
    slot->watch.data = slot;
    if (slot->watch.loop)
        return 0;
    return netio_watch_start(slot->server->loop, &slot->watch, slot->listener.fd,
                             NETIO_READ | NETIO_EXCLUSIVE);
}

/* In a full house only datagrams have something to wake up for. */
static void wake_all(struct netio_server *server)
{
    for (size_t i = 0; i < server->nslots; i++) {
        struct netio__slot *slot = server->slots[i];
        if (!(server->full && is_stream(slot)) && netio__slot_watch(slot) < 0)
            rest(slot);
    }
}

void netio__server_wake(struct netio_timer *timer)
{
    wake_all(timer->data);
}

void netio__server_place_free(struct netio_server *server)
{
    if (!server->full || netio__server_is_full(server))
        return;
    server->full = 0;
    wake_all(server);
}
