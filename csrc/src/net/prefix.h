/* Ring 1, private.  Networks of addresses, fit to be hashed and compared as bytes. */
#ifndef NETIO_SRC_NET_PREFIX_H
#define NETIO_SRC_NET_PREFIX_H

#include <netio/addr.h>
#include <stdint.h>

struct netio__prefix {
    unsigned char bytes[16]; /* IPv4 in the first four; zeros behind the prefix */
    uint8_t is6;
    uint8_t bits;
};

/* The network that an address is in, v4-mapped or not; 0 for one that is neither IPv4 nor IPv6. */
int netio__prefix_of(struct netio__prefix *prefix, const struct netio_addr *addr,
                     unsigned ipv4_bits, unsigned ipv6_bits);

#endif
