/* Ring 1.  The loop's backend on epoll(7): level-triggered, one descriptor.
 * Called by loop.c only. */
#include "net/loop.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define BATCH 64

struct state {
    int fd;
};

static int epoll_open(void **out)
{
    struct state *state = malloc(sizeof *state);

    if (!state)
        return -ENOMEM;
    state->fd = epoll_create1(EPOLL_CLOEXEC);
    if (state->fd == -1) {
        int code = -errno;
        free(state);
        return code;
    }
    *out = state;
    return 0;
}

static void epoll_close(void *data)
{
    struct state *state = data;

    netio_fd_close(state->fd);
    free(state);
}

static int control(struct state *state, int operation, int fd, unsigned events,
                   unsigned generation)
{
    struct epoll_event event = {
        .events = (events & NETIO_READ ? EPOLLIN : 0u) | (events & NETIO_WRITE ? EPOLLOUT : 0u) |
                  (events & NETIO_EXCLUSIVE ? EPOLLEXCLUSIVE : 0u),
        .data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
    };

    return epoll_ctl(state->fd, operation, fd, &event) == -1 ? -errno : 0;
}

static int epoll_add(void *data, int fd, unsigned events, unsigned generation)
{
    return control(data, EPOLL_CTL_ADD, fd, events, generation);
}

static int epoll_mod(void *data, int fd, unsigned events, unsigned generation)
{
    return control(data, EPOLL_CTL_MOD, fd, events, generation);
}

static void epoll_del(void *data, int fd)
{
    (void)control(data, EPOLL_CTL_DEL, fd, 0, 0);
}

static int epoll_wait_for(void *data, struct netio__event *events, int max, int timeout,
                          const sigset_t *mask)
{
    struct state *state = data;
    struct epoll_event ready[BATCH];
    int most = max < BATCH ? max : BATCH;
    int n = mask ? epoll_pwait(state->fd, ready, most, timeout, mask)
                 : epoll_wait(state->fd, ready, most, timeout);

    if (n == -1)
        return -errno;
    for (int i = 0; i < n; i++) {
        uint32_t bits = ready[i].events;
        events[i].fd = (int)(uint32_t)ready[i].data.u64;
        events[i].generation = (unsigned)(ready[i].data.u64 >> 32);
        events[i].events = bits & (EPOLLERR | EPOLLHUP)
                               ? NETIO_READ | NETIO_WRITE | NETIO__BROKEN
                               : (bits & EPOLLIN ? NETIO_READ : 0u) |
                                     (bits & EPOLLOUT ? NETIO_WRITE : 0u);
    }
    return n;
}

static int epoll_fd(void *data)
{
    return ((struct state *)data)->fd;
}

const struct netio__backend netio__backend_epoll = {
    .open = epoll_open,
    .close = epoll_close,
    .add = epoll_add,
    .mod = epoll_mod,
    .del = epoll_del,
    .wait = epoll_wait_for,
    .fd = epoll_fd,
};
