/* Ring 1.  What a race waits for: one descriptor, whatever is under way.  Called by race.c and
 * open.c; it touches the race's epoll descriptor and nothing else.
 *
 * While one socket is all there is, it is what the machine waits for.  When a second one is to
 * begin, or a first one while a name server is still asked, there is an epoll descriptor, which
 * goes when there is but one again and another begins. */
#include "net/race.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>

static int watch(const struct netio__race *race, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events};

    if (epoll_ctl(race->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    if (errno == EEXIST && epoll_ctl(race->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return -errno;
}

int netio__race_watch(const struct netio__race *race, int fd)
{
    return watch(race, fd, EPOLLOUT);
}

void netio__race_forget(const struct netio__race *race, int fd)
{
    if (race->epoll >= 0)
        (void)epoll_ctl(race->epoll, EPOLL_CTL_DEL, fd, NULL);
}

int netio__race_watch_more(struct netio__race *race, const struct netio_want *more)
{
    int fd = more ? more->fd : -1;

    /* If it is closed, it is gone already, and its number may be another's by now; but not that
     * of a socket of ours: this comes after each step of the resolver, before any is made. */
    if (race->besides != fd && race->besides >= 0)
        netio__race_forget(race, race->besides);
    race->besides = fd;
    return fd == -1 ? 0
                    : watch(race, fd,
                            (more->events & NETIO_READ ? (uint32_t)EPOLLIN : 0) |
                                (more->events & NETIO_WRITE ? (uint32_t)EPOLLOUT : 0));
}

void netio__race_unwatch(struct netio__race *race)
{
    netio_fd_close(race->epoll);
    race->epoll = race->besides = -1;
}

int netio__race_watch_all(struct netio__race *race, const struct netio_want *more)
{
    if (race->epoll == -1) {
        race->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (race->epoll == -1)
            return -errno;
        for (size_t i = 0; i < race->begun; i++) {
            int code = race->runners[i].fd >= 0 ? netio__race_watch(race, race->runners[i].fd) : 0;
            if (code) {
                netio__race_unwatch(race);
                return code;
            }
        }
    }
    return netio__race_watch_more(race, more);
}

void netio__race_want(const struct netio__race *race, const struct netio_want *more,
                      struct netio_want *want)
{
    *want = (struct netio_want){-1, 0, race->deadline};
    if (race->pause)
        want->deadline = netio_deadline_sooner(want->deadline, race->again);
    else if (race->running && (race->running > 1 || more))
        *want = (struct netio_want){race->epoll, NETIO_READ, race->deadline};
    else if (more)
        *want = *more;
    for (size_t i = 0; race->running == 1 && !more && !race->pause && i < race->begun; i++)
        if (race->runners[i].fd >= 0)
            *want = (struct netio_want){race->runners[i].fd, NETIO_WRITE, race->deadline};
    if (race->begun < race->count)
        want->deadline = netio_deadline_sooner(want->deadline, race->next);
    if (more)
        want->deadline = netio_deadline_sooner(want->deadline, more->deadline);
}
