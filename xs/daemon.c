/* Perl face.  NetIO::Daemon; see daemon.h.  Called by NetIO::daemonize and the methods; it touches
 * the whole process: descriptors 0 to 2, signals, %ENV, and what netio_daemonize does.
 *
 * Order matters: whatever may run Perl code (reading options) comes first, and nothing does between
 * netio_daemonize and the return to Perl, when the process is whole again. */
#include "daemon.h"

#include "args.h"
#include "daemon_options.h"
#include "environ.h"
#include "error.h"
#include "log.h"
#include "passed.h"
#include "signals.h"
#include "standard.h"

#include <netio/activation.h>
#include <netio/daemonize.h>
#include <netio/fd.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static struct {
    struct netio_daemon *daemon; /* NULL: not yet, or over */
    struct netio_log *log;
    struct netio_loop *loop; /* for signs of life alone */
    struct netio_user user;
    struct netio_activation activation;  /* what has been passed, and not yet asked for */
    struct xs_standard_file standard[3]; /* 0 to 2, when daemonize returned */
    AV *held;                            /* what options point to */
    const char *name;                    /* in held */
    void *owner;                         /* the interpreter that called daemonize; NULL: none has */
    bool standard_error;                 /* the log is to go there */
} the;

static void refuse(pTHX_ int code, const char *why) __attribute__((noreturn));

static void refuse(pTHX_ int code, const char *why)
{
    xs_error_throw_argument(aTHX_ "daemonize", NETIO_STAGE_DAEMONIZE, code,
                            newSVpvf("daemonize: %s", why));
}

/* --- becoming one */

/* The kernel counts a folder for each thread; where there is no /proc, it refuses to a program with
 * threads what it grants, without effect, to any other. */
static bool has_threads(void)
{
    struct stat st;

    if (stat("/proc/self/task", &st) == 0)
        return st.st_nlink > 3;
    return unshare(CLONE_THREAD) == -1 && errno == EINVAL;
}

/* A log opened where STDERR is closed would be what ready replaces. */
static int prepare(struct xs_daemon_options *given, struct netio_error *error)
{
    int code = netio_fd_standard();

    if (code != 0)
        return netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "/dev/null");
    if (given->user)
        code = netio_user_parse(&the.user, given->user, error);
    if (code == 0 && given->user)
        given->options.world.privileges.user = &the.user;
    if (code == 0 && given->log)
        code = netio_log_open(&the.log, given->log, given->name, error);
    return code;
}

/* As if daemonize had never been called. */
static void forget(pTHX)
{
    netio_daemon_free(the.daemon);
    if (the.loop)
        netio_loop_free(the.loop);
    netio_log_free(the.log);
    netio_user_free(&the.user);
    SvREFCNT_dec((SV *)the.held);
    memset(&the, 0, sizeof the);
}

/* Everything the interpreter has buffered has been flushed; no END block, no destructor, no atexit.
 */
static void leave(const char *name, int status, const struct netio_error *error)
    __attribute__((noreturn));

static void leave(const char *name, int status, const struct netio_error *error)
{
    char text[640];

    if (error->code != 0)
        (void)dprintf(STDERR_FILENO, "%s: %s\n", name, netio_error_str(error, text, sizeof text));
    _exit(status);
}

/* netio_daemonize, and in its starter the end. */
static int detach(const struct xs_daemon_options *given, struct netio_error *error)
{
    int status;
    int code = netio_daemonize(&the.daemon, &given->options, &status, error);

    if (code == NETIO_DAEMON_STARTER)
        leave(given->name, status, error);
    xs_standard_look(the.standard);
    return code;
}

/* Sockets are those of a manager, which has not been forked away from. */
static int take_sockets(struct netio_error *error)
{
    if (netio_daemon_detached(the.daemon))
        return 0;
    return netio_activation_take(&the.activation, error);
}

static int open_default_log(const char *target, const char *name, struct netio_error *error)
{
    if (!target)
        target = netio_daemon_detached(the.daemon) ? "syslog" : "stderr";
    the.standard_error = strEQ(target, "stderr");
    return the.log ? 0 : netio_log_open(&the.log, target, name, error);
}

static int keep_over_exec(const struct netio_daemon_options *options, struct netio_error *error)
{
    for (size_t i = 0; i < options->keep_count; i++) {
        int code = netio_fd_cloexec(options->keep[i], 0);
        if (code != 0)
            return netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "keep");
    }
    return 0;
}

/* What Perl knows of the process it is in. */
static int settle(pTHX_ const struct xs_daemon_options *given, struct netio_error *error)
{
    int code = take_sockets(error);

    if (code == 0)
        code = open_default_log(given->log, given->name, error);
    if (code == 0)
        code = keep_over_exec(&given->options, error);
    if (code == 0)
        xs_environ_set(aTHX_ netio_daemon_environment(the.daemon));
#if PERL_VERSION < 16 /* later ones ask the system whenever $$ is read */
    SV *pid = GvSVn(gv_fetchpvs("$", GV_ADD | GV_NOTQUAL, SVt_PV));
    SvREADONLY_off(pid);
    sv_setiv(pid, (IV)getpid());
    SvREADONLY_on(pid);
#endif
    return code;
}

/* The interpreter's end, after END blocks; a thread's, which got the same list, is none. */
static void at_exit(pTHX_ void *unused)
{
    PERL_UNUSED_ARG(unused);
    if (the.owner == aTHX)
        forget(aTHX);
}

SV *xs_daemon_start(pTHX_ I32 ax, I32 items)
{
    struct xs_daemon_options given;
    struct xs_signals signals;
    struct netio_error error = {.code = 0};
    int before = errno;
    int code;

    xs_daemon_options_read(aTHX_ & given, ax, 0, items);
    (void)PerlIO_flush(NULL); /* or both would write it; a layer of Perl code may die */
    if (the.owner)
        refuse(aTHX_ - EALREADY, "this process has called it before");
    if (has_threads())
        refuse(aTHX_ - EBUSY, "other threads are running");
    the.owner = aTHX;
    the.held = (AV *)SvREFCNT_inc((SV *)given.held);
    the.name = given.name;
    code = prepare(&given, &error);
    xs_signals_before(&signals);
    if (code == 0)
        code = detach(&given, &error);
    if (the.daemon) {
        xs_signals_after(aTHX_ & signals);
        code = settle(aTHX_ & given, &error);
    } else {
        xs_signals_undo(&signals);
    }
    if (code != 0) {
        forget(aTHX);
        xs_error_throw_failure(aTHX_ "daemonize", &error);
    }
    call_atexit(at_exit, NULL);
    errno = before;
    return sv_bless(newRV_noinc(newSViv((IV)getpid())), gv_stashpvs("NetIO::Daemon", GV_ADD));
}

/* --- being one */

/* Of a daemon that is over, all but log may be called no more. */
static void check(pTHX_ SV *self, const char *method)
{
    SvGETMAGIC(self);
    if (!SvROK(self) || !sv_derived_from(self, "NetIO::Daemon") || the.owner != aTHX)
        croak("not a NetIO::Daemon");
    if (method && !the.daemon)
        xs_error_throw_argument(aTHX_ method, NETIO_STAGE_DAEMONIZE, NETIO_ENOTRUNNING,
                                newSVpvf("%s: after stop", method));
}

void xs_daemon_drop(pTHX_ SV *self)
{
    struct netio_error error;

    check(aTHX_ self, "drop");
    if (netio_daemon_drop(the.daemon, &error) != 0)
        xs_error_throw_failure(aTHX_ "drop", &error);
}

/* What has been put on 0 to 2 meanwhile stays.  Without signals: when 120 of one kind come before
 * Perl can run its handler, Perl's own handler in C dies, across whatever frames there are. */
static int become_ready(struct netio_error *error)
{
    sigset_t all, before;
    int saved[3];
    int code = xs_standard_keep(the.standard, saved);

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    if (code != 0)
        netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, "dup");
    if (code == 0)
        code = netio_daemon_ready(the.daemon, error);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    xs_standard_put_back(saved);
    return code;
}

static void log_failure(const struct netio_error *error)
{
    char text[640];

    netio_log(the.log, LOG_WARNING, "%s", netio_error_str(error, text, sizeof text));
}

/* A manager that could not be told is no reason not to serve. */
bool xs_daemon_ready(pTHX_ SV *self)
{
    struct netio_error error;
    int before = errno;
    int code;

    check(aTHX_ self, "ready");
    (void)PerlIO_flush(NULL); /* to where it was meant to go */
    code = become_ready(&error);
    if (code != 0)
        xs_error_throw_failure(aTHX_ "ready", &error);
    if (error.code != 0)
        log_failure(&error);
    errno = before;
    return netio_daemon_detached(the.daemon) && !the.standard_error &&
           xs_standard_is_null(STDERR_FILENO);
}

bool xs_daemon_let_go(pTHX_ SV *self)
{
    int saved[3];

    check(aTHX_ self, "run");
    if (!netio_daemon_detached(the.daemon))
        return false;
    (void)PerlIO_flush(NULL);
    if (xs_standard_keep(the.standard, saved) == 0)
        (void)xs_standard_put_null();
    xs_standard_put_back(saved);
    return !the.standard_error && xs_standard_is_null(STDERR_FILENO);
}

void xs_daemon_fail(pTHX_ SV *self, int status)
{
    check(aTHX_ self, "fail");
    netio_daemon_fail(the.daemon, status);
}

/* The log stays, for the last words. */
void xs_daemon_end(pTHX_ SV *self)
{
    check(aTHX_ self, NULL);
    netio_daemon_free(the.daemon);
    the.daemon = NULL;
}

bool xs_daemon_detached(pTHX_ SV *self)
{
    check(aTHX_ self, "detached");
    return cBOOL(netio_daemon_detached(the.daemon));
}

void xs_daemon_parts(pTHX_ SV *self, struct netio_daemon **daemon, struct netio_log **log)
{
    check(aTHX_ self, "run");
    *daemon = the.daemon;
    *log = the.log;
}

SV *xs_daemon_name(pTHX_ SV *self)
{
    check(aTHX_ self, NULL);
    return newSVpv(the.name, 0);
}

/* --- the service manager */

bool xs_daemon_notify(pTHX_ SV *self, SV *what, SV *text)
{
    struct xs_text word, status = {.text = ""};
    struct netio_notify *notify;
    int code;

    xs_text_get(aTHX_ & word, what);
    if (text)
        xs_text_get(aTHX_ & status, text);
    check(aTHX_ self, "notify");
    notify = netio_daemon_notify(the.daemon);
    if (xs_text_is(&word, "ready"))
        code = netio_notify_ready(notify);
    else if (xs_text_is(&word, "reloading"))
        code = netio_notify_reloading(notify);
    else if (xs_text_is(&word, "stopping"))
        code = netio_notify_stopping(notify);
    else if (xs_text_is(&word, "status"))
        code = netio_notify_status(notify, status.text);
    else
        xs_error_throw_word(aTHX_ "notify", what, "ready, reloading, stopping or status");
    if (code != 0)
        errno = netio_error_errno(code);
    return code == 0;
}

/* A loop of nothing but the timer of the watchdog, turned whenever the program says it is alive. */
static int turn(void)
{
    int code = 0;

    if (!the.loop) {
        code = netio_loop_new(&the.loop, NETIO_LOOP_POLL);
        if (code == 0)
            (void)netio_notify_watchdog(netio_daemon_notify(the.daemon), the.loop);
    }
    if (code == 0)
        code = netio_loop_step(the.loop, NETIO_NOW);
    return code < 0 ? code : 0;
}

SV *xs_daemon_alive(pTHX_ SV *self)
{
    netio_deadline next;
    int before = errno;
    int code;

    check(aTHX_ self, "alive");
    code = turn();
    if (code != 0)
        xs_error_throw_code(aTHX_ "alive", NETIO_STAGE_NOTIFY, code, NULL);
    next = netio_loop_next(the.loop);
    errno = before;
    return next == NETIO_NEVER ? newSV(0) : newSVnv(netio_deadline_left(next));
}

/* --- the log */

void xs_daemon_log(pTHX_ SV *self, SV *priority, SV *text)
{
    int level = xs_log_level(aTHX_ priority);
    struct xs_text all;

    xs_text_get(aTHX_ & all, text);
    check(aTHX_ self, NULL);
    xs_log_lines(aTHX_ the.log, level, &all);
}

bool xs_daemon_say(pTHX_ SV *text)
{
    struct xs_text all;

    xs_text_get(aTHX_ & all, text);
    if (the.owner != aTHX)
        return false;
    xs_log_lines(aTHX_ the.log, LOG_WARNING, &all);
    return true;
}

void xs_daemon_reopen(pTHX_ SV *self)
{
    struct netio_error error;

    check(aTHX_ self, NULL);
    if (netio_log_reopen(the.log, &error) != 0)
        xs_error_throw_failure(aTHX_ "reopen", &error);
}

/* --- what a manager has passed */

AV *xs_daemon_listeners(pTHX_ SV *self, SV *name)
{
    struct xs_text wanted = {.text = ""};

    if (name)
        xs_text_get(aTHX_ & wanted, name);
    check(aTHX_ self, "listeners");
    return xs_passed_handles(aTHX_ & the.activation, name ? &wanted : NULL);
}
