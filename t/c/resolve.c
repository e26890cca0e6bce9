/* Names to addresses, as far as that takes no name server: numbers, localhost, hosts(5), the
 * search list, and names that are none.  The network's part is in t/26-resolve-net.t. */
#include "tap.h"

#include <net/addrs.h>
#include <net/getent.h>
#include <net/hosts.h>
#include <net/nsswitch.h>
#include <net/resolvconf.h>
#include <netio/resolve.h>
#include <netio/text.h>

#include <errno.h>

/* The answer as text: addresses with commas between, or the error. */
static const char *answer(const char *host, int family, char *out, size_t size)
{
    struct netio_error error = {0};
    struct netio_resolve *resolve;
    const struct netio_addr *addrs;
    size_t used = 0;
    int code = netio_resolve_start(&resolve, host, family, NETIO_NOW, &error);

    if (!code)
        code = netio_resolve_step(resolve, &error);
    if (code) {
        netio_resolve_free(resolve);
        return netio_error_str(&error, out, size);
    }
    size_t count = netio_resolve_answer(resolve, &addrs);
    out[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        char text[NETIO_ADDR_STRLEN];
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "," : "",
                                 netio_addr_host_str(&addrs[i], text, sizeof text));
    }
    netio_resolve_free(resolve);
    return out;
}

#define L63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"

static const struct {
    const char *host;
    int family;
    const char *answer;
} hosts[] = {
    {"192.0.2.1", AF_UNSPEC, "192.0.2.1"},
    {"192.0.2.1", AF_INET, "192.0.2.1"},
    {"192.0.2.1", AF_INET6, "resolve 192.0.2.1: host has no address of the wanted family"},
    {"2001:DB8::1", AF_UNSPEC, "2001:db8::1"},
    {"[2001:db8::1]", AF_INET6, "2001:db8::1"},
    {"::1", AF_INET, "resolve ::1: host has no address of the wanted family"},
    {"fe80::1%1", AF_UNSPEC, "fe80::1%lo"},
    {"fe80::1%lo", AF_UNSPEC, "fe80::1%lo"},
    {"localhost", AF_INET, "127.0.0.1"},
    {"LocalHost.", AF_INET, "127.0.0.1"},
    {"www.localhost", AF_INET, "127.0.0.1"},
    {"localhost", AF_INET6, "::1"},
    {"", AF_UNSPEC, "resolve: not a valid host name"},
    {".", AF_UNSPEC, "resolve .: not a valid host name"},
    {"a..test", AF_UNSPEC, "resolve a..test: not a valid host name"},
    {".a.test", AF_UNSPEC, "resolve .a.test: not a valid host name"},
    {"a.test..", AF_UNSPEC, "resolve a.test..: not a valid host name"},
    {"two words", AF_UNSPEC, "resolve two words: not a valid host name"},
    {"a/b", AF_UNSPEC, "resolve a/b: not a valid host name"},
    {"host:43", AF_UNSPEC, "resolve host:43: not a valid host name"},
    {"a\nb", AF_UNSPEC, "resolve a\\x0ab: not a valid host name"},
    {"/run/whois.sock", AF_UNSPEC, "resolve /run/whois.sock: not a valid host name"},
    {"[::1", AF_UNSPEC, "resolve [::1: not a valid host name"},
    {"::1%nosuchif0", AF_UNSPEC, "resolve ::1%nosuchif0: not a valid host name"},
    /* Addresses gone wrong: some resolvers take them for others. */
    {"256.1.1.1", AF_UNSPEC, "resolve 256.1.1.1: not a valid host name"},
    {"192.0.2.01", AF_UNSPEC, "resolve 192.0.2.01: not a valid host name"},
    {"127.1", AF_UNSPEC, "resolve 127.1: not a valid host name"},
    {"2130706433", AF_UNSPEC, "resolve 2130706433: not a valid host name"},
    {"0x7f.1", AF_UNSPEC, "resolve 0x7f.1: not a valid host name"},
    {"127.0.0.0x1", AF_UNSPEC, "resolve 127.0.0.0x1: not a valid host name"},
    {"a.0XaF.", AF_UNSPEC, "resolve a.0XaF.: not a valid host name"},
    {"1.2.3.4.", AF_UNSPEC, "resolve 1.2.3.4.: not a valid host name"},
    {"x" L63, AF_UNSPEC, "resolve x" L63 ": not a valid host name"},
};

/* Beyond ASCII.  What is below localhost is found without a name server: so it is seen that the
 * name as a whole was taken. */
static const struct {
    const char *host, *what;
    int taken;
} scripts[] = {
    {"b\xc3\xbc" "cher.localhost", "a German name", 1},
    {"B\xc3\x9c" "CHER.LocalHost.", "upper case, final dot", 1},
    {"bu\xcc\x88" "cher.localhost", "not composed", 1},
    {"b_\xc3\xbc.localhost", "an underscore", 1},
    {"\xe4\xbe\x8b\xe3\x80\x82localhost", "an ideographic full stop", 1},
    {"\xef\xbd\x8c\xef\xbd\x8f\xef\xbd\x83\xef\xbd\x81\xef\xbd\x8c\xef\xbd\x88\xef\xbd\x8f\xef\xbd\x93"
     "\xef\xbd\x94", "full width", 1},
    {"\xd7\x90\xd7\x91.localhost", "right to left", 1},
    {"caf\xe9.localhost", "Latin-1", 0},
    {"\xc0\xaf.localhost", "overlong UTF-8", 0},
    {"\xed\xa0\x80.localhost", "a surrogate", 0},
    {"b\xc3.localhost", "UTF-8 that ends too soon", 0},
    {"\xd7\x90" "a.localhost", "both directions in one label", 0},
    {"\xe2\x80\xae" "abc.localhost", "a bidirectional override", 0},
    {"a\xe2\x80\x8d" "b.localhost", "a joiner where none may be", 0},
    {"\xe2\x98\x83.localhost", "a snowman, which IDNA2008 forbids", 0},
    {"\xcc\x81" "a.localhost", "a combining mark at the beginning", 0},
    {"-\xc3\xbc.localhost", "a hyphen at the beginning", 0},
    {"\xc3\xbc..localhost", "an empty label", 0},
    {".\xc3\xbc.localhost", "an empty first label", 0},
    {"\xc3\xbc b.localhost", "a blank", 0},
    {"\xc3\xbc\nb.localhost", "a line end", 0},
    {"\xc3\xbc@b.localhost", "an at sign", 0},
    {"xn--\xc3\xbc.localhost", "punycode that is none", 0},
    {"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", "an address in wide digits", 0},
    {"127\xe3\x80\x82" "0.0.1", "an address with wide dots", 0},
};

static void check_scripts(void)
{
    char out[1024], name[128], error[256], longest[3000] = "";

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        netio_text_safe(scripts[i].host, strlen(scripts[i].host), name, sizeof name);
        snprintf(error, sizeof error, "resolve %s: not a valid host name", name);
        is_str(answer(scripts[i].host, AF_INET, out, sizeof out),
               scripts[i].taken ? "127.0.0.1" : error, "IDN: %s", scripts[i].what);
    }
    for (size_t i = 0; i < 1000; i++)
        strcat(longest, "\xc3\xbc");
    struct netio_resolve *resolve;
    is_int(netio_resolve_start(&resolve, longest, AF_UNSPEC, NETIO_NOW, NULL), NETIO_EBADHOST,
           "IDN: a thousand letters");
    longest[62 * 2] = '\0';
    is_int(netio_resolve_start(&resolve, longest, AF_UNSPEC, NETIO_NOW, NULL), NETIO_EBADHOST,
           "IDN: a label that is too long in DNS only");
}

static void check_hosts(void)
{
    char out[1024];

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char name[300];
        netio_text_safe(hosts[i].host, strlen(hosts[i].host), name, sizeof name);
        is_str(answer(hosts[i].host, hosts[i].family, out, sizeof out), hosts[i].answer,
               "\"%s\" in family %d", name, hosts[i].family);
    }
    char longest[300];
    snprintf(longest, sizeof longest, "%s.%s.%s.%s", L63, L63, L63, L63); /* 255 */
    struct netio_resolve *resolve;
    is_int(netio_resolve_start(&resolve, longest, AF_UNSPEC, NETIO_NOW, NULL), NETIO_EBADHOST,
           "255 bytes are too long for a name");
    is_str(answer("localhost", 77, out, sizeof out), "option family: not a valid option",
           "an unknown family");
}

/* localhost without IPv6 ends with 127.0.0.1 first; with it, ::1. */
static void check_localhost(void)
{
    char out[256];

    answer("localhost", AF_UNSPEC, out, sizeof out);
    ok(!strcmp(out, "::1,127.0.0.1") || !strcmp(out, "127.0.0.1,::1"), "localhost is both: %s",
       out);
}

/* What only ends in the word is a name as any other: nobody answers for it by himself. */
static void check_not_localhost(void)
{
    static const char *const names[] = {"notlocalhost", "localhost.invalid", "xlocalhost."};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct netio_resolve *resolve = NULL;
        int code = netio_resolve_start(&resolve, names[i], AF_UNSPEC, NETIO_NOW, NULL);
        ok(code || netio_resolve_step(resolve, NULL) != 0, "%s is not localhost", names[i]);
        netio_resolve_free(resolve);
    }
}

static void check_machine(void)
{
    struct netio_resolve *resolve;
    struct netio_want want;

    is_int(netio_resolve_start(&resolve, "::1", AF_UNSPEC, NETIO_NEVER, NULL), 0, "a number");
    netio_resolve_want(resolve, &want);
    is_int(want.fd, -1, "is done at once: no descriptor");
    is_int(want.deadline, NETIO_NOW, "and no wait");
    is_int(netio_resolve_step(resolve, NULL), 0, "the answer");
    is_int(netio_resolve_step(resolve, NULL), 0, "and again");
    is_int(netio_resolve_pending(resolve), 0, "with nothing to come");
    netio_resolve_free(resolve);
    netio_resolve_free(NULL);
    pass("freeing none is legal");
}

static const char hosts_file[] = "# a comment\n"
                                 "127.0.0.1\tlocalhost\n"
                                 "192.0.2.1 one.test one # the first\n"
                                 "192.0.2.1 one\n"
                                 "  192.0.2.2   ONE\r\n"
                                 "2001:db8::1 one\n"
                                 "192.0.2.300 one\n"
                                 "one one\n"
                                 "192.0.2.9\n"
                                 "/run/socket one\n"
                                 "192.0.2.3 #one\n"
                                 "::1 six\n"
                                 "::ffff:192.0.2.7 mapped\n"
                                 "192.0.2.8 dotted.\n"
                                 "\f192.0.2.10\vother\fblanks\n"
                                 "192.0.2.4 last";

static const struct {
    const char *name;
    int family;
    const char *found;
} lookups[] = {
    {"one", AF_UNSPEC, "192.0.2.1 192.0.2.2 2001:db8::1 "},
    {"One", AF_INET, "192.0.2.1 192.0.2.2 "},
    {"one", AF_INET6, "2001:db8::1 "},
    {"one.test", AF_UNSPEC, "192.0.2.1 "},
    {"one.test", AF_INET6, ""},
    {"last", AF_UNSPEC, "192.0.2.4 "},
    {"blanks", AF_UNSPEC, "192.0.2.10 "},
    {"on", AF_UNSPEC, ""},
    {"six", AF_UNSPEC, "::1 "},
    {"six", AF_INET6, "::1 "},
    {"six", AF_INET, "127.0.0.1 "},
    {"mapped", AF_INET, "192.0.2.7 "},
    {"mapped", AF_INET6, "::ffff:192.0.2.7 "},
    {"dotted", AF_INET, "192.0.2.8 "},
    {"dotte", AF_INET, ""},
    {"192.0.2.9", AF_UNSPEC, ""},
};

static void check_hosts_file(void)
{
    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++) {
        FILE *file = fmemopen((void *)hosts_file, sizeof hosts_file - 1, "r");
        struct netio__addrs addrs = {0};
        char out[512] = "", text[NETIO_ADDR_STRLEN];
        is_int(netio__hosts_read(file, lookups[i].name, lookups[i].family, &addrs), 0,
               "hosts(5) is read");
        for (size_t j = 0; j < addrs.count; j++)
            sprintf(out + strlen(out), "%s ",
                    netio_addr_host_str(&addrs.at[j], text, sizeof text));
        is_str(out, lookups[i].found, "hosts(5): %s in family %d", lookups[i].name,
               lookups[i].family);
        fclose(file);
    }
}

/* A12: many addresses: each family keeps its share, and so many are used in all. */
static void check_many(void)
{
    struct netio__addrs addrs = {0}, sorted;
    struct netio_addr addr;
    size_t in6 = 0;

    netio_addr_parse(&addr, "198.18.0.0");
    for (unsigned i = 0; i < 1000; i++) {
        addr.u.in4.sin_addr.s_addr = htonl(0xc6120000u + i);
        netio__addrs_add(&addrs, &addr);
        netio__addrs_add(&addrs, &addr);
    }
    is_int(addrs.count, NETIO_RESOLVE_MAX / 2, "A12 a thousand addresses are cut");
    netio_addr_parse(&addr, "2001:db8::");
    for (unsigned i = 0; i < 1000; i++) {
        addr.u.in6.sin6_addr.s6_addr[15] = (uint8_t)i;
        addr.u.in6.sin6_addr.s6_addr[14] = (uint8_t)(i >> 8);
        netio__addrs_add(&addrs, &addr);
    }
    is_int(netio__addrs_count(&addrs, AF_INET6), NETIO_RESOLVE_MAX / 2,
           "A12 each family by itself");
    netio__addrs_order(&addrs, &sorted);
    is_int(sorted.count, NETIO_RESOLVE_MAX, "A12 and then both together");
    for (size_t i = 0; i < sorted.count; i++)
        in6 += netio_addr_family(&sorted.at[i]) == AF_INET6;
    is_int(in6, NETIO_RESOLVE_MAX / 2, "A12 none is lost in the ordering");
}

static const struct {
    const char *file, *host;
    int dotted;
    const char *names;
} searches[] = {
    {"", "whois", 0, "whois "},
    {"search a.test b.test\n", "whois", 0, "whois.a.test whois.b.test whois "},
    {"search a.test. b.test\n", "whois", 1, "whois "},
    {"search a.test b.test\n", "whois.x", 0, "whois.x whois.x.a.test whois.x.b.test "},
    {"search a.test\noptions ndots:2\n", "whois.x", 0, "whois.x.a.test whois.x "},
    {"options ndots:0\nsearch a.test\n", "whois", 0, "whois whois.a.test "},
    {"search a.test\ndomain b.test c.test\n", "whois", 0, "whois.b.test whois "},
    {"domain b.test\nsearch a.test\n", "whois", 0, "whois.a.test whois "},
    {"search .\n", "whois", 0, "whois "},
    {"search\n", "whois", 0, "whois "},
    {"searching a.test\n", "whois", 0, "whois "},
    {"search 1 2 3 4 5 6 7 8 9 10\n", "w", 0, "w.1 w.2 w.3 w.4 w.5 w.6 w.7 w.8 w.9 w.10 w "},
    {"search a b\nsearch c\n", "w.x", 0, "w.x w.x.c "},
    {"search " L63 "." L63 "." L63 " b.test\n", L63, 0, L63 ".b.test " L63 " "},
    {"search\ta.test \t b.test\r\n", "whois", 0, "whois.a.test whois.b.test whois "},
};

static void check_search(void)
{
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        struct netio__resolvconf conf;
        char names[1024] = "", name[256];
        FILE *file = NULL;
        int more;
        if (searches[i].file[0])
            file = fmemopen((void *)searches[i].file, strlen(searches[i].file), "r");
        netio__resolvconf_read(&conf, file);
        for (size_t n = 0; (more = netio__resolvconf_candidate(&conf, searches[i].host,
                                                               searches[i].dotted, n, name,
                                                               sizeof name)) >= 0;
             n++)
            if (more)
                sprintf(names + strlen(names), "%s ", name);
        is_str(names, searches[i].names, "search list %zu", i);
        if (file)
            fclose(file);
    }
}

static const struct {
    const char *file;
    unsigned ndots, timeout, attempts;
} options[] = {
    {"nameserver 192.0.2.53\n", 1, 5, 2},
    {"options timeout:3 attempts:4 ndots:2\n", 2, 3, 4},
    {"options timeout:99999999999 attempts:99 ndots:99\n", 15, 30, 5},
    {"options timeout:0 attempts:0 ndots:0\n", 0, 1, 1},
    {"options timeout:-1 attempts:x ndots:\n", 1, 5, 2},
    {"options rotate edns0\noptions timeout:7\n", 1, 7, 2},
};

static void check_options(void)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        FILE *file = fmemopen((void *)options[i].file, strlen(options[i].file), "r");
        struct netio__resolvconf conf;
        netio__resolvconf_read(&conf, file);
        fclose(file);
        ok(conf.ndots == options[i].ndots && conf.timeout == options[i].timeout &&
               conf.attempts == options[i].attempts,
           "options %zu: ndots %u, timeout %u, attempts %u", i, conf.ndots, conf.timeout,
           conf.attempts);
    }
}

static const struct {
    const char *file;
    int dns, other;
} sources[] = {
    {"\n", 1, 0},
    {"passwd: files ldap\n", 1, 0},
    {"hosts: files dns\n", 1, 0},
    {"hosts: dns [!UNAVAIL=return] files\n", 1, 0},
    {"hosts: files\n", 0, 0},
    {"hosts:\n", 0, 0},
    {"hosts: files mdns4_minimal [NOTFOUND=return] dns\n", 1, 1},
    {"hosts: mymachines resolve [!UNAVAIL=return] files myhostname\n", 0, 1},
    {" hosts :\tfiles[SUCCESS=merge]dns\r\n", 1, 0},
    {"\vhosts:\ffiles\vdns\n", 1, 0},
    {"hosts: files wins[dns", 0, 1},
    {"hosts: files # ldap dns\n", 0, 0},
    {"#hosts: ldap\n", 1, 0},
    {"hosts: ldap\nhosts: files dns\n", 1, 0},
    {"hosts: filesdns\n", 0, 1},
    {"HOSTS: ldap\nhostsx: ldap\nhosts ldap\n", 1, 0},
};

static void check_sources(void)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        FILE *file = fmemopen((void *)sources[i].file, strlen(sources[i].file), "r");
        struct netio__nsswitch got;
        netio__nsswitch_read(&got, file);
        fclose(file);
        ok(got.dns == sources[i].dns && got.other == sources[i].other,
           "nsswitch.conf %zu: dns %d, others %d", i, got.dns, got.other);
    }
}

/* What getent says, cut at every place. */
static void check_getent(void)
{
    static const char said[] = "192.0.2.1       STREAM www.test\n"
                               "192.0.2.1       DGRAM  \n"
                               "2001:db8::1 STREAM \n"
                               "::ffff:192.0.2.2 STREAM\n"
                               "192.0.2.3\n"
                               "192.0.2.300 STREAM\n"
                               " 192.0.2.4 STREAM\n"
                               "/run/socket STREAM\n"
                               "192.0.2.5 192.0.2.6 \n"
                               "192.0.2.77";
    size_t len = sizeof said - 1, wrong = 0;

    for (size_t cut = 0; cut <= len; cut++) {
        struct netio__getent_text text = {.used = 0};
        struct netio__addrs addrs = {0};
        char out[256] = "", host[NETIO_ADDR_STRLEN];
        netio__getent_read(&text, said, cut, AF_UNSPEC, &addrs);
        netio__getent_read(&text, said + cut, len - cut, AF_UNSPEC, &addrs);
        for (size_t i = 0; i < addrs.count; i++)
            sprintf(out + strlen(out), "%s ",
                    netio_addr_host_str(&addrs.at[i], host, sizeof host));
        wrong += strcmp(out, "192.0.2.1 2001:db8::1 192.0.2.5 ") != 0;
    }
    is_int(wrong, 0, "getent: the same addresses wherever its output is cut");
}

int main(void)
{
    check_hosts();
    check_scripts();
    check_localhost();
    check_not_localhost();
    check_machine();
    check_hosts_file();
    check_many();
    check_search();
    check_options();
    check_sources();
    check_getent();
    return tap_done();
}
