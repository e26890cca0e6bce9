/* Ring 1, private: the addresses that a look-up gathers, and their order. */
#ifndef NETIO_SRC_NET_ADDRS_H
#define NETIO_SRC_NET_ADDRS_H

#include <netio/addr.h>
#include <netio/resolve.h>

/* Each family has half of the room for itself: a thousand A records that come first leave
 * room for the AAAA, and what is in it is never dropped for what comes later. */
struct netio__addrs {
    size_t count;
    struct netio_addr at[NETIO_RESOLVE_MAX];
};

/* Appends an address, unless it is there already or its family's share is full. */
void netio__addrs_add(struct netio__addrs *addrs, const struct netio_addr *addr);
/* How many are of that family, which may be AF_UNSPEC. */
size_t netio__addrs_count(const struct netio__addrs *addrs, int family);
/* Writes them to sorted, in the order in which to try them.  Asks the kernel for its source
 * addresses, without sending a packet. */
void netio__addrs_order(const struct netio__addrs *addrs, struct netio__addrs *sorted);

#endif
