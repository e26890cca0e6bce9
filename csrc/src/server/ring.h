/* Ring 3, private: a ring of links, for the server's lists of connections.  A link that is
 * alone points at itself; taking out and putting in need no search. */
#ifndef NETIO_SRC_SERVER_RING_H
#define NETIO_SRC_SERVER_RING_H

#include <stddef.h>

struct netio__ring {
    struct netio__ring *prev, *next;
};

#define NETIO__RING_OF(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))

static inline void netio__ring_init(struct netio__ring *link)
{
    link->prev = link->next = link;
}

static inline int netio__ring_alone(const struct netio__ring *link)
{
    return link->next == link;
}

static inline void netio__ring_out(struct netio__ring *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    netio__ring_init(link);
}

/* Behind the last one of the ring that head stands for. */
static inline void netio__ring_add(struct netio__ring *head, struct netio__ring *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/* All links of one head behind those of another. */
static inline void netio__ring_move(struct netio__ring *head, struct netio__ring *from)
{
    while (!netio__ring_alone(from)) {
        struct netio__ring *link = from->next;
        netio__ring_out(link);
        netio__ring_add(head, link);
    }
}

#endif
