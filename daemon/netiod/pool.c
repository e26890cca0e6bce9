/* netiod: workers that have a program in Perl ready ("pool"); see service.h.
 * Called by service.c, house.c and handover.c; owns what it has started, of netiod-pool(8).
 *
 * A pool is one process, which has compiled the program and has workers; it accepts by itself, and
 * keeps to the service's rules and limits.  It cannot be changed, only replaced: by one that has
 * said that it is ready, and not before.
 *
 *      next    started, not ready yet  --ready-->  now
 *      now     serves                  --another one is ready, stop-->  it drains, and ends
 *              is outdated             --two are in vain, stop------>
 *
 * There is another one when the service has other sockets or another configuration, when the pool
 * says that the program's file has changed, and when there is none (any more), ever later if that
 * is in vain.  Between two tries the one that serves goes on as long as it was started with what
 * the configuration says, else until the second try has been in vain, too; where there is none,
 * clients are let go (pool_down.h): nobody is served for long who may not be.  netiod does not look
 * at the file: on a dead file system that may take for ever. */
#include "handover.h"
#include "pool_arguments.h"
#include "pool_down.h"
#include "pool_origin.h"
#include "pool_rules.h"
#include "process.h"
#include "returned.h"
#include "service.h"

#include <netio/clock.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#define LOOK        (2 * NETIO_SECOND)  /* between two looks at its sockets */
#define SHORTEST    (NETIO_SECOND / 10) /* from a failure to a start; doubled each time ... */
#define DOUBLED_MAX 7                   /* ... so often at most */
#define SERVED      (10 * NETIO_SECOND) /* and the next failure is a first one again */

/* The pipe by which a process says that it is ready, and then whenever its file is another. */
struct voice {
    int fd; /* -1: none */
    struct netio_watch watch;
};

struct pool {
    struct process *processes, *now, *next;
    struct voice voices[2];
    unsigned now_voice; /* now's; the other one is next's */
    struct netio_timer timer;
    struct pool_origin origin; /* of the last one */
    struct pool_down down;
    unsigned failed;       /* in a row */
    unsigned wanted : 1;   /* another one, whatever the last one was started with */
    unsigned outdated : 1; /* now has other sockets, or another configuration, than the service */
    unsigned stopped : 1;
};

static void again_in(struct service *service, int64_t span)
{
    struct pool *pool = service->own;

    if (netio_timer_start(service->house->loop, &pool->timer, netio_clock_now() + span) < 0)
        netio_log(service->house->log, LOG_ERR, "%s: not looked after until a reload: %s",
                  service->name, netio_error_text(-ENOMEM));
}

/* ---- its start ---- */

static void over(struct process *process, int status);
static void told(struct netio_watch *watch, unsigned events);

static struct voice *voice_of_now(struct pool *pool)
{
    return &pool->voices[pool->now_voice];
}

static struct voice *voice_of_next(struct pool *pool)
{
    return &pool->voices[!pool->now_voice];
}

static void close_voice(struct voice *voice)
{
    netio_watch_stop(&voice->watch);
    netio_fd_close(voice->fd);
    voice->fd = -1;
}

/* Before anything runs that nobody would hear of. */
static int open_voice(struct service *service, int *write_end)
{
    struct voice *voice = voice_of_next(service->own);
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
        return -errno;
    voice->fd = ends[0];
    *write_end = ends[1];
    int code = netio_watch_start(service->house->loop, &voice->watch, voice->fd, NETIO_READ);
    if (code) {
        close_voice(voice);
        netio_fd_close(*write_end);
    }
    return code;
}

/* With the descriptors for 3, 4 ... */
static int start_with(struct service *service, struct netio_child_fd *fds, const char *program,
                      struct pool_arguments *arguments, int rules)
{
    struct pool *pool = service->own;
    const struct launch how = {
        .service = service,
        .fd = -1,
        .program = program,
        .argv = (const char *const *)arguments->list,
        .fds = fds,
        .fds_count = service->fds_count + 1 + (rules >= 0),
        .flags = NETIO_CHILD_DIE_WITH_PARENT, /* or the next netiod would find its sockets taken */
    };
    int write_end = -1, code = open_voice(service, &write_end);

    if (code)
        return code;
    for (size_t i = 0; i < service->fds_count; i++)
        fds[i] = (struct netio_child_fd){service->fds[i], POOL_FIRST_FD + (int)i};
    fds[service->fds_count] = (struct netio_child_fd){write_end, (int)POOL_READY_FD(service)};
    fds[service->fds_count + 1] = (struct netio_child_fd){rules, (int)POOL_RULES_FD(service)};
    code = process_start(&pool->next, &pool->processes, &how);
    netio_fd_close(write_end);
    if (code == 0)
        code = process_watch(pool->next, over);
    if (code) {
        pool->next = NULL;
        close_voice(voice_of_next(pool));
    }
    return code;
}

static int start(struct service *service)
{
    struct netio_child_fd *fds = calloc(service->fds_count + 2, sizeof *fds);
    struct pool_arguments arguments = {.list = NULL};
    char *program = NULL;
    int rules = -1, code = fds ? pool_arguments_make(&arguments, service) : -ENOMEM;

    if (code == 0 && asprintf(&program, "%s/netiod-pool", service->house->libexec) == -1) {
        program = NULL;
        code = -ENOMEM;
    }
    if (code == 0)
        code = pool_rules_open(service->config, &rules);
    if (code == 0)
        code = start_with(service, fds, program, &arguments, rules);
    netio_fd_close(rules);
    free(program);
    pool_arguments_free(&arguments);
    free(fds);
    return code;
}

/* ---- whether another one is due ---- */

/* One that is not ready yet is one that nobody needs any more. */
static void give_up_next(struct pool *pool)
{
    struct process *next = pool->next;

    close_voice(voice_of_next(pool));
    pool->next = NULL;
    if (next)
        process_until(next, NETIO_NOW);
}

/* It takes nobody any more, and ends when nobody is left; process_until says when at the latest. */
static void drain(const struct process *process)
{
    const struct service *service = process->service;
    int code = netio_child_signal(&process->child, SIGTERM, 0);

    if (code && code != -ESRCH)
        netio_log(service->house->log, LOG_ERR,
                  "%s: pid %ld serves on, it cannot be told to end: %s", service->name,
                  (long)process->child.pid, netio_error_text(code));
}

static void let_now_drain(struct pool *pool)
{
    if (pool->now)
        drain(pool->now);
    close_voice(voice_of_now(pool));
    pool->now = NULL;
}

/* What the program has done to them would stay, whoever has them next. */
static void mend_sockets(const struct service *service)
{
    for (size_t i = 0; i < service->fds_count; i++)
        (void)returned_mend(service->fds[i], SOCK_STREAM, service->config->backlog);
}

/* Nothing serves, and nothing is about to. */
static void is_down(struct service *service, const char *why)
{
    struct pool *pool = service->own;

    mend_sockets(service);
    pool_down_begin(&pool->down, service, why);
}

/* A first failure may be a moment without memory or descriptors: it costs nobody anything. */
static void next_failed(struct service *service, const char *why)
{
    struct pool *pool = service->own;

    if (pool->now && (!pool->outdated || pool->failed == 0)) {
        netio_log(service->house->log, LOG_WARNING,
                  "%s: the new pool is not ready; the one that serves goes on", service->name);
    } else {
        let_now_drain(pool);
        is_down(service, why);
    }
    pool->wanted = 1;
}

/* The next try, later each time. */
static void try_later(struct service *service)
{
    struct pool *pool = service->own;

    pool->failed++;
    again_in(service, SHORTEST << (pool->failed < DOUBLED_MAX ? pool->failed : DOUBLED_MAX));
}

static void start_next(struct service *service)
{
    struct pool *pool = service->own;

    give_up_next(pool);
    pool_down_pause(&pool->down, service);
    int code = pool_origin_remember(&pool->origin, service);
    pool->wanted = 0;
    if (code == 0)
        code = start(service);
    if (code == 0) {
        again_in(service, LOOK);
        return;
    }
    netio_log(service->house->log, LOG_WARNING, "%s: no pool could be started, later again: %s",
              service->name, netio_error_text(code));
    next_failed(service, "no pool could be started");
    try_later(service);
}

/* Without sockets the house is resting, and will have some again. */
static void look(struct netio_timer *timer)
{
    struct service *service = timer->data;
    struct pool *pool = service->own;

    if (pool->stopped || service->fds_count == 0)
        return;
    mend_sockets(service);
    int is_other = pool_origin_is_other(&pool->origin, service);
    if (is_other)
        pool->outdated = 1;
    if (pool->wanted || is_other || (!pool->now && !pool->next))
        start_next(service);
    else
        again_in(service, LOOK);
}

/* ---- ready, and its end ---- */

static void next_is_ready(struct service *service)
{
    struct pool *pool = service->own;

    let_now_drain(pool);
    pool->now = pool->next;
    pool->now_voice = !pool->now_voice;
    pool->next = NULL;
    pool->outdated = 0;
    pool_down_end(&pool->down, service);
    netio_log(service->house->log, LOG_NOTICE, "%s: the pool is ready, pid %ld", service->name,
              (long)pool->now->child.pid);
}

static void file_has_changed(struct service *service)
{
    struct pool *pool = service->own;

    pool->failed = 0;
    pool->wanted = 1;
    again_in(service, 0);
}

static void told(struct netio_watch *watch, unsigned events)
{
    struct service *service = watch->data;
    struct pool *pool = service->own;
    struct voice *voice =
        watch == &voice_of_now(pool)->watch ? voice_of_now(pool) : voice_of_next(pool);
    char octet;
    ssize_t n = read(voice->fd, &octet, 1);

    (void)events;
    if (n == -1) /* what it has said is still there; unheard, two pools would serve */
        return;
    if (n == 0)
        close_voice(voice); /* over will say how it has ended */
    else if (voice == voice_of_now(pool))
        file_has_changed(service);
    else
        next_is_ready(service);
}

static void failed(struct service *service, int is_next, pid_t pid)
{
    char why[80];

    snprintf(why, sizeof why, "the pool, pid %ld, ended before it was ready", (long)pid);
    if (is_next)
        next_failed(service, why);
    try_later(service);
}

static void over(struct process *process, int status)
{
    struct service *service = process->service;
    struct pool *pool = service->own;
    int is_now = process == pool->now, is_next = process == pool->next;
    pid_t pid = process->child.pid;

    if (is_next) {
        close_voice(voice_of_next(pool));
        pool->next = NULL;
    }
    if (is_now) {
        close_voice(voice_of_now(pool));
        pool->now = NULL;
        if (netio_clock_now() - process->since > SERVED)
            pool->failed = 0;
    }
    process_over(process, status);
    if ((is_now || is_next) && !pool->stopped && !pool->next)
        failed(service, is_next, pid);
}

/* ---- of the kind ---- */

static int pool_open(struct service *service, struct netio_error *error)
{
    struct pool *pool = calloc(1, sizeof *pool);

    service->own = pool;
    if (!pool)
        return netio_error_set(error, NETIO_STAGE_SERVICE, -ENOMEM, NULL, service->name);
    for (int i = 0; i < 2; i++)
        pool->voices[i] = (struct voice){-1, {.ready = told, .data = service}};
    pool->timer = (struct netio_timer){.fire = look, .data = service};
    if (!service->house->libexec)
        return netio_error_set(error, NETIO_STAGE_SERVICE, -ENOENT, NULL, "netiod-pool");
    int code = pool_down_open(&pool->down, service);
    return code ? netio_error_set(error, NETIO_STAGE_SERVICE, code, NULL, service->name) : 0;
}

/* Soon, when it has all of them. */
static int pool_listen(struct service *service, int fd)
{
    struct pool *pool = service->own;

    (void)fd;
    pool->stopped = 0;
    return netio_timer_start(service->house->loop, &pool->timer, NETIO_NOW);
}

/* The pool has it as long as there is no other one: nobody is sent away. */
static void pool_ignore(struct service *service, int fd)
{
    struct pool *pool = service->own;

    pool_down_ignore(&pool->down, fd);
}

static int pool_change(struct service *service, const struct config_service *before)
{
    struct pool *pool = service->own;
    int code = netio_timer_start(service->house->loop, &pool->timer, NETIO_NOW);

    if (code < 0)
        return code;
    pool->failed = 0;
    if (!config_same(before, service->config)) {
        give_up_next(pool);
        pool->outdated = pool->wanted = 1;
    }
    return 0;
}

static void pool_stop(struct service *service, netio_deadline deadline)
{
    struct pool *pool = service->own;

    if (!pool->stopped) {
        netio_timer_stop(&pool->timer);
        give_up_next(pool);
        let_now_drain(pool);
    }
    pool->stopped = 1;
    for (struct process *process = pool->processes; process; process = process->next)
        process_until(process, deadline);
}

static void pool_free(struct service *service)
{
    struct pool *pool = service->own;

    if (!pool)
        return;
    pool->stopped = 1;
    netio_timer_stop(&pool->timer);
    for (int i = 0; i < 2; i++)
        close_voice(&pool->voices[i]);
    pool->now = pool->next = NULL;
    while (pool->processes)
        process_end(pool->processes);
    service->own = NULL;
    pool_down_free(&pool->down);
    pool_origin_free(&pool->origin);
    free(pool);
}

static int pool_child(const struct service *service, size_t index, struct handover_child *child)
{
    const struct pool *pool = service->own;

    return process_describe(pool->processes, index, child) != NULL;
}

/* One of this netiod's own serves its sockets as well, until the predecessor has it drain. */
static int pool_adopt(struct service *service, const struct handover_child *child)
{
    struct pool *pool = service->own;
    struct process *process;
    int code = process_adopt(&process, &pool->processes, service, child);

    if (code == 0)
        code = process_watch(process, over);
    return code;
}

const struct service_kind pool_kind = {
    .lends = 1,
    .open = pool_open,
    .listen = pool_listen,
    .ignore = pool_ignore,
    .change = pool_change,
    .stop = pool_stop,
    .free = pool_free,
    .child = pool_child,
    .adopt = pool_adopt,
};
