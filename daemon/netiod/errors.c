/* netiod: what programs say on standard error, in the log; see errors.h.
 * Called by launch.c and service.c; owns a service's pipe, and watches it in the house's loop. */
#include "errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 /* a longer one is several */
#define LINES_A_SECOND 100
#define BYTES_A_SECOND (1 << 20) /* then its programs wait */
#define READS_A_TURN   16        /* then it is the turn of others */

struct errors {
    struct service *service;
    struct netio_timer timer; /* until more is read */
    int64_t second;           /* when the present one began ... */
    unsigned lines;           /* ... and how many have come in it ... */
    size_t bytes;             /* ... and of how many */
    unsigned long lost;       /* of those, but for what was told of already */
    size_t used;              /* of line: what has no end yet */
    char line[LINE_MAX_BYTES];
};

static void own_up(struct errors *errors)
{
    const struct service *service = errors->service;

    if (errors->lost > 0)
        netio_log(service->house->log, LOG_WARNING, "%s: %lu lines of its programs lost",
                  service->name, errors->lost);
    errors->lost = 0;
}

static void look_at_clock(struct errors *errors)
{
    int64_t now = netio_clock_now();

    if (now - errors->second < NETIO_SECOND)
        return;
    own_up(errors);
    errors->second = now;
    errors->lines = 0;
    errors->bytes = 0;
}

static void end_line(struct errors *errors)
{
    const struct service *service = errors->service;
    size_t n = errors->used;

    errors->used = 0;
    if (n > 0 && errors->line[n - 1] == '\r')
        n--;
    if (n == 0)
        return;
    if (errors->lines++ < LINES_A_SECOND)
        netio_log(service->house->log, LOG_NOTICE, "%s: says: %.*s", service->name, (int)n,
                  errors->line);
    else
        errors->lost++;
}

/* A NUL would end the text of a log line. */
static void take(struct errors *errors, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] != '\n')
            errors->line[errors->used++] = data[i] ? data[i] : ' ';
        if (data[i] == '\n' || errors->used == sizeof errors->line)
            end_line(errors);
    }
}

static void drain(struct errors *errors, int fd)
{
    char data[4096];

    look_at_clock(errors);
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t n = netio_fd_read(fd, data, sizeof data);
        if (n <= 0)
            return;
        errors->bytes += (size_t)n;
        take(errors, data, (size_t)n);
    }
}

static void rest(struct errors *errors)
{
    struct service *service = errors->service;

    if (netio_timer_start(service->house->loop, &errors->timer, errors->second + NETIO_SECOND) == 0)
        netio_watch_stop(&service->errors_watch);
}

static void ready(struct netio_watch *watch, unsigned events)
{
    struct errors *errors = watch->data;

    (void)events;
    drain(errors, watch->fd);
    if (errors->bytes >= BYTES_A_SECOND)
        rest(errors);
}

static int watch_pipe(struct service *service)
{
    return netio_watch_start(service->house->loop, &service->errors_watch, service->errors[0],
                             NETIO_READ);
}

/* Without memory: later. */
static void rested(struct netio_timer *timer)
{
    struct errors *errors = timer->data;

    look_at_clock(errors);
    if (watch_pipe(errors->service) < 0)
        (void)netio_timer_start(errors->service->house->loop, timer,
                                netio_clock_now() + NETIO_SECOND);
}

/* Its writing end blocks, as programs expect it. */
static int open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) == -1)
        return -errno;
    int code = netio_fd_nonblock(ends[0], 1);
    if (code) {
        netio_fd_close(ends[0]);
        netio_fd_close(ends[1]);
    }
    return code;
}

int errors_open(struct service *service)
{
    if (service->errors[1] >= 0)
        return service->errors[1];
    struct errors *errors = calloc(1, sizeof *errors);
    if (!errors)
        return -ENOMEM;
    int code = open_pipe(service->errors);
    if (code == 0) {
        errors->service = service;
        service->errors_watch = (struct netio_watch){.ready = ready, .data = errors};
        errors->timer = (struct netio_timer){.fire = rested, .data = errors};
        code = watch_pipe(service);
        if (code == 0)
            return service->errors[1];
        netio_fd_close(service->errors[0]);
        netio_fd_close(service->errors[1]);
    }
    service->errors[0] = service->errors[1] = -1;
    free(errors);
    return code;
}

void errors_flush(struct service *service)
{
    struct errors *errors = service->errors_watch.data;

    if (service->errors[0] < 0)
        return;
    drain(errors, service->errors[0]);
    end_line(errors);
}

void errors_close(struct service *service)
{
    struct errors *errors = service->errors_watch.data;

    if (service->errors[0] < 0)
        return;
    errors_flush(service);
    own_up(errors);
    netio_watch_stop(&service->errors_watch);
    netio_timer_stop(&errors->timer);
    netio_fd_close(service->errors[0]);
    netio_fd_close(service->errors[1]);
    service->errors[0] = service->errors[1] = -1;
    service->errors_watch.data = NULL;
    free(errors);
}
