/* Tests of netio/loop.h, each over both backends. */
#include "tap.h"
#include <netio/loop.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *backend;
static int fired[64], nfired;
static unsigned flags;

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

static struct netio_loop *new_loop(void)
{
    struct netio_loop *loop;

    is_int(netio_loop_new(&loop, flags), 0, "%s: a loop", backend);
    return loop;
}

static void new_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1)
        fail("socketpair");
}

struct heard {
    int calls;
    unsigned events;
    struct netio_watch *stop; /* a watch to stop from within the handler */
};

static void hear(struct netio_watch *watch, unsigned events)
{
    struct heard *heard = watch->data;

    heard->calls++;
    heard->events |= events;
    if (heard->stop)
        netio_watch_stop(heard->stop);
}

static void test_watch(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard}, again = watch;
    int pair[2];

    new_pair(pair);
    is_int(netio_watch_start(loop, &watch, pair[0], NETIO_READ), 0, "watched");
    is_int(netio_watch_start(loop, &again, pair[0], NETIO_READ), -EEXIST, "once at a time");
    is_int(netio_watch_start(loop, &watch, pair[1], NETIO_READ), -EEXIST, "and on one descriptor");
    is_int(netio_loop_step(loop, NETIO_NOW), 0, "nothing ready");
    netio_fd_send(pair[1], "x", 1);
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "one handler ran");
    is_int(heard.events, NETIO_READ, "there is something to read");
    is_int(netio_loop_step(loop, NETIO_NOW), 1, "level-triggered: again, as it was not read");
    heard = (struct heard){0};
    is_int(netio_watch_change(&watch, NETIO_READ | NETIO_WRITE), 0, "both");
    netio_loop_step(loop, NETIO_NOW);
    is_int(heard.events, NETIO_READ | NETIO_WRITE, "both are ready");
    heard = (struct heard){0};
    is_int(netio_watch_change(&watch, 0), 0, "neither");
    is_int(netio_loop_step(loop, NETIO_NOW), 0, "silent");
    netio_fd_close(pair[1]);
    netio_loop_step(loop, NETIO_NOW);
    is_int(heard.events, NETIO_READ | NETIO_WRITE, "but for the hang-up");
    netio_watch_stop(&watch);
    netio_watch_stop(&watch);
    is_int(netio_loop_step(loop, NETIO_NOW), 0, "stopped is silent");
    is_int(netio_watch_change(&watch, NETIO_READ), -EINVAL, "and cannot be changed");
    is_int(netio_watch_start(loop, &watch, -1, NETIO_READ), -EBADF, "no descriptor");
    netio_fd_close(pair[0]);
    is_int(netio_watch_start(loop, &watch, pair[0], NETIO_READ), -EBADF, "a closed one");
    netio_loop_free(loop);
}

/* Two watches are ready in one batch; whichever runs first stops the other, and once
 * starts a new watch under the same descriptor number. */
static void test_stale(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard[2] = {{0}, {0}};
    struct netio_watch watch[2] = {{.ready = hear, .data = &heard[0]},
                                   {.ready = hear, .data = &heard[1]}};
    int pair[2];

    new_pair(pair);
    heard[0].stop = &watch[1];
    heard[1].stop = &watch[0];
    for (int i = 0; i < 2; i++) {
        netio_fd_send(pair[i], "x", 1);
        netio_watch_start(loop, &watch[i], pair[i], NETIO_READ);
    }
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "one of two ran");
    is_int(heard[0].calls + heard[1].calls, 1, "the stopped one did not, though it was ready");
    netio_watch_stop(&watch[0]);
    netio_watch_stop(&watch[1]);
    netio_loop_free(loop);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void pause_other(struct netio_watch *watch, unsigned events)
{
    struct netio_watch *other = watch->data;

    (void)events;
    nfired++;
    netio_watch_change(other, 0);
}

/* Two watches are ready in one batch; whichever runs first wants to hear no more of the
 * other than its end. */
static void test_paused(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_watch watch[2] = {{.ready = pause_other}, {.ready = pause_other}};
    int pair[2];

    new_pair(pair);
    nfired = 0;
    for (int i = 0; i < 2; i++) {
        watch[i].data = &watch[!i];
        netio_fd_send(pair[i], "x", 1);
        netio_watch_start(loop, &watch[i], pair[i], NETIO_READ | NETIO_WRITE);
    }
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "one of two ran");
    is_int(nfired, 1, "the paused one did not, though it was ready");
    netio_loop_free(loop);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

struct reuse {
    struct netio_watch first, second, third;
    struct netio_loop *loop;
    struct heard heard;
    int spare;
    int done;
};

/* Closes the descriptor of the third watch and opens another under its number. */
static void swap_fd(struct netio_watch *watch, unsigned events)
{
    struct reuse *reuse = watch->data;

    (void)events;
    if (reuse->done++)
        return;
    struct netio_watch *victim = watch == &reuse->first ? &reuse->second : &reuse->first;
    int fd = victim->fd;
    netio_watch_stop(victim);
    dup2(reuse->spare, fd);
    netio_watch_start(reuse->loop, &reuse->third, fd, NETIO_READ);
}

static void test_reused_number(void)
{
    struct reuse reuse = {.loop = new_loop()};
    int a[2], b[2], quiet[2];

    new_pair(a);
    new_pair(b);
    new_pair(quiet);
    reuse.spare = quiet[0];
    reuse.first = (struct netio_watch){.ready = swap_fd, .data = &reuse};
    reuse.second = reuse.first;
    reuse.third = (struct netio_watch){.ready = hear, .data = &reuse.heard};
    netio_fd_send(a[1], "x", 1);
    netio_fd_send(b[1], "x", 1);
    netio_watch_start(reuse.loop, &reuse.first, a[0], NETIO_READ);
    netio_watch_start(reuse.loop, &reuse.second, b[0], NETIO_READ);
    netio_loop_step(reuse.loop, NETIO_NEVER);
    is_int(reuse.heard.calls, 0, "an event of the old descriptor does not reach the new one");
    netio_loop_free(reuse.loop);
    for (int i = 0; i < 2; i++) {
        netio_fd_close(a[i]);
        netio_fd_close(b[i]);
        netio_fd_close(quiet[i]);
    }
}

static void fire(struct netio_timer *timer)
{
    fired[nfired++] = (int)(timer - (struct netio_timer *)timer->data);
}

static void test_timers(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_timer timers[20] = {0};
    int64_t base = netio_clock_now() - 1000000;
    int good = 1;

    for (int i = 0; i < 20; i++) {
        timers[i].fire = fire;
        timers[i].data = timers;
        netio_timer_start(loop, &timers[i], base + (i * 7 % 20) * 1000);
    }
    is_int(netio_loop_next(loop), base, "the first is known");
    for (int i = 0; i < 20; i += 4)
        netio_timer_stop(&timers[i]);
    netio_timer_start(loop, &timers[1], base + 19500);
    netio_timer_start(loop, &timers[2], NETIO_NEVER);
    netio_timer_stop(&timers[2]);
    nfired = 0;
    is_int(netio_loop_step(loop, NETIO_NEVER), 14, "all that are left fire");
    for (int i = 1; i < nfired; i++)
        good &= timers[fired[i - 1]].when <= timers[fired[i]].when;
    ok(good, "in the order of their times");
    is_int(fired[13], 1, "the moved one last");
    is_int(netio_loop_next(loop), NETIO_NEVER, "and none is left");
    netio_timer_start(loop, &timers[0], netio_deadline_in(0.01));
    netio_timer_start(loop, &timers[1], netio_deadline_in(3600));
    nfired = 0;
    while (nfired == 0)
        netio_loop_step(loop, NETIO_NEVER);
    is_int(fired[0], 0, "a step without a deadline ends with the first timer");
    is_int(netio_loop_step(loop, netio_deadline_in(0.01)), 0, "a step ends at its deadline");
    netio_loop_free(loop);
}

static void fire_again(struct netio_timer *timer)
{
    nfired++;
    netio_timer_start(timer->data, timer, NETIO_NOW);
}

static void stop_loop(struct netio_timer *timer)
{
    netio_loop_stop(timer->data);
}

static void test_run(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_timer again = {.fire = fire_again, .data = loop};
    struct netio_timer stop = {.fire = stop_loop, .data = loop};

    nfired = 0;
    netio_timer_start(loop, &again, NETIO_NOW);
    netio_loop_step(loop, NETIO_NOW);
    is_int(nfired, 1, "a timer that starts itself again waits for the next step");
    netio_timer_start(loop, &stop, netio_deadline_in(0.005));
    is_int(netio_loop_run(loop), 0, "runs until stopped");
    ok(nfired > 1, "and served the other timer meanwhile");
    netio_loop_free(loop);
    netio_loop_free(NULL);
}

static struct netio_timer stopper;

static void run_inner(struct netio_timer *timer)
{
    struct netio_loop *loop = timer->data;

    netio_timer_start(loop, &stopper, NETIO_NOW);
    netio_loop_run(loop);
    nfired++;
    netio_timer_start(loop, &stopper, NETIO_NOW);
}

/* A run within a handler of a run: a stop ends the inner one only. */
static void test_run_inside(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_timer inner = {.fire = run_inner, .data = loop};

    stopper = (struct netio_timer){.fire = stop_loop, .data = loop};
    nfired = 0;
    netio_timer_start(loop, &inner, NETIO_NOW);
    is_int(netio_loop_run(loop), 0, "a run with a run in it");
    is_int(nfired, 1, "the inner one ended");
    ok(!stopper.loop, "and the outer one went on to its own stop");
    netio_loop_free(loop);
}

/* Starting a timer that another loop has moves it there. */
static void test_two_loops(void)
{
    struct netio_loop *one = new_loop(), *other = new_loop();
    struct netio_timer timer = {.fire = fire, .data = &timer};

    nfired = 0;
    netio_timer_start(one, &timer, NETIO_NOW);
    netio_timer_start(other, &timer, NETIO_NOW);
    is_int(netio_loop_step(one, NETIO_NOW), 0, "a timer that moved to another loop");
    is_int(netio_loop_step(other, NETIO_NOW), 1, "fires there");
    netio_loop_free(one);
    netio_loop_free(other);
}

static void no_op(int sig)
{
    (void)sig;
}

static void test_signal(void)
{
    struct netio_loop *loop = new_loop();
    struct sigaction act = {.sa_handler = no_op}, old;
    struct itimerval soon = {.it_value = {.tv_usec = 5000}};

    sigaction(SIGALRM, &act, &old);
    unsigned left = alarm(0);
    setitimer(ITIMER_REAL, &soon, NULL);
    is_int(netio_loop_step(loop, NETIO_NEVER), 0, "a signal ends a step, and is no error");
    sigaction(SIGALRM, &old, NULL);
    alarm(left);
    netio_loop_free(loop);
}

static volatile int marked;
static enum { NOT, BEFORE, BEHIND } raise_at; /* the signal comes when the loop holds signals back */

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
        alarm(20);
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
    is_int(readable(fd, 5000), 1, "readable for a watch");
    netio_loop_step(loop, NETIO_NOW);
    netio_watch_stop(&watch);
    is_int(readable(fd, 0), 0, "silent again");
    nfired = 0;
    netio_timer_start(loop, &later, netio_deadline_in(3600));
    netio_timer_start(loop, &timer, netio_deadline_in(0.01));
    is_int(readable(fd, 5000), 1, "readable for a timer");
    netio_loop_step(loop, NETIO_NOW);
    is_int(nfired, 1, "which fires");
    netio_loop_step(loop, NETIO_NOW);
    is_int(readable(fd, 0), 0, "and is silent again");
    for (int i = 0; i < 2; i++) {
        netio_timer_start(loop, &timer, NETIO_NOW);
        is_int(readable(fd, 5000), 1, "readable for a time that has passed, turn %d", i);
        netio_loop_step(loop, NETIO_NOW);
    }
    is_int(nfired, 3, "which fires each time");
    netio_timer_start(loop, &timer, -5);
    is_int(readable(fd, 5000), 1, "readable for a time before all times");
    netio_timer_stop(&timer);
    is_int(readable(fd, 0), 0, "and not for a timer that was stopped");
    netio_timer_stop(&later);
    netio_loop_free(loop);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void test_many(void)
{
    struct netio_loop *loop = new_loop();
    static struct netio_watch watches[300];
    struct heard heard[300] = {0};
    int fds[300][2], good = 1;

    for (int i = 0; i < 300; i++) {
        new_pair(fds[i]);
        watches[i] = (struct netio_watch){.ready = hear, .data = &heard[i]};
        good &= netio_watch_start(loop, &watches[i], fds[i][0], NETIO_READ) == 0;
        netio_fd_send(fds[i][1], "x", 1);
    }
    ok(good, "300 watches");
    for (int turn = 0; turn < 5; turn++)
        netio_loop_step(loop, NETIO_NOW);
    good = 1;
    for (int i = 0; i < 300; i++)
        good &= heard[i].calls > 0;
    ok(good, "all have been served after five batches of 64");
    for (int i = 0; i < 300; i++) {
        netio_watch_stop(&watches[i]);
        netio_fd_close(fds[i][0]);
        netio_fd_close(fds[i][1]);
    }
    netio_loop_free(loop);
}

static void test_high(void)
{
    struct netio_loop *loop;
    struct rlimit limit;
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard};
    int pair[2];

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 3000 ? limit.rlim_max : 3000;
    setrlimit(RLIMIT_NOFILE, &limit);
    loop = new_loop();
    new_pair(pair);
    int high = (int)limit.rlim_cur - 1;
    ok(dup2(pair[0], high) == high, "a high descriptor: %d", high);
    is_int(netio_watch_start(loop, &watch, high, NETIO_READ), 0, "A28: is watched");
    netio_fd_send(pair[1], "x", 1);
    netio_loop_step(loop, NETIO_NEVER);
    is_int(heard.calls, 1, "and heard");
    netio_loop_free(loop);
    netio_fd_close(high);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void test_file(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int code = netio_watch_start(loop, &watch, fd, NETIO_READ);

    if (flags & NETIO_LOOP_POLL)
        is_int(code, 0, "poll(2) watches files");
    else
        is_int(code, -EPERM, "epoll(7) does not watch files");
    netio_loop_free(loop);
    netio_fd_close(fd);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        backend = i ? "poll" : "epoll";
        flags = i ? NETIO_LOOP_POLL : 0;
        test_watch();
        test_stale();
        test_paused();
        test_reused_number();
        test_timers();
        test_run();
        test_run_inside();
        test_two_loops();
        test_signal();
        test_mark();
        for (advice = KNOWN; advice <= IGNORED; advice++)
            test_fork();
        advice = KNOWN;
        test_hosted();
        test_many();
        test_high();
        test_file();
    }
    return tap_done();
}
