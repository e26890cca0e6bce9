/* netiod: from ready to the end; see run.h.
 * Called by start.c.  A signal only marks; what it asks for is done between two steps of the loop,
 * where nothing is under way.
 *
 *      TERM, QUIT   no new clients; who is served may finish, --stop-seconds long; again: at once
 *      INT          at once
 *      HUP          reload            USR1  the log is opened again
 *      USR2         upgrade           a reload meanwhile waits, or is the successor's
 *      CHLD         children that are nobody's are reaped */
#include "run.h"
#include "options.h"
#include "orphans.h"
#include "reload.h"
#include "rpc.h"
#include "status.h"
#include "upgrade.h"

#include <netio/signals.h>

#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <syslog.h>

#define KILL_SECONDS 5 /* for what got SIGKILL to be gone */

enum {
    ASKED_STOP = 1,
    ASKED_NOW = 2,
    ASKED_RELOAD = 4,
    ASKED_REOPEN = 8,
    ASKED_UPGRADE = 16,
    ASKED_REAP = 32
};

struct run {
    struct house *house;
    struct netio_watch signals;
    struct netio_timer late; /* of a stop */
    unsigned asked;
    int is_late;
};

int run_signals(void)
{
    const int orphans = orphans_may_come() ? SIGCHLD : 0;
    const int numbers[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, orphans, 0};
    int code = netio_signals_hold();

    return code ? code : netio_signals_open(numbers);
}

static void take_signals(struct netio_watch *watch, unsigned events)
{
    struct run *run = watch->data;

    (void)events;
    for (int number; (number = netio_signals_next(watch->fd)) > 0;)
        switch (number) {
        case SIGINT:
            run->asked |= ASKED_NOW;
            break;
        case SIGHUP:
            run->asked |= ASKED_RELOAD;
            break;
        case SIGUSR1:
            run->asked |= ASKED_REOPEN;
            break;
        case SIGUSR2:
            run->asked |= ASKED_UPGRADE;
            break;
        case SIGCHLD:
            run->asked |= ASKED_REAP;
            break;
        default:
            run->asked |= run->asked & ASKED_STOP || run->house->stopping ? ASKED_NOW : ASKED_STOP;
            break;
        }
}

static int is_asked(struct run *run, unsigned what)
{
    unsigned asked = run->asked & what;

    run->asked &= ~what;
    return asked != 0;
}

/* ---- what they ask for ---- */

static void is_late(struct netio_timer *timer)
{
    struct run *run = timer->data;

    run->is_late = 1;
}

static void stop(struct run *run, int now)
{
    struct house *house = run->house;
    double seconds = now ? 0 : house->options->stop_seconds;

    if (house->upgrade)
        upgrade_cancel(house);
    if (!house->left) {
        (void)netio_notify_stopping(netio_daemon_notify(house->daemon));
        rpc_withdraw(house); /* else they are the successor's */
    }
    netio_log(house->log, LOG_NOTICE, now ? "ends at once" : "ends: no new clients");
    house->stopping = 1;
    house_stop(house, now ? NETIO_NOW : netio_deadline_in(seconds));
    netio_listeners_close(house->listeners);
    /* Without memory for a timer there is no waiting for who may never end. */
    if (netio_timer_start(house->loop, &run->late, netio_deadline_in(seconds + KILL_SECONDS)) < 0)
        run->is_late = 1;
}

static void tell_status(struct house *house)
{
    char text[64];

    snprintf(text, sizeof text, "%zu services", house->count);
    (void)netio_notify_status(netio_daemon_notify(house->daemon), text);
}

/* Without memory, say; the next reload tries it again. */
static void renew_status(struct house *house)
{
    struct netio_error error;
    char text[640];

    if (status_renew(house, &error) != 0)
        netio_log(house->log, LOG_ERR, "status: %s", netio_error_str(&error, text, sizeof text));
}

static void reload(struct house *house)
{
    struct netio_notify *notify = netio_daemon_notify(house->daemon);
    struct reload *next;

    (void)netio_notify_reloading(notify);
    int code = reload_prepare(&next, house);
    if (code == EX_OK)
        code = reload_commit(next);
    if (code == EX_OK) {
        rpc_update(house);
        renew_status(house);
        netio_log(house->log, LOG_NOTICE, "configuration: read again, %zu services", house->count);
    } else
        netio_log(house->log, LOG_ERR, "configuration: RELOAD FAILED, the one before stays in use");
    tell_status(house);
    (void)netio_notify_ready(notify);
}

static void act(struct run *run)
{
    struct house *house = run->house;

    if (is_asked(run, ASKED_REOPEN))
        report_reopened(house->log, house->options->log, netio_log_reopen(house->log, NULL));
    if (is_asked(run, ASKED_NOW)) {
        stop(run, 1);
        run->asked &= ASKED_REAP;
    }
    if (is_asked(run, ASKED_STOP))
        stop(run, 0);
    if (is_asked(run, ASKED_REAP) && orphans_reap(house))
        run->asked |= ASKED_REAP;
    if (house->upgrade) /* what it was started with must not change */
        return;
    /* A successor may have read the configuration before it was changed. */
    if (house->left && is_asked(run, ASKED_RELOAD))
        (void)netio_child_signal(&house->successor, SIGHUP, 0);
    if (is_asked(run, ASKED_RELOAD) && !house->stopping)
        reload(house);
    if (is_asked(run, ASKED_UPGRADE) && !house->stopping && !house->left)
        upgrade_begin(house);
}

/* A successor serves. */
static void leave(struct run *run)
{
    struct house *house = run->house;

    status_close(house);
    house_stop(house, NETIO_NEVER);
    netio_listeners_close(house->listeners);
}

static int serve(struct run *run)
{
    struct house *house = run->house;

    while (!run->is_late &&
           !((house->stopping || house->left) && house_is_empty(house) && rpc_is_idle(house))) {
        int ran = netio_loop_step(house->loop, NETIO_NEVER);
        if (ran < 0)
            return report_fail(house->report, EX_OSERR, "%s", netio_error_text(ran));
        if (upgrade_look(house))
            leave(run);
        act(run);
        house_sweep(house);
    }
    if (run->is_late)
        netio_log(house->log, LOG_ERR, "ends, though not all that it has started did");
    return EX_OK;
}

int run(struct house *house, int signals)
{
    struct run run = {.house = house, .asked = ASKED_REAP}; /* who has ended before */

    run.signals = (struct netio_watch){.ready = take_signals, .data = &run};
    run.late = (struct netio_timer){.fire = is_late, .data = &run};
    int code = netio_watch_start(house->loop, &run.signals, signals, NETIO_READ);
    if (code != 0)
        return report_fail(house->report, EX_OSERR, "signals: %s", netio_error_text(code));
    tell_status(house);
    act(&run);
    code = serve(&run);
    netio_watch_stop(&run.signals);
    netio_timer_stop(&run.late);
    return code;
}
