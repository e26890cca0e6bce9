/* netiod: workers that have a program in Perl ready ("pool"); see service.h.
 * Called by service.c and handover.c; owns what it has started, of netiod-pool(8).
 *
 * A pool is one process, which has compiled the program and has workers; it accepts by itself, and
 * keeps to the service's rules and limits.  It cannot be changed, only replaced: by one that has
 * said that it is ready, and not before.
 *
 *      next    started, not ready yet  --ready-->  now
 *      now     serves                  --another one is ready, stop-->  it drains, and ends
 *
 * There is another one when the service has other sockets or another configuration, when the
 * program's file has changed, and when there is none (any more), ever later if that is in vain. */
#include "handover.h"
#include "process.h"
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define SECOND       ((int64_t)1000 * 1000 * 1000)
#define LOOK         (2 * SECOND)  /* between two looks at the program's file */
#define SHORTEST     (SECOND / 10) /* from a failure to the next start; doubled each time ... */
#define DOUBLED_MAX  7             /* ... so often at most */
#define FIRST_FD     3             /* of the sockets, in the pool */
#define DRAIN        "1000000"     /* seconds: how long a pool may drain is said by netiod */
#define ARGUMENT_MAX 32            /* options but rules */

struct pool {
    struct process *processes, *now, *next;
    int ready; /* the pipe by which next says so; -1 */
    struct netio_watch watch;
    struct netio_timer timer;
    struct stat program; /* as it was when the last one was started */
    ino_t *sockets;      /* that the last one was given */
    size_t sockets_count;
    unsigned failed;     /* in a row */
    unsigned wanted : 1; /* another one, whatever it was started with */
    unsigned stopped : 1;
};

static void again_in(struct service *service, int64_t span)
{
    struct pool *pool = service->own;

    if (netio_timer_start(service->house->loop, &pool->timer, netio_clock_now() + span) < 0)
        netio_log(service->house->log, LOG_ERR, "%s: not looked after until a reload: %s",
                  service->name, netio_error_text(-ENOMEM));
}

static void later(struct service *service)
{
    const struct pool *pool = service->own;

    again_in(service, SHORTEST << (pool->failed < DOUBLED_MAX ? pool->failed : DOUBLED_MAX));
}

/* ---- what it is told ---- */

struct arguments {
    char **list;
    size_t count, room;
    int failed;
};

static void add(struct arguments *arguments, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_text(struct arguments *arguments, char *text)
{
    if (!text || arguments->count + 1 >= arguments->room) {
        arguments->failed = 1;
        free(text);
        return;
    }
    arguments->list[arguments->count++] = text;
}

static void add(struct arguments *arguments, const char *name, const char *format, ...)
{
    char *text;
    va_list args;

    add_text(arguments, strdup(name));
    va_start(args, format);
    if (vasprintf(&text, format, args) == -1)
        text = NULL;
    va_end(args);
    add_text(arguments, text);
}

static void add_number(struct arguments *arguments, const char *name, double number)
{
    if (number > 0)
        add(arguments, name, "%.10g", number);
}

static void add_rate(struct arguments *arguments, const char *name, const struct netio_rate *rate)
{
    if (rate->count)
        add(arguments, name, "%u/%.10g", rate->count, rate->seconds > 0 ? rate->seconds : 1);
}

static void add_limits(struct arguments *arguments, const struct netio_limit_options *limits)
{
    add_number(arguments, "--total", limits->total);
    add_number(arguments, "--per-source", limits->per_source);
    add_rate(arguments, "--rate", &limits->rate);
    add_rate(arguments, "--source-rate", &limits->source_rate);
    add_number(arguments, "--ipv4-bits", limits->ipv4_bits);
    add_number(arguments, "--ipv6-bits", limits->ipv6_bits);
}

static void add_policy(struct arguments *arguments, const struct service *service)
{
    const struct config_service *config = service->config;
    struct netio_server_options options;

    service_server_options(service, &options);
    add_limits(arguments, &config->limits);
    if (config->refused_text)
        add(arguments, "--refused-text", "%s", config->refused_text);
    if (config->full_text)
        add(arguments, "--full-text", "%s", config->full_text);
    add_number(arguments, "--first-seconds", options.first_seconds);
    add_number(arguments, "--read-seconds", options.read_seconds);
    add_number(arguments, "--total-seconds", options.total_seconds);
    for (size_t i = 0; config->rules && config->rules[i]; i++)
        add(arguments, "--rule", "%s", config->rules[i]);
}

static size_t count_of(const char *const *list)
{
    size_t count = 0;

    while (list && list[count])
        count++;
    return count;
}

static void free_arguments(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        free(arguments->list[i]);
    free(arguments->list);
}

/* 0 or -ENOMEM. */
static int make_arguments(struct arguments *arguments, const struct service *service)
{
    const struct config_service *config = service->config;
    size_t rules = count_of(config->rules), words = count_of(config->argv);

    *arguments = (struct arguments){.room = ARGUMENT_MAX + 2 * rules + words};
    arguments->list = calloc(arguments->room, sizeof *arguments->list);
    if (!arguments->list)
        return -ENOMEM;
    add_text(arguments, strdup("netiod-pool"));
    add(arguments, "--workers", "%u", config->pool);
    add(arguments, "--sockets", "%zu", service->fds_count);
    add(arguments, "--ready", "%zu", FIRST_FD + service->fds_count);
    add(arguments, "--stop-seconds", DRAIN);
    add_policy(arguments, service);
    add(arguments, "--", "%s", config->program);
    for (size_t i = 1; i < words; i++)
        add_text(arguments, strdup(config->argv[i]));
    if (!arguments->failed)
        return 0;
    free_arguments(arguments);
    return -ENOMEM;
}

/* ---- its start ---- */

static void over(struct process *process, int status);
static void told(struct netio_watch *watch, unsigned events);

static int open_ready(struct pool *pool, int *write_end)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
        return -errno;
    pool->ready = ends[0];
    *write_end = ends[1];
    return 0;
}

static void close_ready(struct pool *pool)
{
    netio_watch_stop(&pool->watch);
    if (pool->ready >= 0)
        netio_fd_close(pool->ready);
    pool->ready = -1;
}

/* With the descriptors for 3, 4 ... */
static int start_with(struct service *service, struct netio_child_fd *fds, const char *program,
                      struct arguments *arguments)
{
    struct pool *pool = service->own;
    const struct launch how = {
        .service = service,
        .fd = -1,
        .program = program,
        .argv = (const char *const *)arguments->list,
        .fds = fds,
        .fds_count = service->fds_count + 1,
        .flags = NETIO_CHILD_DIE_WITH_PARENT, /* or the next netiod would find its sockets taken */
    };
    int write_end = -1, code = open_ready(pool, &write_end);

    if (code)
        return code;
    for (size_t i = 0; i < service->fds_count; i++)
        fds[i] = (struct netio_child_fd){service->fds[i], FIRST_FD + (int)i};
    fds[service->fds_count] =
        (struct netio_child_fd){write_end, FIRST_FD + (int)service->fds_count};
    code = process_start(&pool->next, &pool->processes, &how);
    netio_fd_close(write_end);
    if (code == 0)
        code = process_watch(pool->next, over);
    if (code == 0)
        code = netio_watch_start(service->house->loop, &pool->watch, pool->ready, NETIO_READ);
    if (code == 0)
        return 0;
    pool->next = NULL; /* if it runs, over hears of its end */
    close_ready(pool);
    return code;
}

static int start(struct service *service)
{
    struct netio_child_fd *fds = calloc(service->fds_count + 1, sizeof *fds);
    struct arguments arguments = {.list = NULL};
    char *program = NULL;
    int code = fds ? make_arguments(&arguments, service) : -ENOMEM;

    if (code == 0 && asprintf(&program, "%s/netiod-pool", service->house->libexec) == -1) {
        program = NULL;
        code = -ENOMEM;
    }
    if (code == 0)
        code = start_with(service, fds, program, &arguments);
    free(program);
    free_arguments(&arguments);
    free(fds);
    return code;
}

/* ---- whether another one is due ---- */

static int is_same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/* A file that is gone for a moment is about to be replaced. */
static int has_other_program(struct service *service)
{
    const struct pool *pool = service->own;
    struct stat st;

    return stat(service->config->program, &st) == 0 && !is_same_file(&st, &pool->program);
}

static ino_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static int has_socket(const struct pool *pool, ino_t inode)
{
    for (size_t i = 0; i < pool->sockets_count; i++)
        if (pool->sockets[i] == inode)
            return 1;
    return 0;
}

static int has_other_sockets(const struct service *service)
{
    const struct pool *pool = service->own;

    if (pool->sockets_count != service->fds_count)
        return 1;
    for (size_t i = 0; i < service->fds_count; i++)
        if (!has_socket(pool, inode_of(service->fds[i])))
            return 1;
    return 0;
}

/* What it was started with, so that it is known when that is something else. */
static int remember(struct service *service)
{
    struct pool *pool = service->own;
    ino_t *sockets = realloc(pool->sockets, service->fds_count * sizeof *sockets);

    if (!sockets)
        return -ENOMEM;
    for (size_t i = 0; i < service->fds_count; i++)
        sockets[i] = inode_of(service->fds[i]);
    pool->sockets = sockets;
    pool->sockets_count = service->fds_count;
    if (stat(service->config->program, &pool->program) == -1)
        memset(&pool->program, 0, sizeof pool->program);
    pool->wanted = 0;
    return 0;
}

/* One that is not ready yet is one that nobody needs any more. */
static void give_up_next(struct pool *pool)
{
    struct process *next = pool->next;

    close_ready(pool);
    pool->next = NULL;
    if (next)
        process_until(next, NETIO_NOW);
}

static void start_next(struct service *service)
{
    struct pool *pool = service->own;

    give_up_next(pool);
    int code = remember(service);
    if (code == 0)
        code = start(service);
    if (code == 0) {
        again_in(service, LOOK);
        return;
    }
    pool->failed++;
    pool->wanted = 1;
    later(service);
}

/* Without sockets the house is resting, and will have some again. */
static void look(struct netio_timer *timer)
{
    struct service *service = timer->data;
    struct pool *pool = service->own;

    if (pool->stopped || service->fds_count == 0)
        return;
    if (pool->wanted || (!pool->now && !pool->next) || has_other_sockets(service) ||
        has_other_program(service))
        start_next(service);
    else
        again_in(service, LOOK);
}

/* ---- ready, and its end ---- */

/* It takes nobody any more, and ends when nobody is left; process_until says when at the latest. */
static void drain(struct process *process)
{
    (void)netio_child_signal(&process->child, SIGTERM, 0);
}

static void told(struct netio_watch *watch, unsigned events)
{
    struct service *service = watch->data;
    struct pool *pool = service->own;
    char octet;
    ssize_t n = read(pool->ready, &octet, 1);

    (void)events;
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    close_ready(pool);
    if (n != 1)
        return; /* over will say how it has ended */
    if (pool->now)
        drain(pool->now);
    pool->now = pool->next;
    pool->next = NULL;
    netio_log(service->house->log, LOG_NOTICE, "%s: the pool is ready, pid %ld", service->name,
              (long)pool->now->child.pid);
}

/* A new one that does not get ready leaves the old one where it is, until something changes. */
static void failed(struct service *service, int is_next)
{
    struct pool *pool = service->own;

    if (is_next && pool->now) {
        netio_log(service->house->log, LOG_WARNING,
                  "%s: the new pool is not ready; the one that serves goes on", service->name);
        return;
    }
    pool->failed++;
    later(service);
}

static void over(struct process *process, int status)
{
    struct service *service = process->service;
    struct pool *pool = service->own;
    int is_now = process == pool->now, is_next = process == pool->next;

    if (is_next)
        close_ready(pool);
    if (is_now)
        pool->now = NULL;
    if (is_next)
        pool->next = NULL;
    if (is_now && netio_clock_now() - process->since > 10 * SECOND)
        pool->failed = 0;
    process_over(process, status);
    if ((is_now || is_next) && !pool->stopped && !pool->next)
        failed(service, is_next);
}

/* ---- of the kind ---- */

static int pool_open(struct service *service, struct netio_error *error)
{
    struct pool *pool = calloc(1, sizeof *pool);

    service->own = pool;
    if (!pool)
        return netio_error_set(error, NETIO_STAGE_SERVICE, -ENOMEM, NULL, service->name);
    pool->ready = -1;
    pool->watch = (struct netio_watch){.ready = told, .data = service};
    pool->timer = (struct netio_timer){.fire = look, .data = service};
    if (!service->house->libexec)
        return netio_error_set(error, NETIO_STAGE_SERVICE, -ENOENT, NULL, "netiod-pool");
    return 0;
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
    (void)service;
    (void)fd;
}

static int pool_change(struct service *service, const struct config_service *before)
{
    struct pool *pool = service->own;
    int code = netio_timer_start(service->house->loop, &pool->timer, NETIO_NOW);

    if (code < 0)
        return code;
    pool->failed = 0;
    if (!config_same(before, service->config))
        pool->wanted = 1;
    return 0;
}

static void pool_stop(struct service *service, netio_deadline deadline)
{
    struct pool *pool = service->own;

    if (!pool->stopped) {
        netio_timer_stop(&pool->timer);
        give_up_next(pool);
        if (pool->now)
            drain(pool->now);
    }
    pool->stopped = 1;
    pool->now = NULL;
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
    close_ready(pool);
    pool->now = pool->next = NULL;
    while (pool->processes)
        process_end(pool->processes);
    service->own = NULL;
    free(pool->sockets);
    free(pool);
}

static int pool_child(const struct service *service, size_t index, struct handover_child *child)
{
    const struct pool *pool = service->own;

    return process_describe(pool->processes, index, child);
}

/* Its sockets are served by one of this netiod's own as well, until the predecessor has it drain.
 */
static void pool_adopt(struct service *service, const struct handover_child *child)
{
    struct pool *pool = service->own;
    struct process *process;
    int code = process_adopt(&process, &pool->processes, service, child);

    if (code == 0)
        code = process_watch(process, over);
    if (code)
        netio_log(service->house->log, LOG_WARNING, "%s: pid %ld is not counted: %s", service->name,
                  (long)child->pid, netio_error_text(code));
}

const struct service_kind pool_kind = {
    .open = pool_open,
    .listen = pool_listen,
    .ignore = pool_ignore,
    .change = pool_change,
    .stop = pool_stop,
    .free = pool_free,
    .child = pool_child,
    .adopt = pool_adopt,
};
