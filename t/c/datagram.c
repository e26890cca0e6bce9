/* Tests of the datagrams of netio/server.h: what is handed over, where answers come from, what is
 * dropped, and what else the server does meanwhile.  D18 of the fault catalogue. */
#include "scripted.h"
#include "server/engine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>

static char got[65536];
static size_t got_len;

/* Answers with what it was told, and says from whom to where. */
static void answer(const struct netio_datagram *datagram)
{
    char peer[NETIO_ADDR_STRLEN], local[NETIO_ADDR_STRLEN];

    memcpy(got, datagram->data, datagram->len);
    got_len = datagram->len;
    ok(datagram->server == server, "whose it is");
    is_int(datagram->data[datagram->len], 0, "a NUL behind it");
    memset(datagram->data, 'x', datagram->len);
    netio_addr_host_str(datagram->peer, peer, sizeof peer);
    netio_addr_host_str(datagram->local, local, sizeof local);
    note("%zu(%s>%s) ", datagram->len, peer, local);
    if (datagram->broadcast)
        note("broadcast ");
    int code = netio_datagram_reply(datagram, got, got_len);
    if (code)
        note("reply(%s) ", netio_error_name(code));
}

static void tell_refused(struct netio_server *which, const struct netio_addr *peer,
                         enum netio_refused why, unsigned long count)
{
    (void)peer;
    is_int(netio_server_refused_fd(which), -1, "a datagram has no connection");
    note("refused(%s %lu) ", netio_refused_str(why), count);
}

static const struct netio_server_handlers handlers = {.on_datagram = answer,
                                                      .on_line = answer_line,
                                                      .on_refused = tell_refused,
                                                      .on_trouble = tell_trouble};

/* A server on one more address: the number of its listener, or -1. */
static int also_on(const char *address)
{
    struct netio_error error;
    char text[640];
    int n = 0;

    while (netio_server_address(server, (size_t)n))
        n++;
    if (netio_server_listen(server, address, &error) == 0)
        return n;
    diag("%s", netio_error_str(&error, text, sizeof text));
    return -1;
}

/* A client's socket, bound to an address of its own and connected to nobody, or -1. */
static int bound(const char *host)
{
    struct netio_addr addr;

    netio_addr_parse(&addr, host);
    int fd = socket(netio_addr_family(&addr), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1 || bind(fd, &addr.u.sa, addr.len) == -1)
        return -1;
    return fd;
}

/* To the port of a listener at another of the machine's addresses. */
static void send_to(int fd, const char *host, int listener, const void *data, size_t len)
{
    struct netio_addr to;

    netio_addr_parse(&to, host);
    netio_addr_set_port(&to, netio_addr_port(netio_server_address(server, (size_t)listener)));
    is_int(sendto(fd, data, len, 0, &to.u.sa, to.len), len, "%zu bytes sent to %s", len, host);
}

/* The answer that has come, and the host it comes from. */
static ssize_t hear_from(int fd, char *data, size_t size, char *host)
{
    struct netio_addr from = {.len = sizeof from.u};
    ssize_t n = recvfrom(fd, data, size, 0, &from.u.sa, &from.len);

    netio_addr_host_str(&from, host, NETIO_ADDR_STRLEN);
    return n;
}

static const struct {
    const char *client, *listen, *to;
} ways[] = {
    {"127.0.0.1", "udp:127.0.0.1:0", "127.0.0.1"},
    {"127.0.0.1", "udp:*:0", "127.0.0.1"},
    {"127.0.0.1", "udp:*:0", "127.0.0.2"},
    {"127.0.0.3", "udp:*:0", "127.1.2.3"},
    {"::1", "udp:*:0", "::1"},
    {"::1", "udp:[::1]:0", "::1"},
};

/* Who asked 127.0.0.2 would take an answer from 127.0.0.1 for somebody else's. */
static void test_addresses(void)
{
    char data[64], from[NETIO_ADDR_STRLEN], want[2 * NETIO_ADDR_STRLEN];

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        serve(&handlers, NULL);
        int listener = also_on(ways[i].listen), fd = bound(ways[i].client);
        /* Of both families the IPv6 one comes first. */
        if (!strchr(ways[i].to, ':') && netio_server_address(server, (size_t)listener + 1))
            listener++;
        send_to(fd, ways[i].to, listener, "hello", 5);
        snprintf(want, sizeof want, "5(%s>%s) ", ways[i].client, ways[i].to);
        until_seen(") ");
        is_str(seen, want, "%s to %s: what the handler is told", ways[i].listen, ways[i].to);
        is_int(hear_from(fd, data, sizeof data, from), 5, "an answer");
        is_str(from, ways[i].to, "from the address that was asked");
        netio_fd_close(fd);
        end_server();
    }
}

/* What was sent to several machines at once is marked: inetd.md R1. */
static void test_broadcast(void)
{
    const struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xe0000003),
                                   .imr_address.s_addr = htonl(INADDR_LOOPBACK)};
    static const char *const shared[] = {"127.255.255.255", "255.255.255.255", "224.0.0.3"};
    int on = 1;

    serve(&handlers, NULL);
    int taken = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd = bound("127.0.0.1");
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (bind(taken, (struct sockaddr *)&any, sizeof any) == -1 ||
        setsockopt(taken, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == -1 ||
        netio_server_listen_take(server, taken) ||
        setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) == -1 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof "lo") == -1)
        skip(6, "sockets on the loopback device: %s", strerror(errno));
    else
        for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
            char want[64];
            forget();
            send_to(fd, shared[i], 1, "a", 1);
            snprintf(want, sizeof want, "1(127.0.0.1>%s) broadcast ", shared[i]);
            until_seen(") ");
            is_str(seen, want, "to %s", shared[i]);
        }
    netio_fd_close(fd);
    end_server();
}

/* A dual-stack socket, as a service manager may pass one. */
static void test_mapped(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    char data[64], from[NETIO_ADDR_STRLEN];
    int off = 0;

    serve(&handlers, NULL);
    int taken = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(taken, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(taken, (struct sockaddr *)&any, sizeof any) == -1 ||
        netio_server_listen_take(server, taken))
        fail("a socket is taken over: %s", strerror(errno));
    int fd = bound("127.0.0.1");
    send_to(fd, "127.0.0.2", 1, "hello", 5);
    until_seen(") ");
    is_str(seen, "5(127.0.0.1>127.0.0.2) ", "IPv4 on an IPv6 socket is IPv4");
    is_int(hear_from(fd, data, sizeof data, from), 5, "an answer");
    is_str(from, "127.0.0.2", "from the address that was asked");
    netio_fd_close(fd);
    end_server();
}

/* D18: one datagram, one decision, whatever its length. */
static void test_lengths(void)
{
    static const size_t lengths[] = {0, 1, 1472, 1473, 65506, 65507};
    static char sent[65507], data[65536];
    char from[NETIO_ADDR_STRLEN], name[32];

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7);
    serve(&handlers, NULL);
    int listener = also_on("udp:127.0.0.1:0"), fd = bound("127.0.0.1");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t len = lengths[i];
        forget();
        send_to(fd, "127.0.0.1", listener, sent, len);
        until_seen(") ");
        is_mem(got, got_len, sent, len, "D18: %zu bytes arrive", len);
        is_int(hear_from(fd, data, sizeof data, from), len, "D18: and go back");
        snprintf(name, sizeof name, "%zu(127.0.0.1>127.0.0.1) ", len);
        is_str(seen, name, "D18: once");
    }
    struct netio_server_status status;
    netio_server_status(server, &status);
    is_int(status.datagrams, 6, "six were served");
    is_int(status.accepted, 0, "and no connection");
    netio_fd_close(fd);
    end_server();
}

/* One that does not fit is none: a unix socket takes longer ones than UDP. */
static void test_truncated(void)
{
    static const char first[] = "trouble(NETIO_ETOOLONG) 65535(";
    static char sent[100000];
    char folder[] = "/tmp/netio-datagram-XXXXXX", address[80];
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (!mkdtemp(folder))
        fail("a folder: %s", strerror(errno));
    serve(&handlers, NULL);
    snprintf(address, sizeof address, "unix-dgram:%s/s", folder);
    is_int(also_on(address), 1, "a unix socket for datagrams");
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    is_int(connect(fd, (struct sockaddr *)&un, sizeof un), 0, "a client without a name");
    is_int(send(fd, sent, sizeof sent, 0), sizeof sent, "100,000 bytes");
    is_int(send(fd, sent, 65535, 0), 65535, "65,535 bytes");
    is_int(send(fd, sent, 65536, 0), 65536, "65,536 bytes");
    until_seen(" 65535(");
    run_dry();
    is_int(send(fd, "ok", 2, 0), 2, "two bytes");
    until_seen(" 2(");
    ok(strncmp(seen, first, sizeof first - 1) == 0 && !has_seen(" 65536("),
       "D18: longer than the buffer: dropped, and told of: %s", seen);
    ok(has_seen("reply(ENOTCONN)"), "who has no name can have no answer");
    netio_fd_close(fd);
    end_server();
    is_int(rmdir(folder), 0, "nothing is left behind");
}

/* D18: a client that is gone, so that answers come back as ICMP errors. */
static void test_gone(void)
{
    char data[16], from[NETIO_ADDR_STRLEN];

    serve(&handlers, NULL);
    int listener = also_on("udp:127.0.0.1:0");
    for (int i = 0; i < 3; i++) {
        int gone = bound("127.0.0.1");
        send_to(gone, "127.0.0.1", listener, "bye", 3);
        netio_fd_close(gone);
        run_dry();
    }
    int fd = bound("127.0.0.1");
    send_to(fd, "127.0.0.1", listener, "hello", 5);
    until_seen("5(");
    is_int(hear_from(fd, data, sizeof data, from), 5, "D18: others are answered");
    ok(!has_seen("trouble"), "D18: and nothing is wrong: %s", seen);
    netio_fd_close(fd);
    end_server();
}

/* D19: rules and rates are asked for each of them. */
static void test_policy(void)
{
    struct netio_access *access = NULL;
    struct netio_limit *limit = NULL;
    struct netio_limit_options limits = {.source_rate = {.count = 2, .seconds = 3600}};
    struct netio_server_status status;
    char data[16], from[NETIO_ADDR_STRLEN];

    if (netio_access_new(&access) || netio_access_add(access, "deny 127.0.0.66", NULL) ||
        netio_limit_new(&limit, &limits))
        fail("rules and limits");
    struct netio_server_options options = {.access = access, .limit = limit};
    serve(&handlers, &options);
    int listener = also_on("udp:*:0") + 1, denied = bound("127.0.0.66"), fd = bound("127.0.0.1");
    for (int i = 0; i < 3; i++) {
        send_to(denied, "127.0.0.1", listener, "a", 1);
        send_to(fd, "127.0.0.1", listener, "bc", 2);
    }
    run_dry();
    is_str(seen, "refused(access 1) 2(127.0.0.1>127.0.0.1) 2(127.0.0.1>127.0.0.1) refused(rate 1) ",
           "D19: two of six are served");
    is_int(hear_from(denied, data, sizeof data, from), -1, "who may not is not answered");
    netio_server_status(server, &status);
    is_int(status.datagrams, 2, "counted");
    is_int(status.refused[NETIO_REFUSED_ACCESS], 3, "so are those by rules");
    is_int(status.refused[NETIO_REFUSED_RATE], 1, "and by rates");
    netio_fd_close(denied);
    netio_fd_close(fd);
    end_server();
    netio_limit_free(limit);
    netio_access_free(access);
}

/* They need no place. */
static void test_full_house(void)
{
    struct netio_server_options options = {.max_connections = 1};
    struct client first, second;

    serve(&handlers, &options);
    int listener = also_on("udp:127.0.0.1:0"), fd = bound("127.0.0.1");
    client_open(&first, 0, 0);
    client_open(&second, 0, 0);
    until_seen("trouble(NETIO_EFULL)");
    send_to(fd, "127.0.0.1", listener, "a", 1);
    until_seen("1(");
    int also = also_on("udp:127.0.0.1:0");
    send_to(fd, "127.0.0.1", also, "bc", 2);
    until_seen("2(");
    pass("served in a full house, on listeners of before and of now");
    client_close(&first);
    say(&second, "hello\n");
    hears(&second, "<hello>\n", 0, "then the next connection is");
    client_close(&second);
    netio_fd_close(fd);
    end_server();
}

static int send_refused(int fd)
{
    struct netio_addr gone;
    int other = bound("127.0.0.1");

    if (netio_addr_local(&gone, other))
        return -1;
    netio_fd_close(other);
    return connect(fd, &gone.u.sa, gone.len) == -1 || send(fd, "x", 1, 0) == -1 ? -errno : 0;
}

/* Nor does a socket that had trouble wait for a place before it goes on. */
static void test_trouble_in_full_house(void)
{
    struct netio_server_options options = {.max_connections = 1};
    struct client first, second;
    struct netio_addr local;
    int own = bound("127.0.0.1"), fd = bound("127.0.0.1"), same = dup(own);

    serve(&handlers, &options);
    is_int(netio_server_listen_take(server, own), 0, "a socket for datagrams");
    client_open(&first, 0, 0);
    client_open(&second, 0, 0);
    until_seen("trouble(NETIO_EFULL)");
    is_int(send_refused(same), 0, "an error waits in it");
    until_seen("trouble(ECONNREFUSED)");
    netio_addr_local(&local, fd);
    is_int(connect(same, &local.u.sa, local.len), 0, "and goes");
    send_to(fd, "127.0.0.1", 1, "a", 1);
    until_seen("1(");
    ok(has_seen("1("), "it rested, and serves again while the house is full");
    client_close(&first);
    client_close(&second);
    netio_fd_close(same);
    netio_fd_close(fd);
    end_server();
}

static void stop_server(const struct netio_datagram *datagram)
{
    note("%.*s ", (int)datagram->len, datagram->data);
    netio_server_stop(server, NETIO_NOW);
}

static void test_stop(void)
{
    struct netio_server_handlers stopping = {.on_datagram = stop_server};

    serve(&stopping, NULL);
    int listener = also_on("udp:127.0.0.1:0"), fd = bound("127.0.0.1");
    send_to(fd, "127.0.0.1", listener, "stop", 4);
    send_to(fd, "127.0.0.1", listener, "more", 4);
    is_int(netio_server_run(server), 0, "it stops");
    is_str(seen, "stop ", "in the handler, and no other is called");
    netio_fd_close(fd);
    end_server();
}

static void test_refusals(void)
{
    struct netio_server_handlers streams = {.on_line = answer_line};
    struct netio_error error;
    char text[640];

    serve(&streams, NULL);
    is_int(netio_server_listen(server, "udp:127.0.0.1:0", &error), -EOPNOTSUPP,
           "no handler for datagrams: refused at once");
    ok(strstr(netio_error_str(&error, text, sizeof text), "listen 127.0.0.1:"), "%s", text);
    int fd = bound("127.0.0.1");
    is_int(netio_server_listen_take(server, fd), -EOPNOTSUPP, "so is one that is passed");
    is_int(fcntl(fd, F_GETFD), FD_CLOEXEC, "which is left alone");
    ok(!netio_server_address(server, 1), "nothing was opened");
    netio_fd_close(fd);
    end_server();
}

int main(void)
{
    test_addresses();
    test_broadcast();
    test_mapped();
    test_lengths();
    test_truncated();
    test_gone();
    test_policy();
    test_full_house();
    test_trouble_in_full_house();
    test_stop();
    test_refusals();
    return tap_done();
}
