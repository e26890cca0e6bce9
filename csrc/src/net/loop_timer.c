/* Ring 1.  The timers of a loop, and the timerfd that tells a host of them; see netio/loop.h.
 * Called by programs, and by loop.c in its steps.  Their heap is timer.c's. */
#include "net/loop.h"

#include <netio/clock.h>
#include <netio/fd.h>

#include <errno.h>
#include <sys/timerfd.h>

void netio__loop_arm(struct netio_loop *loop)
{
    netio_deadline next = netio__timers_next(&loop->timers);
    struct itimerspec spec = {0};

    if (!loop->clock.loop || loop->depth || next == loop->armed)
        return;
    if (next != NETIO_NEVER) {
        spec.it_value.tv_sec = next / NETIO_SECOND;
        spec.it_value.tv_nsec = next % NETIO_SECOND;
    }
    if (timerfd_settime(loop->clock.fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0)
        loop->armed = next;
}

static void clock_ready(struct netio_watch *watch, unsigned events)
{
    uint64_t expirations;

    (void)events;
    (void)netio_fd_read(watch->fd, &expirations, sizeof expirations);
    watch->loop->armed = NETIO_NEVER; /* it is set again after this step */
}

int netio__loop_renew_clock(struct netio_loop *loop)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd == -1)
        return -errno;
    netio_watch_stop(&loop->clock);
    netio_fd_close(loop->clock.fd);
    loop->clock.ready = clock_ready;
    loop->clock.fd = fd;
    loop->armed = NETIO_NEVER;
    int code = netio_watch_start(loop, &loop->clock, fd, NETIO_READ);
    if (code) {
        netio_fd_close(fd);
        loop->clock.fd = -1;
    }
    return code;
}

int netio_timer_start(struct netio_loop *loop, struct netio_timer *timer, netio_deadline when)
{
    int code = netio__loop_own(loop);

    if (code)
        return code;
    if (timer->loop && timer->loop != loop)
        netio_timer_stop(timer);
    if (when == NETIO_NEVER) {
        netio_timer_stop(timer);
        return 0;
    }
    if (when < NETIO_NOW) /* long past too, but timerfd_settime(2) takes nothing negative */
        when = NETIO_NOW;
    /* Within a step nothing becomes due any more: a timer that starts itself again at once
     * must not keep the others from firing. */
    if (loop->depth && when <= loop->now)
        when = loop->now + 1;
    code = netio__timers_set(&loop->timers, timer, when);
    if (code)
        return code;
    timer->loop = loop;
    netio__loop_arm(loop);
    return 0;
}

void netio_timer_stop(struct netio_timer *timer)
{
    struct netio_loop *loop = timer->loop;

    if (!loop)
        return;
    netio__timers_remove(&loop->timers, timer);
    timer->loop = NULL;
    if (netio__loop_own(loop) == 0)
        netio__loop_arm(loop);
}

int netio__loop_fire(struct netio_loop *loop)
{
    struct netio_timer *timer;
    int ran = 0;

    while ((timer = netio__timers_due(&loop->timers, loop->now))) {
        netio__timers_remove(&loop->timers, timer);
        timer->loop = NULL;
        timer->fire(timer);
        ran++;
    }
    return ran;
}

netio_deadline netio_loop_next(const struct netio_loop *loop)
{
    return netio__timers_next(&loop->timers);
}
