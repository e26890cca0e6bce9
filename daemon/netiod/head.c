/* netiod: what is first in the queue of a socket of datagrams; see head.h.
 * Called by seat.c; looks at sockets that are its. */
#include "head.h"

#include <string.h>
#include <sys/socket.h>

void head_look(struct head *head, int fd)
{
    memset(head, 0, sizeof *head);
    head->from.len = sizeof head->from.u;
    head->length = recvfrom(fd, head->bytes, sizeof head->bytes,
                            MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, &head->from.u.sa, &head->from.len);
    if (head->length == -1)
        head->from.len = 0;
}

int head_is_same(const struct head *one, const struct head *other)
{
    return one->length == other->length && one->length >= 0 && one->from.len == other->from.len &&
           memcmp(&one->from.u, &other->from.u, one->from.len) == 0 &&
           memcmp(one->bytes, other->bytes, sizeof one->bytes) == 0;
}

void head_drop(int fd)
{
    char byte;

    (void)recv(fd, &byte, sizeof byte, MSG_DONTWAIT);
}
