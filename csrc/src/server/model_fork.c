/* Ring 3.  Model FORK: a child for each connection; see netio/server.h.  Called by conn.c in a
 * connection's first turn, by server.c and by programs (adopt); it forks, or has on_spawn start a
 * program, and watches its children by their pidfds.
 *
 *      parent                                   child
 *      accepts, asks rules and limits,
 *      reads the PROXY header
 *      forks; closes the connection  ------->   closes listeners, other connections, pidfds;
 *      keeps its hold and its place             on_open, ..., on_close, as in EVENT
 *      pidfd says it has ended  <-----------    run returns NETIO_SERVER_CHILD
 *      gives both back
 *
 * A program has no part of this process, so nothing is to be closed there.
 *
 * No child but these is ever waited for, and SIGCHLD is not touched: a host that reaps all of its
 * children may have one of ours, which then has ended as well.  Signals are held back from the fork
 * until the pidfd is there, so that a handler that reaps cannot make the pid another's meanwhile.
 */
#include "proc/fork.h"
#include "server/admission.h"
#include "server/models.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define HUNG_SHARE    9 /* times as long as a start has hung, its server rests */
#define STUCK_SECONDS 1 /* for killed children to end: in the kernel they may be out of reach */

struct offspring {
    struct netio__ring all; /* in server->children */
    struct netio_server *server;
    struct netio_watch watch; /* of the pidfd */
    struct netio_child child;
    struct netio_hold hold; /* the connection's */
    int is_program;         /* of on_spawn: on_end is due */
    int is_adopted;         /* and another process may still have it: see netio__fork_free */
    void *data;             /* for it */
};

static void release(struct offspring *offspring)
{
    netio_watch_stop(&offspring->watch);
    netio_child_forget(&offspring->child);
    netio__ring_out(&offspring->all);
    free(offspring);
}

/* Its place and its share of the limit are free again. */
static void bury(struct offspring *offspring)
{
    struct netio_server *server = offspring->server;

    if (server->limit)
        netio_limit_give(server->limit, &offspring->hold);
    release(offspring);
    netio__server_left(server);
}

/* status: -1 when somebody else was told. */
static void bury_with(struct offspring *offspring, pid_t pid, int status)
{
    struct netio_server *server = offspring->server;

    if (offspring->is_program && server->handlers.on_end)
        server->handlers.on_end(server, pid, status, offspring->data);
    bury(offspring);
}

static int watch_child(struct offspring *offspring)
{
    return netio_watch_start(offspring->server->loop, &offspring->watch, offspring->child.pidfd,
                             NETIO_READ);
}

/* -ECHILD: somebody else was told how it ended.  0: its tracer has yet to hear of it. */
static void ended(struct netio_watch *watch, unsigned events)
{
    struct offspring *offspring = watch->data;
    struct netio_server *server = offspring->server;
    pid_t pid = offspring->child.pid;
    int status = -1;

    (void)events;
    netio_watch_stop(watch);
    if (netio_child_ended(&offspring->child, &status) == 0 && watch_child(offspring) == 0)
        return;
    netio__server_begin(server);
    bury_with(offspring, pid, status);
    netio__server_end(server);
}

static struct offspring *conceive(struct netio_server *server)
{
    struct offspring *offspring = calloc(1, sizeof *offspring);

    if (!offspring)
        return NULL;
    offspring->server = server;
    offspring->watch = (struct netio_watch){.ready = ended, .data = offspring};
    offspring->child.pidfd = -1;
    netio__ring_add(&server->children, &offspring->all);
    return offspring;
}

/* In the child.  Its host's own watches and timers stay. */
static void settle(struct netio_conn *conn)
{
    struct netio_server *server = conn->server;

    server->child = 1;
    server->limit = NULL;
    conn->hold = (struct netio_hold){0};
    server->handlers.on_idle = NULL;
    server->own_board = (struct netio__board){
        .status = {.connections = 1, .started = server->board->status.started},
        .beat = 1, /* a handler's time has begun */
        .wake = -1,
    };
    server->board = &server->own_board;
    for (size_t i = 0; i < server->nslots; i++)
        server->slots[i]->lent = 0; /* not of this process's descriptors */
    netio__server_close_slots(server, 0);
    while (!netio__ring_alone(&server->children))
        release(NETIO__RING_OF(server->children.next, struct offspring, all));
    netio__ring_out(&conn->all);
    while (!netio__ring_alone(&server->conns))
        netio__conn_drop(NETIO__RING_OF(server->conns.next, struct netio_conn, all));
    netio__ring_add(&server->conns, &conn->all);
    server->count = 1;
}

/* A program has a process group of its own. */
static void kill_child(const struct offspring *offspring)
{
    (void)netio_child_signal(&offspring->child, SIGKILL, offspring->is_program);
}

/* 0; or -errno, and then there is no child: none goes on unseen. */
static int watch_or_kill(struct offspring *offspring, int *status)
{
    int code = watch_child(offspring);

    if (code) {
        kill_child(offspring);
        (void)netio_child_wait(&offspring->child, netio_deadline_in(STUCK_SECONDS), status);
    }
    return code;
}

/* In the parent.  0 or -errno, and no child. */
static int meet(struct offspring *offspring, pid_t pid)
{
    int status, code = netio__fork_know(&offspring->child, pid);

    return code ? code : watch_or_kill(offspring, &status);
}

static pid_t fork_as_told(const struct netio_server *server)
{
    return server->fork ? server->fork(server->data) : fork();
}

/* No process for it: it is told so now, rather than left to wait. */
static void refuse(struct offspring *offspring, struct netio_conn *conn, int code)
{
    struct netio_server *server = conn->server;
    struct netio_addr peer = conn->peer;
    int fd = conn->fd;

    if (!offspring || !server->handlers.on_spawn) /* which knows, and may have said, more */
        netio__server_tell(server, NETIO__TROUBLE_SCARCE, code, &peer);
    if (server->limit)
        netio_limit_give(server->limit, &conn->hold);
    if (offspring)
        release(offspring);
    conn->fd = -1;
    netio__conn_drop(conn);
    netio__refuse(server, fd, &peer, NETIO_REFUSED_FORK);
    netio__server_left(server);
}

/* The connection is the child's.  Its descriptor goes first: with it there is one for the pidfd. */
static void hand_over(struct offspring *offspring, struct netio_conn *conn, pid_t pid)
{
    struct netio_server *server = conn->server;
    struct netio_addr peer = conn->peer;

    offspring->hold = conn->hold;
    netio__count(&server->board->status.accepted, 1);
    netio__conn_drop(conn);
    int code = meet(offspring, pid);
    if (!code)
        return;
    if (code != -ESRCH) /* where SIGCHLD is ignored nothing is left of one that has ended already */
        netio__server_tell(server, NETIO__TROUBLE_CHILD, code, &peer);
    bury(offspring);
}

/* The program runs; its connection is its own. */
static void let_go(struct offspring *offspring, struct netio_conn *conn)
{
    struct netio_server *server = conn->server;
    struct netio_addr peer = conn->peer;
    pid_t pid = offspring->child.pid;
    int status = -1;

    offspring->is_program = 1;
    offspring->data = conn->data;
    offspring->hold = conn->hold;
    netio__count(&server->board->status.accepted, 1);
    netio__conn_drop(conn);
    int code = watch_or_kill(offspring, &status);
    if (!code)
        return;
    netio__server_tell(server, NETIO__TROUBLE_CHILD, code, &peer);
    bury_with(offspring, pid, status);
}

static int is_scarcity(int code)
{
    return code == -EMFILE || code == -ENFILE || code == -EAGAIN || code == -ENOMEM;
}

/* accept took the last descriptor, and the pidfd needs another one: that is what the reserve is
 * for. When the connection is closed there is one for it again, and the next accept finds none. */
static int spawn_program(struct offspring *offspring, struct netio_conn *conn)
{
    struct netio_server *server = conn->server;
    int code = server->handlers.on_spawn(conn, &offspring->child);

    if ((code != -EMFILE && code != -ENFILE) || server->reserve < 0)
        return code;
    netio_fd_close(server->reserve);
    server->reserve = -1;
    return server->handlers.on_spawn(conn, &offspring->child);
}

/* All that the loop serves have waited for it. */
static void has_hung(struct netio_server *server, int64_t since)
{
    int64_t now = netio_clock_now();

    server->hung_until = now + HUNG_SHARE * (now - since);
}

/* What one client could not have others wait for in the backlog. */
static void spawn(struct offspring *offspring, struct netio_conn *conn)
{
    struct netio_server *server = conn->server;
    int64_t since = netio_clock_now();

    conn->busy = 1;
    int code = spawn_program(offspring, conn);
    conn->busy = 0;
    if (code)
        refuse(offspring, conn, code);
    else
        let_go(offspring, conn);
    netio__server_reserve(server);
    if (code == -ETIMEDOUT)
        has_hung(server, since);
    if (is_scarcity(code))
        netio__server_rest(server);
}

static int fork_off(struct offspring *offspring, struct netio_conn *conn)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork_as_told(conn->server);
    if (pid == -1)
        refuse(offspring, conn, -errno);
    else if (pid == 0)
        settle(conn);
    else
        hand_over(offspring, conn, pid);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid == 0;
}

int netio__fork_conn(struct netio_conn *conn)
{
    struct offspring *offspring = conceive(conn->server);

    if (!offspring)
        refuse(NULL, conn, -ENOMEM);
    else if (!conn->server->handlers.on_spawn)
        return fork_off(offspring, conn);
    else
        spawn(offspring, conn);
    return 0;
}

int netio_server_adopt(struct netio_server *server, const struct netio_child *child,
                       const struct netio_addr *peer, void *data)
{
    static const struct netio_addr nobody;
    struct offspring *offspring = server->handlers.on_spawn ? conceive(server) : NULL;
    int code = offspring ? 0 : server->handlers.on_spawn ? -ENOMEM : -EINVAL;

    if (code)
        return code;
    offspring->child = *child;
    code = watch_child(offspring);
    if (code) {
        offspring->child.pidfd = -1; /* the caller's still */
        release(offspring);
        return code;
    }
    offspring->is_program = offspring->is_adopted = 1;
    offspring->data = data;
    if (server->limit)
        netio_limit_adopt(server->limit, &offspring->hold, peer ? peer : &nobody,
                          netio_loop_now(server->loop));
    netio__server_came(server);
    return 0;
}

void netio__fork_kill(struct netio_server *server)
{
    struct netio__ring *link;

    for (link = server->children.next; link != &server->children; link = link->next)
        kill_child(NETIO__RING_OF(link, struct offspring, all));
}

/* Who has adopted a program may be a successor whose upgrade has failed: the program goes on. */
void netio__fork_free(struct netio_server *server)
{
    netio_deadline deadline = netio_deadline_in(STUCK_SECONDS);
    struct netio__ring *link;

    for (link = server->children.next; link != &server->children; link = link->next)
        if (!NETIO__RING_OF(link, struct offspring, all)->is_adopted)
            kill_child(NETIO__RING_OF(link, struct offspring, all));
    while (!netio__ring_alone(&server->children)) {
        struct offspring *offspring = NETIO__RING_OF(server->children.next, struct offspring, all);
        pid_t pid = offspring->child.pid;
        int status = -1;
        netio_watch_stop(&offspring->watch);
        while (!offspring->is_adopted &&
               netio_child_wait(&offspring->child, deadline, &status) == -EINTR)
            continue;
        bury_with(offspring, pid, status);
    }
}
