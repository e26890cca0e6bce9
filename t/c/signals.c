/* Tests of netio/signals.h. */
#include "birth.h"
#include <netio/fd.h>
#include <netio/signals.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

static volatile sig_atomic_t handled;

static void handle(int number)
{
    handled = number;
}

static int is_blocked(int number)
{
    sigset_t mask;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, number);
}

/* What a signal does, as the kernel has it: the C library hides two of them. */
static void *disposition(int number)
{
    void *action[32] = {0};

    return syscall(SYS_rt_sigaction, number, NULL, action, 8) == 0 ? action[0] : (void *)-1;
}

static void test_close(void)
{
    static const int wanted[] = {SIGTERM, SIGUSR1, 0};
    sigset_t other;

    sigemptyset(&other);
    sigaddset(&other, SIGUSR2);
    sigprocmask(SIG_BLOCK, &other, NULL);
    signal(SIGTERM, handle);
    int fd = netio_signals_open(wanted);
    raise(SIGTERM);
    is_int(handled, 0, "libdaemon 11: a signal waits");
    netio_signals_close(fd, wanted);
    is_int(handled, SIGTERM, "libdaemon 11: closed, it acts as its disposition says");
    ok(!is_blocked(SIGTERM) && !is_blocked(SIGUSR1), "none of them is blocked any more");
    ok(is_blocked(SIGUSR2), "but what somebody else has blocked");
    is_int(fcntl(fd, F_GETFD), -1, "and the descriptor is gone");
    netio_signals_close(-1, wanted);
    sigprocmask(SIG_UNBLOCK, &other, NULL);
    signal(SIGTERM, SIG_DFL);
}

/* libdaemon's pipe is one for parent and child. */
static int reads_its_own(void)
{
    static const int wanted[] = {SIGTERM, 0};
    int fd = netio_signals_open(wanted);

    NEED(fd >= 0);
    pid_t child = fork();
    if (child == 0) {
        kill(getpid(), SIGTERM);
        syscall(SYS_exit_group, netio_signals_next(fd) == SIGTERM ? 7 : 8);
    }
    int status;
    NEED(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    NEED(netio_signals_next(fd) == 0);
    return 0;
}

static int resets_all(void)
{
    void *ignore[32] = {(void *)SIG_IGN};

    for (int i = 1; i < NSIG; i++)
        signal(i, i % 3 ? SIG_IGN : handle);
    for (int i = SIGSYS + 1; i < SIGRTMIN; i++)
        NEED(syscall(SYS_rt_sigaction, i, ignore, NULL, 8) == 0);
    unsigned long every = ~0ul;
    NEED(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every, NULL, 8) == 0);
    NEED(disposition(SIGTERM) != (void *)SIG_DFL && disposition(32) == (void *)SIG_IGN);
    NEED(netio_signals_reset() == 0);
    for (int i = 1; i < NSIG; i++)
        NEED(disposition(i) == (void *)SIG_DFL);
    NEED(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &every, 8) == 0 && every == 0);
    return 0;
}

static void *no_thread(void *data)
{
    return data;
}

/* The C library's own handlers, by which it changes the uid of all threads, for example. */
static int leaves_the_librarys(void)
{
    pthread_t thread;

    NEED(pthread_create(&thread, NULL, no_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    void *before = disposition(33);
    NEED(netio_signals_reset() == 0 && disposition(33) == before);
    return 0;
}

/* What was blocked and is pending acts as the default has it. */
static int pending_acts(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    signal(SIGTERM, handle);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTERM);
    (void)netio_signals_reset();
    return 0;
}

/* Whether they were ignored or blocked, those of the list do not act; the rest is reset. */
static int ignores_some(void)
{
    static const int ignored[] = {SIGHUP, SIGUSR1, 0};
    sigset_t set;

    sigfillset(&set);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, handle);
    signal(SIGALRM, handle);
    sigprocmask(SIG_SETMASK, &set, NULL);
    raise(SIGHUP);
    raise(SIGUSR1);
    NEED(netio_signals_begin(ignored, 0) == 0);
    for (int i = 1; i < NSIG; i++)
        NEED(disposition(i) == (i == SIGHUP || i == SIGUSR1 ? (void *)SIG_IGN : (void *)SIG_DFL));
    sigprocmask(SIG_BLOCK, NULL, &set);
    NEED(!sigismember(&set, SIGHUP) && !sigismember(&set, SIGTERM));
    return 0;
}

/* Held, they do not act either, and what is executed finds the default. */
static int holds_them(void)
{
    static const int ignored[] = {SIGHUP, SIGPIPE, SIGTSTP, 0};
    sigset_t set;

    NEED(netio_signals_begin(ignored, 0) == 0);
    NEED(netio_signals_hold() == 0);
    for (const int *number = ignored; *number; number++) {
        NEED(disposition(*number) == (void *)SIG_DFL);
        raise(*number);
    }
    sigprocmask(SIG_BLOCK, NULL, &set);
    NEED(sigismember(&set, SIGHUP) && sigismember(&set, SIGTSTP) && !sigismember(&set, SIGTERM));
    NEED(netio_signals_hold() == 0);
    return 0;
}

static void test_reset(void)
{
    is_int(in_child(resets_all), 0, "C8: all dispositions and the mask");
    is_int(in_child(leaves_the_librarys), 0, "C8: the C library keeps its own");
    is_int(in_child(pending_acts), -SIGTERM, "C8: a signal that was held back acts");
    is_int(in_child(ignores_some), 0, "C8: but not one that is to be ignored");
    is_int(in_child(holds_them), 0, "C8: nor one that is held");
}

int main(void)
{
    static const int wanted[] = {SIGTERM, SIGHUP, 0};
    static const int wrong[] = {SIGTERM, 9999, 0};

    is_int(netio_signals_open(wrong), -EINVAL, "no such signal");
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    ok(!sigismember(&mask, SIGTERM), "and nothing was blocked");
    int fd = netio_signals_open(wanted);
    ok(fd >= 0, "a descriptor");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "close-on-exec");
    is_int(netio_signals_next(fd), 0, "no signal yet");
    is_int(netio_fd_poll(fd, NETIO_READ, NETIO_NOW), -ETIMEDOUT, "nothing to read");
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    is_int(netio_fd_poll(fd, NETIO_READ, NETIO_NOW), NETIO_READ, "there is now");
    int first = netio_signals_next(fd), second = netio_signals_next(fd);
    ok((first == SIGHUP && second == SIGTERM) || (first == SIGTERM && second == SIGHUP),
       "each of the two, once");
    is_int(netio_signals_next(fd), 0, "and no more");
    netio_fd_close(fd);
    is_int(netio_signals_next(fd), -EBADF, "a closed one");
    netio_signals_close(-1, wanted);
    test_close();
    is_int(in_child(reads_its_own), 0, "libdaemon 10: a child has its own signals");
    test_reset();
    (void)diag;
    return tap_done();
}
