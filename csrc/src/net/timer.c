/* Ring 1.  The loop's timers as a binary heap; called by loop.c and loop_timer.c only. */
#include "net/timer.h"

#include <errno.h>
#include <stdlib.h>

void netio__timers_free(struct netio__timers *timers)
{
    free(timers->heap);
    *timers = (struct netio__timers){0};
}

static void put(struct netio__timers *timers, size_t place, struct netio_timer *timer)
{
    timers->heap[place] = timer;
    timer->place = (unsigned)place;
}

/* Moves the timer at place to where it belongs: up while it is earlier than its parent,
 * else down while a child is earlier. */
static void settle(struct netio__timers *timers, size_t place)
{
    struct netio_timer *timer = timers->heap[place];

    for (size_t parent; place > 0; place = parent) {
        parent = (place - 1) / 2;
        if (timers->heap[parent]->when <= timer->when)
            break;
        put(timers, place, timers->heap[parent]);
    }
    for (size_t child; (child = 2 * place + 1) < timers->count; place = child) {
        if (child + 1 < timers->count &&
            timers->heap[child + 1]->when < timers->heap[child]->when)
            child++;
        if (timer->when <= timers->heap[child]->when)
            break;
        put(timers, place, timers->heap[child]);
    }
    put(timers, place, timer);
}

int netio__timers_set(struct netio__timers *timers, struct netio_timer *timer, netio_deadline when)
{
    if (!timer->loop && timers->count == timers->size) {
        size_t size = timers->size ? timers->size * 2 : 16;
        struct netio_timer **heap = realloc(timers->heap, size * sizeof *heap);
        if (!heap)
            return -ENOMEM;
        timers->heap = heap;
        timers->size = size;
    }
    timer->when = when;
    if (!timer->loop)
        put(timers, timers->count++, timer);
    settle(timers, timer->place);
    return 0;
}

void netio__timers_remove(struct netio__timers *timers, struct netio_timer *timer)
{
    struct netio_timer *last = timers->heap[--timers->count];

    if (last == timer)
        return;
    put(timers, timer->place, last);
    settle(timers, last->place);
}

struct netio_timer *netio__timers_due(const struct netio__timers *timers, int64_t now)
{
    return timers->count && timers->heap[0]->when <= now ? timers->heap[0] : NULL;
}

netio_deadline netio__timers_next(const struct netio__timers *timers)
{
    return timers->count ? timers->heap[0]->when : NETIO_NEVER;
}
