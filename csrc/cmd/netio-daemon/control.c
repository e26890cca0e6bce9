/* netio-daemon: what can be done to a daemon that runs; see control.h. */
#include "control.h"

#include "common/report.h"

#include <netio/pidfile.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

/* After SIGKILL the supervisor has still to clear up. */
#define MORE_SECONDS (MACHINE_KILL_SECONDS + 1)
#define AGAIN_MS     20

/* Linux Standard Base, of "status". */
enum { LSB_RUNNING = 0, LSB_DEAD_WITH_PIDFILE = 1, LSB_NOT_RUNNING = 3, LSB_UNKNOWN = 4 };

/* One that is just starting has no pid yet by which it could be stopped, nor is there an event that
 * tells of it: it is asked for again. */
static int find_started(const struct plan *plan, netio_deadline deadline, struct netio_error *error)
{
    for (;;) {
        int code = netio_pidfile_find(plan->pidfile, NULL, NULL, error);
        if (code != NETIO_ESTARTING || netio_deadline_passed(deadline))
            return code;
        (void)poll(NULL, 0, AGAIN_MS);
    }
}

int control_stop(const struct plan *plan)
{
    struct netio_error error;
    double seconds = plan->rules.stop_seconds + MORE_SECONDS;
    netio_deadline deadline = netio_deadline_in(seconds);
    int code = find_started(plan, deadline, &error);

    if (code == NETIO_ENOTRUNNING) {
        fprintf(stderr, "%s: %s: not running\n", program_name, plan->name);
        return EX_OK;
    }
    code = netio_pidfile_stop(plan->pidfile, deadline, 0, &error);
    if (code == 0)
        return EX_OK;
    if (code != -ETIMEDOUT)
        return plan_fault(plan, &error);
    fprintf(stderr, "%s: %s: still running after %g seconds\n", program_name, plan->name, seconds);
    return EX_TEMPFAIL;
}

static int send_signal(const struct plan *plan, int number)
{
    struct netio_error error;
    int code = netio_pidfile_signal(plan->pidfile, number, &error);

    if (code == NETIO_ENOTRUNNING) {
        fprintf(stderr, "%s: %s: not running\n", program_name, plan->name);
        return EX_UNAVAILABLE;
    }
    return code ? plan_fault(plan, &error) : EX_OK;
}

int control_reload(const struct plan *plan)
{
    return send_signal(plan, SIGHUP);
}

int control_reopen(const struct plan *plan)
{
    return send_signal(plan, SIGUSR1);
}

int control_status(const struct plan *plan)
{
    struct netio_error error;
    pid_t pid = 0;
    int code = netio_pidfile_find(plan->pidfile, &pid, NULL, &error);

    switch (code) {
    case 0:
        printf("%s is running, pid %ld\n", plan->name, (long)pid);
        return LSB_RUNNING;
    case NETIO_ESTARTING:
        printf("%s is starting\n", plan->name);
        return LSB_UNKNOWN;
    case NETIO_ENOTRUNNING:
        break;
    default:
        report_error(plan->name, &error, NULL, 0);
        return LSB_UNKNOWN;
    }
    if (access(plan->pidfile, F_OK) != 0) {
        printf("%s is not running\n", plan->name);
        return LSB_NOT_RUNNING;
    }
    printf("%s is not running, but its pid file is there: %s\n", plan->name,
           report_safe(plan->pidfile));
    return LSB_DEAD_WITH_PIDFILE;
}
