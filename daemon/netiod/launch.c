/* netiod: the one way in which a program is started; see launch.h.
 * Called by process.c, exec.c and pool_down.c; starts children, counts them, and writes to the
 * log. */
#include "launch.h"

#include "environment.h"
#include "errors.h"
#include "line.h"

#include <netio/peer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define START_SECONDS 2 /* all of netiod waits so long, for a program on a disk that is gone */
#define STANDARD      3 /* descriptors 0 to 2 */
#define LIMITS_MAX    (RLIM_NLIMITS + 1)
#define PEER_STRLEN   (NETIO_ADDR_STRLEN + 64)

/* ---- what the log says ---- */

const struct netio_peer *launch_credentials(struct netio_peer *peer, const struct netio_addr *addr,
                                            int fd)
{
    if (netio_addr_family(addr) != AF_UNIX || netio_peer_credentials(peer, fd) < 0)
        return NULL;
    return peer;
}

uid_t launch_uid(const struct launch *launch)
{
    return launch->credentials ? launch->credentials->uid : LAUNCH_NO_UID;
}

/* " for 192.0.2.1:4711", " for unix: uid 33", or nothing. */
static void add_peer(struct line *line, const struct netio_addr *peer, uid_t uid)
{
    char address[NETIO_ADDR_STRLEN];

    if (!peer || peer->len == 0)
        return;
    struct netio_addr plain = *peer;
    netio_addr_unmap(&plain);
    line_add(line, " for ");
    line_add(line, netio_addr_str(&plain, address, sizeof address));
    if (uid == LAUNCH_NO_UID)
        return;
    line_add(line, " uid ");
    line_add_number(line, uid);
}

/* "NAME: start for PEER, pid PID" */
static void begin_line(struct line *line, const struct service *service, const char *what,
                       const struct netio_addr *peer, uid_t uid, pid_t pid)
{
    line->used = 0;
    line_add(line, service->name);
    line_add(line, what);
    add_peer(line, peer, uid);
    line_add(line, ", pid ");
    line_add_number(line, (uint64_t)pid);
}

/* What "Permission denied" means, where that can be said. */
static const char *reason(const char *path, const struct netio_error *error)
{
    struct stat st;

    if (error->stage != NETIO_STAGE_EXEC || error->code != -EACCES || stat(path, &st) == -1)
        return NULL;
    if (S_ISDIR(st.st_mode))
        return "is a folder";
    return st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH) ? NULL : "is not executable";
}

/* At most one a second, as the engine has it for those who are refused: what is missing may be so
 * for long, and is tried again and again. */
static void log_failure(struct service *service, const char *fault)
{
    unsigned long count = service_untold(&service->untold, netio_clock_now());

    if (count > 0)
        service_log_refused(service, LOG_ERR, fault, count);
}

void launch_failed(const struct launch *launch, const char *why)
{
    struct service *service = launch->service;
    char fault[LAUNCH_FAULT];
    char *out = launch->fault ? launch->fault : fault;
    struct line peer = {.used = 0};

    add_peer(&peer, launch->peer, launch_uid(launch));
    snprintf(out, LAUNCH_FAULT, "cannot start%s: %s", peer.text, why);
    if (launch->fault)
        return;
    service->counts.failed++;
    log_failure(service, fault);
}

static void has_failed(const struct launch *launch, const char *path,
                       const struct netio_error *error)
{
    char text[LAUNCH_FAULT - PEER_STRLEN];
    const char *why = reason(path, error);

    if (why)
        snprintf(text, sizeof text, "%s %s", path, why);
    else
        (void)netio_error_str(error, text, sizeof text);
    launch_failed(launch, text);
}

static void add_status(struct line *line, int status)
{
    if (status == -1) {
        line_add(line, "how is not known");
        return;
    }
    line_add(line, WIFSIGNALED(status) ? "signal " : "exit ");
    line_add_number(line, (unsigned)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
}

/* "0.123" */
static void add_seconds(struct line *line, int64_t span)
{
    uint64_t ms = (uint64_t)(span > 0 ? span : 0) / (NETIO_SECOND / 1000);

    line_add_number(line, ms / 1000);
    line_add(line, ms % 1000 < 10 ? ".00" : ms % 1000 < 100 ? ".0" : ".");
    line_add_number(line, ms % 1000);
}

/* ---- starting ---- */

/* A plan for netio_child_start, and what it points to. */
struct order {
    const struct launch *launch;
    struct netio_child_plan plan;
    struct environment environment;
    struct netio_child_fd few[STANDARD], *fds; /* fds: few, or one's own */
    struct netio_rlimit limits[LIMITS_MAX];
    char *namer;       /* the path of netiod-name; NULL: not in use */
    const char **argv; /* its arguments */
};

/* Names are looked up by a program of ours, which becomes the service's (R23). */
static int add_namer(struct order *order)
{
    const struct house *house = order->launch->service->house;
    struct netio_child_plan *plan = &order->plan;
    size_t count = 0;

    while (plan->argv[count])
        count++;
    order->argv = malloc((count + 3) * sizeof *order->argv);
    if (!order->argv || asprintf(&order->namer, "%s/netiod-name", house->libexec) == -1) {
        order->namer = NULL;
        return -ENOMEM;
    }
    order->argv[0] = "netiod-name";
    order->argv[1] = plan->path;
    memcpy(order->argv + 2, plan->argv, (count + 1) * sizeof *order->argv);
    plan->path = order->namer;
    plan->argv = (char *const *)order->argv;
    return 0;
}

static int set_program(struct order *order, struct netio_error *error)
{
    const struct launch *launch = order->launch;
    const struct config_service *config = launch->service->config;
    const char *const *argv = launch->argv ? launch->argv : config->argv;

    order->plan.path = launch->program ? launch->program : config->program;
    order->plan.argv = (char *const *)argv;
    if (launch->program || !config->names || !launch->service->house->libexec)
        return 0;
    int code = add_namer(order);
    return code ? netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, config->program) : 0;
}

/* What netiod has raised for itself is not for others, unless the configuration says so. */
static void set_limits(struct order *order)
{
    const struct config_service *config = order->launch->service->config;
    struct netio_world *world = &order->plan.world;

    order->limits[0] = (struct netio_rlimit){RLIMIT_NOFILE, order->launch->service->house->files};
    world->limits = order->limits;
    world->limits_count = 1;
    for (size_t i = 0; i < config->rlimits_count && world->limits_count < LIMITS_MAX; i++)
        if (config->rlimits[i].resource == RLIMIT_NOFILE)
            order->limits[0] = config->rlimits[i];
        else
            order->limits[world->limits_count++] = config->rlimits[i];
}

/* A program of root's has what is root's, as under any inetd (login(1), ftpd and their like become
 * others themselves): with the bounding set exec gives it all.  Any other gains nothing more, by
 * no_new_privs; the bounding set would be a tenth of what its start takes. */
static unsigned privileges_of(const struct config_service *config)
{
    return config->more_privileges || (config->user && config->user->uid == 0)
               ? NETIO_PRIVILEGES_MORE
               : NETIO_PRIVILEGES_KEEP_BOUNDING;
}

/* Root starts what is root's, with the groups that it has itself, without a change of user, and so
 * without a dozen system calls. */
static int is_root_as_netiod(const struct house *house, const struct netio_user *user)
{
    return user && user->uid == 0 && self_is(&house->self, user);
}

static int set_world(struct order *order, struct netio_error *error)
{
    const struct config_service *config = order->launch->service->config;
    int code = environment_make(&order->environment, order->launch);

    order->plan.world = (struct netio_world){
        .variables = (char *const *)order->environment.list,
        .umask = config->umask,
        .directory = config->directory,
        .privileges = {.user = is_root_as_netiod(order->launch->service->house, config->user)
                                   ? NULL
                                   : config->user,
                       .flags = privileges_of(config)},
    };
    set_limits(order);
    return code ? netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, "environment") : 0;
}

/* Of 0 to 2, those that are not /dev/null: how many, or a code. */
static int standard(struct order *order)
{
    const struct launch *launch = order->launch;
    int errors = launch->fd, count = 0;

    if (launch->fd < 0 || !launch->service->config->socket_errors)
        errors = errors_open(launch->service);
    if (errors < 0)
        return errors;
    if (launch->fd >= 0) {
        order->few[count++] = (struct netio_child_fd){launch->fd, STDIN_FILENO};
        order->few[count++] = (struct netio_child_fd){launch->fd, STDOUT_FILENO};
    }
    order->few[count++] = (struct netio_child_fd){errors, STDERR_FILENO};
    return count;
}

static int set_descriptors(struct order *order, struct netio_error *error)
{
    const struct launch *launch = order->launch;
    int count = standard(order);

    if (count < 0)
        return netio_error_set(error, NETIO_STAGE_CHILD, count, NULL, "standard error");
    order->plan.fds_count = (size_t)count + launch->fds_count;
    order->plan.fds = order->few;
    if (launch->fds_count == 0)
        return 0;
    order->plan.fds = order->fds = malloc(order->plan.fds_count * sizeof *order->fds);
    if (!order->fds)
        return netio_error_set(error, NETIO_STAGE_CHILD, -ENOMEM, NULL, "descriptors");
    memcpy(order->fds, order->few, (size_t)count * sizeof *order->fds);
    memcpy(order->fds + count, launch->fds, launch->fds_count * sizeof *order->fds);
    return 0;
}

/* A session of its own keeps a program from netiod's terminal.  Where there is none a process group
 * does: for a session Linux makes a scheduling group (sched_autogroup), at a tenth of the CPU that
 * a small program takes in all. */
static int start(struct order *order, struct netio_child *child, struct netio_error *error)
{
    int code = set_program(order, error);

    /* standard_begin has begun with the signals, and run_signals holds those that it ignores. */
    order->plan.flags = order->launch->flags | NETIO_CHILD_SIGNALS_BEGUN;
    if (!order->launch->service->house->has_terminal)
        order->plan.flags |= NETIO_CHILD_SAME_SESSION;
    if (code == 0)
        code = set_world(order, error);
    if (code == 0)
        code = set_descriptors(order, error);
    if (code == 0)
        code = netio_child_start(child, &order->plan, error);
    return code;
}

static void release(struct order *order)
{
    environment_free(&order->environment);
    free(order->fds);
    free(order->argv);
    free(order->namer);
}

int launch(struct netio_child *child, const struct launch *launch)
{
    struct service *service = launch->service;
    struct order order = {.launch = launch, .plan = {.deadline = netio_deadline_in(START_SECONDS)}};
    struct netio_error error = {.code = 0};
    int code = start(&order, child, &error);
    struct line line;

    if (code)
        has_failed(launch, order.plan.path, &error);
    release(&order);
    if (code)
        return code;
    service->counts.started++;
    service->running++;
    begin_line(&line, service, ": start", launch->peer, launch_uid(launch), child->pid);
    netio_log_text(service->house->log, LOG_INFO, line.text);
    return 0;
}

void launch_ended(struct service *service, pid_t pid, const struct netio_addr *peer, uid_t uid,
                  int64_t since, int status)
{
    struct line line;

    service->counts.ended++;
    service->running--;
    errors_flush(service);
    begin_line(&line, service, ": end", peer, uid, pid);
    line_add(&line, ", ");
    add_seconds(&line, netio_clock_now() - since);
    line_add(&line, " seconds, ");
    add_status(&line, status);
    netio_log_text(service->house->log, status == 0 ? LOG_INFO : LOG_NOTICE, line.text);
}
