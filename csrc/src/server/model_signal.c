/* Ring 3.  Model SIGNAL: a server driven by SIGIO while the program computes; see netio/server.h.
 * Called by programs (the safepoint), and by server.c, accept.c and conn.c for their descriptors.
 * It handles SIGIO, makes sockets and one timer raise it, and steps the server's loop.
 *
 *      something comes in, or can go out  ->  O_ASYNC, F_SETOWN  -\
 *                                                                  >  SIGIO: counts, and no more
 *      the loop's next timer is due       ->  timer_create(2)    -/
 *
 *      netio_server_safepoint             ->  has the count changed, or the next timer?  Then
 *                                             the loop steps until nothing is to be done
 *
 * A signal comes for what changes, not for what is there; what was there before a socket was made
 * to raise it is seen since the step that did so is not the last one.  Signals that come together
 * are one: the count is read before the steps, so that one during them counts for the next time. */
#include "server/models.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Of one safepoint: somebody who never stops sending must not keep the program from computing. */
#define STEPS_AT_ONCE 64

struct netio__signal {
    timer_t timer;
    netio_deadline armed; /* for when; NETIO_NEVER: not at all */
    unsigned heard;       /* the count, as it was before the last steps */
    int more;             /* they were not enough */
    int inside;           /* a handler is running */
};

/* Of the process, as its dispositions are. */
static unsigned count;  /* of SIGIO */
static unsigned takers; /* servers that want it */
static struct sigaction action_before;
static int blocked_before;

/* Whoever had it before still hears of it: a host that runs its handlers at places of its own
 * (perlipc, safe signals) is told that there is something to do. */
static void on_sigio(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    if (action_before.sa_flags & SA_SIGINFO)
        action_before.sa_sigaction(number, info, context);
    else if (action_before.sa_handler != SIG_DFL && action_before.sa_handler != SIG_IGN)
        action_before.sa_handler(number);
    errno = saved;
}

static int take_sigio(void)
{
    struct sigaction action = {.sa_sigaction = on_sigio, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t sigio, before;

    if (takers++)
        return 0;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGIO, NULL, &action_before) == -1 || sigaction(SIGIO, &action, NULL) == -1) {
        takers--;
        return -errno;
    }
    sigemptyset(&sigio);
    sigaddset(&sigio, SIGIO);
    (void)pthread_sigmask(SIG_UNBLOCK, &sigio, &before);
    blocked_before = sigismember(&before, SIGIO);
    return 0;
}

/* One that is on its way would end the program under the default disposition: to ignore it first
 * takes it out of the queue. */
static void give_sigio_back(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t sigio;

    if (--takers)
        return;
    sigemptyset(&sigio);
    sigaddset(&sigio, SIGIO);
    (void)sigaction(SIGIO, &ignore, NULL);
    (void)sigaction(SIGIO, &action_before, NULL);
    if (blocked_before)
        (void)pthread_sigmask(SIG_BLOCK, &sigio, NULL);
}

int netio__signal_watch(struct netio_server *server, int fd)
{
    int on = 1;

    if (!server->signal)
        return 0;
    return fcntl(fd, F_SETOWN, getpid()) == -1 || ioctl(fd, FIOASYNC, &on) == -1 ? -errno : 0;
}

void netio__signal_unwatch(struct netio_server *server, int fd)
{
    int off = 0;

    if (server->signal)
        (void)ioctl(fd, FIOASYNC, &off);
}

static int watch_all(struct netio_server *server)
{
    const struct netio__ring *link;
    int code = 0;

    for (size_t i = 0; !code && i < server->nslots; i++)
        code = netio__signal_watch(server, server->slots[i]->listener.fd);
    for (link = server->conns.next; !code && link != &server->conns; link = link->next)
        code = netio__signal_watch(server, NETIO__RING_OF(link, struct netio_conn, all)->fd);
    return code;
}

static int take(struct netio_server *server)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGIO};
    struct netio__signal *signal = calloc(1, sizeof *signal);
    int code = signal ? take_sigio() : -ENOMEM;

    if (code) {
        free(signal);
        return code;
    }
    if (timer_create(CLOCK_MONOTONIC, &event, &signal->timer) == -1) {
        code = -errno;
        give_sigio_back();
        free(signal);
        return code;
    }
    signal->more = 1;
    server->signal = signal;
    code = watch_all(server);
    if (code)
        netio__signal_free(server);
    return code;
}

/* While a socket raises it, SIGIO has to have its handler. */
void netio__signal_free(struct netio_server *server)
{
    struct netio__signal *signal = server->signal;
    const struct netio__ring *link;

    if (!signal)
        return;
    for (size_t i = 0; i < server->nslots; i++)
        netio__signal_unwatch(server, server->slots[i]->listener.fd);
    for (link = server->conns.next; link != &server->conns; link = link->next)
        netio__signal_unwatch(server, NETIO__RING_OF(link, struct netio_conn, all)->fd);
    server->signal = NULL;
    (void)timer_delete(signal->timer);
    give_sigio_back();
    free(signal);
}

static void arm(const struct netio_server *server)
{
    struct netio__signal *signal = server->signal;
    netio_deadline next = netio_loop_next(server->loop);
    struct itimerspec spec = {.it_value = {next / NETIO_SECOND, next % NETIO_SECOND}};

    if (next != signal->armed && timer_settime(signal->timer, TIMER_ABSTIME, &spec, NULL) == 0)
        signal->armed = next;
}

/* How many handlers ran, or -errno. */
static int step_all(struct netio_server *server)
{
    struct netio__signal *signal = server->signal;
    int ran = 0, n = 1;

    signal->heard = __atomic_load_n(&count, __ATOMIC_RELAXED);
    signal->inside = 1;
    for (int i = 0; i < STEPS_AT_ONCE && n > 0; i++) {
        n = netio_loop_step(server->loop, NETIO_NOW);
        if (n > 0)
            ran += n;
    }
    signal->inside = 0;
    signal->more = n != 0;
    arm(server);
    return n < 0 ? n : ran;
}

int netio_server_safepoint(struct netio_server *server)
{
    struct netio__signal *signal = server->signal;

    if (!signal) {
        int code = server->model == NETIO_MODEL_SIGNAL ? take(server) : -EINVAL;
        return code ? code : step_all(server);
    }
    if (signal->inside)
        return 0;
    if (!signal->more && signal->heard == __atomic_load_n(&count, __ATOMIC_RELAXED) &&
        signal->armed == netio_loop_next(server->loop))
        return 0;
    return step_all(server);
}
