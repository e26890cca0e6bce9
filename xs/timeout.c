/* Perl face.  timeout; see timeout.h.  Called by the sub timeout of NetIO.pm; it touches a
 * timer and one real-time signal of the process, the thread's mask of it, and Perl's hook for
 * signals that wait (PL_signalhook).
 *
 * The signal only interrupts: its handler marks the interpreter as one with a signal to look
 * after, and Perl, where it would run a %SIG handler, runs hook(), which dies.  Not SIGALRM:
 * Perl code sets $SIG{ALRM}, and Perl sets it to its default where a `local` of it ends, which
 * would kill the process at the next signal of ours.  What the block and its caller do with
 * alarms has nothing to do with this.  A timer of timer_create(2) for the thread leaves
 * setitimer(2) to them, too, and interrupts the thread that has asked for it. */
#include "timeout.h"

#include "args.h"
#include "error.h"
#include "object.h"

#include <netio/clock.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_NS 10000000 /* from one signal to the next, once the deadline has passed */

#ifndef sigev_notify_thread_id /* the C library knows the member, but not its name */
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct guard {
    struct guard *outer;
    netio_deadline deadline;
    netio_deadline soonest; /* of this one and those further out */
    int64_t began;
    int64_t quiet_until;    /* it has fired: Perl code has a moment to notice */
    NV seconds;             /* as given */
    const COP *cop;         /* the statement that called timeout */
    const PERL_SI *stack;   /* where it did */
    pid_t process;          /* whose it is: not a child's */
};

#define MY_CXT_KEY "NetIO::timeout::_guts"
typedef struct {
    void *owner; /* the interpreter: a new one, while it is being cloned, finds its parent's */
    struct guard *innermost;
    despatch_signals_proc_t before; /* the hook that ours stands in for */
    bool hooked;
    bool throwing;
    /* Of the outermost guard: */
    timer_t timer;
    int signal;
    bool signal_blocked;    /* ours was */
    bool child_blocked;     /* SIGCHLD was */
    struct sigaction interrupt, quit; /* the actions of SIGINT and SIGQUIT */
} my_cxt_t;
START_MY_CXT

static const char ours; /* its address says that a signal is of a timer of this file */

void xs_timeout_boot(pTHX)
{
    MY_CXT_INIT;
    Zero(&MY_CXT, 1, my_cxt_t);
    MY_CXT.owner = PERL_GET_THX;
}

/* A thread that is born in a block is not bound by its deadline. */
void xs_timeout_clone(pTHX)
{
    MY_CXT_CLONE;
    MY_CXT.owner = PERL_GET_THX;
    MY_CXT.innermost = NULL;
    MY_CXT.throwing = false;
}

/* Async-signal-safe, as Perl's own handler is.  The interpreter is asked for, since the one
 * that had set the timer may have gone meanwhile. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    PERL_UNUSED_VAR(number);
    PERL_UNUSED_VAR(context);
    if (info->si_code == SI_TIMER && info->si_value.sival_ptr == &ours) {
        dTHX;
#ifdef PERL_IMPLICIT_CONTEXT
        if (!aTHX)
            return;
#endif
        PL_sig_pending = 1;
    }
}

/* The highest real-time signal that nobody uses.  The handler stays: it does nothing for a
 * signal that is not a timer's of ours, and Perl has forgotten nothing by it. */
static int claim_signal(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, now;

    (void)sigemptyset(&action.sa_mask);
    for (int number = SIGRTMAX - 1; number >= SIGRTMIN; number--) {
        if (sigaction(number, NULL, &now) == -1)
            continue;
        if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_signal)
            return number;
        if (!(now.sa_flags & SA_SIGINFO) &&
            (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN) &&
            sigaction(number, &action, NULL) == 0)
            return number;
    }
    return 0;
}

static sigset_t only(int number)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    return set;
}

/* What dying out of system() needs to know: see repair_system(). */
static void note_signals(my_cxt_t *my, const sigset_t *mask)
{
    my->signal_blocked = sigismember(mask, my->signal) == 1;
    my->child_blocked = sigismember(mask, SIGCHLD) == 1;
    (void)sigaction(SIGINT, NULL, &my->interrupt);
    (void)sigaction(SIGQUIT, NULL, &my->quit);
}

static int make_timer(my_cxt_t *my)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID};
    sigset_t set, mask;

    my->signal = claim_signal();
    if (!my->signal)
        return -EAGAIN;
    event.sigev_signo = my->signal;
    event.sigev_value.sival_ptr = (void *)&ours;
    event.sigev_notify_thread_id = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &my->timer) == -1)
        return -errno;
    set = only(my->signal);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, &mask);
    note_signals(my, &mask);
    return 0;
}

/* With the signal let in, one that is still pending comes before timer_delete() returns. */
static void drop_timer(my_cxt_t *my)
{
    sigset_t set = only(my->signal);

    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    (void)timer_delete(my->timer);
    if (my->signal_blocked)
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Cannot fail: the timer is there, and the times are valid. */
static void set_timer(const my_cxt_t *my, netio_deadline deadline)
{
    const struct itimerspec spec = {
        .it_value = {.tv_sec = deadline / NETIO_SECOND, .tv_nsec = deadline % NETIO_SECOND},
        .it_interval = {.tv_nsec = AGAIN_NS},
    };

    (void)timer_settime(my->timer, TIMER_ABSTIME, &spec, NULL);
}

/* The guard around this one whose timer this process has. */
static struct guard *outer_of(const struct guard *guard)
{
    return guard->outer && guard->outer->process == guard->process ? guard->outer : NULL;
}

static int arm(my_cxt_t *my, struct guard *guard)
{
    const struct guard *outer;
    int code;

    guard->process = getpid();
    guard->outer = my->innermost;
    outer = outer_of(guard);
    code = outer ? 0 : make_timer(my);
    if (code)
        return code;
    guard->soonest =
        outer ? netio_deadline_sooner(guard->deadline, outer->soonest) : guard->deadline;
    my->innermost = guard;
    if (!outer || guard->soonest != outer->soonest)
        set_timer(my, guard->soonest);
    return 0;
}

static void disarm(my_cxt_t *my, struct guard *guard)
{
    struct guard **link = &my->innermost;
    const struct guard *outer = outer_of(guard);

    while (*link && *link != guard)
        link = &(*link)->outer;
    if (!*link)
        return;
    *link = guard->outer;
    if (guard->process != getpid())
        return;
    if (!outer)
        drop_timer(my);
    else if (outer->soonest != guard->soonest)
        set_timer(my, outer->soonest);
}

static int free_guard(pTHX_ SV *sv, MAGIC *mg)
{
    dMY_CXT;
    dSAVE_ERRNO;

    PERL_UNUSED_VAR(sv);
    if (mg->mg_ptr)
        disarm(&MY_CXT, (struct guard *)mg->mg_ptr);
    Safefree(mg->mg_ptr);
    RESTORE_ERRNO;
    return 0;
}

/* A new thread gets a copy of the variable, but there is one guard. */
static MGVTBL guard_table = {.svt_free = free_guard, .svt_dup = xs_object_dup};

/* Whether Perl has been called for such a purpose within the guard's scope. */
static bool is_inside(const PERL_SI *stack, const struct guard *guard, I32 type)
{
    for (; stack && stack != guard->stack; stack = stack->si_prev)
        if (stack->si_type == type)
            return true;
    return false;
}

/* The outermost one that has expired: when it is over, so are those inside.  A DESTROY that dies
 * is not the end of anything: Perl prints a warning and goes on, and while an exception unwinds,
 * so it should.  Guards from outside let it be; the next signal is 10 ms away. */
static struct guard *find_expired(pTHX_ struct guard *guard, int64_t now)
{
    struct guard *found = NULL;
    pid_t process = getpid();

    for (; guard && guard->process == process; guard = guard->outer) {
        if (guard->deadline > now)
            continue;
        if (is_inside(PL_curstackinfo, guard, PERLSI_DESTROY))
            break;
        found = guard;
    }
    return found;
}

/* 'IGNORE' is what system() does while it waits, too.  Where %SIG says nothing, what was there
 * before may be somebody's handler in C. */
static void repair_action(pTHX_ int number, const char *name, const struct sigaction *before)
{
    SV **value = hv_fetch(get_hv("SIG", GV_ADD), name, (I32)strlen(name), 0);
    const char *said = value && SvPOK(*value) ? SvPVX_const(*value) : "";
    bool is_handler = (value && SvROK(*value)) || (*said && strNE(said, "DEFAULT"));
    struct sigaction now;

    if (sigaction(number, NULL, &now) == -1 || now.sa_handler != SIG_IGN || strEQ(said, "IGNORE"))
        return;
    if (is_handler)
        (void)rsignal(number, PL_csighandlerp);
    else if (*said || before->sa_handler == PL_csighandlerp)
        (void)rsignal(number, SIG_DFL);
    else
        (void)sigaction(number, before, NULL);
}

/* Perl's system() ignores SIGINT and SIGQUIT and blocks SIGCHLD while it waits, and leaves
 * it so when a handler dies: it, or a %SIG handler that it has called and that hangs. */
static void repair_system(pTHX_ const my_cxt_t *my, const struct guard *guard)
{
    sigset_t set = only(SIGCHLD);

    if ((!PL_op || PL_op->op_type != OP_SYSTEM) &&
        !is_inside(PL_curstackinfo, guard, PERLSI_SIGNAL))
        return;
    repair_action(aTHX_ SIGINT, "INT", &my->interrupt);
    repair_action(aTHX_ SIGQUIT, "QUIT", &my->quit);
    if (!my->child_blocked)
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void throw_expired(pTHX_ my_cxt_t *my, const struct guard *guard, int64_t now)
    __attribute__((noreturn));

/* Loading the class of the error, and $SIG{__DIE__}, are Perl code, too: not to be died in. */
static void throw_expired(pTHX_ my_cxt_t *my, const struct guard *guard, int64_t now)
{
    HV *hash = xs_error_new(aTHX_ NETIO_STAGE_TIMEOUT, -ETIMEDOUT, NULL);

    (void)hv_stores(hash, "what", newSVpvs("timeout"));
    (void)hv_stores(hash, "elapsed", newSVnv((NV)(now - guard->began) / (NV)NETIO_SECOND));
    SAVEBOOL(my->throwing);
    my->throwing = true;
    PL_curcop = (COP *)guard->cop; /* to blame, wherever the block has come to */
    xs_error_throw(aTHX_ hash,
                   newSVpvf("timeout: not finished after %" NVgf " second%s", guard->seconds,
                            guard->seconds == 1 ? "" : "s"));
}

/* Not at every chance, or the code that catches the error could do nothing; and a %SIG handler
 * that has just begun gets until the next signal to do what it is there for. */
static bool may_throw(pTHX_ struct guard *guard, int64_t now)
{
    bool first = guard->quiet_until == 0;

    if (now < guard->quiet_until)
        return false;
    guard->quiet_until = now + AGAIN_NS / 2; /* not so long as to miss the next signal */
    return !first || !is_inside(PL_curstackinfo, guard, PERLSI_SIGNAL);
}

/* Runs where Perl runs %SIG handlers.  Those that wait stay waiting when this dies. */
static void hook(pTHX)
{
    dMY_CXT;
    my_cxt_t *my = &MY_CXT;

    if (my->innermost && !my->throwing && my->owner == PERL_GET_THX &&
        PL_phase != PERL_PHASE_DESTRUCT) {
        int64_t now = netio_clock_now();
        struct guard *guard = find_expired(aTHX_ my->innermost, now);
        if (guard && may_throw(aTHX_ guard, now)) {
            repair_system(aTHX_ my, guard);
            throw_expired(aTHX_ my, guard, now);
        }
    }
    my->before(aTHX);
}

void xs_timeout_check(pTHX)
{
    dMY_CXT;
    int64_t now = netio_clock_now();
    const struct guard *guard = find_expired(aTHX_ MY_CXT.innermost, now);

    if (guard)
        throw_expired(aTHX_ &MY_CXT, guard, now);
}

/* Carp is told, too, not to blame the line of NetIO.pm that has called a block. */
static void install_hook(pTHX_ my_cxt_t *my)
{
    if (my->hooked)
        return;
    (void)hv_stores(get_hv("Carp::Internal", GV_ADDMULTI), "NetIO", newSViv(1));
    my->before = PL_signalhook;
    PL_signalhook = hook;
    my->hooked = true;
}

static NV get_seconds(pTHX_ SV *value)
{
    NV seconds;
    struct xs_text text;

    if (xs_seconds_get(aTHX_ &seconds, value))
        return seconds;
    xs_text_get(aTHX_ &text, value);
    xs_error_throw_argument(aTHX_ "timeout", NETIO_STAGE_OPTION, NETIO_EBADOPTION,
                            newSVpvf("timeout: '%" SVf "' is not a number of seconds",
                                     SVfARG(xs_text_shown(aTHX_ &text))));
}

/* The prototype sees to it, except for a call by &timeout(...): a name is not called. */
static void check_code(pTHX_ SV *code)
{
    if (!SvROK(code) || (SvTYPE(SvRV(code)) != SVt_PVCV && !SvAMAGIC(code)))
        xs_error_throw_argument(aTHX_ "timeout", NETIO_STAGE_OPTION, NETIO_EBADOPTION,
                                newSVpvs("timeout: no code reference given"));
}

static void fill_guard(pTHX_ struct guard *guard, NV seconds)
{
    const PERL_CONTEXT *frame = caller_cx(0, NULL);

    guard->seconds = seconds;
    guard->cop = frame ? frame->blk_oldcop : PL_curcop;
    guard->stack = PL_curstackinfo;
    guard->began = netio_clock_now();
    guard->deadline = netio_deadline_in(seconds);
}

/* Nothing is left behind when it throws: the guard is in no list then. */
SV *xs_timeout_guard(pTHX_ SV *value, SV *block)
{
    dMY_CXT;
    struct guard guard = {.seconds = get_seconds(aTHX_ value)};
    int before = errno;
    int code;

    check_code(aTHX_ block);
    fill_guard(aTHX_ &guard, guard.seconds);
    if (guard.deadline == NETIO_NEVER)
        return newSV(0);
    if (netio_deadline_passed(guard.deadline))
        throw_expired(aTHX_ &MY_CXT, &guard, netio_clock_now());
    install_hook(aTHX_ &MY_CXT);

    SV *sv = newSV_type(SVt_PVMG);
    SV *self = newRV_noinc(sv);
    struct guard *kept;
    Newx(kept, 1, struct guard);
    *kept = guard;
    code = arm(&MY_CXT, kept);
    if (code) {
        Safefree(kept);
        SvREFCNT_dec(self);
        xs_error_throw_argument(aTHX_ "timeout", NETIO_STAGE_TIMEOUT, code,
                                newSVpvf("timeout: no timer: %s", netio_error_text(code)));
    }
    (void)xs_object_bind(aTHX_ sv, &guard_table, kept);
    errno = before;
    return self;
}
