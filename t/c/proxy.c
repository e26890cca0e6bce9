/* Tests of netio/proxy.h: headers of both versions, whole, cut anywhere, and forged. */
#include "tap.h"
#include <netio/proxy.h>

#include <errno.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static const struct {
    const char *line;
    const char *peer, *local; /* "-": unset; NULL: refused */
} lines[] = {
    {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 43\r\n", "192.0.2.1:56324", "198.51.100.2:43"},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 0 65535\r\n", "192.0.2.1:0", "198.51.100.2:65535"},
    {"PROXY TCP6 2001:db8::1 2001:db8::2 4 43\r\n", "[2001:db8::1]:4", "[2001:db8::2]:43"},
    {"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 4 43\r\n", "192.0.2.1:4", "192.0.2.2:43"},
    {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "65535 65535\r\n",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {"PROXY UNKNOWN\r\n", "-", "-"},
    {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "65535 65535\r\n",
     "-", "-"},
    {"PROXY UNKNOWNTCP4\r\n", NULL, NULL},
    {"PROXY \r\n", NULL, NULL},
    {"PROXY TCP4\r\n", NULL, NULL},
    {"PROXY  TCP4 192.0.2.1 198.51.100.2 1 43\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1  198.51.100.2 1 43\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 1 43 \r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 1 43 5\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 01 43\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 +1 43\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.1 198.51.100.2 1 99999999999999999999\r\n", NULL, NULL},
    {"PROXY TCP4 192.0.2.01 198.51.100.2 1 43\r\n", NULL, NULL},
    {"PROXY TCP4 127.1 198.51.100.2 1 43\r\n", NULL, NULL},
    {"PROXY TCP4 2001:db8::1 2001:db8::2 1 43\r\n", NULL, NULL},
    {"PROXY TCP6 192.0.2.1 198.51.100.2 1 43\r\n", NULL, NULL},
    {"PROXY TCP6 fe80::1%lo fe80::2 1 43\r\n", NULL, NULL},
    {"PROXY TCP6 [2001:db8::1] 2001:db8::2 1 43\r\n", NULL, NULL},
    {"PROXY TCP4 /run/x /run/y 1 43\r\n", NULL, NULL},
    {"PROXY TCP5 192.0.2.1 198.51.100.2 1 43\r\n", NULL, NULL},
    {"PROXY tcp4 192.0.2.1 198.51.100.2 1 43\r\n", NULL, NULL},
    {"PROXY UNKNOWN\n", NULL, NULL},
    {"PROXY UNKNOWN\r \n", NULL, NULL},
    {"PROXY UNKNOWN \r\r\n", NULL, NULL},
    {"proxy UNKNOWN\r\n", NULL, NULL},
    {"GET / HTTP/1.0\r\n", NULL, NULL},
    {"\r\n", NULL, NULL},
};

static const char *str(const struct netio_addr *addr)
{
    static char text[2][NETIO_ADDR_STRLEN];
    static int turn;

    turn = !turn;
    return netio_addr_str(addr, text[turn], sizeof text[turn]);
}

static void test_lines(void)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct netio_addr peer, local;
        char bytes[256];
        size_t len = strlen(lines[i].line);
        memcpy(bytes, lines[i].line, len);
        memcpy(bytes + len, "whois\r\n", 7);
        ssize_t n = netio_proxy_parse(bytes, len + 7, &peer, &local);
        is_int(n, lines[i].peer ? (ssize_t)len : -EBADMSG, "line %zu", i);
        is_str(str(&peer), lines[i].peer ? lines[i].peer : "-", "its source");
        is_str(str(&local), lines[i].local ? lines[i].local : "-", "its destination");
        is_int(netio_proxy_parse(bytes, len + 7, &peer, NULL), n, "which nobody need ask for");
        int early = 0;
        for (size_t size = 0; lines[i].peer && size < len; size++)
            early += netio_proxy_parse(bytes, size, &peer, &local) != -EAGAIN || peer.len;
        is_int(early, 0, "a part of it is not enough");
    }
}

/* The standard's own bound: 107 bytes with the CRLF. */
static void test_long_line(void)
{
    struct netio_addr peer;
    char bytes[120];

    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "PROXY UNKNOWN ", 14);
    is_int(netio_proxy_parse(bytes, 106, &peer, NULL), -EAGAIN,
           "106 bytes may still become a line");
    is_int(netio_proxy_parse(bytes, 107, &peer, NULL), -EBADMSG, "107 without an end may not");
    memcpy(bytes + 105, "\r\n", 2);
    is_int(netio_proxy_parse(bytes, 107, &peer, NULL), 107, "the longest line");
    memcpy(bytes + 105, "x\r\n", 3);
    is_int(netio_proxy_parse(bytes, 120, &peer, NULL), -EBADMSG, "one byte more");
    memcpy(bytes, "PROXY UNKNOWN\0\r\n", 16);
    is_int(netio_proxy_parse(bytes, 16, &peer, NULL), -EBADMSG, "a NUL in it");
}

/* A version 2 header into bytes, its body zeros; its length. */
static size_t head(char *bytes, unsigned command, unsigned family, size_t len)
{
    memset(bytes, 0, 16 + len);
    memcpy(bytes, SIGNATURE, 12);
    bytes[12] = (char)command;
    bytes[13] = (char)family;
    bytes[14] = (char)(len >> 8);
    bytes[15] = (char)len;
    return 16 + len;
}

static const struct {
    unsigned command, family;
    size_t len;
    ssize_t result;
} heads[] = {
    {0x21, 0x11, 12, 28},       {0x21, 0x12, 12, 28},        {0x21, 0x21, 36, 52},
    {0x21, 0x22, 36, 52},       {0x21, 0x31, 216, 232},      {0x21, 0x32, 216, 232},
    {0x21, 0x00, 0, 16},        {0x21, 0x00, 9, 25},         {0x20, 0x00, 0, 16},
    {0x20, 0x11, 12, 28},       {0x20, 0xff, 3, 19},         {0x21, 0x11, 11, -EBADMSG},
    {0x21, 0x21, 35, -EBADMSG}, {0x21, 0x31, 215, -EBADMSG}, {0x21, 0x10, 12, -EBADMSG},
    {0x21, 0x13, 12, -EBADMSG}, {0x21, 0x01, 12, -EBADMSG},  {0x21, 0x41, 216, -EBADMSG},
    {0x22, 0x11, 12, -EBADMSG}, {0x11, 0x11, 12, -EBADMSG},  {0x31, 0x11, 12, -EBADMSG},
    {0x21, 0x11, 536, 552},     {0x21, 0x11, 537, -EBADMSG}, {0x20, 0x00, 65535, -EBADMSG},
};

static void test_heads(void)
{
    static char bytes[70000];
    struct netio_addr peer;

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t size = head(bytes, heads[i].command, heads[i].family, heads[i].len);
        ssize_t n = netio_proxy_parse(bytes, size + 5, &peer, NULL);
        is_int(n, heads[i].result, "version 2: command %#x, family %#x, %zu bytes",
               heads[i].command, heads[i].family, heads[i].len);
        int is_ip = heads[i].family >> 4 == 1 || heads[i].family >> 4 == 2;
        ok(!peer.len == !(n > 0 && heads[i].command == 0x21 && is_ip), "a source, or none");
        int early = 0;
        for (size_t part = 0; n > 0 && part < (size_t)n; part++)
            early += netio_proxy_parse(bytes, part, &peer, NULL) != -EAGAIN;
        is_int(early, 0, "a part of it is not enough");
    }
}

static void test_ends(void)
{
    struct netio_addr peer, local;
    char bytes[64];

    head(bytes, 0x21, 0x11, 12);
    memcpy(bytes + 16, "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x00\x2b", 12);
    is_int(netio_proxy_parse(bytes, 28, &peer, &local), 28, "version 2, IPv4");
    is_str(str(&peer), "192.0.2.1:56324", "its source");
    is_str(str(&local), "198.51.100.2:43", "its destination");
    head(bytes, 0x21, 0x21, 36);
    memcpy(bytes + 16, "\x20\x01\x0d\xb8", 4);
    bytes[31] = 1;
    memset(bytes + 32 + 10, 0xff, 2);
    memcpy(bytes + 44, "\xc0\x00\x02\x09", 4);
    memcpy(bytes + 48, "\x00\x05\x00\x2b", 4);
    is_int(netio_proxy_parse(bytes, 52, &peer, &local), 52, "version 2, IPv6");
    is_str(str(&peer), "[2001:db8::1]:5", "its source");
    is_str(str(&local), "192.0.2.9:43", "its destination, v4-mapped");
}

/* A stranger's bytes are refused at the first that is wrong. */
static void test_first_byte(void)
{
    struct netio_addr peer;

    is_int(netio_proxy_parse("", 0, &peer, NULL), -EAGAIN, "nothing yet");
    is_int(netio_proxy_parse("w", 1, &peer, NULL), -EBADMSG, "no header begins so");
    is_int(netio_proxy_parse("PROXX", 5, &peer, NULL), -EBADMSG, "nor so");
    is_int(netio_proxy_parse("\r\n\r\nx", 5, &peer, NULL), -EBADMSG, "nor so");
    is_int(netio_proxy_parse(SIGNATURE "\x41", 13, &peer, NULL), -EBADMSG, "no such version");
}

int main(void)
{
    test_lines();
    test_long_line();
    test_heads();
    test_ends();
    test_first_byte();
    return tap_done();
}
