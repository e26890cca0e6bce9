/* Connections from reserved ports.  They need all of a network's ports, so each test has a network
 * of its own. */
#include "dialling.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

/* A network of this process's own, with nothing but its loopback. */
static int own_network(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    if (unshare(CLONE_NEWNET) == -1)
        return 0;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return up;
}

static void put_sysctl(const char *path, const char *value)
{
    FILE *file = fopen(path, "w");

    if (!file || fputs(value, file) < 0 || fclose(file) != 0)
        abort();
}

/* A row of connections from reserved ports, until there are none left. */
static void walk_reserved(void)
{
    struct netio_open_options options = {.reserved = 1, .deadline = netio_deadline_in(20)};
    static const char taken[] =
        "bind reserved port: all reserved ports, 1023 down to 512, are taken";
    char service[16], other[16];
    int fd, wrong = 0, listener = bound_here(SOCK_STREAM, service);
    int second = bound_here(SOCK_STREAM, other), held[512];

    for (unsigned port = 1023; port >= 512; port--) {
        opened(service, &options, &fd);
        wrong += fd < 0 || own_port(fd) != port;
        held[port - 512] = fd;
    }
    is_int(wrong, 0, "reserved: each port from 1023 down to 512");
    is_str(opened(service, &options, &fd), taken, "reserved: all taken");
    is_int(fd, NETIO_ERESERVED, "reserved: and its code");
    is_str(opened(other, &options, &fd), "opened", "reserved: not for another peer");
    is_int(own_port(fd), 1023, "reserved: which has the first one");
    close(fd);
    for (unsigned port = 512; port < 1024; port++)
        close(held[port - 512]);
    close(second);
    close(listener);
}

/* Ports that listeners have, and datagrams. */
static void walk_listeners(void)
{
    struct netio_open_options options = {.reserved = 1, .source = "127.0.0.1"};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(1023)};
    char service[16];
    int fd, listener = bound_here(SOCK_STREAM, service);
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(taken, (struct sockaddr *)&in, sizeof in) || listen(taken, 1))
        abort();
    is_str(opened(service, &options, &fd), "opened", "reserved: one that a listener has");
    is_int(own_port(fd), 1022, "reserved: is passed over");
    close(fd);
    fd = netio_udpopen("127.0.0.1", "1", &options, NULL);
    is_int(own_port(fd), 1023, "reserved: for datagrams, too");
    int next = netio_udpopen("127.0.0.1", "1", &options, NULL);
    is_int(own_port(next), 1022, "reserved: which share none");
    close(next);
    close(fd);
    close(taken);
    close(listener);
    put_sysctl("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    options.source = NULL;
    is_int(netio_tcpopen("::1", "1", &options, NULL), -EADDRNOTAVAIL,
           "reserved: an address that there is no way to is not one that is taken");
}

/* Without the privilege. */
static void walk_unprivileged(void)
{
    struct netio_open_options options = {.reserved = 1};
    char service[16];
    int fd, listener = bound_here(SOCK_STREAM, service);

    put_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024");
    if (seteuid(65534) == -1)
        abort();
    is_str(opened(service, &options, &fd),
           "bind reserved port: reserved ports need the privilege CAP_NET_BIND_SERVICE",
           "reserved: without the privilege");
    is_int(fd, NETIO_EPRIVILEGE, "reserved: and its code");
    options = (struct netio_open_options){.source_port = 79};
    is_str(opened(service, &options, &fd),
           "bind 0.0.0.0:79: reserved ports need the privilege CAP_NET_BIND_SERVICE",
           "a source port without the privilege");
    if (seteuid(0) == -1)
        abort();
    put_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "512");
    if (seteuid(65534) == -1)
        abort();
    options = (struct netio_open_options){.reserved = 1};
    is_str(opened(service, &options, &fd), "opened", "reserved: where nobody needs the privilege");
    if (seteuid(0) == -1)
        abort();
    close(fd);
    close(listener);
}

/* Runs tests in a network that is new to them, and that nobody else is in. */
static void in_own_network(void (*check)(void), int tests)
{
    if (own_network())
        check();
    else
        skip(tests, "a network of its own needs root");
}

int main(void)
{
    int before = open_descriptors();

    in_own_network(walk_reserved, 5);
    in_own_network(walk_listeners, 5);
    in_own_network(walk_unprivileged, 4);
    nothing_is_left(before);
    return tap_done();
}
