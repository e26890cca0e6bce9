/* netiod: the one way in which a program is started; see launch.h.
 * Called by process.c and pool.c; starts children, counts them, and writes to the log. */
#include "launch.h"

#include "environment.h"
#include "errors.h"

#include <netio/peer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

/* The whole of netiod waits until a program runs.  One on a disk that is gone must not cost more.
 */
#define START_SECONDS 2
#define STANDARD      3 /* descriptors 0 to 2 */
#define PEER_STRLEN   (NETIO_ADDR_STRLEN + 64)

/* ---- what the log says ---- */

/* " for 192.0.2.1:4711", or nothing. */
static const char *peer_text(char text[PEER_STRLEN], const struct netio_addr *peer,
                             const struct netio_peer *credentials)
{
    char address[NETIO_ADDR_STRLEN];

    *text = '\0';
    if (!peer || peer->len == 0)
        return text;
    struct netio_addr plain = *peer;
    netio_addr_unmap(&plain);
    (void)netio_addr_str(&plain, address, sizeof address);
    if (credentials)
        snprintf(text, PEER_STRLEN, " for %s uid %lu", address, (unsigned long)credentials->uid);
    else
        snprintf(text, PEER_STRLEN, " for %s", address);
    return text;
}

/* What "Permission denied" means, where that can be said. */
static const char *reason(const struct netio_child_plan *plan, const struct netio_error *error)
{
    struct stat st;

    if (error->stage != NETIO_STAGE_EXEC || error->code != -EACCES || stat(plan->path, &st) == -1)
        return NULL;
    if (S_ISDIR(st.st_mode))
        return "is a folder";
    return st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH) ? NULL : "is not executable";
}

static void log_failure(const struct launch *launch, const struct netio_child_plan *plan,
                        const struct netio_error *error)
{
    const struct service *service = launch->service;
    char peer[PEER_STRLEN], text[640];
    const char *why = reason(plan, error);

    (void)peer_text(peer, launch->peer, launch->credentials);
    if (why)
        netio_log(service->house->log, LOG_ERR, "%s: cannot start%s: %s %s", service->name, peer,
                  plan->path, why);
    else
        netio_log(service->house->log, LOG_ERR, "%s: cannot start%s: %s", service->name, peer,
                  netio_error_str(error, text, sizeof text));
}

static const char *status_text(char *text, size_t size, int status)
{
    if (status == -1)
        snprintf(text, size, "how is not known");
    else if (WIFSIGNALED(status))
        snprintf(text, size, "signal %d", WTERMSIG(status));
    else
        snprintf(text, size, "exit %d", WEXITSTATUS(status));
    return text;
}

/* ---- starting ---- */

/* Of 0 to 2, those that are not /dev/null. */
static int standard(struct netio_child_fd fds[STANDARD], const struct launch *launch)
{
    int errors = launch->fd, count = 0;

    if (launch->fd < 0 || !launch->service->config->socket_errors)
        errors = errors_open(launch->service);
    if (errors < 0)
        return errors;
    if (launch->fd >= 0) {
        fds[count++] = (struct netio_child_fd){launch->fd, STDIN_FILENO};
        fds[count++] = (struct netio_child_fd){launch->fd, STDOUT_FILENO};
    }
    fds[count++] = (struct netio_child_fd){errors, STDERR_FILENO};
    return count;
}

static void fill_world(struct netio_world *world, const struct config_service *config)
{
    *world = (struct netio_world){
        .umask = config->umask,
        .directory = config->directory,
        .limits = config->rlimits,
        .limits_count = config->rlimits_count,
        .privileges = {.user = config->user,
                       .flags = config->more_privileges ? NETIO_PRIVILEGES_MORE : 0},
    };
}

/* With the descriptors, which only a pool has more of. */
static int start(struct netio_child *child, const struct launch *launch,
                 struct netio_child_plan *plan, struct netio_error *error)
{
    struct netio_child_fd few[STANDARD], *fds = few;
    int count = standard(few, launch);

    if (count < 0)
        return netio_error_set(error, NETIO_STAGE_CHILD, count, NULL, "standard error");
    plan->fds_count = (size_t)count + launch->fds_count;
    if (launch->fds_count > 0) {
        fds = malloc(plan->fds_count * sizeof *fds);
        if (!fds)
            return netio_error_set(error, NETIO_STAGE_CHILD, -ENOMEM, NULL, plan->path);
        memcpy(fds, few, (size_t)count * sizeof *fds);
        memcpy(fds + count, launch->fds, launch->fds_count * sizeof *fds);
    }
    plan->fds = fds;
    int code = netio_child_start(child, plan, error);
    if (fds != few)
        free(fds);
    return code;
}

static int start_with_environment(struct netio_child *child, const struct launch *launch,
                                  struct netio_child_plan *plan, struct netio_error *error)
{
    struct environment environment;
    int code = environment_make(&environment, launch);

    if (code)
        return netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, "environment");
    plan->world.environment = environment.list;
    code = start(child, launch, plan, error);
    environment_free(&environment);
    return code;
}

int launch(struct netio_child *child, const struct launch *launch)
{
    struct service *service = launch->service;
    const struct config_service *config = service->config;
    const char *const *argv = launch->argv ? launch->argv : config->argv;
    struct netio_child_plan plan = {
        .path = launch->program ? launch->program : config->program,
        .argv = (char *const *)argv,
        .deadline = netio_deadline_in(START_SECONDS),
    };
    struct netio_error error = {.code = 0};
    char peer[PEER_STRLEN];

    fill_world(&plan.world, config);
    int code = start_with_environment(child, launch, &plan, &error);
    if (code) {
        service->counts.failed++;
        log_failure(launch, &plan, &error);
        return code;
    }
    service->counts.accepted++;
    service->running++;
    netio_log(service->house->log, LOG_INFO, "%s: start%s, pid %ld", service->name,
              peer_text(peer, launch->peer, launch->credentials), (long)child->pid);
    return 0;
}

void launch_ended(struct service *service, pid_t pid, const struct netio_addr *peer, int64_t since,
                  int status)
{
    double seconds = (double)(netio_clock_now() - since) / 1e9;
    char address[PEER_STRLEN], how[32];

    service->counts.ended++;
    service->running--;
    errors_flush(service);
    netio_log(service->house->log, status == 0 ? LOG_INFO : LOG_NOTICE,
              "%s: end%s, pid %ld, %.3f seconds, %s", service->name, peer_text(address, peer, NULL),
              (long)pid, seconds, status_text(how, sizeof how, status));
}
