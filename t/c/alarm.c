/* Tests of netio/alarm.h: F3 to F6 for C.  No upper limit of time but tap.h's, which is an
 * alarm(2) of its own: pending under all of these. */
#include "descriptors.h"
#include "tap.h"
#include <netio/alarm.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define MS 0.001
#define FOREVER 1000.0

static int silent[2]; /* a pipe that nobody writes into */
static volatile sig_atomic_t handled;

static int call(double seconds, int (*function)(void *), void *data, int *result)
{
    const struct netio_alarm_options options = {.deadline = netio_deadline_in(seconds)};

    return netio_alarm_call(function, data, &options, result);
}

static void count(int number)
{
    (void)number;
    handled++;
}

static void count_info(int number, siginfo_t *info, void *context)
{
    handled += number == SIGALRM && info->si_signo == SIGALRM && context;
}

static void set_handler(void (*function)(int), int flags)
{
    struct sigaction action = {.sa_handler = function, .sa_flags = flags};

    sigaction(SIGALRM, &action, NULL);
    handled = 0;
}

static void set_timer(double seconds, double interval)
{
    const struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)seconds, .tv_usec = (long)(seconds * 1e6) % 1000000},
        .it_interval = {.tv_usec = (long)(interval * 1e6)},
    };

    setitimer(ITIMER_REAL, &timer, NULL);
}

/* The state of before, and tap.h's alarm again. */
static void reset(void)
{
    set_timer(0, 0);
    set_handler(SIG_IGN, 0); /* one that is on its way is dropped */
    set_handler(SIG_DFL, 0);
    alarm(TAP_SECONDS);
}

/* Functions to call. */

static int seven(void *data)
{
    (void)data;
    return 7;
}

static int read_once(void *data)
{
    char c;

    return read(*(int *)data, &c, 1) == -1 ? -errno : 0;
}

/* As code does that knows of signals. */
static int read_again(void *data)
{
    char c;
    ssize_t n;

    do {
        n = recv(*(int *)data, &c, 1, 0);
    } while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : (int)n;
}

static void spin(double seconds)
{
    netio_deadline until = netio_deadline_in(seconds);

    while (!netio_deadline_passed(until))
        ;
}

/* The first signals come before there is anything to interrupt. */
static int compute_then_read(void *data)
{
    spin(25 * MS);
    return read_once(data);
}

static int sleep_long(void *data)
{
    struct timespec time = {.tv_sec = 1000};

    (void)data;
    return nanosleep(&time, NULL) == -1 ? -errno : 0;
}

static int poll_long(void *data)
{
    (void)data;
    return poll(NULL, 0, 1000000) == -1 ? -errno : 0;
}

static int wait_for_child(void *data)
{
    return waitpid(*(pid_t *)data, NULL, 0) == -1 ? -errno : 0;
}

static void test_calls(void)
{
    static const struct {
        const char *name;
        int (*function)(void *);
        double seconds;
        int code, result;
    } table[] = {
        {"in time", seven, FOREVER, 0, 7},
        {"no deadline", seven, INFINITY, 0, 7},
        {"read(2)", read_once, 20 * MS, -ETIMEDOUT, -EINTR},
        {"nanosleep(2)", sleep_long, 20 * MS, -ETIMEDOUT, -EINTR},
        {"poll(2)", poll_long, 20 * MS, -ETIMEDOUT, -EINTR},
        {"less than a tick", read_once, 1e-9, -ETIMEDOUT, -EINTR},
        {"no time", read_once, 0, -ETIMEDOUT, -EINTR},
        {"negative", read_once, -5, -ETIMEDOUT, -EINTR},
        {"the signal before the call", compute_then_read, 5 * MS, -ETIMEDOUT, -EINTR},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int result = 99;
        int64_t began = netio_clock_now();
        int code = call(table[i].seconds, table[i].function, &silent[0], &result);
        double took = (double)(netio_clock_now() - began) / 1e9;

        is_int(code, table[i].code, "%s: what came of it", table[i].name);
        is_int(result, table[i].result, "%s: its result", table[i].name);
        ok(code == 0 || took >= table[i].seconds, "%s: not before", table[i].name);
    }
    ok(call(FOREVER, seven, NULL, NULL) == 0, "nobody asks for the result");
    const struct netio_alarm_options wild = {.deadline = INT64_MIN};
    is_int(netio_alarm_call(read_once, &silent[0], &wild, NULL), -ETIMEDOUT, "a wild deadline");
    pid_t child = fork();
    if (child == 0)
        pause();
    is_int(call(20 * MS, wait_for_child, &child, NULL), -ETIMEDOUT, "waitpid(2)");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Nesting. */

struct nest {
    double seconds;
    int (*function)(void *);
    void *data;
    int code, result;
};

static int nested(void *data)
{
    struct nest *nest = data;

    nest->code = call(nest->seconds, nest->function, nest->data, &nest->result);
    return 1;
}

static void test_nesting(void)
{
    struct nest inner = {.seconds = FOREVER, .function = read_once, .data = &silent[0]};
    int result = 0;

    is_int(call(20 * MS, nested, &inner, &result), -ETIMEDOUT, "F4 the outer one is sooner");
    is_int(inner.code, 0, "the inner one's deadline did not come");
    is_int(inner.result, -EINTR, "but its read was interrupted");
    is_int(result, 1, "and the outer function returned");
    inner.seconds = 20 * MS;
    is_int(call(FOREVER, nested, &inner, &result), 0, "F4 the inner one is sooner");
    is_int(inner.code, -ETIMEDOUT, "the inner one is told so");
    struct nest middle = {.seconds = FOREVER, .function = nested, .data = &inner};
    inner.seconds = FOREVER;
    is_int(call(20 * MS, nested, &middle, &result), -ETIMEDOUT, "F4 three, the outermost first");
    ok(middle.code == 0 && inner.code == 0 && inner.result == -EINTR, "the others know");
    middle.seconds = 20 * MS;
    is_int(call(FOREVER, nested, &middle, &result), 0, "F4 three, the middle one first");
    ok(middle.code == -ETIMEDOUT && inner.code == 0 && inner.result == -EINTR, "the others know");
    inner.seconds = middle.seconds = 20 * MS;
    inner.function = compute_then_read;
    is_int(call(20 * MS, nested, &middle, &result), -ETIMEDOUT, "F4 three at once");
    ok(middle.code == -ETIMEDOUT && inner.code == -ETIMEDOUT, "all of them");
}

/* What is the caller's. */

static int same_action(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags &&
           memcmp(&a->sa_mask, &b->sa_mask, 8) == 0;
}

static void test_kept(void)
{
    static const struct {
        const char *name;
        void (*function)(int);
        int flags;
    } table[] = {
        {"default", SIG_DFL, 0},
        {"ignored", SIG_IGN, 0},
        {"a handler", count, 0},
        {"one that restarts", count, SA_RESTART},
        {"one for once", count, SA_RESETHAND | SA_NODEFER},
    };
    struct sigaction before, after;
    sigset_t mask_before, mask_after;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int blocked = 0; blocked < 2; blocked++) {
            sigset_t set;
            set_handler(table[i].function, table[i].flags);
            sigaction(SIGALRM, NULL, &before);
            sigaddset(&before.sa_mask, SIGUSR2);
            sigaction(SIGALRM, &before, NULL);
            sigemptyset(&set);
            sigaddset(&set, SIGALRM);
            sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
            sigprocmask(SIG_BLOCK, NULL, &mask_before);
            is_int(call(5 * MS, read_once, &silent[0], NULL), -ETIMEDOUT, "F5 %s, %sblocked",
                   table[i].name, blocked ? "" : "not ");
            sigaction(SIGALRM, NULL, &after);
            sigprocmask(SIG_BLOCK, NULL, &mask_after);
            ok(same_action(&before, &after), "F5 the handler is as before");
            ok(memcmp(&mask_before, &mask_after, 8) == 0, "F5 the mask is as before");
            sigpending(&set);
            ok(!sigismember(&set, SIGALRM), "F5 nothing is left pending");
            is_int(handled, 0, "F5 the caller's handler was not called for it");
            sigprocmask(SIG_UNBLOCK, &mask_after, NULL);
        }
    unsigned left = alarm(TAP_SECONDS);
    ok(left > 0 && left <= TAP_SECONDS, "F4 alarm(2) goes on");
    reset();
}

static void test_pending_alarm(void)
{
    struct itimerval left;
    int result;

    set_handler(count, SA_RESTART);
    set_timer(20 * MS, 0);
    is_int(call(FOREVER, read_once, &silent[0], &result), 0, "F4 the caller's timer in the call");
    is_int(handled, 1, "F4 ran the caller's handler");
    is_int(result, -EINTR, "and interrupted the function");
    set_timer(500, 0);
    is_int(call(20 * MS, read_once, &silent[0], NULL), -ETIMEDOUT, "F4 a later one");
    getitimer(ITIMER_REAL, &left);
    ok(left.it_value.tv_sec >= 300 && left.it_value.tv_sec < 500, "F4 goes on");
    is_int(handled, 1, "F4 and has not fired");
    set_timer(40 * MS, 0);
    call(20 * MS, read_once, &silent[0], NULL);
    while (handled < 2)
        pause();
    pass("F4 it fires afterwards, in the caller's handler");
    struct sigaction action = {.sa_sigaction = count_info, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &action, NULL);
    handled = 0;
    set_timer(10 * MS, 0);
    call(FOREVER, read_once, &silent[0], NULL);
    is_int(handled, 1, "F4 a handler with siginfo gets it");
    set_handler(count, SA_RESETHAND);
    set_timer(10 * MS, 0);
    call(FOREVER, read_once, &silent[0], NULL);
    is_int(handled, 1, "F4 a handler for once");
    sigaction(SIGALRM, NULL, &action);
    ok(action.sa_handler == SIG_DFL, "F4 is spent");
    set_handler(SIG_IGN, 0);
    set_timer(10 * MS, 0);
    is_int(call(50 * MS, read_once, &silent[0], NULL), 0, "F4 an ignored one does no harm");
    reset();
}

static void test_blocked(void)
{
    struct nest inner = {.seconds = 10 * MS, .function = read_once, .data = &silent[0]};
    sigset_t set;

    set_handler(count, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    set_timer(5 * MS, 0);
    call(30 * MS, compute_then_read, &silent[0], NULL);
    is_int(handled, 0, "F5 a blocked SIGALRM of the caller's is not let in");
    sigpending(&set);
    ok(sigismember(&set, SIGALRM), "F5 it waits");
    call(FOREVER, seven, NULL, NULL);
    sigpending(&set);
    ok(sigismember(&set, SIGALRM), "F5 it still waits after another call");
    call(FOREVER, nested, &inner, NULL);
    is_int(handled, 0, "F5 nor is it let in by two calls");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    is_int(handled, 1, "F5 it comes once it is let in");
    reset();
}

static int status_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return status;
}

static int wait_to_die(void *data)
{
    set_timer(10 * MS, 0);
    while (read_once(data) == -EINTR)
        ;
    return 0;
}

static void test_default_action(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(call(FOREVER, wait_to_die, &silent[0], NULL));
    int status = status_of(pid);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM,
       "F4 an alarm that nobody handles ends the process, as ever");
}

/* A signal as a timer sends it, with a pointer of a stranger's choice. */
static int forge(void *data)
{
    siginfo_t info = {.si_signo = SIGALRM, .si_code = SI_TIMER};

    info.si_value.sival_ptr = (void *)0x10;
    (void)data;
    return (int)syscall(SYS_rt_sigqueueinfo, getpid(), SIGALRM, &info);
}

static void test_forged(void)
{
    set_handler(count, 0);
    is_int(call(FOREVER, forge, NULL, NULL), 0, "a forged signal is no deadline");
    is_int(handled, 1, "it is the caller's");
    reset();
}

static void other(int number)
{
    (void)number;
    handled += 100;
}

static int own_handler(void *data)
{
    struct sigaction action = {.sa_handler = other};
    struct sigaction old;
    int result;

    sigaction(SIGALRM, &action, &old);
    result = read_once(data);
    sigaction(SIGALRM, &old, NULL);
    return result;
}

static int leave_handler(void *data)
{
    struct sigaction action = {.sa_handler = other};

    (void)data;
    return sigaction(SIGALRM, &action, NULL);
}

/* Sets a handler, calls under a deadline of its own, takes the handler away. */
static int nest_below_handler(void *data)
{
    struct sigaction action = {.sa_handler = other};
    struct sigaction old, now;

    sigaction(SIGALRM, &action, &old);
    nested(data);
    sigaction(SIGALRM, NULL, &now);
    sigaction(SIGALRM, &old, NULL);
    return now.sa_handler == other;
}

static void test_own_handler(void)
{
    struct nest inner = {.seconds = 10 * MS, .function = read_once, .data = &silent[0]};
    struct sigaction now;
    int result;

    set_handler(count, 0);
    call(20 * MS, own_handler, &silent[0], &result);
    is_int(result, -EINTR, "the function's own handler is interrupted, too");
    ok(handled >= 100 && handled % 100 == 0, "and gets the signal");
    sigaction(SIGALRM, NULL, &now);
    ok(now.sa_handler == count, "F5 the caller's handler is back");
    is_int(call(FOREVER, nest_below_handler, &inner, &result), 0, "a call below such a handler");
    is_int(result, 1, "F5 puts that one back");
    is_int(inner.code, -ETIMEDOUT, "and keeps its deadline");
    sigaction(SIGALRM, NULL, &now);
    ok(now.sa_handler == count, "F5 and the outer one the caller's");
    call(FOREVER, leave_handler, NULL, NULL);
    sigaction(SIGALRM, NULL, &now);
    ok(now.sa_handler == other, "a handler that the function leaves stays");
    reset();
}

/* 5,000 signals a second that have nothing to do with it. */
static int read_until_expired(void *data)
{
    netio_deadline until = netio_deadline_in(100 * MS);
    int times = 0;

    while (!netio_deadline_passed(until))
        times += read_once(data) == -EINTR;
    return times;
}

static void test_signal_storm(void)
{
    int result = 0;

    set_handler(count, SA_RESTART);
    set_timer(0.2 * MS, 0.2 * MS);
    is_int(call(50 * MS, read_until_expired, &silent[0], &result), -ETIMEDOUT,
           "A15 under a storm of SIGALRM");
    ok(result > 0, "the reads were interrupted, %d times", result);
    ok(handled > 0, "the caller's handler ran, %d times", (int)handled);
    is_int(call(FOREVER, read_once, &silent[0], NULL), 0, "A15 none of them is the deadline");
    reset();
}

/* Threads. */

static void *in_thread(void *data)
{
    int failures = 0;

    (void)data;
    for (int i = 0; i < 20; i++) {
        struct nest inner = {.seconds = FOREVER, .function = read_once, .data = &silent[0]};
        int result;
        failures += call(2 * MS, read_once, &silent[0], &result) != -ETIMEDOUT;
        failures += result != -EINTR;
        failures += call(2 * MS, nested, &inner, &result) != -ETIMEDOUT;
        failures += inner.code != 0 || inner.result != -EINTR;
    }
    return (void *)(intptr_t)failures;
}

static void *wait_uninterrupted(void *data)
{
    struct pollfd poller = {.fd = *(int *)data, .events = POLLIN};

    return (void *)(intptr_t)(poll(&poller, 1, -1) == 1 ? 0 : errno);
}

static void test_threads(void)
{
    struct sigaction now;
    pthread_t waiter, threads[8];
    void *failures;
    long sum = 0;
    int ends[2];

    set_handler(count, 0);
    if (pipe(ends) == -1)
        return;
    pthread_create(&waiter, NULL, wait_uninterrupted, &ends[0]);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, in_thread, NULL);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &failures);
        sum += (long)failures;
    }
    is_int(sum, 0, "F7 eight threads with calls of their own");
    close(ends[1]);
    pthread_join(waiter, &failures);
    is_int((intptr_t)failures, 0, "F7 a thread that makes none is not interrupted");
    close(ends[0]);
    sigaction(SIGALRM, NULL, &now);
    ok(now.sa_handler == count, "F7 the handler is as before");
    is_int(handled, 0, "F7 and was not called");
    reset();
}

/* Forks. */

static int fork_inside(void *data)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct pollfd poller = {.fd = silent[0], .events = POLLIN};
        struct nest inner = {.seconds = 5 * MS, .function = read_once, .data = &silent[0]};
        int unbound = poll(&poller, 1, 60) == 0;
        nested(&inner);
        return unbound && inner.code == -ETIMEDOUT ? -1000 : -2000;
    }
    *(pid_t *)data = pid;
    return read_once(&silent[0]);
}

static void test_fork(void)
{
    struct sigaction now;
    pid_t owner = getpid(), child;
    int result = 0;

    set_handler(count, 0);
    int code = call(30 * MS, fork_inside, &child, &result);
    sigaction(SIGALRM, NULL, &now);
    if (getpid() != owner)
        _exit(code == 0 && result == -1000 && now.sa_handler == count ? 0 : 1);
    is_int(code, -ETIMEDOUT, "F6 the parent's deadline");
    is_int(result, -EINTR, "F6 and its interruption");
    is_int(status_of(child), 0, "F6 the child has none, but may set its own");
    reset();
}

/* A thread forks while others come and go: the child must not find the lock taken. */
static void *churn(void *data)
{
    while (!*(volatile int *)data)
        call(FOREVER, seven, NULL, NULL);
    return NULL;
}

static void test_fork_in_thread(void)
{
    pthread_t thread;
    volatile int stop = 0;
    int wrong = 0;

    pthread_create(&thread, NULL, churn, (void *)&stop);
    for (int i = 0; i < 100; i++) {
        struct sigaction now;
        pid_t pid = fork();
        if (pid == 0) {
            int code = call(FOREVER, seven, NULL, NULL);
            sigaction(SIGALRM, NULL, &now);
            _exit(code == 0 && now.sa_handler == SIG_DFL ? 0 : 1);
        }
        wrong += status_of(pid) != 0;
    }
    stop = 1;
    pthread_join(thread, NULL);
    is_int(wrong, 0, "F6 100 forks beside a thread that makes calls");
}

/* Cutting a socket. */

static int cut_call(int fd, int (*function)(void *), void *data, int *result)
{
    const struct netio_alarm_options options = {
        .deadline = netio_deadline_in(20 * MS), .cut = 1, .socket = fd};

    return netio_alarm_call(function, data, &options, result);
}

/* Closes the socket, and opens another that gets its number. */
static int replace_socket(void *data)
{
    int *pair = data;
    int fresh[2];

    close(pair[0]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == -1)
        return -errno;
    pair[0] = fresh[0];
    read_once(&silent[0]);
    int usable = write(fresh[1], "x", 1) == 1 && read_again(&fresh[0]) == 1;
    close(fresh[1]);
    return usable;
}

static void test_cut(void)
{
    int pair[2], result = 99;
    int before = open_descriptors();

    is_int(cut_call(-1, seven, NULL, &result), -EBADF, "no such socket");
    is_int(result, 99, "the function was not called");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        return;
    is_int(cut_call(pair[0], read_again, &pair[0], &result), -ETIMEDOUT,
           "a function that repeats its recv(2) is cut");
    is_int(result, 0, "and sees the end of the connection");
    close(pair[0]);
    close(pair[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        return;
    int number = pair[0];
    is_int(cut_call(pair[0], replace_socket, pair, &result), -ETIMEDOUT, "F14 one that is closed");
    is_int(pair[0], number, "F14 and whose number is taken again");
    is_int(result, 1, "F14 nothing happens to the new one");
    close(pair[0]);
    close(pair[1]);
    is_int(open_descriptors(), before, "no descriptor is left");
}

static void test_no_timer(void)
{
    struct rlimit before, none = {0, 0};
    struct sigaction now;
    int result = 99;

    getrlimit(RLIMIT_SIGPENDING, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_SIGPENDING, &none);
    is_int(call(FOREVER, seven, NULL, &result), -EAGAIN, "no timer left");
    setrlimit(RLIMIT_SIGPENDING, &before);
    is_int(result, 99, "the function was not called");
    sigaction(SIGALRM, NULL, &now);
    ok(now.sa_handler == SIG_DFL, "the handler is as before");
}

int main(void)
{
    if (pipe2(silent, O_CLOEXEC) == -1)
        return 1;
    test_calls();
    test_nesting();
    test_kept();
    test_pending_alarm();
    test_blocked();
    test_default_action();
    test_forged();
    test_own_handler();
    test_signal_storm();
    test_threads();
    test_fork();
    test_fork_in_thread();
    test_cut();
    test_no_timer();
    return tap_done();
}
