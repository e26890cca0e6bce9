/* Ring 1.  The addresses of a look-up, gathered and put in order; see addrs.h.
 * Called by resolve.c and what it asks (hosts.c, dns.c); order.c says which are better. */
#include "addrs.h"
#include "order.h"

#define FAMILY_MAX (NETIO_RESOLVE_MAX / 2)

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

/* Appends routes to sorted, the families taking turns (RFC 8305 section 4), beginning with that
 * of the first one, and each in its own order. */
static void take_turns(const struct netio__route *route, size_t count, struct netio__addrs *sorted)
{
    if (count == 0)
        return;
    int first = netio_addr_family(&route[0].to);
    const int family[2] = {first, first == AF_INET6 ? AF_INET : AF_INET6};
    size_t next[2] = {0, 0};

    for (int turn = 0, idle = 0; idle < 2; turn = !turn) {
        size_t i = next[turn];
        while (i < count && netio_addr_family(&route[i].to) != family[turn])
            i++;
        next[turn] = i + 1;
        idle = i < count ? 0 : idle + 1;
        if (i < count)
            sorted->at[sorted->count++] = route[i].to;
    }
}

/* What cannot be reached does not take turns with what can. */
void netio__addrs_order(const struct netio__addrs *addrs, struct netio__addrs *sorted)
{
    struct netio__route route[NETIO_RESOLVE_MAX];
    struct netio__policy policy;
    size_t usable = 0;

    *sorted = *addrs;
    if (addrs->count < 2)
        return;
    for (size_t i = 0; i < addrs->count; i++)
        route[i].to = addrs->at[i];
    netio__order_probe(route, addrs->count);
    netio__policy_load(&policy);
    netio__order_sort(route, addrs->count, &policy);
    while (usable < addrs->count && !route[usable].unusable)
        usable++;
    sorted->count = 0;
    take_turns(route, usable, sorted);
    take_turns(route + usable, addrs->count - usable, sorted);
}
