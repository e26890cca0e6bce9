/* Ring 1, private: the loop's timers, a binary heap ordered by time (timer.c). */
#ifndef NETIO_SRC_NET_TIMER_H
#define NETIO_SRC_NET_TIMER_H

#include <netio/loop.h>
#include <stddef.h>

struct netio__timers {
    struct netio_timer **heap; /* heap[0] is the first; timer->place is its index */
    size_t count;
    size_t size;
};

void netio__timers_free(struct netio__timers *timers);
/* Puts a timer in (timer->loop NULL) or moves it; 0 or -ENOMEM, then nothing changed. */
int netio__timers_set(struct netio__timers *timers, struct netio_timer *timer, netio_deadline when);
void netio__timers_remove(struct netio__timers *timers, struct netio_timer *timer);
/* The first timer when it is due at now, else NULL; it stays in. */
struct netio_timer *netio__timers_due(const struct netio__timers *timers, int64_t now);
netio_deadline netio__timers_next(const struct netio__timers *timers);

#endif
