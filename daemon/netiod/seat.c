/* netiod: a socket that programs get one after the other ("wait"); see seat.h.
 * Called by wait.c and by the loop; starts programs, and touches the sockets that are its. */
#include "seat.h"
#include "returned.h"

#include <netio/clock.h>

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#define SHORTEST    (NETIO_SECOND / 100) /* rest; it is doubled each time, ... */
#define DOUBLED_MAX 10                   /* ... so often at most */
#define FUTILE_MAX  8                    /* programs in a row for one datagram */

/* The longest rest: */
#define REST_QUEUE  NETIO_SECOND        /* there is a datagram to throw away, or something scarce */
#define REST_FAILED (10 * NETIO_SECOND) /* a stream whose program fails */
#define REST_HUNG   (20 * NETIO_SECOND) /* a start has held all of netiod: ten times what it may */
#define REST_SERVED (NETIO_SECOND / 10) /* a stream whose program says that all is well */
#define REST_EMPTY  (NETIO_SECOND / 10) /* the loop sees a datagram, and there is none */

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

struct seat *seat_find(const struct seats *seats, ino_t inode)
{
    struct seat *seat = seats->first;

    while (seat && seat->inode != inode)
        seat = seat->next;
    return seat;
}

void seat_still(struct seat *seat)
{
    netio_watch_stop(&seat->watch);
    netio_timer_stop(&seat->timer);
}

void seat_drop(struct seat *seat)
{
    struct seat **link = &seat->seats->first;

    while (*link != seat)
        link = &(*link)->next;
    *link = seat->next;
    seat_still(seat);
    free(seat);
}

static void somebody(struct netio_watch *watch, unsigned events);
static void rested(struct netio_timer *timer);

struct seat *seat_make(struct seats *seats, struct service *service, ino_t inode)
{
    struct seat *seat = calloc(1, sizeof *seat);

    if (!seat)
        return NULL;
    *seat = (struct seat){
        .next = seats->first,
        .seats = seats,
        .service = service,
        .fd = -1,
        .inode = inode,
        .watch = {.ready = somebody, .data = seat},
        .timer = {.fire = rested, .data = seat},
    };
    seats->first = seat;
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

int seat_idle(struct seat *seat)
{
    netio_timer_stop(&seat->timer);
    return netio_watch_start(seat->service->house->loop, &seat->watch, seat->fd, NETIO_READ);
}

void seat_idle_or_rest(struct seat *seat)
{
    if (seat_idle(seat) < 0)
        rest(seat, NETIO_SECOND);
}

static void rested(struct netio_timer *timer)
{
    seat_idle_or_rest(timer->data);
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
    if (code == -ETIMEDOUT)
        rest(seat, REST_HUNG);
    else if (code == -EAGAIN || code == -ENOMEM || code == -EMFILE || code == -ENFILE)
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

static void mend(const struct seat *seat)
{
    const struct service *service = seat->service;

    if (returned_mend(seat->fd, service->config->type, service->config->backlog))
        netio_log(service->house->log, LOG_ERR,
                  "%s: a program has connected the socket: it hears that host alone until it is "
                  "opened again",
                  service->name);
}

void seat_over(struct process *process, int status)
{
    struct seat *seat = process->data;
    int quick = netio_clock_now() - process->since < NETIO_SECOND;
    int adopted = process->adopted;

    process_over(process, status);
    if (!seat)
        return;
    seat->process = NULL;
    if (seat->fd < 0) {
        seat_drop(seat);
        return;
    }
    (void)netio_fd_nonblock(seat->fd, 1);
    mend(seat);
    if (quick && !adopted && is_unread(seat)) {
        read_nothing(seat, status);
        return;
    }
    seat->futile = 0;
    seat_idle_or_rest(seat);
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
    waits_note(seat->service, WAITS_RATE, NULL);
    /* Another rate may be set meanwhile. */
    rest(seat, next - now < NETIO_SECOND ? next - now : NETIO_SECOND);
    return 1;
}

/* The program gets a socket that blocks, as it expects it. */
static int start(struct seat *seat)
{
    const struct launch how = {
        .service = seat->service,
        .fd = seat->fd,
        .flags = NETIO_CHILD_DIE_WITH_PARENT, /* or the next netiod would find its socket taken */
    };

    netio_watch_stop(&seat->watch);
    (void)netio_fd_nonblock(seat->fd, 0);
    int code = process_start(&seat->process, &seat->seats->processes, &how);
    if (code == 0) {
        seat->process->data = seat;
        code = process_watch(seat->process, seat_over);
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

/* One with a wrong checksum, or what a program has left behind, which stays until it is undone. */
static void is_empty(struct seat *seat)
{
    mend(seat);
    rest(seat, REST_EMPTY);
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
        if (seat->head.length < 0) {
            is_empty(seat);
            return;
        }
        if (!head_is_same(&before, &seat->head))
            seat->futile = 0;
    }
    if (is_early(seat))
        return;
    int code = start(seat);
    if (code)
        cannot_start(seat, code);
}
