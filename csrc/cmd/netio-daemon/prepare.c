/* netio-daemon: what can be made true of a plan before the fork; see plan.h. */
#include "folders.h"
#include "plan.h"

#include "common/report.h"

#include <netio/environ.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

int plan_exit_code(const struct netio_error *error)
{
    switch (error->code) {
    case NETIO_ERUNNING:
    case NETIO_EDIED:
        return EX_UNAVAILABLE;
    case NETIO_ESTARTING:
    case -ETIMEDOUT:
        return EX_TEMPFAIL;
    case NETIO_EBADOPTION:
        return EX_USAGE;
    case NETIO_ENOUSER:
    case NETIO_ENOGROUP:
        return EX_NOUSER;
    default:
        break;
    }
    if (error->stage == NETIO_STAGE_PIDFILE)
        return EX_CANTCREAT;
    return error->stage == NETIO_STAGE_PRIVILEGES ? EX_NOPERM : EX_OSERR;
}

int plan_fault(const struct plan *plan, const struct netio_error *error)
{
    report_error(plan->name, error, NULL, 0);
    return plan_exit_code(error);
}

static int fault(const struct plan *plan, const char *subject, int code)
{
    struct netio_error error;

    netio_error_set(&error, NETIO_STAGE_NONE, code, NULL, subject);
    return plan_fault(plan, &error);
}

/* *path becomes absolute, if it is there. */
static int make_absolute(const struct plan *plan, char **path)
{
    char *folder, *whole = NULL;

    if (!*path || **path == '/')
        return GO_ON;
    folder = getcwd(NULL, 0);
    if (!folder || asprintf(&whole, "%s/%s", folder, *path) == -1) {
        int code = -errno;
        free(folder);
        return fault(plan, *path, code);
    }
    free(folder);
    free(*path);
    *path = whole;
    return GO_ON;
}

int plan_prepare_pidfile(struct plan *plan)
{
    const char *folder = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");

    if (plan->pidfile)
        return make_absolute(plan, &plan->pidfile);
    if (!folder || *folder != '/')
        return report_wrong("%s: XDG_RUNTIME_DIR names no folder: --pidfile is needed", plan->name);
    if (asprintf(&plan->pidfile, "%s/%s.pid", folder, plan->name) == -1) {
        plan->pidfile = NULL;
        return fault(plan, "pid file", -ENOMEM);
    }
    return GO_ON;
}

static int prepare_user(struct plan *plan)
{
    struct netio_error error;

    if (!plan->user)
        return GO_ON;
    if (netio_user_parse(&plan->found, plan->user, &error) != 0)
        return plan_fault(plan, &error);
    plan->world.privileges.user = &plan->found;
    return GO_ON;
}

static int check_log(const struct plan *plan)
{
    int code = folders_check(plan->log, &plan->found);

    if (code == 0)
        return GO_ON;
    report_wrong("%s: log %s: %s", plan->name, report_safe(plan->log), netio_error_text(code));
    return EX_CANTCREAT;
}

static int prepare_log(struct plan *plan)
{
    if (!plan->log)
        plan->log = strdup(plan->foreground ? "stderr" : "syslog");
    if (!plan->log)
        return fault(plan, "log", -ENOMEM);
    if (!strchr(plan->log, '/'))
        return GO_ON;
    int status = make_absolute(plan, &plan->log);
    if (status == GO_ON && plan->user && plan->found.uid != geteuid())
        status = check_log(plan);
    return status;
}

/* With a root, folder and program are inside it: only absolute paths mean anything there. */
static int prepare_folders(struct plan *plan)
{
    int status;

    if (plan->root && plan->directory && *plan->directory != '/')
        return report_wrong("--directory %s: with --chroot, an absolute path inside it",
                            report_safe(plan->directory));
    status = make_absolute(plan, &plan->directory);
    if (status == GO_ON)
        status = make_absolute(plan, &plan->root);
    plan->world.directory = plan->directory;
    plan->world.privileges.root = plan->root;
    return status;
}

/* The default variables, and those of --env behind them, which so win. */
static int prepare_environment(struct plan *plan)
{
    char **base = NULL;
    const char **allow = NULL;
    size_t count = 0;
    int code = netio_environ_new(&base, environ, NULL);

    while (code == 0 && base[count])
        count++;
    if (code == 0) {
        allow = calloc(count + plan->names_count + 1, sizeof *allow);
        code = allow ? 0 : -ENOMEM;
    }
    if (code == 0) {
        memcpy(allow, base, count * sizeof *allow);
        memcpy(allow + count, plan->names, plan->names_count * sizeof *allow);
        code = netio_environ_new(&plan->environment, environ, allow);
    }
    free(allow);
    netio_environ_free(base);
    return code ? fault(plan, "environment", code) : GO_ON;
}

static int is_program(const char *path)
{
    struct stat st;

    return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* In the folders of the PATH that the program itself will have: where it is found then does not
 * depend on who starts it. */
static int search_program(struct plan *plan, const char *name)
{
    const char *folders = netio_environ_get(plan->environment, "PATH");

    for (const char *at = folders ? folders : ""; *at; at += strspn(at, ":")) {
        int len = (int)strcspn(at, ":");
        if (*at == '/') {
            if (asprintf(&plan->path, "%.*s/%s", len, at, name) == -1)
                plan->path = NULL;
            if (!plan->path)
                return fault(plan, name, -ENOMEM);
            if (is_program(plan->path))
                return GO_ON;
            free(plan->path);
            plan->path = NULL;
        }
        at += len;
    }
    report_wrong("%s: %s: not found in PATH, which is %s", plan->name, report_safe(name),
                 folders ? folders : "empty");
    return EX_OSERR;
}

static int prepare_program(struct plan *plan)
{
    const char *name = *plan->program;

    if (plan->root && *name != '/')
        return report_wrong("%s: with --chroot, an absolute path inside it", report_safe(name));
    if (!strchr(name, '/'))
        return search_program(plan, name);
    plan->path = strdup(name);
    return plan->path ? make_absolute(plan, &plan->path) : fault(plan, name, -ENOMEM);
}

int plan_prepare(struct plan *plan)
{
    int status = plan_prepare_pidfile(plan);

    if (status == GO_ON)
        status = prepare_user(plan);
    if (status == GO_ON)
        status = prepare_log(plan);
    if (status == GO_ON)
        status = prepare_folders(plan);
    if (status == GO_ON)
        status = prepare_environment(plan);
    if (status == GO_ON)
        status = prepare_program(plan);
    plan->world.limits = plan->limits;
    return status;
}

void plan_free(struct plan *plan)
{
    netio_user_free(&plan->found);
    netio_environ_free(plan->environment);
    free(plan->pidfile);
    free(plan->log);
    free(plan->path);
    free(plan->directory);
    free(plan->root);
    free(plan->names);
    free(plan->limits);
}
