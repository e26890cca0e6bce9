/* Tests of netio/addr.h: networks.  D9 of the fault catalogue. */
#include "tap.h"
#include <netio/addr.h>
#include <netio/error.h>

static const struct {
    const char *text;
    const char *str; /* NULL: refused */
} forms[] = {
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"192.0.2.1", "192.0.2.1/32"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"192.0.2.1/32", "192.0.2.1/32"},
    {"128.0.0.0/1", "128.0.0.0/1"},
    {"2001:db8::/32", "2001:db8::/32"},
    {"::1", "::1/128"},
    {"::/0", "::/0"},
    {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {"::ffff:192.0.2.1", "192.0.2.1/32"},
    {"192.0.2.1/24", NULL},
    {"192.0.2.0/33", NULL},
    {"192.0.2.0/024", NULL},
    {"192.0.2.0/00", NULL},
    {"192.0.2.0/", NULL},
    {"192.0.2.0/-1", NULL},
    {"192.0.2.0/+8", NULL},
    {"192.0.2.0/24x", NULL},
    {"192.0.2.0/24/24", NULL},
    {"192.0.2/24", NULL},
    {"010.0.0.0/8", NULL},
    {"2001:db8::/129", NULL},
    {"2001:db8::1/32", NULL},
    {"::ffff:192.0.2.0/95", NULL},
    {"[::1]/128", NULL},
    {"fe80::%lo/64", NULL},
    {"/24", NULL},
    {"/run/x.sock", NULL},
    {"unix:/run/x.sock", NULL},
    {"", NULL},
    {"0123456789012345678901234567890123456789012345678901234567890", NULL},
};

static const struct {
    const char *network, *host;
    int match;
} matches[] = {
    {"192.0.2.0/24", "192.0.2.255", 1},
    {"192.0.2.0/24", "192.0.3.0", 0},
    {"192.0.2.0/24", "::ffff:192.0.2.9", 1},
    {"::ffff:192.0.2.0/120", "192.0.2.9", 1},
    {"0.0.0.0/0", "203.0.113.1", 1},
    {"0.0.0.0/0", "::1", 0},
    {"::/0", "2001:db8::1", 1},
    {"::/0", "192.0.2.1", 0},
    {"2001:db8::/33", "2001:db8:7fff::1", 1},
    {"2001:db8::/33", "2001:db8:8000::1", 0},
    {"192.0.2.1", "192.0.2.1", 1},
    {"192.0.2.1", "192.0.2.2", 0},
    {"0.0.0.0/0", "/run/x", 0},
};

int main(void)
{
    char out[NETIO_ADDR_STRLEN];

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct netio_cidr cidr;
        int code = netio_cidr_parse(&cidr, forms[i].text);
        is_int(code, forms[i].str ? 0 : NETIO_EBADNETWORK, "D9: \"%s\"", forms[i].text);
        if (forms[i].str)
            is_str(netio_cidr_str(&cidr, out, sizeof out), forms[i].str, "printed again");
        else
            is_int(cidr.addr.len, 0, "and left unset");
    }
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        struct netio_cidr cidr;
        struct netio_addr addr;
        netio_cidr_parse(&cidr, matches[i].network);
        netio_addr_parse(&addr, matches[i].host);
        is_int(netio_cidr_match(&cidr, &addr), matches[i].match, "%s in %s", matches[i].host,
               matches[i].network);
    }
    struct netio_cidr none = {0};
    struct netio_addr addr = {0};
    ok(!netio_cidr_match(&none, &addr), "nothing is in no network");
    return tap_done();
}
