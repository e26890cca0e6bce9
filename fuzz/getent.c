/* fuzz/getent.c: what getent(1) says, in pieces of any size. */
#include "target.h"

#include "net/getent.h"

static void check(const struct netio__addrs *addrs, int family)
{
    must(addrs->count <= NETIO_RESOLVE_MAX);
    must(netio__addrs_count(addrs, family) == addrs->count);
    must(netio__addrs_count(addrs, AF_INET) + netio__addrs_count(addrs, AF_INET6) == addrs->count);
    for (size_t i = 0; i < addrs->count; i++) {
        must(netio_addr_port(&addrs->at[i]) == 0);
        must(netio_addr_family(&addrs->at[i]) == AF_INET ||
             !IN6_IS_ADDR_V4MAPPED(&addrs->at[i].u.in6.sin6_addr));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    static struct netio__addrs whole[3], pieces;
    const char *text = (const char *)data;

    for (int i = 0; i < 3; i++) {
        struct netio__getent_text at_once = {.used = 0}, by_bytes = {.used = 0};
        whole[i].count = pieces.count = 0;
        netio__getent_read(&at_once, text, size, families[i], &whole[i]);
        for (size_t j = 0; j < size; j++)
            netio__getent_read(&by_bytes, text + j, 1, families[i], &pieces);
        check(&whole[i], families[i]);
        must(whole[i].count == pieces.count);
        for (size_t j = 0; j < pieces.count; j++)
            must(netio_addr_compare(&whole[i].at[j], &pieces.at[j]) == 0);
    }
    must(whole[0].count == whole[1].count + whole[2].count);
    return 0;
}
