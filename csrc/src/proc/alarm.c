/* Ring 2.  A blocking function under a deadline; see netio/alarm.h.  Called by programs;
 * it touches the calling thread's timers and signal mask and, while a call lasts, the
 * process's handler of SIGALRM.
 *
 * The timer is timer_create(2)'s with SIGEV_THREAD_ID, not alarm(2) or setitimer(2):
 *  - there is one of those in a process, and it may be the caller's: lending it means to
 *    compute what is left of it, and to lose it when the function sets it;
 *  - their signal goes to any thread that lets it in, seldom to the one that waits;
 *  - siginfo tells one timer from another.  That of alarm(2) is pending for the process, ours
 *    for the thread, so neither swallows the other where both are due.
 * It interrupts, and says that something is due; what, the clock knows. */
#include <netio/alarm.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_NS 10000000 /* from one signal to the next, once the deadline has passed */

#ifndef sigev_notify_thread_id /* the C library knows the member, but not its name */
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct call {
    struct call *outer; /* the call, if any, that this one was made in */
    netio_deadline deadline;
    timer_t timer;
    pid_t process;          /* whose it is: not a child's */
    int socket;             /* ours, a duplicate; -1: none */
    int was_blocked;        /* SIGALRM was, here or further out */
    int installed;          /* the handler, over one that the outer call's function had set ... */
    struct sigaction below; /* ... and what had stood below that one */
    volatile sig_atomic_t expired;
    volatile sig_atomic_t held; /* a SIGALRM of somebody else's came, and was blocked */
};

/* The calls that the thread is in.  A handler reads it: initial-exec, because otherwise the
 * first access in a thread may allocate. */
static __thread struct call *volatile innermost __attribute__((tls_model("initial-exec")));

/* The handler is the process's, shared by all calls under way in all threads. */
static struct {
    pthread_mutex_t lock;
    pthread_once_t once;
    int calls;
    struct sigaction before; /* what it stands in for; stays valid when it is gone */
} handler = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

/* The default action is to end the process: by the signal, as its parent expects. */
static void die_of(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set;

    (void)sigaction(number, &action, NULL);
    (void)raise(number);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction before = handler.before;

    if (before.sa_flags & SA_RESETHAND)
        handler.before = (struct sigaction){.sa_handler = SIG_DFL};
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler == SIG_DFL)
        die_of(number);
    else if (before.sa_handler != SIG_IGN)
        before.sa_handler(number);
}

/* What is due is told by the clock, so that one signal does for all calls.  Nothing in the
 * signal is believed: any program of the same user can queue one that looks like it. */
static void expire(struct call *call)
{
    int64_t now = netio_clock_now();

    for (; call; call = call->outer) {
        if (call->deadline > now || call->process != getpid())
            continue;
        call->expired = 1;
        if (call->socket != -1) /* again each time: it may not have been connected yet */
            (void)shutdown(call->socket, SHUT_RDWR);
    }
}

/* Async-signal-safe. */
static void on_alarm(int number, siginfo_t *info, void *context)
{
    struct call *call = innermost;
    int saved = errno;

    if (info->si_code == SI_TIMER && info->si_value.sival_ptr == &handler)
        expire(call);
    else if (call && call->was_blocked)
        call->held = 1;
    else
        pass_on(number, info, context);
    errno = saved;
}

/* Holds all signals back while the lock is taken: what runs in a handler may want it, too. */
static void lock(sigset_t *mask)
{
    sigset_t all;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, mask);
    (void)pthread_mutex_lock(&handler.lock);
}

static void unlock(const sigset_t *mask)
{
    (void)pthread_mutex_unlock(&handler.lock);
    (void)pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/* A child has one thread: of the calls under way, its own are left. */
static sigset_t fork_mask;

static void before_fork(void)
{
    sigset_t mask;

    lock(&mask);
    fork_mask = mask;
}

static void parent_after_fork(void)
{
    sigset_t mask = fork_mask;

    unlock(&mask);
}

static void child_after_fork(void)
{
    handler.calls = 0;
    for (const struct call *call = innermost; call; call = call->outer)
        handler.calls++;
    parent_after_fork();
}

static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, parent_after_fork, child_after_fork);
}

static int is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_alarm;
}

/* Calls under way do not mean that the handler is there: a function may have set its own. */
static int install_handler(struct call *call)
{
    struct sigaction ours = {.sa_sigaction = on_alarm}, now;

    if (sigaction(SIGALRM, NULL, &now) == -1)
        return -errno;
    if (!is_ours(&now)) {
        ours.sa_mask = now.sa_mask;
        ours.sa_flags = SA_SIGINFO | (now.sa_flags & (SA_ONSTACK | SA_NODEFER));
        call->installed = 1;
        call->below = handler.before;
        handler.before = now; /* first: a signal may come in another thread */
        if (sigaction(SIGALRM, &ours, NULL) == -1) {
            handler.before = call->below;
            return -errno;
        }
    }
    handler.calls++;
    return 0;
}

/* Somebody else's handler that stands in its place by now stays there. */
static void remove_handler(const struct call *call)
{
    struct sigaction now;
    int last = --handler.calls == 0;

    if (!last && !(call->installed && call->outer))
        return;
    if (sigaction(SIGALRM, NULL, &now) == 0 && is_ours(&now))
        (void)sigaction(SIGALRM, &handler.before, NULL);
    if (!last)
        handler.before = call->below;
}

static int enter(struct call *call)
{
    sigset_t mask;

    (void)pthread_once(&handler.once, watch_forks);
    lock(&mask);
    int code = install_handler(call);
    unlock(&mask);
    return code;
}

static void leave(const struct call *call)
{
    sigset_t mask;

    lock(&mask);
    remove_handler(call);
    unlock(&mask);
}

static int make_timer(struct call *call)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};

    event.sigev_value.sival_ptr = &handler; /* says whose it is */
    event.sigev_notify_thread_id = gettid();
    call->process = getpid();
    return timer_create(CLOCK_MONOTONIC, &event, &call->timer) == -1 ? -errno : 0;
}

static int start_timer(const struct call *call)
{
    int64_t deadline = call->deadline;
    const struct itimerspec spec = {
        .it_value = {.tv_sec = deadline / NETIO_SECOND, .tv_nsec = deadline % NETIO_SECOND},
        .it_interval = {.tv_nsec = AGAIN_NS},
    };

    return timer_settime(call->timer, TIMER_ABSTIME, &spec, NULL) == -1 ? -errno : 0;
}

/* A child has no timer, and another of its own may have the same number.  One that cannot be
 * deleted must not go on: its signal would end the process once the handler is gone. */
static void drop_timer(const struct call *call)
{
    static const struct itimerspec never;

    if (call->process == getpid() && timer_delete(call->timer) == -1)
        (void)timer_settime(call->timer, 0, &never, NULL);
}

static void set_blocked(int blocked, int *was_blocked)
{
    sigset_t set, before;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGALRM);
    (void)pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, &before);
    if (was_blocked)
        *was_blocked = sigismember(&before, SIGALRM);
}

/* What was held back becomes pending again: for the outer call, or for the process. */
static void hand_back(const struct call *call)
{
    if (!call->held)
        return;
    if (call->outer && call->outer->was_blocked)
        call->outer->held = 1;
    else
        (void)kill(getpid(), SIGALRM);
}

/* A signal of a timer that is gone may still be pending.  It comes in before timer_delete()
 * returns, since nothing blocks it: while the handler is there. */
static int call_timed(struct call *call, int (*function)(void *), void *data, int *result)
{
    int blocked;

    set_blocked(1, &blocked);
    call->was_blocked = blocked || (call->outer && call->outer->was_blocked);
    innermost = call; /* what the caller has blocked comes in now, and must find it */
    set_blocked(0, NULL);
    int code = start_timer(call);
    if (code == 0)
        *result = function(data);
    int saved = errno;
    set_blocked(0, NULL);
    drop_timer(call);
    set_blocked(blocked, NULL);
    innermost = call->outer;
    hand_back(call);
    errno = saved;
    return code ? code : call->expired ? -ETIMEDOUT : 0;
}

static int call_handled(struct call *call, int (*function)(void *), void *data, int *result)
{
    int code = enter(call);

    if (code)
        return code;
    code = make_timer(call);
    if (code == 0)
        code = call_timed(call, function, data, result);
    int saved = errno;
    leave(call);
    errno = saved;
    return code;
}

int netio_alarm_call(int (*function)(void *data), void *data,
                     const struct netio_alarm_options *options, int *result)
{
    struct call call = {.outer = innermost, .deadline = options->deadline, .socket = -1};
    int ignored;

    if (!result)
        result = &ignored;
    if (call.deadline == NETIO_NEVER) {
        *result = function(data);
        return 0;
    }
    if (call.deadline < NETIO_NOW)
        call.deadline = NETIO_NOW;
    if (options->cut) {
        /* The number may be closed during the call, and given to something else. */
        call.socket = fcntl(options->socket, F_DUPFD_CLOEXEC, 0);
        if (call.socket == -1)
            return -errno;
    }
    int code = call_handled(&call, function, data, result);
    if (call.socket != -1)
        netio_fd_close(call.socket);
    return code;
}
