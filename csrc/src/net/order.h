/* Ring 1, private: in which order to try the addresses of a host (RFC 6724, RFC 8305). */
#ifndef NETIO_SRC_NET_ORDER_H
#define NETIO_SRC_NET_ORDER_H

#include "policy.h"

#include <netio/addr.h>

/* A destination, and what is known of the way there. */
struct netio__route {
    struct netio_addr to;
    struct netio_addr from; /* the source address that the kernel takes; unset: not known */
    int unusable;           /* no route, or the family is switched off */
    int deprecated;         /* from is, but for want of a better one */
    int on_link;            /* IPv4: no router between */
    unsigned bits;          /* IPv6: length of from's prefix */
};

/* Fills in all but "to".  Asks the kernel, without sending a packet; what it does not say, for
 * want of a descriptor even, speaks for no address and against none. */
void netio__order_probe(struct netio__route *route, size_t count);
/* Notes for sources that /proc/net/if_inet6 lists how long their prefixes are, and which of
 * them are deprecated. */
void netio__order_sources(struct netio__route *route, size_t count, FILE *file);
/* Sorts up to NETIO_RESOLVE_MAX by section 6 of RFC 6724; equals keep their order. */
void netio__order_sort(struct netio__route *route, size_t count,
                       const struct netio__policy *policy);

#endif
