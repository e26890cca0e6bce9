/* Every call that the loop makes fails in turn (A25, A26), in the process that made it and
 * after a fork: a watch that was started is heard in the end, and the host's descriptor works. */
#include "fault.h"

#include <netio/loop.h>

#include <poll.h>

static pid_t process = 1;

/* The loop knows by this that it is in a child: no fork, so that the faults stay countable. */
pid_t getpid(void)
{
    return process;
}

static int heard;

static void hear(struct netio_watch *watch, unsigned events)
{
    (void)watch;
    heard += events == NETIO_READ;
}

static void fire(struct netio_timer *timer)
{
    (void)timer;
}

/* What must hold once nothing fails any more. */
static int works(struct netio_loop *loop, int watched)
{
    heard = 0;
    netio_loop_step(loop, NETIO_NOW);
    return heard == watched && netio_loop_fd(loop) >= 0;
}

/* A watch that has stopped is heard no more, nor does it wake anybody up again. */
static int is_quiet(struct netio_loop *loop)
{
    heard = 0;
    netio_loop_step(loop, NETIO_NOW);
    struct pollfd fd = {.fd = netio_loop_fd(loop), .events = POLLIN};
    return heard == 0 && poll(&fd, 1, 0) == 0;
}

static int use(int forks)
{
    struct netio_watch watch = {.ready = hear};
    struct netio_timer timer = {.fire = fire};
    struct netio_loop *loop;
    int pair[2], good = 1;

    fault_off();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
        send(pair[1], "x", 1, 0) != 1)
        abort();
    fault_on();
    int code = netio_loop_new(&loop, 0);
    if (!code) {
        int watched = netio_watch_start(loop, &watch, pair[0], NETIO_READ) == 0;
        netio_loop_fd(loop);
        process += forks;
        netio_timer_start(loop, &timer, netio_deadline_in(3600));
        netio_loop_step(loop, NETIO_NOW);
        fault_off();
        /* EPERM after a fork says that the child has a file there now: no failure. */
        good = works(loop, watched) || (forks && fault.error == EPERM);
        fault_on();
        netio_watch_stop(&watch);
        fault_off();
        good = good && is_quiet(loop);
        fault_on();
        netio_loop_free(loop);
    }
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
    return !good;
}

static int use_here(void)
{
    return use(0);
}

static int use_after_fork(void)
{
    return use(1);
}

int main(void)
{
    fault_walk("a loop", use_here);
    fault_walk("a loop after a fork", use_after_fork);
    return tap_done();
}
