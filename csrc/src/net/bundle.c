/* Ring 1.  Several descriptors as one; see net/bundle.h.
 * Called by machines that wait for several things; it makes an epoll descriptor. */
#include "net/bundle.h"

#include <errno.h>
#include <sys/epoll.h>

/* Level-triggered: whoever waits is told again of what has not been read. */
static int put(int epoll, int fd, unsigned events)
{
    struct epoll_event event = {.data.fd = fd};

    if (events & NETIO_READ)
        event.events |= EPOLLIN;
    if (events & NETIO_WRITE)
        event.events |= EPOLLOUT;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
        (errno == EEXIST && epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0))
        return 0;
    /* No manual lists EAGAIN, and to a machine it would mean that all is well: wait. */
    return errno == EAGAIN ? -ENOMEM : -errno;
}

int netio__bundle_widen(struct netio__bundle *bundle)
{
    if (bundle->epoll != -1)
        return 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll == -1)
        return -errno;
    int code = bundle->only == -1 ? 0 : put(epoll, bundle->only, bundle->events);
    if (code) {
        netio_fd_close(epoll);
        return code;
    }
    bundle->epoll = epoll;
    bundle->only = -1;
    return 0;
}

int netio__bundle_add(struct netio__bundle *bundle, int fd, unsigned events)
{
    if (bundle->epoll == -1 && (bundle->only == -1 || bundle->only == fd)) {
        bundle->only = fd;
        bundle->events = events;
        return 0;
    }
    int code = netio__bundle_widen(bundle);
    return code ? code : put(bundle->epoll, fd, events);
}

int netio__bundle_follow(struct netio__bundle *bundle, int *fd, const struct netio_want *want)
{
    int now = want ? want->fd : -1;

    if (*fd >= 0 && *fd != now)
        netio__bundle_drop(bundle, *fd);
    *fd = now;
    return now >= 0 ? netio__bundle_add(bundle, now, want->events) : 0;
}

void netio__bundle_drop(struct netio__bundle *bundle, int fd)
{
    if (bundle->only == fd)
        bundle->only = -1;
    else if (bundle->epoll != -1)
        (void)epoll_ctl(bundle->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void netio__bundle_want(const struct netio__bundle *bundle, struct netio_want *want)
{
    int many = bundle->epoll != -1;

    want->fd = many ? bundle->epoll : bundle->only;
    want->events = many ? NETIO_READ : bundle->only == -1 ? 0 : bundle->events;
}

void netio__bundle_close(struct netio__bundle *bundle)
{
    netio_fd_close(bundle->epoll);
    *bundle = (struct netio__bundle)NETIO__BUNDLE_EMPTY;
}
