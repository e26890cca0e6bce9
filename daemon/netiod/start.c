/* netiod: from its options to services that are open, and to the end; see start.h.
 * Called by main.c.
 *
 *      -t, --show?                 read the configuration, and end
 *      sockets passed?  paths      nothing has been started yet
 *      netio_daemonize             from here on in the daemon, who goes on as who started it
 *      log, loop, signals
 *      configuration, sockets, services           all that can fail
 *      a successor: its predecessor rests         netio/upgrade.h
 *      services serve, ready */
#include "start.h"
#include "house.h"
#include "passed.h"
#include "reload.h"
#include "rpc.h"
#include "run.h"
#include "status.h"
#include "upgrade.h"

#include "common/entry.h"
#include "common/path.h"
#include "common/standard.h"
#include "common/values.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 262144

struct start {
    struct house house;
    const struct options *options;
    struct report *report;
    struct netio_successor *successor; /* NULL: not one */
    char *log, *pidfile;               /* as they are called from /; NULL: no file */
    int signals;
};

/* ---- without a daemon ---- */

static void complain(void *data, const char *fault)
{
    report_fail(data, 0, "%s", fault);
}

/* -t, --show */
static int look(const struct options *options, struct report *report)
{
    struct config *config;
    struct self self;

    if (config_read(&config, &options->config, complain, report) != 0)
        return EX_CONFIG;
    int code = self_look(&self);
    if (code < 0) {
        config_free(config);
        return report_fail(report, EX_OSERR, "who runs netiod: %s", netio_error_text(code));
    }
    config_reach(config, &self, complain, report);
    self_free(&self);
    if (options->show)
        config_show(config, stdout);
    config_free(config);
    return entry_printed(report);
}

/* ---- before anything is started ---- */

/* Its folder has the programs that netiod starts for itself. */
static void find_program(struct house *house)
{
    house->program = path_program();
    house->libexec = house->program ? path_folder(house->program) : NULL;
}

static int locate(struct start *start)
{
    const struct options *options = start->options;

    find_program(&start->house);
    if ((values_is_path(options->log) && !(start->log = path_absolute(options->log))) ||
        (options->pidfile && !(start->pidfile = path_absolute(options->pidfile))))
        return report_fail(start->report, EX_OSERR, "the folder it was started in: %s",
                           netio_error_text(-errno));
    return EX_OK;
}

/* Before netio_daemonize, which makes a new environment. */
static void note_limits(struct house *house)
{
    const char *text = netio_successor_is() ? getenv(UPGRADE_FILES) : NULL;
    uintmax_t now, most;

    if (text && sscanf(text, "%" SCNuMAX ":%" SCNuMAX, &now, &most) == 2)
        house->files = (struct rlimit){.rlim_cur = (rlim_t)now, .rlim_max = (rlim_t)most};
    else if (getrlimit(RLIMIT_NOFILE, &house->files) == -1)
        house->files = (struct rlimit){.rlim_cur = 1024, .rlim_max = 1024};
}

/* Returns whether this is the daemon; or else the exit code. */
static int become_daemon(struct start *start, int *exit_code)
{
    /* What netiod gives up for good no program of its services can have again: setuid_programs. */
    struct netio_daemon_options options = {
        .pidfile = start->pidfile,
        .world = {.privileges = {.flags = NETIO_PRIVILEGES_MORE}},
    };
    struct netio_error error = {.code = 0};

    options.keep = passed_fds(start->house.passed, &options.keep_count);
    if (start->options->foreground || options.keep_count > 0)
        options.flags = NETIO_DAEMON_FOREGROUND;
    int code = netio_daemonize(&start->house.daemon, &options, exit_code, &error);
    if (code < 0)
        *exit_code = report_error(start->report, &error);
    else if (code == NETIO_DAEMON_STARTER && error.code != 0)
        report_error(start->report, &error);
    return code == 0;
}

/* ---- the daemon ---- */

/* Somebody sees stderr: who typed the command, or the journal of a service manager. */
static const char *log_target(const struct start *start)
{
    if (start->options->log)
        return start->log ? start->log : start->options->log;
    return netio_daemon_detached(start->house.daemon) ? "syslog" : "stderr";
}

static int open_log(struct start *start)
{
    const char *target = log_target(start);
    struct netio_error error;

    if (strcmp(target, "stderr") == 0 && netio_daemon_detached(start->house.daemon))
        return report_fail(start->report, EX_USAGE, "--log stderr: only in the foreground (-f)");
    int code = report_log(start->report, target, "netiod", &error);
    start->house.log = report_to(start->report);
    if (code != 0)
        return report_fail(start->report, EX_CANTCREAT, "log %s: %s", target,
                           netio_error_text(code));
    return EX_OK;
}

static int has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int none = fd == -1 && errno == ENXIO;

    netio_fd_close(fd);
    return !none;
}

/* Root without any group, as what a container starts may be, is root with its gid alone, as root is
 * as a rule: then what is root's is started without a change. */
static int find_self(struct self *self)
{
    int code = self_look(self);

    if (code == 0 && self->uid[1] == 0 && self->groups_count == 0 &&
        setgroups(1, &self->gid[1]) == 0) {
        self_free(self);
        code = self_look(self);
    }
    return code;
}

static int open_house(struct start *start)
{
    struct house *house = &start->house;
    struct netio_error error;

    house->has_terminal = has_terminal();
    (void)standard_descriptors(DESCRIPTORS_MAX);
    int code = find_self(&house->self);
    if (code == 0)
        code = netio_loop_new(&house->loop, 0);
    if (code == 0)
        code = netio_listeners_new(&house->listeners);
    if (code == 0)
        code = start->signals = run_signals();
    if (code < 0)
        return report_fail(start->report, EX_OSERR, "cannot start: %s", netio_error_text(code));
    if (netio_successor_new(&start->successor, house->loop, house->listeners, &error) != 0 ||
        passed_give(house->passed, house->listeners, &error) != 0)
        return report_error(start->report, &error);
    return EX_OK;
}

static int cannot_start(struct start *start, int exit_code)
{
    struct netio_error error = start->house.failed;

    if (error.code == 0)
        netio_error_set(&error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, "configuration");
    if (start->successor)
        netio_successor_fail(start->successor, &error);
    return exit_code;
}

/* All that can fail, then all that takes effect. */
static int open_services(struct start *start)
{
    struct house *house = &start->house;
    struct netio_error error;
    struct reload *first;
    int code = reload_prepare(&first, house);

    if (code != EX_OK)
        return cannot_start(start, code);
    int failed = start->successor ? upgrade_wait(house, start->successor) : 0;
    if (failed) {
        reload_cancel(first);
        return report_fail(start->report, EX_OSERR, "upgrade: %s", netio_error_text(failed));
    }
    code = reload_commit(first);
    if (code != EX_OK)
        return code;
    if (start->successor)
        upgrade_adopt(house, start->successor);
    rpc_update(house);
    return status_open(house, &error) == 0 ? EX_OK : report_error(start->report, &error);
}

static int become_ready(struct start *start)
{
    struct house *house = &start->house;
    struct netio_error error;

    if (netio_daemon_ready(house->daemon, &error) != 0)
        return report_error(start->report, &error);
    if (start->successor)
        netio_successor_done(start->successor);
    netio_successor_free(start->successor);
    start->successor = NULL;
    int code = netio_notify_watchdog(netio_daemon_notify(house->daemon), house->loop);
    if (code != 0) /* the manager may be gone: no reason to be gone, too */
        netio_log(house->log, LOG_WARNING, "watchdog: %s", netio_error_text(code));
    netio_log(house->log, LOG_NOTICE, "ready, %zu services", house->count);
    return EX_OK;
}

static int serve(struct start *start)
{
    int code = open_log(start);

    if (code == EX_OK)
        code = open_house(start);
    if (code == EX_OK)
        code = open_services(start);
    if (code == EX_OK)
        code = become_ready(start);
    if (code == EX_OK)
        code = run(&start->house, start->signals);
    return code;
}

int start(const struct options *options, struct report *report)
{
    struct start start = {.options = options, .report = report, .signals = -1};
    struct netio_error error;
    int code = EX_OK;

    if (options->test || options->show)
        return look(options, report);
    start.house.options = options;
    start.house.report = report;
    note_limits(&start.house);
    if (passed_take(&start.house.passed, &error) != 0)
        code = report_error(report, &error);
    if (code == EX_OK)
        code = locate(&start);
    if (code == EX_OK && become_daemon(&start, &code))
        code = serve(&start);
    netio_successor_free(start.successor);
    netio_daemon_free(start.house.daemon); /* its watchdog is a timer of the loop */
    house_close(&start.house);
    netio_fd_close(start.signals);
    free(start.log);
    free(start.pidfile);
    return code;
}
