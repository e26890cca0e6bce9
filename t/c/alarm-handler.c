/* Tests of netio/alarm.h: handlers of SIGALRM, the mask and the timers are the caller's, whether
 * one of his signals comes in the call or not.  F4 and F5 for C, and A15. */
#include "alarmed.h"

#include <sys/syscall.h>

static void count_info(int number, siginfo_t *info, void *context)
{
    handled += number == SIGALRM && info->si_signo == SIGALRM && context;
}

static int spin_until_handled(void *data)
{
    (void)data;
    while (!handled)
        continue;
    return 0;
}

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
    set_timer(20 * MS, 20 * MS); /* one may come before the read */
    is_int(call(FOREVER, read_once, &silent[0], &result), 0, "F4 the caller's timer in the call");
    set_timer(0, 0);
    ok(handled > 0, "F4 ran the caller's handler");
    is_int(result, -EINTR, "and interrupted the function");
    handled = 0;
    set_timer(500, 0);
    is_int(call(20 * MS, read_once, &silent[0], NULL), -ETIMEDOUT, "F4 a later one");
    getitimer(ITIMER_REAL, &left);
    ok(left.it_value.tv_sec >= 300 && left.it_value.tv_sec < 500, "F4 goes on");
    is_int(handled, 0, "F4 and has not fired");
    set_timer(40 * MS, 0);
    call(20 * MS, read_once, &silent[0], NULL);
    spin_until_handled(NULL);
    pass("F4 it fires afterwards, in the caller's handler");
    struct sigaction action = {.sa_sigaction = count_info, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &action, NULL);
    handled = 0;
    set_timer(10 * MS, 0);
    call(FOREVER, spin_until_handled, NULL, NULL);
    is_int(handled, 1, "F4 a handler with siginfo gets it");
    set_handler(count, SA_RESETHAND);
    set_timer(10 * MS, 0);
    call(FOREVER, spin_until_handled, NULL, NULL);
    is_int(handled, 1, "F4 a handler for once");
    sigaction(SIGALRM, NULL, &action);
    ok(action.sa_handler == SIG_DFL, "F4 is spent");
    set_handler(SIG_IGN, 0);
    set_timer(10 * MS, 10 * MS);
    is_int(call(FOREVER, read_once, &silent[0], NULL), 0, "F4 an ignored one does no harm");
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

int main(void)
{
    make_silent();
    test_kept();
    test_pending_alarm();
    test_blocked();
    test_default_action();
    test_forged();
    test_own_handler();
    test_signal_storm();
    return tap_done();
}
