/* Ring 1.  RFC 6724, section 6: which destination to try first; see order.h.
 * Called by addrs.c; it opens UDP sockets for a moment and reads /proc/net/if_inet6.
 *
 * Not here: rules 4 (home addresses) and 7 (tunnels), of which a program that does not speak
 * netlink learns nothing.  Rule 9 is kept to its purpose: of two IPv6 addresses, the one that
 * shares more of the source's own prefix, which is what section 2.2 says; of two IPv4 addresses,
 * the one on the same link.  Longer matches than that are chance, and would undo what a name
 * server does to share the load (glibc does the same for IPv4). */
#include "order.h"

#include <netio/fd.h>
#include <netio/resolve.h>

#include <errno.h>
#include <string.h>

#define PROBE_PORT     9    /* discard; nothing is sent there */
#define PREFIX_USUAL   64   /* of a source of which nothing is known */
#define SITE_BITS    48   /* RFC 4193 section 3.1: of a private network */
#define FLAG_DEPRECATED 0x20 /* IFA_F_DEPRECATED, as /proc shows it */
#define LISTED_MAX     4096 /* lines of /proc/net/if_inet6 that are read */

/* A datagram socket to ask with, or -errno. */
static int probe_open(int family)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd == -1 ? -errno : fd;
}

/* connect(2) on a datagram socket chooses route and source address and sends nothing.  A socket
 * that has chosen a source keeps it until it is disconnected. */
static int probe_connect(int probe, const struct netio_addr *to)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    (void)connect(probe, &nowhere, sizeof nowhere);
    return connect(probe, &to->u.sa, to->len);
}

static void probe_source(struct netio__route *route, int probe)
{
    struct netio_addr to = route->to;

    netio_addr_set_port(&to, PROBE_PORT);
    if (probe < 0) {
        route->unusable = probe == -EAFNOSUPPORT;
        return;
    }
    if (probe_connect(probe, &to) == -1)
        route->unusable = 1;
    else if (netio_addr_local(&route->from, probe) < 0)
        route->from.len = 0;
}

/* With SO_DONTROUTE only what is on the link, or this machine, can be reached. */
static void probe_link(struct netio__route *route, size_t count, int probe)
{
    const int on = 1;

    if (probe < 0 || setsockopt(probe, SOL_SOCKET, SO_DONTROUTE, &on, sizeof on) == -1)
        return;
    for (size_t i = 0; i < count; i++)
        if (netio_addr_family(&route[i].to) == AF_INET && !route[i].unusable) {
            struct netio_addr to = route[i].to;
            netio_addr_set_port(&to, PROBE_PORT);
            route[i].on_link = probe_connect(probe, &to) == 0;
        }
}

void netio__order_probe(struct netio__route *route, size_t count)
{
    int probe[2] = {probe_open(AF_INET6), probe_open(AF_INET)};

    for (size_t i = 0; i < count; i++) {
        route[i].from.len = 0;
        route[i].unusable = route[i].deprecated = route[i].on_link = 0;
        route[i].bits = PREFIX_USUAL;
        probe_source(&route[i], probe[netio_addr_family(&route[i].to) == AF_INET]);
    }
    probe_link(route, count, probe[1]);
    netio_fd_close(probe[0]);
    netio_fd_close(probe[1]);
    FILE *file = fopen("/proc/net/if_inet6", "re");
    if (!file)
        return;
    netio__order_sources(route, count, file);
    fclose(file);
}

/* Two characters a byte, as /proc writes an address; 0 or -1. */
static int read_hex(const char *text, struct in6_addr *in6)
{
    for (size_t i = 0; i < sizeof in6->s6_addr; i++)
        if (sscanf(text + 2 * i, "%2hhx", &in6->s6_addr[i]) != 1)
            return -1;
    return 0;
}

void netio__order_sources(struct netio__route *route, size_t count, FILE *file)
{
    char line[128], text[33];
    unsigned bits, flags;
    struct in6_addr in6;

    for (int n = 0; n < LISTED_MAX && fgets(line, sizeof line, file); n++) {
        if (sscanf(line, "%32[0-9a-f] %*x %x %*x %x", text, &bits, &flags) != 3 ||
            strlen(text) != 32 || bits > 128 || read_hex(text, &in6) == -1)
            continue;
        for (size_t i = 0; i < count; i++)
            if (netio_addr_family(&route[i].from) == AF_INET6 &&
                IN6_ARE_ADDR_EQUAL(&route[i].from.u.in6.sin6_addr, &in6)) {
                route[i].bits = bits;
                route[i].deprecated = (flags & FLAG_DEPRECATED) != 0;
            }
    }
}

/* How many bits an IPv6 destination shares with the prefix of its source. */
static unsigned shared_bits(const struct netio__route *route)
{
    const uint8_t *a = route->to.u.in6.sin6_addr.s6_addr, *b = route->from.u.in6.sin6_addr.s6_addr;
    unsigned shared = 0;

    while (shared < route->bits && ((a[shared / 8] ^ b[shared / 8]) >> (7 - shared % 8) & 1) == 0)
        shared++;
    return shared;
}

static int precedence_of(const struct netio__route *route, const struct netio__policy *policy)
{
    const uint8_t *to = route->to.u.in6.sin6_addr.s6_addr;
    const uint8_t *from = route->from.u.in6.sin6_addr.s6_addr;

    if (policy->site && netio_addr_family(&route->to) == AF_INET6 && to[0] == 0xfd &&
        netio_addr_family(&route->from) == AF_INET6 && memcmp(to, from, SITE_BITS / 8) == 0)
        return NETIO__POLICY_SITE;
    return netio__policy_precedence(policy, &route->to);
}

/* What speaks against a destination, the weightiest rule first. */
struct rank {
    int against[6];
    int family;
    unsigned nearness; /* rule 9, within a family */
};

static struct rank rank_of(const struct netio__route *route, const struct netio__policy *policy)
{
    struct rank rank = {.family = netio_addr_family(&route->to)};
    int scope = netio__policy_scope(policy, &route->to), known = route->from.len != 0;

    rank.against[0] = route->unusable;                                                /* rule 1 */
    rank.against[1] = known && netio__policy_scope(policy, &route->from) != scope;    /* 2 */
    rank.against[2] = route->deprecated;                                              /* 3 */
    rank.against[3] = known && netio__policy_label(policy, &route->from) !=
                                   netio__policy_label(policy, &route->to);           /* 5 */
    rank.against[4] = -precedence_of(route, policy);                                  /* 6 */
    rank.against[5] = scope;                                                          /* 8 */
    if (rank.family == AF_INET)
        rank.nearness = route->on_link != 0;
    else if (known && netio_addr_family(&route->from) == AF_INET6)
        rank.nearness = shared_bits(route);
    return rank;
}

static int goes_before(const struct rank *a, const struct rank *b)
{
    for (size_t i = 0; i < sizeof a->against / sizeof *a->against; i++)
        if (a->against[i] != b->against[i])
            return a->against[i] < b->against[i];
    return a->family == b->family && a->nearness > b->nearness;
}

/* By insertion, which keeps equals as they are, and which ends although rule 9 does not make a
 * complete order: two of a family may differ and both be equal to one of the other. */
void netio__order_sort(struct netio__route *route, size_t count,
                       const struct netio__policy *policy)
{
    struct rank rank[NETIO_RESOLVE_MAX];

    for (size_t i = 0; i < count; i++) {
        struct netio__route moving = route[i];
        struct rank mine = rank_of(&moving, policy);
        size_t at = i;
        for (; at > 0 && goes_before(&mine, &rank[at - 1]); at--) {
            route[at] = route[at - 1];
            rank[at] = rank[at - 1];
        }
        route[at] = moving;
        rank[at] = mine;
    }
}
