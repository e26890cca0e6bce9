/* Tests of netio/listener.h: what is a listen address, and what is said of what is none. */
#include "tap.h"
#include <netio/listener.h>

#include <errno.h>

static const struct {
    const char *text;
    const char *error; /* NULL: a listen address */
} addresses[] = {
    {"4343", NULL},
    {"whois", NULL},
    {"0", NULL},
    {"*:79", NULL},
    {"*:whois", NULL},
    {"127.0.0.1:4343", NULL},
    {"127.0.0.1:0", NULL},
    {"[::1]:whois", NULL},
    {"[::]:43", NULL},
    {"[fe80::1%lo]:43", NULL},
    {"udp:[ff02::1%lo]:43", NULL},
    {"[ff05::1]:43", NULL},
    {"unix:/run/whois.sock", NULL},
    {"nosuchservice(4343)", NULL},
    {"", "service: unknown service"},
    {"nosuchservice", "service nosuchservice: unknown service"},
    {"65536", "service 65536: unknown service"},
    {"-1", "service -1: unknown service"},
    {"00", "service 00: unknown service"},
    {"*:", "service: unknown service"},
    {"127.0.0.1:nosuchservice", "service nosuchservice: unknown service"},
    {"127.0.0.1", "service 127.0.0.1: unknown service"},
    {":43", "option :43: not a valid address"},
    {"::1:43", "option ::1:43: not a valid address"},
    {"::1", "option ::1: not a valid address"},
    {"[::1]", "option [::1]: not a valid address"},
    {"[::1]43", "option [::1]43: not a valid address"},
    {"[fe80::1]:43", "option [fe80::1]:43: not a valid address"},
    {"udp:[ff02::1]:0", "option udp:[ff02::1]:0: not a valid address"},
    {"[127.0.0.1]:43", "option [127.0.0.1]:43: not a valid address"},
    {"127.1:43", "option 127.1:43: not a valid address"},
    {"localhost:43", "option localhost:43: not a valid address"},
    {"/run/x:43", "option /run/x:43: not a valid address"},
    {"unix:run/x", "option unix:run/x: not a valid address"},
    {"unix:/run/x,colour=red", "option unix:/run/x,colour=red: not a valid address"},
    {"tcp:4343", NULL},
    {"tcp:[::1]:43", NULL},
    {"udp:4343", NULL},
    {"udp:*:domain", NULL},
    {"udp:127.0.0.1:0", NULL},
    {"unix-dgram:/run/x", NULL},
    {"unix:/run/x,mode=0660,owner=root,group=root", NULL},
    {"unix:/run/x,group=0,mode=600,owner=12345", NULL},
    {"unix-dgram:/run/x,mode=0", NULL},
    {"udp:nosuchservice", "service nosuchservice: unknown service"},
    {"udp:localhost:43", "option udp:localhost:43: not a valid address"},
    {"udp:", "service: unknown service"},
    {"udp:unix:/x", "option udp:unix:/x: not a valid address"},
    {"UDP:43", "option UDP:43: not a valid address"},
    {"unix-dgram:x", "option unix-dgram:x: not a valid address"},
    {"unix:unix:/run/x", "option unix:unix:/run/x: not a valid address"},
    {"unix:/run/x,", "option unix:/run/x,: not a valid address"},
    {"unix:/run/x,mode=", "option unix:/run/x,mode=: not a valid address"},
    {"unix:/run/x,mode=0888", "option unix:/run/x,mode=0888: not a valid address"},
    {"unix:/run/x,mode=1777", "option unix:/run/x,mode=1777: not a valid address"},
    {"unix:/run/x,mode=00660", "option unix:/run/x,mode=00660: not a valid address"},
    {"unix:/run/x,mode=-1", "option unix:/run/x,mode=-1: not a valid address"},
    {"unix:/run/x,mode=0600,mode=0600",
     "option unix:/run/x,mode=0600,mode=0600: not a valid address"},
    {"unix:/run/x,owner=0,owner=0", "option unix:/run/x,owner=0,owner=0: not a valid address"},
    {"unix:/run/x,owner=nosuch", "user nosuch: no such user"},
    {"unix:/run/x,group=nosuch", "group nosuch: no such group"},
    {"unix:/run/x,owner=", "user: no such user"},
    {"tcp:4343,mode=0600", "option tcp:4343,mode=0600: not a valid address"},
    {"*:0,for=a", NULL},
    {"udp:[::1]:0,reserved,for=100002.3", NULL},
    {"0,reserved", NULL},
    {"79,reserved", "option 79,reserved: not a valid address"},
    {"79,for=a", "option 79,for=a: not a valid address"},
    {"0,", "option 0,: not a valid address"},
    {"0,for", "option 0,for: not a valid address"},
    {"0,for=", "option 0,for=: not a valid address"},
    {"0,for=a b", "option 0,for=a b: not a valid address"},
    {"0,for=\xcb\xcc", "option 0,for=\\xcb\\xcc: not a valid address"},
    {"0,reserved=yes", "option 0,reserved=yes: not a valid address"},
    {",reserved", "service: unknown service"},
    {"\x1b[2J:43", "option \\x1b[2J:43: not a valid address"},
};

static void test_addresses(void)
{
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct netio_error error;
        char text[320];
        int code = netio_listener_check(addresses[i].text, &error);
        if (!addresses[i].error)
            is_int(code, 0, "listen address %s", addresses[i].text);
        else if (ok(code < 0, "refused: address %zu", i))
            is_str(netio_error_str(&error, text, sizeof text), addresses[i].error, "says why");
    }
}

static void test_long(void)
{
    char text[400] = "unix:/", long_host[400];
    struct netio_error error;

    memset(text + 6, 'x', 200);
    is_int(netio_listener_check(text, &error), -ENAMETOOLONG, "a path that does not fit");
    memset(long_host, '1', sizeof long_host);
    memcpy(long_host + 300, ":43", 4);
    is_int(netio_listener_check(long_host, NULL), NETIO_EBADADDRESS, "a host that does not fit");
}

int main(void)
{
    test_addresses();
    test_long();
    return tap_done();
}
