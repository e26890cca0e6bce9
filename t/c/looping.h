/* t/c/looping.h: a loop over each of its backends, what it watches, and what it calls. */
#ifndef LOOPING_H
#define LOOPING_H

#include "tap.h"

#include <netio/loop.h>

#include <sys/socket.h>

#define LOOPING __attribute__((unused)) static

LOOPING const char *backend;
LOOPING unsigned flags;
LOOPING int fired[64], nfired;

/* Everything over both backends. */
LOOPING void over_both(void (*test_all)(void))
{
    backend = "epoll";
    flags = 0;
    test_all();
    backend = "poll";
    flags = NETIO_LOOP_POLL;
    test_all();
}

LOOPING struct netio_loop *new_loop(void)
{
    struct netio_loop *loop;

    is_int(netio_loop_new(&loop, flags), 0, "%s: a loop", backend);
    return loop;
}

LOOPING void new_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1)
        fail("socketpair");
}

struct heard {
    int calls;
    unsigned events;
    struct netio_watch *stop; /* a watch to stop from within the handler */
};

LOOPING void hear(struct netio_watch *watch, unsigned events)
{
    struct heard *heard = watch->data;

    heard->calls++;
    heard->events |= events;
    if (heard->stop)
        netio_watch_stop(heard->stop);
}

LOOPING void fire(struct netio_timer *timer)
{
    fired[nfired++] = (int)(timer - (struct netio_timer *)timer->data);
}

#endif
