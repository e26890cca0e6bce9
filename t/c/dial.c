/* This end of a connection: its address and port, the reserved ones, options of sockets; and
 * the kinds of sockets that are not TCP.  What needs all of a network's ports is last, and has a
 * network of its own. */
#include "descriptors.h"
#include "port.h"
#include "tap.h"

#include <netio/open.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static char folder[] = "/tmp/netio-dial-XXXXXX";

/* A socket bound to a free port of 127.0.0.1; its port as text in service. */
static int bound_here(int type, char service[16])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&in, sizeof in) ||
        (type == SOCK_STREAM && listen(fd, 600)) || getsockname(fd, (struct sockaddr *)&in, &len))
        abort();
    sprintf(service, "%d", ntohs(in.sin_port));
    return fd;
}

static const char *said(int fd, const struct netio_error *error)
{
    static char text[640];

    return fd >= 0 ? "opened" : netio_error_str(error, text, sizeof text);
}

static const char *opened(const char *service, const struct netio_open_options *options, int *fd)
{
    struct netio_error error = {0};

    *fd = netio_tcpopen("127.0.0.1", service, options, &error);
    return said(*fd, &error);
}

static unsigned own_port(int fd)
{
    struct netio_addr end;

    return netio_addr_local(&end, fd) == 0 ? netio_addr_port(&end) : 0;
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    (void)getsockopt(fd, level, name, &value, &len);
    return value != 0;
}

static void check_source(void)
{
    struct netio_open_options options = {.source = "127.0.0.2"};
    char service[16], host[64], expected[96];
    int fd, again, listener = bound_here(SOCK_STREAM, service);
    struct netio_addr end;

    is_str(opened(service, &options, &fd), "opened", "a source address");
    netio_addr_local(&end, fd);
    is_str(netio_addr_host_str(&end, host, sizeof host), "127.0.0.2", "is that of this end");
    close(fd);
    options.source_port = free_port();
    is_str(opened(service, &options, &fd), "opened", "and a source port");
    is_int(own_port(fd), options.source_port, "is that of this end");
    snprintf(expected, sizeof expected, "connect 127.0.0.1:%s: Cannot assign requested address",
             service);
    is_str(opened(service, &options, &again), expected, "the same pair of ends a second time");
    close(fd);
    options.source = NULL;
    options.source_port = (unsigned)atoi(service);
    snprintf(expected, sizeof expected, "bind 0.0.0.0:%s: Address already in use", service);
    is_str(opened(service, &options, &fd), expected, "a port that a listener has");
    options = (struct netio_open_options){.source = "192.0.2.77"};
    is_str(opened(service, &options, &fd), "bind 192.0.2.77:0: Cannot assign requested address",
           "a source that this machine does not have");
    close(listener);
}

static void check_bad_options(void)
{
    static const struct {
        const char *name;
        struct netio_open_options options;
        const char *said;
    } table[] = {
        {"a source that is a name", {.source = "localhost"},
         "option localhost: not a valid address"},
        {"a source that is a path", {.source = "/run/x"}, "option /run/x: not a valid address"},
        {"an empty source", {.source = ""}, "option: not a valid address"},
        {"a source port too high", {.source_port = 65536},
         "option source_port: not a valid option"},
        {"a reserved and another port", {.source_port = 79, .reserved = 1},
         "option reserved: not a valid option"},
        {"a source of another family than wanted", {.source = "::1", .family = AF_INET},
         "option family: not a valid option"},
        {"a source of another family than the host", {.source = "::1"},
         "resolve 127.0.0.1: host has no address of the wanted family"},
    };
    int fd;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        is_str(opened("43", &table[i].options, &fd), table[i].said, "%s", table[i].name);
}

static void check_source_family(void)
{
    struct netio_open_options options = {.source = "127.0.0.1", .deadline = netio_deadline_in(10)};
    const struct netio_attempt *attempts;
    struct netio_open *machine;
    struct netio_error error;
    struct netio_want want;
    int fd;

    netio_tcpopen_start(&machine, "localhost", "1", &options, &error);
    while ((fd = netio_open_step(machine, &error)) == -EAGAIN) {
        netio_open_want(machine, &want);
        netio_want_poll(&want);
    }
    is_int(netio_open_attempts(machine, &attempts), 1, "addresses of the other family");
    is_int(netio_addr_family(&attempts[0].address), AF_INET, "are passed over");
    netio_open_free(machine);
    if (fd >= 0)
        close(fd);
}

static int calls, refusal;

static int prepare(int fd, const struct netio_addr *to, void *data)
{
    calls += data == &calls && own_port(fd) == 0 && netio_addr_port(to) != 0;
    return refusal;
}

static void check_socket_options(void)
{
    struct netio_open_options options = {
        .keepalive = 1, .nodelay = 1, .prepare = prepare, .data = &calls};
    char service[16], expected[64];
    int fd, listener = bound_here(SOCK_STREAM, service);

    is_str(opened(service, &options, &fd), "opened", "with options of sockets");
    ok(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), "keepalive");
    ok(option_of(fd, IPPROTO_TCP, TCP_NODELAY), "nodelay");
    is_int(calls, 1, "prepare was called, before there was a port");
    close(fd);
    opened(service, NULL, &fd);
    ok(!option_of(fd, SOL_SOCKET, SO_KEEPALIVE) && !option_of(fd, IPPROTO_TCP, TCP_NODELAY),
       "neither by default");
    close(fd);
    refusal = -EPERM;
    snprintf(expected, sizeof expected, "socket 127.0.0.1:%s: Operation not permitted", service);
    is_str(opened(service, &options, &fd), expected, "prepare may refuse");
    refusal = -EAGAIN;
    snprintf(expected, sizeof expected, "socket 127.0.0.1:%s: No buffer space available", service);
    is_str(opened(service, &options, &fd), expected, "but not make anybody wait");
    refusal = 1;
    snprintf(expected, sizeof expected, "socket 127.0.0.1:%s: Invalid argument", service);
    is_str(opened(service, &options, &fd), expected, "nor give out a descriptor that is none");
    is_int(fd, -EINVAL, "but an error");
    refusal = 0;
    close(listener);
}

static void check_udp(void)
{
    struct netio_open_options options = {.source_port = free_port()};
    struct netio_error error = {0};
    char service[16], text[8] = "";
    struct netio_addr end;
    int fd, server = bound_here(SOCK_DGRAM, service);

    fd = netio_udpopen("localhost", service, &options, &error);
    ok(fd >= 0, "a datagram socket: %s", said(fd, &error));
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK,
       "close-on-exec and non-blocking");
    netio_addr_peer(&end, fd);
    is_int(netio_addr_port(&end), (unsigned)atoi(service), "it is connected");
    is_int(own_port(fd), options.source_port, "from the port it was to have");
    is_int(netio_udpopen("127.0.0.1", service, &options, &error), -EADDRINUSE,
           "which is not shared");
    close(fd);
    fd = netio_udpopen("127.0.0.1", service, NULL, &error);
    is_int(send(fd, "ask", 3, 0), 3, "it sends");
    is_int(recv(server, text, sizeof text, 0), 3, "and the server receives");
    close(fd);
    fd = netio_udpopen("127.0.0.1", "domain(53)", NULL, NULL);
    ok(fd >= 0, "a service of UDP");
    close(fd);
    close(server);
}

/* Addresses of somebody else's. */
static void check_addrs(void)
{
    struct netio_open_options options = {.family = AF_INET};
    const struct netio_attempt *attempts;
    struct netio_open *machine;
    struct netio_error error = {0};
    struct netio_addr addrs[4];
    struct netio_want want;
    char service[16];
    int fd, listener = bound_here(SOCK_STREAM, service);

    netio_addr_parse_port(&addrs[0], "[::1]:1");
    netio_addr_parse_port(&addrs[1], "127.0.0.1:1");
    netio_addr_parse(&addrs[2], "/run/x");
    netio_addr_local(&addrs[3], listener);
    is_int(netio_tcpopen_start_addrs(&machine, addrs, 4, &options, &error), 0, "addresses");
    while ((fd = netio_open_step(machine, &error)) == -EAGAIN) {
        netio_open_want(machine, &want);
        netio_want_poll(&want);
    }
    ok(fd >= 0, "one of them serves");
    is_int(netio_open_attempts(machine, &attempts), 2, "those of other families are passed over");
    is_int(attempts[0].code, -ECONNREFUSED, "the first one refuses");
    is_int(attempts[0].stage, NETIO_STAGE_CONNECT, "to connect");
    netio_open_free(machine);
    close(fd);
    is_int(netio_tcpopen_start_addrs(&machine, addrs, 1, &options, &error), NETIO_ENOADDRESS,
           "none is left");
    is_int(netio_tcpopen_start_addrs(&machine, NULL, 0, NULL, NULL), NETIO_ENOADDRESS,
           "none at all");
    ok(!machine, "and no machine");
    options.family = 99;
    is_int(netio_tcpopen_start_addrs(&machine, addrs, 4, &options, NULL), NETIO_EBADOPTION,
           "a family that is none");
    close(listener);
}

static int unix_here(const char *name, int type, struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)sizeof *un;

    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (name[0] == '@') {
        strcpy(un->sun_path + 1, name + 1);
        len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    } else
        snprintf(un->sun_path, sizeof un->sun_path, "%s/%s", folder, name);
    if (bind(fd, (struct sockaddr *)un, len) || (type == SOCK_STREAM && listen(fd, 1)))
        abort();
    return fd;
}

static void remove_path(const char *path)
{
    if (unlink(path) == -1)
        abort();
}

static const char *unix_opened(const char *path, const struct netio_open_options *options, int *fd)
{
    struct netio_error error = {0};

    *fd = netio_unixopen(path, options, &error);
    return said(*fd, &error);
}

static void check_unix(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(10)};
    struct sockaddr_un un;
    char name[64];
    int fd, cwd = open(".", O_PATH | O_CLOEXEC), listener = unix_here("s", SOCK_STREAM, &un);

    is_str(unix_opened(un.sun_path, &options, &fd), "opened", "a unix socket");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK,
       "close-on-exec and non-blocking");
    close(fd);
    is_int(chdir(folder), 0, "in its folder");
    is_str(unix_opened("s", NULL, &fd), "opened", "by a relative path");
    close(fd);
    is_int(fchdir(cwd), 0, "and back");
    close(cwd);
    close(listener);
    remove_path(un.sun_path);
    snprintf(name, sizeof name, "@netio-dial-%d", getpid());
    listener = unix_here(name, SOCK_STREAM, &un);
    is_str(unix_opened(name, NULL, &fd), "opened", "an abstract one");
    close(fd);
    close(listener);
}

static void check_forbidden(void)
{
    struct sockaddr_un un;
    int fd, listener = unix_here("forbidden", SOCK_STREAM, &un);

    if (chmod(un.sun_path, 0) == -1 || (geteuid() == 0 && seteuid(65534) == -1))
        abort();
    is_int((unix_opened(un.sun_path, NULL, &fd), fd), -EACCES, "no permission");
    if (getuid() == 0 && seteuid(0) == -1)
        abort();
    close(listener);
    remove_path(un.sun_path);
}

static void check_unix_failures(void)
{
    static const struct netio_open_options odd[] = {
        {.family = AF_INET}, {.source = "127.0.0.1"}, {.source_port = 1}, {.reserved = 1}};
    char path[128], expected[256], giant[10001];
    struct sockaddr_un un;
    int fd, there, listener = unix_here("gone", SOCK_STREAM, &un);

    close(listener);
    snprintf(expected, sizeof expected, "connect unix:%s: Connection refused", un.sun_path);
    is_str(unix_opened(un.sun_path, NULL, &fd), expected, "nobody listens");
    remove_path(un.sun_path);
    listener = unix_here("datagrams", SOCK_DGRAM, &un);
    is_int((unix_opened(un.sun_path, NULL, &fd), fd), -EPROTOTYPE, "a datagram socket");
    close(listener);
    remove_path(un.sun_path);
    snprintf(path, sizeof path, "%s/none", folder);
    snprintf(expected, sizeof expected, "connect unix:%s: No such file or directory", path);
    is_str(unix_opened(path, NULL, &fd), expected, "nothing there");
    there = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    is_int((unix_opened(path, NULL, &fd), fd), -ECONNREFUSED, "no socket");
    close(there);
    remove_path(path);
    check_forbidden();
    memset(giant, 'x', sizeof giant - 1);
    giant[sizeof giant - 1] = '\0';
    is_int((unix_opened(giant, NULL, &fd), fd), -ENAMETOOLONG, "a path too long");
    giant[108] = '\0';
    ok(strstr(unix_opened(giant, NULL, &fd), "xxx: File name too long"), "which is said");
    giant[107] = '\0';
    is_int((unix_opened(giant, NULL, &fd), fd), -ENOENT, "107 bytes fit");
    is_str(unix_opened("", NULL, &fd), "connect: not a valid address", "an empty path");
    is_str(unix_opened("@", NULL, &fd), "connect @: not a valid address", "an empty name");
    for (size_t i = 0; i < 4; i++)
        is_int((unix_opened("/x", &odd[i], &fd), fd), NETIO_EBADOPTION, "option %zu", i);
}

/* Fills a listener's queue; the descriptors that do. */
static int fill(const char *path, int filling[8])
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.05)};
    int count = 0;

    while (count < 8 && (filling[count] = netio_unixopen(path, &options, NULL)) >= 0)
        count++;
    is_int(filling[count], -ETIMEDOUT, "a queue that is full after %d: the deadline", count);
    return count;
}

static void check_unix_full(void)
{
    struct netio_open *machine;
    struct netio_want want;
    struct sockaddr_un un;
    int filling[8], listener = unix_here("full", SOCK_STREAM, &un);
    int count = fill(un.sun_path, filling);

    netio_unixopen_start(&machine, un.sun_path, NULL, NULL);
    is_int(netio_open_step(machine, NULL), -EAGAIN, "the next one waits");
    netio_open_want(machine, &want);
    ok(want.fd == -1 && want.deadline > NETIO_NOW, "for nothing but the time");
    is_int(netio_open_step(machine, NULL), -EAGAIN, "stepping early does no harm");
    close(accept(listener, NULL, NULL));
    int fd;
    while ((fd = netio_open_step(machine, NULL)) == -EAGAIN) {
        netio_open_want(machine, &want);
        is_int(netio_want_poll(&want), 0, "a while passes");
    }
    ok(fd >= 0, "and is served when there is room");
    netio_open_free(machine);
    close(fd);
    while (count > 0)
        close(filling[--count]);
    close(listener);
    remove_path(un.sun_path);
}

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

    if (!mkdtemp(folder))
        abort();
    check_source();
    check_bad_options();
    check_source_family();
    check_socket_options();
    check_udp();
    check_addrs();
    check_unix();
    check_unix_failures();
    check_unix_full();
    in_own_network(walk_reserved, 5);
    in_own_network(walk_listeners, 5);
    in_own_network(walk_unprivileged, 4);
    is_int(rmdir(folder), 0, "nor in the folder");
    is_int(open_descriptors(), before + ports_locked, "and nothing is left open");
    return tap_done();
}
