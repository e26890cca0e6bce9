/* fuzz/hosts.c: hosts(5).  The first line of an input is the name that is looked up, the rest is
 * the file. */
#include "target.h"

#include "net/hosts.h"

static void check(const struct netio__addrs *addrs, const char *file, const char *name, int family)
{
    must(addrs->count == 0 || strcasestr(file, name) != NULL);
    must(netio__addrs_count(addrs, AF_INET) <= NETIO_RESOLVE_MAX);
    must(netio__addrs_count(addrs, AF_INET6) <= NETIO_RESOLVE_MAX);
    must(netio__addrs_count(addrs, family) == addrs->count);
    for (size_t i = 0; i < addrs->count; i++) {
        must(netio_addr_port(&addrs->at[i]) == 0);
        for (size_t j = 0; j < i; j++)
            must(netio_addr_compare(&addrs->at[i], &addrs->at[j]) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int family[] = {AF_UNSPEC, AF_INET, AF_INET6};
    static struct netio__addrs addrs[3];
    char *name = first_line(&data, &size);
    char *text = string_of(data, size);
    FILE *file = fmemopen(text, size + 1, "r");

    must(file != NULL);
    /* strcasestr above ends at the first NUL. */
    int whole = strlen(text) == size;
    for (int i = 0; i < 3; i++) {
        addrs[i].count = 0;
        rewind(file);
        must(netio__hosts_read(file, name, family[i], &addrs[i]) == 0);
        check(&addrs[i], whole ? text : name, name, family[i]);
    }
    /* IPv6 stands for IPv4 where only that is wanted. */
    must(addrs[1].count >= netio__addrs_count(&addrs[0], AF_INET));
    must(addrs[2].count == netio__addrs_count(&addrs[0], AF_INET6));
    fclose(file);
    free(text);
    free(name);
    return 0;
}
