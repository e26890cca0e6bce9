/* fuzz/proxy.c: PROXY headers.  What follows a header changes nothing about it, no part of one is
 * taken for the whole, what is refused once stays refused whatever comes, and addresses are IP or
 * none. */
#include "target.h"

#include <netio/proxy.h>

#include <errno.h>

static void check_end(const struct netio_addr *addr)
{
    int family = netio_addr_family(addr);

    must(family == AF_UNSPEC || family == AF_INET || family == AF_INET6);
    must((family == AF_UNSPEC) == (addr->len == 0));
    must(family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&addr->u.in6.sin6_addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netio_addr peer, local;
    ssize_t before = -EAGAIN;

    if (size > 2 * NETIO_PROXY_MAX)
        return 0;
    for (size_t part = 0; part <= size; part++) {
        /* Of exactly that size, so that a byte read behind it is seen. */
        char *bytes = malloc(part ? part : 1);
        must(bytes != NULL);
        memcpy(bytes, data, part);
        ssize_t n = netio_proxy_parse(bytes, part, &peer, &local);
        free(bytes);
        must(n == -EAGAIN || n == -EBADMSG || (n > 0 && n <= NETIO_PROXY_MAX));
        must(n != -EAGAIN || part < NETIO_PROXY_MAX);
        must(before == -EAGAIN ? n < 0 || (size_t)n == part : n == before);
        check_end(&peer);
        check_end(&local);
        must(n > 0 || (peer.len == 0 && local.len == 0));
        before = n;
    }
    return 0;
}
