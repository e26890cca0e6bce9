/* netiod: whether clients of a service wait, for the log; see waits.h.
 * Called by service.c, seat.c and the loop; writes to the log, and has a timer only while somebody
 * waits. */
#include "service.h"

#include <inttypes.h>
#include <syslog.h>

/* Who rests for a rate looks again within a second, and is told so. */
#define QUIET (5 * NETIO_SECOND)

static const char *const texts[] = {
    [WAITS_FULL] = "as many as may be are served",
    [WAITS_RATE] = "as many as may come have come",
    [WAITS_SHARED] = "a program that has the socket, too, keeps netiod waiting there",
    [WAITS_SCARCE] = "descriptors or memory are missing",
};

static uint64_t accepted(const struct service *service)
{
    struct netio_server_status status = {0};

    if (!service->server)
        return service->counts.started;
    netio_server_status(service->server, &status);
    return status.accepted;
}

/* In a full house nobody looks before somebody leaves. */
static int is_somebody_there(const struct service *service)
{
    for (size_t i = 0; i < service->fds_count; i++)
        if (netio_fd_poll(service->fds[i], NETIO_READ, NETIO_NOW) > 0)
            return 1;
    return 0;
}

/* Whoever has waited last did so for up to a second after that. */
static void is_over(struct service *service, enum waits_reason why)
{
    struct waits_episode *episode = &service->waits.episodes[why];
    int64_t last = why == WAITS_FULL ? netio_clock_now() - QUIET : episode->last;
    int64_t seconds = last > episode->since ? (last - episode->since) / NETIO_SECOND : 0;

    netio_log(service->house->log, LOG_NOTICE,
              "%s: clients wait no more (%s), after %" PRId64 " seconds with %" PRIu64 " let in",
              service->name, texts[why], seconds + 1, accepted(service) - episode->accepted);
    episode->since = 0;
}

/* Without a timer nobody would see the end. */
static void look_again(struct service *service)
{
    struct waits *waits = &service->waits;

    if (waits->timer.loop ||
        netio_timer_start(service->house->loop, &waits->timer, netio_clock_now() + QUIET) >= 0)
        return;
    for (int i = 0; i < WAITS_REASONS; i++)
        waits->episodes[i].since = 0;
}

static void look(struct netio_timer *timer)
{
    struct service *service = timer->data;
    int64_t now = netio_clock_now();
    int open = 0;

    for (int i = 0; i < WAITS_REASONS; i++) {
        const struct waits_episode *episode = &service->waits.episodes[i];
        if (episode->since && now - episode->last >= QUIET &&
            !(i == WAITS_FULL && is_somebody_there(service)))
            is_over(service, i);
        open |= episode->since != 0;
    }
    if (open)
        look_again(service);
}

void waits_note(struct service *service, enum waits_reason why, const char *what)
{
    struct waits_episode *episode = &service->waits.episodes[why];
    int64_t now = netio_clock_now();

    episode->last = now;
    if (episode->since)
        return;
    netio_log(service->house->log, LOG_WARNING, "%s: %s: clients wait", service->name,
              what ? what : texts[why]);
    episode->since = now;
    episode->accepted = accepted(service);
    service->waits.timer.fire = look;
    service->waits.timer.data = service;
    look_again(service);
}

void waits_close(struct service *service)
{
    netio_timer_stop(&service->waits.timer);
    service->waits = (struct waits){0};
}
