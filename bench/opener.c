/* opener: what the non-blocking form of netio_tcpopen costs, by the thousand, in one netio_loop.
 *
 *      opener PORT CONNECTIONS TIMES
 *
 * opens so many connections to 127.0.0.1 at once, each with a deadline of 5 seconds, closes them
 * when all are there, does so again and again, and prints one line: microseconds on the clock,
 * and of CPU (user and system).  Its peers are peer/connector.c and peer/connector.pl. */
#include <netio/loop.h>
#include <netio/open.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE 5 /* seconds */

struct opening {
    struct netio_open *machine;
    struct netio_watch watch;
    struct netio_timer timer;
    int fd;
};

static struct netio_loop *loop;
static size_t under_way;

static _Noreturn void fail(int code)
{
    fprintf(stderr, "opener: %s\n", netio_error_text(code));
    exit(1);
}

/* The step may close what is watched, so nothing is watched meanwhile. */
static void go_on(struct opening *opening)
{
    struct netio_want want;

    netio_watch_stop(&opening->watch);
    opening->fd = netio_open_step(opening->machine, NULL);
    if (opening->fd == -EAGAIN) {
        netio_open_want(opening->machine, &want);
        int code = netio_watch_start(loop, &opening->watch, want.fd, want.events);
        if (!code)
            code = netio_timer_start(loop, &opening->timer, want.deadline);
        if (code)
            fail(code);
        return;
    }
    if (opening->fd < 0)
        fail(opening->fd);
    netio_timer_stop(&opening->timer);
    netio_open_free(opening->machine);
    if (--under_way == 0)
        netio_loop_stop(loop);
}

static void ready(struct netio_watch *watch, unsigned events)
{
    (void)events;
    go_on(watch->data);
}

static void too_late(struct netio_timer *timer)
{
    go_on(timer->data);
}

static void open_all(const char *port, struct opening *openings, size_t count)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(PATIENCE)};

    under_way = count;
    for (size_t i = 0; i < count; i++) {
        struct opening *opening = &openings[i];
        *opening = (struct opening){.watch = {.ready = ready, .data = opening},
                                    .timer = {.fire = too_late, .data = opening}};
        int code = netio_tcpopen_start(&opening->machine, "127.0.0.1", port, &options, NULL);
        if (code)
            fail(code);
        go_on(opening);
    }
    int code = under_way ? netio_loop_run(loop) : 0;
    if (code)
        fail(code);
    for (size_t i = 0; i < count; i++)
        netio_fd_close(openings[i].fd);
}

static long long microseconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: opener PORT CONNECTIONS TIMES\n");
        return 64;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    struct opening *openings = calloc(count, sizeof *openings);
    int code = openings ? netio_loop_new(&loop, 0) : -ENOMEM;

    if (code)
        fail(code);
    long long began = microseconds(CLOCK_MONOTONIC);
    long long cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned long times = strtoul(argv[3], NULL, 10); times > 0; times--)
        open_all(argv[1], openings, count);
    printf("%lld %lld\n", microseconds(CLOCK_MONOTONIC) - began,
           microseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    netio_loop_free(loop);
    free(openings);
    return 0;
}
