/* Tests of netio/addr.h: addresses.  D9 of the fault catalogue: strict forms only. */
#include "tap.h"
#include <netio/addr.h>
#include <netio/error.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sys/socket.h>

static const struct {
    const char *text;
    const char *str; /* NULL: not a valid address */
} hosts[] = {
    {"127.0.0.1", "127.0.0.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"::1", "::1"},
    {"::", "::"},
    {"[::1]", "::1"},
    {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    {"fe80::1%1", "fe80::1%lo"},
    {"fe80::1%lo", "fe80::1%lo"},
    {"/run/x.sock", "/run/x.sock"},
    {"unix:/run/x.sock", "/run/x.sock"},
    {"/a\nb\x1b", "/a\\x0ab\\x1b"},
    {"", NULL},
    {" 127.0.0.1", NULL},
    {"127.0.0.1 ", NULL},
    {"127.0.0.1\n", NULL},
    {"010.0.0.1", NULL},
    {"1.2.3.00", NULL},
    {"1.2.3.01", NULL},
    {"127.1", NULL},
    {"0x7f.0.0.1", NULL},
    {"2130706433", NULL},
    {"1.2.3.256", NULL},
    {"1.2.3.4.5", NULL},
    {"1.2.3.", NULL},
    {"\xd9\xa3.2.3.4", NULL},
    {"[127.0.0.1]", NULL},
    {"[::1", NULL},
    {"::1]", NULL},
    {"[]", NULL},
    {"[", NULL},
    {":::", NULL},
    {"1::2::3", NULL},
    {"::1%lo", NULL},
    {"2001:db8::1%lo", NULL},
    {"fe80::1%", NULL},
    {"fe80::1%nosuchif", NULL},
    {"fe80::1%-1", NULL},
    {"fe80::1%0", NULL},
    {"fe80::1%lo:43", NULL},
    {"fe80::1%lo:", NULL},
    {"localhost", NULL},
    {"unix:run/x.sock", NULL},
    {"unix:", NULL},
};

static void test_hosts(void)
{
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct netio_addr addr;
        char out[NETIO_ADDR_STRLEN];
        int code = netio_addr_parse(&addr, hosts[i].text);
        if (!hosts[i].str) {
            is_int(code, NETIO_EBADADDRESS, "D9: refused: host %zu", i);
            is_int(addr.len, 0, "and left unset");
            continue;
        }
        is_int(code, 0, "host %s", hosts[i].str);
        is_str(netio_addr_host_str(&addr, out, sizeof out), hosts[i].str, "printed again");
    }
}

/* Whether inet_pton(3) and netio_addr_parse agree on a form, and on its bytes. */
static int agree(const char *text)
{
    struct netio_addr addr;
    struct in6_addr in6;
    struct in_addr in4;
    int code = netio_addr_parse(&addr, text);

    if (inet_pton(AF_INET, text, &in4) == 1)
        return !code && netio_addr_family(&addr) == AF_INET &&
               memcmp(&addr.u.in4.sin_addr, &in4, sizeof in4) == 0;
    if (inet_pton(AF_INET6, text, &in6) == 1)
        return !code && netio_addr_family(&addr) == AF_INET6 &&
               memcmp(&addr.u.in6.sin6_addr, &in6, sizeof in6) == 0;
    return code == NETIO_EBADADDRESS && addr.len == 0;
}

/* Every valid form, with every single character put in, taken out or replaced. */
static void test_oracle(void)
{
    static const char *const forms[] = {
        "127.0.0.1", "203.0.113.255", "::1", "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8",
        "::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:192.0.2.1", "fe80::1"};
    static const char letters[] = "0129afAFgx.:-+ \n\xd9]";
    int tried = 0, wrong = 0;

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (size_t at = 0; at <= strlen(forms[i]); at++)
            for (size_t letter = 0; letter < sizeof letters; letter++)
                for (int kept = 0; kept <= 1 && !(kept == 0 && !forms[i][at]); kept++) {
                    char text[64];
                    snprintf(text, sizeof text, "%.*s%.1s%s", (int)at, forms[i],
                             letters + letter, forms[i] + at + !kept);
                    tried++;
                    wrong += !agree(text);
                    if (!agree(text))
                        diag("%s", text);
                }
    ok(tried > 500 && !wrong, "D9: %d forms: as inet_pton(3) has them", tried);
}

static const struct {
    const char *text;
    const char *str;
} ports[] = {
    {"192.0.2.1:43", "192.0.2.1:43"},
    {"[::1]:65535", "[::1]:65535"},
    {"[fe80::1%lo]:79", "[fe80::1%lo]:79"},
    {"/run/whois", "unix:/run/whois"},
    {"192.0.2.1", NULL},
    {"192.0.2.1:", NULL},
    {"192.0.2.1:0", NULL},
    {"192.0.2.1:043", NULL},
    {"192.0.2.1:65536", NULL},
    {"192.0.2.1:99999999999999999999", NULL},
    {"192.0.2.1:-1", NULL},
    {"192.0.2.1:80x", NULL},
    {"192.0.2.1:whois", NULL},
    {"::1:43", NULL},
    {"[::1]", NULL},
    {"[192.0.2.1]:43", NULL},
    {"[:43", NULL},
    {"[]:43", NULL},
    {":43", NULL},
    {"", NULL},
};

static void test_ports(void)
{
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        struct netio_addr addr;
        char out[NETIO_ADDR_STRLEN];
        int code = netio_addr_parse_port(&addr, ports[i].text);
        is_int(code, ports[i].str ? 0 : NETIO_EBADADDRESS, "with port: \"%s\"", ports[i].text);
        is_str(netio_addr_str(&addr, out, sizeof out), ports[i].str ? ports[i].str : "-",
               "printed again");
    }
}

static void test_long_path(void)
{
    char path[200], out[NETIO_ADDR_STRLEN];
    struct netio_addr addr;

    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[108] = '\0';
    is_int(netio_addr_parse(&addr, path), -ENAMETOOLONG, "108 bytes do not fit a unix address");
    path[107] = '\0';
    is_int(netio_addr_parse(&addr, path), 0, "107 do");
    is_str(netio_addr_host_str(&addr, out, sizeof out), path, "and are printed in full");
    memset(path + 1, '\xff', 106);
    netio_addr_parse(&addr, path);
    is_int(strlen(netio_addr_str(&addr, out, sizeof out)), 5 + 1 + 4 * 106,
           "the longest text of all fits NETIO_ADDR_STRLEN");
    char tiny[8];
    is_str(netio_addr_host_str(&addr, tiny, sizeof tiny), "/\\xff", "cut between escapes");
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void test_compare(void)
{
    static const struct {
        const char *a, *b;
        int want;
    } table[] = {
        {"192.0.2.1:43", "192.0.2.1:43", 0}, {"192.0.2.1:43", "192.0.2.1:44", -1},
        {"192.0.2.2:43", "192.0.2.1:44", 1}, {"192.0.2.1:43", "[::1]:43", -1},
        {"[::2]:43", "[::1]:43", 1},         {"[fe80::1%1]:43", "[fe80::1%1]:43", 0},
        {"[fe80::1%1]:44", "[fe80::1%2]:43", -1}, {"[fe80::2%1]:43", "[fe80::1%2]:43", 1},
        {"/a", "/a", 0},                     {"/a", "/b", -1},
        {"/a", "/aa", -1},                   {"/a", "192.0.2.1:43", -1},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct netio_addr a, b;
        netio_addr_parse_port(&a, table[i].a);
        netio_addr_parse_port(&b, table[i].b);
        is_int(sign(netio_addr_compare(&a, &b)), table[i].want, "%s <=> %s", table[i].a,
               table[i].b);
        is_int(sign(netio_addr_compare(&b, &a)), -table[i].want, "and back");
    }
    struct netio_addr unset = {0}, other = {0};
    is_int(netio_addr_compare(&unset, &other), 0, "two unset ones are equal");
}

static void test_parts(void)
{
    struct netio_addr addr;
    char out[NETIO_ADDR_STRLEN];

    netio_addr_parse_port(&addr, "[::ffff:192.0.2.1]:43");
    netio_addr_unmap(&addr);
    is_str(netio_addr_str(&addr, out, sizeof out), "192.0.2.1:43", "v4-mapped is unmapped");
    is_int(netio_addr_family(&addr), AF_INET, "and is IPv4");
    netio_addr_set_port(&addr, 79);
    is_int(netio_addr_port(&addr), 79, "the port is set");
    static const struct {
        const char *text;
        int loopback;
    } table[] = {{"127.3.2.1", 1}, {"::1", 1}, {"::ffff:127.0.0.1", 1}, {"/x", 1},
                 {"128.0.0.1", 0}, {"::2", 0}, {"::ffff:1.0.0.127", 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        netio_addr_parse(&addr, table[i].text);
        is_int(!!netio_addr_is_loopback(&addr), table[i].loopback, "loopback: %s", table[i].text);
    }
    memset(&addr, 0, sizeof addr);
    ok(!netio_addr_is_loopback(&addr), "unset is no loopback");
    is_int(netio_addr_family(&addr), AF_UNSPEC, "unset has no family");
    is_int(netio_addr_port(&addr), 0, "and no port");
    is_str(netio_addr_str(&addr, out, sizeof out), "-", "and prints as -");
}

/* A stranger may bind all 108 bytes of a path; Linux then says 111 for the address. */
static void check_full_path(void)
{
    char dir[] = "/tmp/netio-addr-XXXXXX", path[109] = "", out[NETIO_ADDR_STRLEN];
    struct {
        struct sockaddr_un un;
        char end; /* valgrind looks for a NUL */
    } full = {.un.sun_family = AF_UNIX};
    struct netio_addr addr;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(path, 'p', sizeof path - 1);
    if (!mkdtemp(dir))
        abort();
    memcpy(path, dir, strlen(dir));
    path[strlen(dir)] = '/';
    memcpy(full.un.sun_path, path, sizeof full.un.sun_path);
    ok(bind(fd, (struct sockaddr *)&full.un, sizeof full.un) == 0, "a path without a NUL");
    is_int(netio_addr_local(&addr, fd), 0, "has an address");
    is_str(netio_addr_host_str(&addr, out, sizeof out), path, "and all of it is printed");
    close(fd);
    unlink(path);
    rmdir(dir);
}

static void test_sockets(void)
{
    struct netio_addr addr;
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr odd = {.sa_family = AF_APPLETALK};
    char out[NETIO_ADDR_STRLEN];
    int pair[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    is_int(netio_addr_local(&addr, fd), 0, "a socket's own address");
    is_str(netio_addr_str(&addr, out, sizeof out), "0.0.0.0:0", "is unbound");
    is_int(netio_addr_peer(&addr, fd), -ENOTCONN, "B32: no peer");
    is_int(addr.len, 0, "leaves it unset");
    close(fd);
    is_int(netio_addr_local(&addr, fd), -EBADF, "a closed one");
    ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "a pair");
    is_int(netio_addr_peer(&addr, pair[0]), 0, "has nameless ends");
    is_str(netio_addr_str(&addr, out, sizeof out), "unix:", "that print so");
    close(pair[0]);
    close(pair[1]);
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0a\0b"};
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + 4;
    is_int(netio_addr_from(&addr, (struct sockaddr *)&un, len), 0, "an abstract name");
    is_str(netio_addr_str(&addr, out, sizeof out), "unix:\\x00a\\x00b", "with all of its bytes");
    check_full_path();
    is_int(netio_addr_from(&addr, (struct sockaddr *)&in4, 4), NETIO_EBADADDRESS, "cut short");
    is_int(netio_addr_from(&addr, &odd, sizeof odd), NETIO_EBADADDRESS, "another family");
    is_int(netio_addr_from(&addr, &odd, 1), NETIO_EBADADDRESS, "no room for a family");
}

int main(void)
{
    test_hosts();
    test_oracle();
    test_ports();
    test_long_path();
    test_compare();
    test_parts();
    test_sockets();
    return tap_done();
}
