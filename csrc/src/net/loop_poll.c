/* Ring 1.  The loop's backend on poll(2): for systems and sandboxes without epoll.
 * Called by loop.c only. */
#include "net/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct state {
    struct pollfd *set;   /* count of them are in use */
    unsigned *generation; /* beside each */
    int count;
    int size;
    int next; /* where the next wait begins to look: behind what a full batch held */
};

static int poll_open(void **out)
{
    *out = calloc(1, sizeof(struct state));
    return *out ? 0 : -ENOMEM;
}

static void poll_close(void *data)
{
    struct state *state = data;

    free(state->set);
    free(state->generation);
    free(state);
}

static int find(const struct state *state, int fd)
{
    for (int i = 0; i < state->count; i++)
        if (state->set[i].fd == fd)
            return i;
    return -1;
}

static short bits_of(unsigned events)
{
    return (short)((events & NETIO_READ ? POLLIN : 0) | (events & NETIO_WRITE ? POLLOUT : 0));
}

static int grow(struct state *state)
{
    int size = state->size ? state->size * 2 : 16;
    struct pollfd *set = realloc(state->set, (size_t)size * sizeof *set);

    if (!set)
        return -ENOMEM;
    state->set = set;
    unsigned *generation = realloc(state->generation, (size_t)size * sizeof *generation);
    if (!generation)
        return -ENOMEM;
    state->generation = generation;
    state->size = size;
    return 0;
}

static int poll_mod(void *data, int fd, unsigned events, unsigned generation)
{
    struct state *state = data;
    int place = find(state, fd);

    if (place == -1)
        return -ENOENT;
    state->set[place].events = bits_of(events);
    state->generation[place] = generation;
    return 0;
}

static int poll_add(void *data, int fd, unsigned events, unsigned generation)
{
    struct state *state = data;
    /* As epoll does: a descriptor that is not open is an error here, not an endless
     * POLLNVAL later. */
    struct pollfd probe = {.fd = fd};

    if (poll(&probe, 1, 0) == 1 && probe.revents & POLLNVAL)
        return -EBADF;
    if (find(state, fd) != -1)
        return -EEXIST;
    if (state->count == state->size) {
        int code = grow(state);
        if (code)
            return code;
    }
    state->set[state->count++].fd = fd;
    return poll_mod(state, fd, events, generation);
}

static void poll_del(void *data, int fd)
{
    struct state *state = data;
    int place = find(state, fd);

    if (place == -1)
        return;
    state->count--;
    state->set[place] = state->set[state->count];
    state->generation[place] = state->generation[state->count];
}

static unsigned events_of(short bits)
{
    if (bits & (POLLERR | POLLHUP | POLLNVAL))
        return NETIO_READ | NETIO_WRITE | NETIO__BROKEN;
    return (bits & POLLIN ? NETIO_READ : 0u) | (bits & POLLOUT ? NETIO_WRITE : 0u);
}

static int poll_wait(void *data, struct netio__event *events, int max, int timeout,
                     const sigset_t *mask)
{
    struct state *state = data;
    const struct timespec span = {timeout / 1000, timeout % 1000 * 1000000L};
    int n = mask ? ppoll(state->set, (nfds_t)state->count, timeout < 0 ? NULL : &span, mask)
                 : poll(state->set, (nfds_t)state->count, timeout);
    int stored = 0;

    if (n == -1)
        return -errno;
    int first = state->next;
    for (int i = 0; i < state->count && n > 0 && stored < max; i++) {
        int place = (first + i) % state->count;
        const struct pollfd *entry = &state->set[place];
        if (!entry->revents)
            continue;
        n--;
        state->next = place + 1;
        events[stored++] = (struct netio__event){
            .fd = entry->fd,
            .generation = state->generation[place],
            .events = events_of(entry->revents),
        };
    }
    return stored;
}

static int poll_fd(void *data)
{
    (void)data;
    return -ENOTSUP;
}

const struct netio__backend netio__backend_poll = {
    .open = poll_open,
    .close = poll_close,
    .add = poll_add,
    .mod = poll_mod,
    .del = poll_del,
    .wait = poll_wait,
    .fd = poll_fd,
};
