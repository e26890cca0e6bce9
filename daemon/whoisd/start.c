/* whoisd: from its options to a server that is ready; see start.h.
 * Called by main.c.
 *
 *      sockets passed?   user?   paths       nothing has been started yet
 *      netio_daemonize                       from here on in the daemon
 *      listen                                needs privileges
 *      privileges dropped
 *      directory opened                      as the user, since successors are, too
 *      sandbox
 *      ready
 *
 * --stdio and a single connection do without what they have no use for.  With workers, the daemon
 * is their supervisor (workers.c), which listens and stays who it is; what comes after that is each
 * worker's. */
#include "guise.h"
#include "once.h"
#include "service.h"
#include "start.h"
#include "workers.h"

#include "common/path.h"
#include "common/values.h"

#include <netio/daemonize.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define UMASK        027 /* the log, and a unix socket, are for owner and group */
#define FOLDERS_MAX  (OPTIONS_LISTEN_MAX + 3)
#define READABLE_MAX (OPTIONS_ACCESS_MAX + 2)
#define ALL_IN_FORCE (NETIO_SANDBOX_FILES | NETIO_SANDBOX_NETWORK | NETIO_SANDBOX_SYSCALLS)

struct start {
    const struct options *options;
    struct report *report;
    struct sockets sockets;
    struct netio_user user;
    struct netio_world world;
    struct netio_daemon *daemon; /* NULL with -t and --stdio */
    struct service *service;     /* the same */
    struct directory *directory;
    struct netio_limit *limit;
    char *uri, *log, *pidfile; /* as they are called from /; log, pidfile NULL: no file */
    char *program;             /* NULL where /proc is not */
    int passed;                /* as struct workers has it */
};

static int is_single(const struct start *start)
{
    return start->sockets.input == STANDARD_INPUT_PIPE ||
           start->sockets.input == STANDARD_INPUT_CONNECTED;
}

static int has_workers(const struct start *start)
{
    return start->options->workers > 0 && !start->options->test && !is_single(start);
}

/* ---- the log ---- */

/* Somebody sees stderr: who typed the command, or the journal of a service manager; but where it
 * may be a client who does, or is /dev/null soon, the log is elsewhere. */
static const char *log_target(const struct start *start)
{
    if (start->options->log)
        return start->log ? start->log : start->options->log;
    if (start->sockets.input != STANDARD_INPUT_OTHER && !start->sockets.manager)
        return "syslog";
    return start->daemon && netio_daemon_detached(start->daemon) ? "syslog" : "stderr";
}

struct opening {
    struct report *report;
    const char *target;
};

static int open_target(void *data)
{
    const struct opening *opening = data;

    return report_log(opening->report, opening->target, "whoisd", NULL);
}

/* Whom workers become, if the log is a file; without workers the process is that one by then. */
static const struct netio_user *user_of_log(const struct start *start)
{
    return has_workers(start) && start->log ? start->world.privileges.user : NULL;
}

static int open_log(struct start *start)
{
    const char *target = log_target(start);

    if (start->options->test)
        return EX_OK;
    if (strcmp(target, "stderr") == 0 && start->daemon && netio_daemon_detached(start->daemon))
        return report_fail(start->report, EX_USAGE, "--log stderr: only in the foreground (-f)");
    struct opening opening = {start->report, target};
    int code = guise_act(user_of_log(start), open_target, &opening);
    if (code != 0)
        return report_fail(start->report, EX_CANTCREAT, "log %s: %s", target,
                           netio_error_text(code));
    return EX_OK;
}

/* ---- before anything is started ---- */

/* What inetd starts has nobody who looks at stderr. */
static void open_log_early(struct start *start)
{
    if (start->sockets.input != STANDARD_INPUT_OTHER)
        open_log(start);
}

static int fail_early(struct start *start, const struct netio_error *error)
{
    open_log_early(start);
    return report_error(start->report, error);
}

/* Returns whether there is something to serve; or else the exit code.  Sockets are taken before
 * netio_daemonize, which is told of them (keep, foreground): a wrong one starts nothing. */
static int take_sockets(struct start *start, int *exit_code)
{
    const struct options *options = start->options;
    struct sockets *sockets = &start->sockets;

    sockets->input = options->stdio ? STANDARD_INPUT_PIPE : STANDARD_INPUT_OTHER;
    if (options->test || options->stdio)
        return 1;
    *exit_code = sockets_take(sockets, options->listens > 0);
    if (!*sockets->fault)
        return 1;
    open_log_early(start);
    report_fail(start->report, *exit_code, "%s", sockets->fault);
    return 0;
}

static int find_user(struct start *start)
{
    struct netio_error error;

    if (!start->options->user)
        return EX_OK;
    if (netio_user_parse(&start->user, start->options->user, &error) != 0)
        return fail_early(start, &error);
    start->world.privileges.user = &start->user;
    return EX_OK;
}

static int locate(struct start *start)
{
    const struct options *options = start->options;
    struct directory_fault fault;
    int code = directory_locate(&start->uri, options->directory, &fault);

    if (code == NETIO_EBADOPTION) {
        open_log_early(start);
        return report_fail(start->report, EX_USAGE, "--directory %s: %s", options->directory,
                           fault.text);
    }
    if (code == 0 && values_is_path(options->log) && !(start->log = path_absolute(options->log)))
        code = -errno;
    if (code == 0 && options->pidfile && !(start->pidfile = path_absolute(options->pidfile)))
        code = -errno;
    if (code != 0)
        return report_fail(start->report, EX_OSERR, "the folder it was started in: %s",
                           netio_error_text(code));
    return EX_OK;
}

/* Returns whether this is the daemon; or else the exit code.  A supervisor stays who it is. */
static int become_daemon(struct start *start, int *exit_code)
{
    int stays = start->options->foreground || start->sockets.input != STANDARD_INPUT_OTHER;
    const struct netio_world plain = {.umask = UMASK};
    struct netio_daemon_options options = {
        .pidfile = is_single(start) ? NULL : start->pidfile,
        .keep = start->sockets.fd,
        .keep_count = start->sockets.count,
        .world = has_workers(start) ? plain : start->world,
        .flags = stays ? NETIO_DAEMON_FOREGROUND : 0,
    };
    struct netio_error error = {.code = 0};
    int code = netio_daemonize(&start->daemon, &options, exit_code, &error);

    if (code < 0)
        *exit_code = fail_early(start, &error);
    else if (code == NETIO_DAEMON_STARTER && error.code != 0)
        report_error(start->report, &error);
    return code == 0;
}

/* ---- the daemon ---- */

static int drop(struct start *start)
{
    struct netio_error error;
    int code = start->daemon ? netio_daemon_drop(start->daemon, &error)
                             : netio_privileges_drop(&start->world.privileges, &error);

    return code == 0 ? EX_OK : report_error(start->report, &error);
}

static int open_directory(struct start *start)
{
    struct directory_fault fault;
    int code = directory_open(&start->directory, start->uri, &fault);

    if (code == 0)
        return EX_OK;
    return report_fail(start->report, code == -EBADMSG ? EX_CONFIG : EX_NOINPUT, "directory %s: %s",
                       start->options->directory, fault.text);
}

/* A folder that may not be used anyway needs no leave. */
static void add_folder(char **folders, const char *path, int mode)
{
    char *folder = path ? path_folder(path) : NULL;

    if (!folder || access(folder, mode) != 0) {
        free(folder);
        return;
    }
    while (*folders)
        folders++;
    *folders = folder;
}

static void free_folders(char **folders)
{
    while (*folders)
        free(*folders++);
}

/* What is read again at SIGHUP. */
static void add_configuration(char **folders, const struct options *options)
{
    const char *paths[OPTIONS_ACCESS_MAX + 1] = {options->config};
    size_t count = options->config ? 1 : 0;

    for (size_t i = 0; i < options->rules_count; i++)
        paths[count++] = options->rules[i];
    for (size_t i = 0; i < count; i++) {
        char *path = options_path(options, paths[i]);
        add_folder(folders, path, F_OK);
        free(path);
    }
}

static void log_sandbox(const struct start *start, unsigned in_force)
{
    int whole = in_force == ALL_IN_FORCE || start->options->sandbox == NETIO_SANDBOX_OFF;

    /* One line is enough for a connection, unless there is something to say. */
    if (!whole || !is_single(start))
        netio_log(report_to(start->report), whole ? LOG_NOTICE : LOG_WARNING, "sandbox: %s",
                  netio_sandbox_str(in_force));
}

/* What it will still do with files: find successors of the directory, and unless that is its
 * supervisor's, read the configuration and open the log again, remove the pid file and the unix
 * sockets. */
static void add_own(const struct start *start, char **readable, char **writable)
{
    const struct options *options = start->options;
    char *log = start->log ? realpath(start->log, NULL) : NULL; /* where a link leads */

    add_configuration(readable, options);
    add_folder(writable, start->log, X_OK);
    add_folder(writable, log, X_OK);
    free(log);
    add_folder(writable, start->pidfile, W_OK);
    for (size_t i = 0; i < options->listens; i++)
        if (strncmp(options->listen[i], "unix:", 5) == 0)
            add_folder(writable, options->listen[i] + 5, W_OK);
}

static int enter_sandbox(struct start *start)
{
    char *readable[READABLE_MAX + 1] = {NULL}, *writable[FOLDERS_MAX + 1] = {NULL};
    struct netio_sandbox sandbox = {
        .mode = start->options->sandbox,
        .readable = (const char *const *)readable,
        .writable = (const char *const *)writable,
    };
    struct netio_error error;
    unsigned in_force = 0;

    /* /etc/localtime will be out of reach. */
    if (!getenv("TZ"))
        setenv("TZ", ":/etc/localtime", 1);
    tzset();
    if (start->directory)
        add_folder(readable, directory_place(start->directory), F_OK);
    if (!has_workers(start))
        add_own(start, readable, writable);
    int code = netio_sandbox_enter(&sandbox, &in_force, &error);
    free_folders(readable);
    free_folders(writable);
    if (code != 0)
        return report_error(start->report, &error);
    log_sandbox(start, in_force);
    return EX_OK;
}

static int serve(struct start *start)
{
    if (!start->daemon)
        return once_run(start->options, start->directory, start->report);
    service_use(start->service, start->directory);
    return service_run(start->service, start->daemon);
}

static int make_limit(struct start *start)
{
    int code = netio_limit_new(&start->limit, &start->options->limits);

    if (code == 0)
        return EX_OK;
    return report_fail(start->report, EX_OSERR, "limits: %s", netio_error_text(code));
}

/* A worker's life: it is who it is to be already. */
static int work(void *data, const struct options *options, const char *uri,
                struct netio_worker *worker)
{
    struct start *start = data;
    struct netio_error error;
    char *own = strdup(uri);

    start->options = options;
    free(start->uri); /* which uri may be */
    start->uri = own;
    netio_error_set(&error, NETIO_STAGE_READ, -ENOMEM, NULL, options->directory);
    int code = start->uri ? open_directory(start) : EX_OSERR;
    if (code == EX_CONFIG || code == EX_NOINPUT)
        error.code = code == EX_CONFIG ? -EBADMSG : -ENOENT;
    if (code == EX_OK) {
        code = enter_sandbox(start);
        error.stage = NETIO_STAGE_SANDBOX;
        error.code = NETIO_ENOSANDBOX;
    }
    if (code == EX_OK)
        return service_work(options, start->limit, start->directory, worker, start->report);
    netio_worker_fail(worker, &error);
    netio_worker_free(worker);
    return code;
}

static int supervise(struct start *start)
{
    struct workers workers = {
        .options = start->options,
        .uri = start->uri,
        .program = start->program,
        .sockets = &start->sockets,
        .passed = start->passed,
        .report = start->report,
        .world = &start->world,
        .daemon = start->daemon,
        .limit = start->limit,
        .work = work,
        .data = start,
    };
    int code = open_log(start);

    if (code == EX_OK)
        code = make_limit(start);
    workers.limit = start->limit;
    return code == EX_OK ? workers_run(&workers) : code;
}

/* With a user, the log's file is opened as that one, who may then open it again. */
static int run(struct start *start)
{
    int late = start->log && start->options->user;
    int code = late ? EX_OK : open_log(start);

    if (code == EX_OK && start->daemon)
        code = make_limit(start);
    if (code == EX_OK && start->daemon)
        code = service_open(&start->service, start->options, start->limit, &start->sockets,
                            start->report);
    if (code == EX_OK)
        code = drop(start);
    if (code == EX_OK && late)
        code = open_log(start);
    if (code != EX_OK)
        return code;
    code = open_directory(start);
    /* inetd's client is told that there is none. */
    if (start->options->test || (code != EX_OK && start->sockets.input != STANDARD_INPUT_CONNECTED))
        return code;
    int served = enter_sandbox(start);
    if (served == EX_OK)
        served = serve(start);
    return code != EX_OK ? code : served;
}

int start(const struct options *options, struct report *report)
{
    struct start start = {.options = options, .report = report, .world = {.umask = UMASK}};
    int code = EX_OK;

    if (!take_sockets(&start, &code))
        return code;
    code = find_user(&start);
    if (code == EX_OK)
        code = locate(&start);
    int single = options->test || start.sockets.input == STANDARD_INPUT_PIPE;
    start.program = path_program();
    start.passed = start.sockets.count > 0 ||
                   (netio_supervisor_is_upgrade() && getenv(WORKERS_PASSED)); /* until daemonize */
    if (code == EX_OK && (single || become_daemon(&start, &code)))
        code = has_workers(&start) ? supervise(&start) : run(&start);
    netio_daemon_free(start.daemon); /* its watchdog is a timer of the service */
    service_close(start.service);
    directory_close(start.directory);
    netio_limit_free(start.limit);
    netio_user_free(&start.user);
    free(start.uri);
    free(start.log);
    free(start.pidfile);
    free(start.program);
    return code;
}
