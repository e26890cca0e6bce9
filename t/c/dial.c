/* This end of a connection: its address and port, options of sockets, and whose addresses it tries;
 * and datagrams. */
#include "dialling.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

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

int main(void)
{
    int before = open_descriptors();

    check_source();
    check_bad_options();
    check_source_family();
    check_socket_options();
    check_udp();
    check_addrs();
    nothing_is_left(before);
    return tap_done();
}
