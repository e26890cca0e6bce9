/* Ring 1.  Networks fit to be hashed; see prefix.h.  Called by rules and limits; it touches its
 * arguments. */
#include "net/prefix.h"

#include <string.h>

static void cut_bits(struct netio__prefix *prefix)
{
    unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

    if (rest)
        prefix->bytes[whole++] &= (unsigned char)(0xff << (8 - rest));
    memset(prefix->bytes + whole, 0, sizeof prefix->bytes - whole);
}

int netio__prefix_of(struct netio__prefix *prefix, const struct netio_addr *addr,
                     unsigned ipv4_bits, unsigned ipv6_bits)
{
    const struct in6_addr *in6 = &addr->u.in6.sin6_addr;
    int family = netio_addr_family(addr);

    memset(prefix, 0, sizeof *prefix);
    prefix->is6 = family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(in6);
    prefix->bits = (uint8_t)(prefix->is6 ? ipv6_bits : ipv4_bits);
    if (family == AF_INET)
        memcpy(prefix->bytes, &addr->u.in4.sin_addr, 4);
    else if (family != AF_INET6)
        return 0;
    else if (prefix->is6)
        memcpy(prefix->bytes, in6, sizeof prefix->bytes);
    else
        memcpy(prefix->bytes, in6->s6_addr + 12, 4);
    cut_bits(prefix);
    return 1;
}
