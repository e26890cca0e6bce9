/* In which order addresses are tried: the examples of RFC 6724 section 10, gai.conf(5), and what
 * the kernel lists of its own addresses.  Beside a real kernel: t/26-resolve-order.t. */
#include "tap.h"

#include <net/order.h>

#include <string.h>

static struct netio_addr address(const char *text)
{
    struct netio_addr addr = {0};

    if (text && netio_addr_parse(&addr, text) != 0)
        fail("%s is no address", text);
    return addr;
}

/* Destinations in the wrong order, each with its source; NULL: no way there.  flags: d for a
 * deprecated source, l for a destination on the link. */
static const struct {
    const char *name;
    struct {
        const char *to, *from, *flags;
    } route[4];
    const char *sorted, *policy;
} examples[] = {
    {"rule 1: what can be reached",
     {{"2001:db8:1::1", NULL, ""}, {"198.51.100.121", "198.51.100.117", ""}},
     "198.51.100.121 2001:db8:1::1 ", NULL},
    {"10.2: matching scope, IPv6",
     {{"198.51.100.121", "169.254.13.78", ""}, {"2001:db8:1::1", "2001:db8:1::2", ""}},
     "2001:db8:1::1 198.51.100.121 ", NULL},
    {"10.2: matching scope, IPv4",
     {{"2001:db8:1::1", "fe80::1", ""}, {"198.51.100.121", "198.51.100.117", ""}},
     "198.51.100.121 2001:db8:1::1 ", NULL},
    {"10.2: higher precedence",
     {{"10.1.2.3", "10.1.2.4", ""}, {"2001:db8:1::1", "2001:db8:1::2", ""}},
     "2001:db8:1::1 10.1.2.3 ", NULL},
    {"10.2: smaller scope",
     {{"2001:db8:1::1", "2001:db8:1::2", ""}, {"fe80::1", "fe80::2", ""}},
     "fe80::1 2001:db8:1::1 ", NULL},
    {"10.2: longest match",
     {{"2001:db8:3ffe::1", "2001:db8:3f44::2", ""}, {"2001:db8:1::1", "2001:db8:1::2", ""}},
     "2001:db8:1::1 2001:db8:3ffe::1 ", NULL},
    {"10.2: matching label",
     {{"2001:db8:1::1", "2002:c633:6401::2", ""}, {"2002:c633:6401::1", "2002:c633:6401::2", ""}},
     "2002:c633:6401::1 2001:db8:1::1 ", NULL},
    {"10.2: higher precedence of native IPv6",
     {{"2002:c633:6401::1", "2002:c633:6401::2", ""}, {"2001:db8:1::1", "2001:db8:1::2", ""}},
     "2001:db8:1::1 2002:c633:6401::1 ", NULL},
    {"rule 3: no deprecated source",
     {{"2001:db8:1::1", "2001:db8:1::2", "d"}, {"198.51.100.121", "198.51.100.117", ""}},
     "198.51.100.121 2001:db8:1::1 ", NULL},
    {"a private IPv6 network comes after IPv4",
     {{"fd00:1::1", "fd00:2::2", ""}, {"198.51.100.121", "198.51.100.117", ""}},
     "198.51.100.121 fd00:1::1 ", NULL},
    {"10.6: but that of this site first",
     {{"198.51.100.121", "198.51.100.117", ""},
      {"2001:db8:1::1", "2001:db8:1::2", ""},
      {"fd00:0:1:2::1", "fd00:0:1:3::2", ""}},
     "fd00:0:1:2::1 2001:db8:1::1 198.51.100.121 ", NULL},
    {"unless gai.conf has precedences",
     {{"fd00:0:1:2::1", "fd00:0:1:3::2", ""}, {"198.51.100.121", "198.51.100.117", ""}},
     "198.51.100.121 fd00:0:1:2::1 ", "precedence ::ffff:0:0/96 35\nprecedence fc00::/7 3\n"},
    {"Teredo, 6to4, IPv4, IPv6",
     {{"2001::1", "2001::2", ""},
      {"2002:c633:6401::1", "2002:c633:6401::2", ""},
      {"198.51.100.121", "198.51.100.117", ""},
      {"2001:db8::1", "2001:db8::2", ""}},
     "2001:db8::1 198.51.100.121 2002:c633:6401::1 2001::1 ", NULL},
    {"rule 9: IPv4 on the link, and equals as they came",
     {{"198.51.100.3", "192.0.2.1", ""},
      {"198.51.100.2", "192.0.2.1", ""},
      {"192.0.2.9", "192.0.2.1", "l"},
      {"192.0.2.8", "192.0.2.1", "l"}},
     "192.0.2.9 192.0.2.8 198.51.100.3 198.51.100.2 ", NULL},
    {"rule 9: not beyond the prefix of the source",
     {{"2001:db8::ff", "2001:db8::1", ""}, {"2001:db8::2", "2001:db8::1", ""}},
     "2001:db8::ff 2001:db8::2 ", NULL},
    {"nothing known of the sources: by precedence",
     {{"198.51.100.121", "", ""}, {"2001:db8:1::1", "", ""}, {"198.51.100.122", "", ""}},
     "2001:db8:1::1 198.51.100.121 198.51.100.122 ", NULL},
    {"10.3: an administrator who wants IPv4 first",
     {{"2001:db8:1::1", "2001:db8:1::2", ""}, {"198.51.100.121", "198.51.100.117", ""}},
     "198.51.100.121 2001:db8:1::1 ", "precedence ::ffff:0:0/96 100\n"},
    {"10.4: the site's own IPv6, then IPv4",
     {{"2001:db8:1::1", "2001:db8:1::2", ""},
      {"198.51.100.121", "198.51.100.117", ""},
      {"fd00:1::1", "fd00:1::2", ""}},
     "fd00:1::1 198.51.100.121 2001:db8:1::1 ",
     "precedence fd00:1::/32 45\nprecedence ::ffff:0:0/96 42\n"},
};

static void check_examples(void)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct netio__route route[4];
        struct netio__policy policy;
        char sorted[256] = "", text[NETIO_ADDR_STRLEN];
        size_t count = 0;
        for (; count < 4 && examples[i].route[count].to; count++) {
            const char *from = examples[i].route[count].from;
            const char *flags = examples[i].route[count].flags;
            route[count] = (struct netio__route){.to = address(examples[i].route[count].to),
                                                 .from = address(from && *from ? from : NULL),
                                                 .unusable = from == NULL,
                                                 .deprecated = *flags == 'd',
                                                 .on_link = *flags == 'l',
                                                 .bits = 64};
        }
        netio__policy_default(&policy);
        if (examples[i].policy) {
            const char *said = examples[i].policy;
            FILE *file = fmemopen((void *)said, strlen(said), "r");
            netio__policy_read(&policy, file);
            fclose(file);
        }
        netio__order_sort(route, count, &policy);
        for (size_t j = 0; j < count; j++)
            sprintf(sorted + strlen(sorted), "%s ",
                    netio_addr_host_str(&route[j].to, text, sizeof text));
        is_str(sorted, examples[i].sorted, "RFC 6724: %s", examples[i].name);
    }
}

static const struct {
    const char *file, *address;
    int label, precedence, scope;
} policies[] = {
    {"", "::1", 0, 50, 2},
    {"", "2001:db8::1", 1, 40, 14},
    {"", "2001::1", 5, 5, 14},
    {"", "2002::1", 2, 30, 14},
    {"", "fd00::1", 13, 3, 14},
    {"", "fe80::1", 1, 40, 2},
    {"", "fec0::1", 11, 1, 5},
    {"", "ff05::1", 1, 40, 5},
    {"", "::7", 3, 1, 14},
    {"", "3ffe::1", 12, 1, 14},
    {"", "192.0.2.1", 4, 35, 14},
    {"", "::ffff:192.0.2.1", 4, 35, 14},
    {"", "10.0.0.1", 4, 35, 14},
    {"", "127.0.0.1", 4, 35, 2},
    {"", "169.254.1.1", 4, 35, 2},
    /* One line of a kind replaces the whole table of that kind, and none of another. */
    {"label 2001:db8::/32 77\n", "2001:db8::1", 77, 40, 14},
    {"label 2001:db8::/32 77\n", "fd00::1", 1, 3, 14},
    {"precedence ::1/128 7 # seven\n", "::1", 0, 7, 2},
    {"precedence ::1 7\n", "::1", 0, 7, 2},
    {"precedence ::1 7\n", "192.0.2.1", 4, 40, 14},
    {"scopev4 ::ffff:10.0.0.0/104 5\nscopev4 169.254.0.0/16 2\n", "10.1.2.3", 4, 35, 5},
    {"scopev4 ::ffff:10.0.0.0/104 5\nscopev4 169.254.0.0/16 2\n", "169.254.1.2", 4, 35, 2},
    {"scopev4 ::ffff:10.0.0.0/104 5\n", "127.0.0.1", 4, 35, 14},
    {"  label\t2001:db8::/32\t77\r\n", "2001:db8::1", 77, 40, 14},
    {"label 2001:db8::/35 7\nlabel 2001:db8::/33 8\n", "2001:db8:1000::1", 7, 40, 14},
    {"label 2001:db8::/35 7\nlabel 2001:db8::/33 8\n", "2001:db8:2000::1", 8, 40, 14},
    /* What makes no sense is passed over. */
    {"label 2001:db8::/129 77\n", "2001:db8::1", 1, 40, 14},
    {"label 2001:db8::/-1 77\n", "2001:db8::1", 1, 40, 14},
    {"label 2001:db8::/ 77\n", "2001:db8::1", 1, 40, 14},
    {"label 2001:db8::/32 -7\n", "2001:db8::1", 1, 40, 14},
    {"label 2001:db8::/32 99999999999\n", "2001:db8::1", 1, 40, 14},
    {"label 2001:db8::/32 7x\n", "2001:db8::1", 1, 40, 14},
    {"label 2001:db8::/32\nlabel\n\n#\nlabelled ::/0 7\nreload yes\n", "2001:db8::1", 1, 40, 14},
    {"scopev4 10.0.0.0/33 5\n", "10.0.0.1", 4, 35, 14},
};

static void check_policies(void)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        const char *said = *policies[i].file ? policies[i].file : "\n";
        FILE *file = fmemopen((void *)said, strlen(said), "r");
        struct netio_addr addr = address(policies[i].address);
        struct netio__policy policy;
        netio__policy_read(&policy, file);
        fclose(file);
        is_int(netio__policy_label(&policy, &addr), policies[i].label, "gai.conf %zu: label", i);
        is_int(netio__policy_precedence(&policy, &addr), policies[i].precedence,
               "gai.conf %zu: precedence", i);
        is_int(netio__policy_scope(&policy, &addr), policies[i].scope, "gai.conf %zu: scope", i);
    }
}

/* Rows beyond the room of a table are passed over, not written elsewhere. */
static void check_long_policy(void)
{
    struct netio__policy policy;
    FILE *file = tmpfile();

    for (int i = 0; i < 1000; i++)
        fprintf(file, "label 2001:db8:%x::/48 %d\n", i, i);
    rewind(file);
    netio__policy_read(&policy, file);
    fclose(file);
    is_int(policy.label.count, NETIO__POLICY_ROWS, "a table has so many rows and no more");
}

static void check_sources(void)
{
    static const char listed[] =
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "20010db8000000000000000000000001 02 30 00 20     eth0\n"
        "20010db8000000000000000000000002 02 40 00 80     eth0\n"
        "20010db80000 02 40 00 80     eth0\n"
        "nonsense\n";
    struct netio__route route[3] = {
        {.from = address("2001:db8::1"), .bits = 64},
        {.from = address("2001:db8::2"), .bits = 64},
        {.from = address("2001:db8::3"), .bits = 64},
    };
    FILE *file = fmemopen((void *)listed, sizeof listed - 1, "r");

    netio__order_sources(route, 3, file);
    fclose(file);
    ok(route[0].bits == 48 && route[0].deprecated, "a deprecated source, with its prefix");
    ok(route[1].bits == 64 && !route[1].deprecated, "one that is not");
    ok(route[2].bits == 64 && !route[2].deprecated, "one that is not listed");
}

int main(void)
{
    check_examples();
    check_policies();
    check_long_policy();
    check_sources();
    return tap_done();
}
