/* netiod: a process that has the socket ("wait"); see service.h.
 * Called by service.c and handover.c; owns the watches of its sockets, and what it has started.
 *
 *      idle      watched: somebody comes            --> held, or resting when nothing can be
 * started held      a program has the socket, nobody watches it; it ends --> idle, or resting
 *      resting   not watched until a timer fires    --> idle
 *
 * A program that ends without having read leaves the socket as readable as it was, and would be
 * started again at once, for ever (R17).  So the socket rests longer each time, and in the end the
 * datagram that no program wants is thrown away.  Whether it was read: what is first in the queue
 * is still the same.  (Clients repeat themselves: a copy of what a program has read is taken for
 * the same, so it costs such a service nothing but that rest.)  Of a stream's queue nothing can be
 * seen but that it is not empty; nobody in it is ever sent away. */
#include "handover.h"
#include "head.h"
#include "process.h"
#include "returned.h"
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>

#define SECOND      ((int64_t)1000 * 1000 * 1000)
#define SHORTEST    (SECOND / 100) /* rest; it is doubled each time, ... */
#define DOUBLED_MAX 10             /* ... so often at most */
#define FUTILE_MAX  8              /* programs in a row for one datagram */

/* The longest rest: */
#define REST_QUEUE  SECOND        /* there is a datagram to throw away, or something scarce */
#define REST_FAILED (10 * SECOND) /* a stream whose program fails */
#define REST_SERVED (SECOND / 10) /* a stream whose program says that all is well */

/* One socket.  It stays in the list while a program has it, also when the house has taken it back,
 * which may be for a moment only (house_rest). */
struct seat {
    struct seat *next;
    struct service *service;
    int fd;                   /* the house's; -1: taken back */
    ino_t inode;              /* by which it is known when it comes again */
    struct process *process;  /* who has it; NULL */
    struct netio_watch watch; /* idle */
    struct netio_timer timer; /* resting */
    unsigned futile;          /* programs in a row that have ended without having read */
    struct head head;         /* what was first when the last one was started */
};

struct wait {
    struct seat *seats;
    struct process *processes;
};

/* ---- the queue ---- */

static int is_stream(const struct seat *seat)
{
    return seat->service->config->type == SOCK_STREAM;
}

/* Whether what a program was started for is still there. */
static int is_unread(const struct seat *seat)
{
    struct head head;

    if (is_stream(seat))
        return netio_fd_poll(seat->fd, NETIO_READ, NETIO_NOW) > 0;
    head_look(&head, seat->fd);
    return head_is_same(&head, &seat->head);
}

static void throw_away(const struct seat *seat)
{
    const struct service *service = seat->service;
    char from[NETIO_ADDR_STRLEN];

    head_drop(seat->fd);
    netio_log(service->house->log, LOG_WARNING,
              "%s: a datagram of %zd bytes from %s is thrown away: no program reads it",
              service->name, seat->head.length,
              netio_addr_str(&seat->head.from, from, sizeof from));
}

/* ---- seats ---- */

static struct seat *find_seat(const struct wait *wait, ino_t inode)
{
    struct seat *seat = wait->seats;

    while (seat && seat->inode != inode)
        seat = seat->next;
    return seat;
}

static void drop(struct seat *seat)
{
    struct wait *wait = seat->service->own;
    struct seat **link = &wait->seats;

    while (*link != seat)
        link = &(*link)->next;
    *link = seat->next;
    netio_watch_stop(&seat->watch);
    netio_timer_stop(&seat->timer);
    free(seat);
}

static void somebody(struct netio_watch *watch, unsigned events);
static void rested(struct netio_timer *timer);

static struct seat *make_seat(struct service *service, ino_t inode)
{
    struct wait *wait = service->own;
    struct seat *seat = calloc(1, sizeof *seat);

    if (!seat)
        return NULL;
    *seat = (struct seat){
        .next = wait->seats,
        .service = service,
        .fd = -1,
        .inode = inode,
        .watch = {.ready = somebody, .data = seat},
        .timer = {.fire = rested, .data = seat},
    };
    wait->seats = seat;
    return seat;
}

/* ---- idle, resting, held ---- */

static void rest(struct seat *seat, int64_t span)
{
    const struct service *service = seat->service;

    netio_watch_stop(&seat->watch);
    if (netio_timer_start(service->house->loop, &seat->timer, netio_clock_now() + span) < 0)
        netio_log(service->house->log, LOG_ERR, "%s: not served until a reload: %s", service->name,
                  netio_error_text(-ENOMEM));
}

static int idle(struct seat *seat)
{
    netio_timer_stop(&seat->timer);
    return netio_watch_start(seat->service->house->loop, &seat->watch, seat->fd, NETIO_READ);
}

static void idle_or_rest(struct seat *seat)
{
    if (idle(seat) < 0)
        rest(seat, SECOND);
}

static void rested(struct netio_timer *timer)
{
    idle_or_rest(timer->data);
}

/* Nobody has read what is there. */
static void rest_longer(struct seat *seat, int64_t longest)
{
    int64_t span = SHORTEST << (seat->futile < DOUBLED_MAX ? seat->futile : DOUBLED_MAX);

    seat->futile++;
    rest(seat, span < longest ? span : longest);
}

static void give_up(struct seat *seat)
{
    rest_longer(seat, REST_QUEUE);
    if (seat->futile >= FUTILE_MAX)
        throw_away(seat);
}

/* What is scarce is so for a time: nothing is thrown away for that. */
static void cannot_start(struct seat *seat, int code)
{
    if (code == -EAGAIN || code == -ENOMEM || code == -EMFILE || code == -ENFILE)
        rest_longer(seat, REST_QUEUE);
    else if (is_stream(seat))
        rest_longer(seat, REST_FAILED);
    else
        give_up(seat);
}

static void read_nothing(struct seat *seat, int status)
{
    const struct service *service = seat->service;

    if (seat->futile == 0)
        netio_log(service->house->log, LOG_WARNING,
                  "%s: a program has ended without having read; the next one waits longer",
                  service->name);
    if (is_stream(seat))
        rest_longer(seat, status == 0 ? REST_SERVED : REST_FAILED);
    else
        give_up(seat);
}

static void over(struct process *process, int status)
{
    struct seat *seat = process->data;
    int quick = netio_clock_now() - process->since < SECOND;
    int adopted = process->adopted;

    process_over(process, status);
    if (!seat)
        return;
    seat->process = NULL;
    if (seat->fd < 0) {
        drop(seat);
        return;
    }
    (void)netio_fd_nonblock(seat->fd, 1);
    returned_mend(seat->fd, seat->service->config->type, seat->service->config->backlog);
    if (quick && !adopted && is_unread(seat)) {
        read_nothing(seat, status);
        return;
    }
    seat->futile = 0;
    idle_or_rest(seat);
}

/* Whether the rate of starts is spent; if not, one is counted. */
static int is_early(struct seat *seat)
{
    static const struct netio_addr nobody;
    struct netio_limit *limit = seat->service->limit;
    int64_t now = netio_clock_now();
    enum netio_refused why;

    if (!limit)
        return 0;
    netio_deadline next = netio_limit_next(limit, now);
    if (next <= now) {
        (void)netio_limit_pass(limit, &nobody, 0, now, &why);
        return 0;
    }
    /* Another rate may be set meanwhile. */
    rest(seat, next - now < SECOND ? next - now : SECOND);
    return 1;
}

/* The program gets a socket that blocks, as it expects it. */
static int start(struct seat *seat)
{
    struct wait *wait = seat->service->own;
    const struct launch how = {.service = seat->service, .fd = seat->fd};

    netio_watch_stop(&seat->watch);
    (void)netio_fd_nonblock(seat->fd, 0);
    int code = process_start(&seat->process, &wait->processes, &how);
    if (code == 0) {
        seat->process->data = seat;
        code = process_watch(seat->process, over);
    }
    if (code) {
        seat->process = NULL;
        (void)netio_fd_nonblock(seat->fd, 1);
    }
    return code;
}

/* Another look would be as good as this one, for ever. */
static void is_gone(struct seat *seat)
{
    const struct service *service = seat->service;

    netio_watch_stop(&seat->watch);
    netio_log(service->house->log, LOG_ERR,
              "%s: a program has shut the socket down: not served until it is opened again",
              service->name);
}

static void somebody(struct netio_watch *watch, unsigned events)
{
    struct seat *seat = watch->data;

    (void)events;
    if (returned_is_shut(seat->fd)) {
        is_gone(seat);
        return;
    }
    if (!is_stream(seat)) {
        struct head before = seat->head;
        head_look(&seat->head, seat->fd);
        if (seat->head.length < 0)
            return;
        if (!head_is_same(&before, &seat->head))
            seat->futile = 0;
    }
    if (is_early(seat))
        return;
    int code = start(seat);
    if (code)
        cannot_start(seat, code);
}

/* ---- of the kind ---- */

static int wait_open(struct service *service, struct netio_error *error)
{
    service->own = calloc(1, sizeof(struct wait));
    int code = service->own ? service_limit(service, service->config) : -ENOMEM;

    return code ? netio_error_set(error, NETIO_STAGE_SERVICE, code, NULL, service->name) : 0;
}

/* It may be one that was taken back for a moment, and that a program still has. */
static int wait_listen(struct service *service, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == -1)
        return -errno;
    struct seat *seat = find_seat(service->own, st.st_ino);
    if (!seat)
        seat = make_seat(service, st.st_ino);
    if (!seat)
        return -ENOMEM;
    seat->fd = fd;
    int code = seat->process ? 0 : idle(seat);
    if (code)
        drop(seat);
    return code;
}

static void wait_ignore(struct service *service, int fd)
{
    struct wait *wait = service->own;
    struct seat *seat = wait->seats;

    while (seat && seat->fd != fd)
        seat = seat->next;
    if (!seat)
        return;
    netio_watch_stop(&seat->watch);
    netio_timer_stop(&seat->timer);
    seat->fd = -1;
    if (!seat->process)
        drop(seat);
}

/* What has failed so far may be mended now. */
static int wait_change(struct service *service, const struct config_service *before)
{
    struct wait *wait = service->own;
    int code = service_limit(service, service->config);

    (void)before;
    if (code)
        return code;
    for (struct seat *seat = wait->seats; seat; seat = seat->next) {
        seat->futile = 0;
        if (seat->fd >= 0 && !seat->process && !seat->watch.loop)
            idle_or_rest(seat);
    }
    return 0;
}

/* The house has taken all sockets back by now. */
static void wait_stop(struct service *service, netio_deadline deadline)
{
    const struct wait *wait = service->own;

    for (struct process *process = wait->processes; process; process = process->next)
        process_until(process, deadline);
}

static void wait_free(struct service *service)
{
    struct wait *wait = service->own;

    if (!wait)
        return;
    while (wait->processes)
        process_end(wait->processes);
    while (wait->seats)
        drop(wait->seats);
    service->own = NULL;
    free(wait);
}

/* ---- what an upgrade hands over ---- */

static int wait_child(const struct service *service, size_t index, struct handover_child *child)
{
    const struct wait *wait = service->own;
    const struct process *process = wait->processes;

    if (!process_describe(process, index, child))
        return 0;
    while (index-- > 0)
        process = process->next;
    const struct seat *seat = process->data;
    if (seat)
        child->socket = seat->inode;
    return 1;
}

static void take_seat(struct service *service, struct process *process, ino_t socket)
{
    struct seat *seat = socket ? find_seat(service->own, socket) : NULL;

    if (!seat || seat->process)
        return;
    netio_watch_stop(&seat->watch);
    netio_timer_stop(&seat->timer);
    seat->process = process;
    process->data = seat;
}

static void wait_adopt(struct service *service, const struct handover_child *child)
{
    struct wait *wait = service->own;
    struct process *process;
    int code = process_adopt(&process, &wait->processes, service, child);

    if (code == 0)
        code = process_watch(process, over);
    if (code == 0)
        take_seat(service, process, child->socket);
    if (code)
        netio_log(service->house->log, LOG_WARNING, "%s: pid %ld is not counted: %s", service->name,
                  (long)child->pid, netio_error_text(code));
}

const struct service_kind wait_kind = {
    .open = wait_open,
    .listen = wait_listen,
    .ignore = wait_ignore,
    .change = wait_change,
    .stop = wait_stop,
    .free = wait_free,
    .child = wait_child,
    .adopt = wait_adopt,
};
