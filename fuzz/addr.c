/* fuzz/addr.c: every parser of addresses over any text.  What is taken must survive being
 * printed and read again. */
#include "target.h"

#include <netio/addr.h>

static void check_host(const char *text)
{
    struct netio_addr addr, again;
    char out[NETIO_ADDR_STRLEN];

    if (netio_addr_parse(&addr, text) != 0)
        return;
    must(netio_addr_family(&addr) != AF_UNSPEC && netio_addr_port(&addr) == 0);
    netio_addr_host_str(&addr, out, sizeof out);
    /* A path with unprintable bytes is printed for people, not for the parser. */
    if (netio_addr_family(&addr) == AF_UNIX && strchr(out, '\\'))
        return;
    must(netio_addr_parse(&again, out) == 0);
    must(netio_addr_compare(&addr, &again) == 0);
}

static void check_port(const char *text)
{
    struct netio_addr addr, again;
    char out[NETIO_ADDR_STRLEN];

    if (netio_addr_parse_port(&addr, text) != 0)
        return;
    netio_addr_str(&addr, out, sizeof out);
    if (netio_addr_family(&addr) == AF_UNIX)
        return;
    must(netio_addr_port(&addr) > 0);
    must(netio_addr_parse_port(&again, out) == 0);
    must(netio_addr_compare(&addr, &again) == 0);
    netio_addr_unmap(&addr);
    must(netio_addr_is_loopback(&addr) == netio_addr_is_loopback(&again));
}

static void check_network(const char *text)
{
    struct netio_cidr cidr, again;
    char out[NETIO_ADDR_STRLEN];

    if (netio_cidr_parse(&cidr, text) != 0)
        return;
    netio_cidr_str(&cidr, out, sizeof out);
    must(netio_cidr_parse(&again, out) == 0);
    must(cidr.bits == again.bits && netio_addr_compare(&cidr.addr, &again.addr) == 0);
    must(netio_cidr_match(&cidr, &cidr.addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = string_of(data, size);

    check_host(text);
    check_port(text);
    check_network(text);
    free(text);
    return 0;
}
