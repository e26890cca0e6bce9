/* netiod: the upgrade, either side; see upgrade.h.  Called by start.c and run.c. */
#include "upgrade.h"
#include "handover.h"
#include "options.h"
#include "passed.h"
#include "rpc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#define READY_SECONDS 60

static void log_failure(struct house *house, const struct netio_error *error)
{
    char text[640];

    netio_log(house->log, LOG_ERR, "upgrade failed: %s", netio_error_str(error, text, sizeof text));
}

/* ---- the predecessor ---- */

static void resume(struct house *house)
{
    if (house->resting) {
        house_resume(house);
        rpc_resume(house);
    }
    house->resting = 0;
}

/* From here on nothing starts that the successor has not heard of; clients wait. */
static int hand_over(void *data)
{
    struct house *house = data;

    house_rest(house);
    rpc_rest(house);
    house->resting = 1;
    int fd = handover_write(house);
    if (fd < 0)
        resume(house);
    return fd;
}

static int begin(struct house *house, const char *files, const char *passed,
                 struct netio_error *error)
{
    const char *const environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG",
        "LANGUAGE",
        "LC_*",
        "TZ",
        files,
        passed,
        NULL};
    const struct netio_upgrade_plan plan = {.program = house->program,
                                            .argv = house->options->argv,
                                            .directory = house->options->folder,
                                            .environment = environment,
                                            .daemon = house->daemon,
                                            .log = house->log,
                                            .listeners = house->listeners,
                                            .ready_seconds = READY_SECONDS,
                                            .hand_over = hand_over,
                                            .data = house};

    if (!house->program)
        return netio_error_set(error, NETIO_STAGE_EXEC, -ENOENT, NULL, "/proc/self/exe");
    return netio_upgrade_start(&house->upgrade, house->loop, &plan, error);
}

void upgrade_begin(struct house *house)
{
    char files[80];
    char *passed = passed_variable(house->passed);
    struct netio_error error;

    snprintf(files, sizeof files, "%s=%" PRIuMAX ":%" PRIuMAX, UPGRADE_FILES,
             (uintmax_t)house->files.rlim_cur, (uintmax_t)house->files.rlim_max);
    if (begin(house, files, passed, &error) != 0)
        log_failure(house, &error);
    else
        netio_log(house->log, LOG_NOTICE, "upgrade: %s starts (pid %ld)", house->program,
                  (long)netio_upgrade_pid(house->upgrade));
    free(passed);
}

/* Who waits for its end by its number must not find it for as long as this process goes on. */
static void reap(struct netio_watch *watch, unsigned events)
{
    struct house *house = watch->data;
    int status;

    (void)events;
    netio_watch_stop(watch);
    if (netio_child_ended(&house->successor, &status) == 0) /* its tracer is told first */
        (void)netio_watch_start(house->loop, watch, house->successor.pidfd, NETIO_READ);
}

static void leave(struct house *house)
{
    house->resting = 0;
    house->left = 1;
    house->successor_watch = (struct netio_watch){.ready = reap, .data = house};
    netio_upgrade_child_take(house->upgrade, &house->successor);
    (void)netio_watch_start(house->loop, &house->successor_watch, house->successor.pidfd,
                            NETIO_READ);
    netio_log(house->log, LOG_NOTICE, "upgrade: the successor serves");
}

int upgrade_look(struct house *house)
{
    struct netio_error error;

    if (!house->upgrade)
        return 0;
    int code = netio_upgrade_step(house->upgrade, &error);
    if (code == -EAGAIN)
        return 0;
    if (code == 0)
        leave(house);
    netio_upgrade_free(house->upgrade);
    house->upgrade = NULL;
    if (code == 0)
        return 1;
    resume(house);
    log_failure(house, &error);
    return 0;
}

void upgrade_cancel(struct house *house)
{
    netio_upgrade_free(house->upgrade);
    house->upgrade = NULL;
    resume(house);
}

/* ---- the successor ---- */

int upgrade_wait(struct house *house, struct netio_successor *successor)
{
    int code, ran = 0;

    netio_successor_ready(successor);
    while ((code = netio_successor_step(successor)) == -EAGAIN && ran >= 0)
        ran = netio_loop_step(house->loop, NETIO_NEVER);
    return code == -EAGAIN ? ran : code;
}

void upgrade_adopt(struct house *house, struct netio_successor *successor)
{
    int fd = netio_successor_extra(successor);

    if (fd < 0) /* its predecessor has died */
        return;
    int code = handover_read_take(house, fd);
    if (code != 0)
        netio_log(house->log, LOG_ERR, "upgrade: what runs already is not counted: %s",
                  netio_error_text(code));
}
