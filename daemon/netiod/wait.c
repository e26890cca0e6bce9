/* netiod: a process that has the socket ("wait"); see service.h.
 * Called by service.c, house.c and handover.c; owns the seats of its sockets (seat.h), and what it
 * has started. */
#include "handover.h"
#include "seat.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static int wait_open(struct service *service, struct netio_error *error)
{
    service->own = calloc(1, sizeof(struct seats));
    int code = service->own ? service_limit(service, service->config) : -ENOMEM;

    return code ? netio_error_set(error, NETIO_STAGE_SERVICE, code, NULL, service->name) : 0;
}

/* It may be one that was taken back for a moment, and that a program still has. */
static int wait_listen(struct service *service, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == -1)
        return -errno;
    struct seat *seat = seat_find(service->own, st.st_ino);
    if (!seat)
        seat = seat_make(service->own, service, st.st_ino);
    if (!seat)
        return -ENOMEM;
    seat->fd = fd;
    int code = seat->process ? 0 : seat_idle(seat);
    if (code)
        seat_drop(seat);
    return code;
}

static void wait_ignore(struct service *service, int fd)
{
    struct seats *seats = service->own;
    struct seat *seat = seats->first;

    while (seat && seat->fd != fd)
        seat = seat->next;
    if (!seat)
        return;
    seat_still(seat);
    seat->fd = -1;
    if (!seat->process)
        seat_drop(seat);
}

/* What has failed so far may be mended now. */
static int wait_change(struct service *service, const struct config_service *before)
{
    struct seats *seats = service->own;
    int code = service_limit(service, service->config);

    (void)before;
    if (code)
        return code;
    for (struct seat *seat = seats->first; seat; seat = seat->next) {
        seat->futile = 0;
        if (seat->fd >= 0 && !seat->process && !seat->watch.loop)
            seat_idle_or_rest(seat);
    }
    return 0;
}

/* The house has taken all sockets back by now. */
static void wait_stop(struct service *service, netio_deadline deadline)
{
    const struct seats *seats = service->own;

    for (struct process *process = seats->processes; process; process = process->next)
        process_until(process, deadline);
}

static void wait_free(struct service *service)
{
    struct seats *seats = service->own;

    if (!seats)
        return;
    while (seats->processes)
        process_end(seats->processes);
    while (seats->first)
        seat_drop(seats->first);
    service->own = NULL;
    free(seats);
}

/* ---- what an upgrade hands over ---- */

static int wait_child(const struct service *service, size_t index, struct handover_child *child)
{
    const struct seats *seats = service->own;
    const struct process *process = process_describe(seats->processes, index, child);
    const struct seat *seat = process ? process->data : NULL;

    if (seat)
        child->socket = seat->inode;
    return process != NULL;
}

static void take_seat(struct service *service, struct process *process, ino_t socket)
{
    struct seat *seat = socket ? seat_find(service->own, socket) : NULL;

    if (!seat || seat->process)
        return;
    seat_still(seat);
    seat->process = process;
    process->data = seat;
}

static int wait_adopt(struct service *service, const struct handover_child *child)
{
    struct seats *seats = service->own;
    struct process *process;
    int code = process_adopt(&process, &seats->processes, service, child);

    if (code == 0)
        code = process_watch(process, seat_over);
    if (code == 0)
        take_seat(service, process, child->socket);
    return code;
}

const struct service_kind wait_kind = {
    .lends = 1,
    .open = wait_open,
    .listen = wait_listen,
    .ignore = wait_ignore,
    .change = wait_change,
    .stop = wait_stop,
    .free = wait_free,
    .child = wait_child,
    .adopt = wait_adopt,
};
