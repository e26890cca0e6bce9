/* Ring 1.  The addresses of a look-up, gathered and put in order; see addrs.h.
 * Called by resolve.c and what it asks (hosts.c, dns.c); it opens UDP sockets for a moment. */
#include "addrs.h"

#include <netio/fd.h>

#include <errno.h>
#include <string.h>

#define FAMILY_MAX (NETIO_RESOLVE_MAX / 2)
#define PROBE_PORT 9 /* discard; nothing is sent there */

size_t netio__addrs_count(const struct netio__addrs *addrs, int family)
{
    size_t count = 0;

    if (family == AF_UNSPEC)
        return addrs->count;
    for (size_t i = 0; i < addrs->count; i++)
        count += netio_addr_family(&addrs->at[i]) == family;
    return count;
}

void netio__addrs_add(struct netio__addrs *addrs, const struct netio_addr *addr)
{
    if (netio__addrs_count(addrs, netio_addr_family(addr)) >= FAMILY_MAX)
        return;
    for (size_t i = 0; i < addrs->count; i++)
        if (netio_addr_compare(&addrs->at[i], addr) == 0)
            return;
    addrs->at[addrs->count++] = *addr;
}

/* How well this machine can reach an address: better ones are tried first. */
enum reach {
    REACH_WELL,    /* there is a source address that fits it */
    REACH_BADLY,   /* a source of another kind: a private IPv6 address for a public one */
    REACH_NOT,     /* no route, or the family is switched off */
    REACH_CLASSES
};

/* The labels of RFC 6724 section 2.1, as far as they tell one IPv6 network from another. */
static int label_of(const struct in6_addr *in6)
{
    const uint8_t *byte = in6->s6_addr;

    if (IN6_IS_ADDR_LOOPBACK(in6))
        return 0;
    if (IN6_IS_ADDR_V4MAPPED(in6))
        return 4;
    if (byte[0] == 0x20 && byte[1] == 0x02)
        return 2; /* 6to4 */
    if (byte[0] == 0x20 && byte[1] == 0x01 && byte[2] == 0 && byte[3] == 0)
        return 5; /* Teredo */
    if ((byte[0] & 0xfe) == 0xfc)
        return 13; /* unique local */
    return IN6_IS_ADDR_LINKLOCAL(in6) ? 14 : 1;
}

/* A datagram socket to ask with, or -errno. */
static int probe_open(int family)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd == -1 ? -errno : fd;
}

/* connect(2) on a datagram socket chooses route and source address and sends nothing.
 * Without a descriptor to ask with, nothing speaks against the address. */
static enum reach reach_of(const struct netio_addr *addr, int probe)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct netio_addr to = *addr, from;

    if (probe < 0)
        return probe == -EAFNOSUPPORT ? REACH_NOT : REACH_WELL;
    /* A socket that has chosen a source address keeps it until it is disconnected. */
    (void)connect(probe, &nowhere, sizeof nowhere);
    netio_addr_set_port(&to, PROBE_PORT);
    if (connect(probe, &to.u.sa, to.len) == -1)
        return REACH_NOT;
    if (netio_addr_family(&to) != AF_INET6 || netio_addr_local(&from, probe) < 0)
        return REACH_WELL;
    return label_of(&from.u.in6.sin6_addr) == label_of(&to.u.in6.sin6_addr) ? REACH_WELL
                                                                            : REACH_BADLY;
}

/* Appends those of one class to sorted, IPv6 and IPv4 taking turns (RFC 8305 section 4),
 * each family in the order in which its addresses came. */
static void take_turns(const struct netio__addrs *addrs, const enum reach *reach,
                       enum reach class, struct netio__addrs *sorted)
{
    size_t next[2] = {0, 0};
    static const int family[2] = {AF_INET6, AF_INET};

    for (int turn = 0, idle = 0; idle < 2; turn = !turn) {
        size_t i = next[turn];
        while (i < addrs->count &&
               (reach[i] != class || netio_addr_family(&addrs->at[i]) != family[turn]))
            i++;
        next[turn] = i + 1;
        idle = i < addrs->count ? 0 : idle + 1;
        if (i < addrs->count)
            sorted->at[sorted->count++] = addrs->at[i];
    }
}

void netio__addrs_order(const struct netio__addrs *addrs, struct netio__addrs *sorted)
{
    enum reach reach[NETIO_RESOLVE_MAX];

    *sorted = *addrs;
    if (addrs->count < 2)
        return;
    sorted->count = 0;
    int probe[2] = {probe_open(AF_INET6), probe_open(AF_INET)};
    for (size_t i = 0; i < addrs->count; i++)
        reach[i] = reach_of(&addrs->at[i], probe[netio_addr_family(&addrs->at[i]) == AF_INET]);
    netio_fd_close(probe[0]);
    netio_fd_close(probe[1]);
    for (int class = 0; class < REACH_CLASSES; class++)
        take_turns(addrs, reach, (enum reach)class, sorted);
}
