/* Tests of netio/loop.h: a loop in a program that gets signals, that forks, and that has a loop of
 * its own, each over both backends.  B18 of the catalogue of faults. */
#include "looping.h"
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void test_signal(void)
{
    struct netio_loop *loop = new_loop();

    storm_begin(5000);
    is_int(netio_loop_step(loop, NETIO_NEVER), 0, "a signal ends a step, and is no error");
    storm_end();
    netio_loop_free(loop);
}

static volatile int marked;

/* When the signal comes: before or behind that the loop holds signals back. */
static enum { NOT, BEFORE, BEHIND } raise_at;

static void mark(int sig)
{
    marked = sig;
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    if (raise_at == BEFORE)
        raise(SIGUSR1);
    int code = (int)syscall(SYS_rt_sigprocmask, how, set, before, _NSIG / 8);
    if (raise_at == BEHIND)
        raise(SIGUSR1);
    raise_at = NOT;
    return code;
}

/* B18: between the look at the mark and the wait. */
static void test_mark(void)
{
    struct netio_loop *loop = new_loop();
    struct sigaction act = {.sa_handler = mark}, old;
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard};
    int pair[2];
    char byte;

    new_pair(pair);
    sigaction(SIGUSR1, &act, &old);
    netio_loop_mark(loop, &marked);
    netio_watch_start(loop, &watch, pair[0], NETIO_READ);
    raise_at = BEFORE;
    is_int(netio_loop_step(loop, NETIO_NEVER), 0, "B18: a signal just before it is held back");
    is_int(marked, SIGUSR1, "is seen");
    is_int(write(pair[1], "x", 1), 1, "something is ready");
    is_int(netio_loop_step(loop, NETIO_NEVER), 0, "while it is not looked after nothing runs");
    marked = 0;
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "then what is ready does");
    is_int(read(pair[0], &byte, 1), 1, "and is read");
    raise_at = BEHIND;
    is_int(netio_loop_step(loop, NETIO_NEVER), 0, "B18: a signal while it is held back");
    is_int(marked, SIGUSR1, "ends the wait");
    marked = 0;
    netio_loop_mark(loop, NULL);
    netio_watch_stop(&watch);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
    sigaction(SIGUSR1, &old, NULL);
    netio_loop_free(loop);
}

/* What the kernel says to MADV_WIPEONFORK: knows it, knows it not, or says yes to anything. */
static enum { KNOWN, UNKNOWN, IGNORED } advice;

int madvise(void *at, size_t size, int what)
{
    if (advice == IGNORED)
        return 0;
    if (advice == UNKNOWN && what == MADV_WIPEONFORK) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_madvise, at, size, what);
}

/* The child uses the loop it inherited, and stops a watch; the parent must not notice. */
static void test_fork(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard}, other = watch;
    struct netio_timer timer = {.fire = fire};
    int pair[2], status;

    new_pair(pair);
    timer.data = &timer;
    netio_watch_start(loop, &watch, pair[0], NETIO_READ);
    netio_watch_start(loop, &other, pair[1], NETIO_READ);
    int hosted = netio_loop_fd(loop);
    nfired = 0;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(TAP_SECONDS);
        netio_watch_stop(&other);
        netio_fd_send(pair[1], "x", 1);
        int ran = netio_loop_step(loop, NETIO_NEVER);
        int code = ran != 1 || heard.calls != 1;
        netio_timer_start(loop, &timer, NETIO_NOW);
        code |= netio_loop_step(loop, NETIO_NEVER) < 1;
        if (hosted >= 0)
            code |= netio_loop_fd(loop) < 0;
        netio_watch_stop(&watch);
        netio_loop_free(loop);
        _exit(code);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "a forked child goes on with a loop of its own");
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "the parent still hears its watch");
    netio_fd_send(pair[0], "x", 1);
    heard = (struct heard){0};
    netio_loop_step(loop, NETIO_NOW);
    ok(heard.calls == 2, "and the one that the child stopped");
    netio_loop_free(loop);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static int readable(int fd, int ms)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    return poll(&poller, 1, ms);
}

static void test_hosted(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard};
    struct netio_timer timer = {.fire = fire}, later = {.fire = fire};
    int pair[2], fd = netio_loop_fd(loop);

    if (flags & NETIO_LOOP_POLL) {
        is_int(fd, -ENOTSUP, "poll(2) has no one descriptor");
        netio_loop_free(loop);
        return;
    }
    timer.data = &timer;
    later.data = &timer;
    new_pair(pair);
    ok(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC), "one descriptor for a host to watch");
    is_int(netio_loop_fd(loop), fd, "always the same");
    is_int(readable(fd, 0), 0, "silent while nothing is to be done");
    netio_watch_start(loop, &watch, pair[0], NETIO_READ);
    netio_fd_send(pair[1], "x", 1);
    is_int(readable(fd, -1), 1, "readable for a watch");
    netio_loop_step(loop, NETIO_NOW);
    netio_watch_stop(&watch);
    is_int(readable(fd, 0), 0, "silent again");
    nfired = 0;
    netio_timer_start(loop, &later, netio_deadline_in(3600));
    netio_timer_start(loop, &timer, netio_deadline_in(0.01));
    is_int(readable(fd, -1), 1, "readable for a timer");
    netio_loop_step(loop, NETIO_NOW);
    is_int(nfired, 1, "which fires");
    netio_loop_step(loop, NETIO_NOW);
    is_int(readable(fd, 0), 0, "and is silent again");
    for (int i = 0; i < 2; i++) {
        netio_timer_start(loop, &timer, NETIO_NOW);
        is_int(readable(fd, -1), 1, "readable for a time that has passed, turn %d", i);
        netio_loop_step(loop, NETIO_NOW);
    }
    is_int(nfired, 3, "which fires each time");
    netio_timer_start(loop, &timer, -5);
    is_int(readable(fd, -1), 1, "readable for a time before all times");
    netio_timer_stop(&timer);
    is_int(readable(fd, 0), 0, "and not for a timer that was stopped");
    netio_timer_stop(&later);
    netio_loop_free(loop);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void test_all(void)
{
    test_signal();
    test_mark();
    for (advice = KNOWN; advice <= IGNORED; advice++)
        test_fork();
    advice = KNOWN;
    test_hosted();
}

int main(void)
{
    over_both(test_all);
    return tap_done();
}
