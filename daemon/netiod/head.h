/* netiod: what is first in the queue of a socket of datagrams, without taking it, so as to know it
 * again.
 *
 * Called by seat.c.  Nothing here waits.
 */
#ifndef NETIOD_HEAD_H
#define NETIOD_HEAD_H

#include <netio/addr.h>

#include <sys/types.h>

#define HEAD_BYTES 64

struct head {
    struct netio_addr from;
    ssize_t length; /* of all of it; -1: there is none */
    char bytes[HEAD_BYTES];
};

/* Also takes an error off the socket, which would make it readable as long as it is there. */
void head_look(struct head *head, int fd);
/* Whether one could be the other. */
int head_is_same(const struct head *one, const struct head *other);
/* Takes it off the queue, unread. */
void head_drop(int fd);

#endif
