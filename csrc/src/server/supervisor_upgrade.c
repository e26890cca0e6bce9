/* Ring 3.  A supervisor in an upgrade, on either side; see upgrade.h.  Called by supervisor.c, and
 * by supervisor_workers.c when the first workers are ready. */
#include "server/supervisor.h"

#include <netio/upgrade.h>

#include <errno.h>
#include <syslog.h>

/* ---- the predecessor ------------------------------------------------------------------------- */

static void log_failure(const struct netio_supervisor *supervisor, const struct netio_error *error)
{
    char text[640];

    netio_log(supervisor->options.log, LOG_ERR, "upgrade failed: %s",
              netio_error_str(error, text, sizeof text));
}

/* No two processes have the status address: while the successor starts nobody does. */
void netio__upgrade_begin(struct netio_supervisor *supervisor)
{
    const struct netio_supervisor_options *options = &supervisor->options;
    const struct netio_upgrade_plan plan = {.program = options->program,
                                            .argv = options->argv,
                                            .directory = options->directory,
                                            .environment = options->environment,
                                            .daemon = options->daemon,
                                            .log = options->log,
                                            .listeners = supervisor->listeners,
                                            .ready_seconds = options->ready_seconds};
    struct netio_error error;
    int code = options->program
                   ? 0
                   : netio_error_set(&error, NETIO_STAGE_EXEC, NETIO_EBADOPTION, NULL, "program");

    netio__status_close(supervisor);
    if (!code)
        code = netio_upgrade_start(&supervisor->upgrade, supervisor->loop, &plan, &error);
    if (!code) {
        netio_log(options->log, LOG_NOTICE, "upgrade: %s starts (pid %ld)", options->program,
                  (long)netio_upgrade_pid(supervisor->upgrade));
        return;
    }
    log_failure(supervisor, &error);
    netio__supervisor_step(supervisor, NETIO__SUCCESSOR_FAILED);
}

void netio__upgrade_undo(struct netio_supervisor *supervisor)
{
    netio_upgrade_free(supervisor->upgrade);
    supervisor->upgrade = NULL;
    netio__status_reopen(supervisor);
}

static void look_at_successor(struct netio_supervisor *supervisor)
{
    struct netio_error error;
    int code = netio_upgrade_step(supervisor->upgrade, &error);

    if (code == -EAGAIN)
        return;
    if (code) {
        log_failure(supervisor, &error);
        netio__supervisor_step(supervisor, NETIO__SUCCESSOR_FAILED);
        return;
    }
    netio_log(supervisor->options.log, LOG_NOTICE, "upgrade: the successor serves");
    netio_upgrade_free(supervisor->upgrade);
    supervisor->upgrade = NULL;
    supervisor->left = 1;
    netio__supervisor_step(supervisor, NETIO__SUCCESSOR_READY);
}

/* ---- the successor --------------------------------------------------------------------------- */

int netio_supervisor_is_upgrade(void)
{
    return netio_successor_is();
}

/* The first workers are ready, which a predecessor has to be told first. */
void netio__upgrade_ready(struct netio_supervisor *supervisor)
{
    if (!supervisor->successor || supervisor->generation)
        netio__supervisor_step(supervisor, NETIO__READY);
    else
        netio_successor_ready(supervisor->successor);
}

static void look_at_predecessor(struct netio_supervisor *supervisor)
{
    if (supervisor->machine.phase >= NETIO__STOPPING) { /* it will see that */
        netio_successor_free(supervisor->successor);
        supervisor->successor = NULL;
    } else if (supervisor->machine.phase == NETIO__STARTING &&
               netio_successor_step(supervisor->successor) == 0)
        netio__supervisor_step(supervisor, NETIO__READY);
}

void netio__upgrade_done(struct netio_supervisor *supervisor)
{
    if (!supervisor->successor || !supervisor->generation)
        return;
    netio_successor_done(supervisor->successor);
    netio_successor_free(supervisor->successor);
    supervisor->successor = NULL;
}

/* ---- both ------------------------------------------------------------------------------------ */

void netio__upgrade_look(struct netio_supervisor *supervisor)
{
    if (supervisor->upgrade)
        look_at_successor(supervisor);
    if (supervisor->successor)
        look_at_predecessor(supervisor);
}

void netio__upgrade_leave(struct netio_supervisor *supervisor)
{
    netio_upgrade_free(supervisor->upgrade);
    netio_successor_free(supervisor->successor);
    supervisor->upgrade = NULL;
    supervisor->successor = NULL;
}
