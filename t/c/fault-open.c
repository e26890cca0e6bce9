/* Every call that tcpopen and a stream make fails in turn: a connection to an address, one to
 * localhost, and a conversation over it; a race, a reserved port, a datagram socket, a unix
 * socket (A25, A26). */
#include "fault.h"
#include "hurry.h"

#include <netio/error.h>
#include <netio/open.h>
#include <netio/stream.h>

#include <linux/filter.h>

static int listener, mute;
static const char *host;
static char service[16];

static void listen_here(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&in, sizeof in) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&in, &len))
        abort();
    sprintf(service, "%d", ntohs(in.sin_port));
}

/* Drops the connections of earlier runs that failed after the handshake. */
static void drop_queued(void)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        netio_fd_close(fd);
}

static int known(long code)
{
    return code >= 0 || strcmp(netio_error_name((int)code), "UNKNOWN") != 0;
}

/* A peer that says two lines, the second without an end; or, when mute, nothing. */
static int answer(void)
{
    int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (peer >= 0 && !mute &&
        (send(peer, "hello\nworld", 11, 0) != 11 || shutdown(peer, SHUT_WR) != 0))
        abort();
    return peer;
}

static int converse(int fd)
{
    netio_deadline deadline = netio_deadline_in(mute ? 0.01 : 0.05);
    struct netio_stream *stream;
    char *line, octets[8];
    size_t got;

    if (netio_stream_new_take(&stream, fd, 0) < 0)
        return 0;
    int wrong = !known(netio_stream_write_at(stream, "query\r\n", 7, &got, deadline)) || got > 7;
    long n = netio_stream_line_at(stream, &line, deadline);
    wrong += !known(n) || (n >= 0 && strcmp(line, "hello") != 0);
    /* Octets go on where the line ended, or where it would have begun. */
    const char *rest = n >= 0 ? "wor" : "hel";
    n = netio_stream_octets_at(stream, octets, 3, &got, deadline);
    wrong += !known(n) || (n == 0) != (got == 3) || memcmp(octets, rest, got) != 0;
    wrong += !known(netio_stream_finish_at(stream, deadline));
    return wrong;
}

static int talk(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.05)};
    struct netio_error error = {0};
    char text[320];

    fault_off();
    drop_queued();
    fault_on();
    int fd = netio_tcpopen(host, service, &options, &error);
    if (fd < 0)
        return error.code != fd || !known(fd) || !*netio_error_str(&error, text, sizeof text);
    fault_off();
    int peer = answer();
    fault_on();
    int wrong = peer < 0 ? 1 : converse(fd);
    netio_fd_close(peer);
    return wrong;
}

/* Nothing but its end can end it: it may neither wait for ever nor spin. */
static int open_for_ever(void)
{
    struct netio_error error = {0};

    fault_off();
    drop_queued();
    fault_on();
    int fd = netio_tcpopen(host, service, NULL, &error);
    netio_fd_close(fd);
    return fd < 0 && (error.code != fd || !known(fd));
}

/* The machine, cancelled in the middle. */
static int cancel(void)
{
    struct netio_open *machine;
    struct netio_want want;

    if (netio_tcpopen_start(&machine, host, service, NULL, NULL) < 0)
        return 0;
    int fd = netio_open_step(machine, NULL);
    netio_open_want(machine, &want);
    netio_open_free(machine);
    if (fd >= 0)
        netio_fd_close(fd);
    return !known(fd);
}

/* ---- several addresses ------------------------------------------------------------------ */

enum { HOLE, REFUSING, SECOND_HOLE, SERVING, ADDRS };

static struct netio_addr addrs[ADDRS];

/* A listener that sees no packet. */
static void put_hole(struct netio_addr *addr, const char *host_port)
{
    struct sock_filter drop = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog program = {.len = 1, .filter = &drop};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    netio_addr_parse(addr, host_port);
    if (bind(fd, &addr->u.sa, addr->len) || listen(fd, 1) || netio_addr_local(addr, fd) ||
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program))
        abort();
}

static void set_up_race(void)
{
    put_hole(&addrs[HOLE], "127.0.0.2");
    put_hole(&addrs[SECOND_HOLE], "127.0.0.3");
    netio_addr_parse_port(&addrs[REFUSING], "127.0.0.4:1");
    netio_addr_local(&addrs[SERVING], listener);
}

static int drive(struct netio_open *machine, struct netio_error *error)
{
    struct netio_want want;
    int code;

    while ((code = netio_open_step(machine, error)) == -EAGAIN) {
        netio_open_want(machine, &want);
        code = netio_want_poll(&want);
        if (code && code != -EINTR)
            return netio_error_set(error, NETIO_STAGE_CONNECT, code, NULL, NULL);
    }
    return code;
}

/* The deadline makes it hurry: the turns come every 10 ms. */
static int race(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.03)};
    const struct netio_attempt *attempts;
    struct netio_error error = {0};
    struct netio_open *machine;

    fault_off();
    drop_queued();
    fault_on();
    int fd = netio_tcpopen_start_addrs(&machine, addrs, ADDRS, &options, &error);
    if (fd < 0)
        return !known(fd) || machine;
    fd = drive(machine, &error);
    int wrong = fd < 0 && (error.code != fd || !known(fd) || fd == -EAGAIN);
    size_t count = netio_open_attempts(machine, &attempts), served = 0;
    for (size_t i = 0; i < count; i++) {
        wrong += !known(attempts[i].code);
        served += attempts[i].code == 0;
    }
    /* poll(2) may have failed while some were on their way. */
    wrong += fd >= 0 && served != 1;
    netio_open_free(machine);
    netio_fd_close(fd);
    return wrong;
}

/* Cancelled while two are on their way. */
static int cancel_race(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.03)};
    struct netio_open *machine;
    struct netio_want want;

    if (netio_tcpopen_start_addrs(&machine, addrs, ADDRS, &options, NULL) < 0)
        return 0;
    int fd = netio_open_step(machine, NULL);
    for (int i = 0; i < 2 && fd == -EAGAIN; i++) {
        netio_open_want(machine, &want);
        (void)netio_want_poll(&want);
        fd = netio_open_step(machine, NULL);
    }
    netio_open_free(machine);
    if (fd >= 0)
        netio_fd_close(fd);
    return !known(fd);
}

/* ---- other sockets ---------------------------------------------------------------------- */

static int finished(int fd, const struct netio_error *error)
{
    netio_fd_close(fd);
    return fd < 0 && (error->code != fd || !known(fd) || fd == -EAGAIN);
}

static int prepare(int fd, const struct netio_addr *to, void *data)
{
    (void)to;
    (void)data;
    return setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &(int){1}, sizeof(int)) == -1 ? -errno : 0;
}

static int reserve(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.05), .reserved = 1,
                                         .source = "127.0.0.1", .keepalive = 1, .nodelay = 1,
                                         .prepare = prepare};
    struct netio_error error = {0};

    fault_off();
    drop_queued();
    fault_on();
    return finished(netio_tcpopen("127.0.0.1", service, &options, &error), &error);
}

static int ask_udp(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.05),
                                         .source = "127.0.0.1"};
    struct netio_error error = {0};

    return finished(netio_udpopen("localhost", "53", &options, &error), &error);
}

/* An abstract name: nothing is left of it but the descriptor. */
static int unix_listener;
static char unix_name[32];

static void listen_unix(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = (size_t)snprintf(unix_name, sizeof unix_name, "@netio-fault-%d", getpid());

    memcpy(un.sun_path + 1, unix_name + 1, len - 1);
    unix_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(unix_listener, (struct sockaddr *)&un,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) ||
        listen(unix_listener, 64))
        abort();
}

static int talk_unix(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.05)};
    struct netio_error error = {0};
    int wrong = finished(netio_unixopen(unix_name, &options, &error), &error);

    fault_off();
    netio_fd_close(accept4(unix_listener, NULL, NULL, SOCK_CLOEXEC));
    fault_on();
    return wrong;
}

int main(void)
{
    listen_here();
    host = "127.0.0.1";
    fault_walk("an address", talk);
    fault_walk("an address, no deadline", open_for_ever);
    fault_walk("cancelled", cancel);
    mute = 1;
    fault_walk("a mute peer", talk);
    mute = 0;
    host = "localhost";
    fault_walk("localhost", talk);
    set_up_race();
    fault_walk("a race", race);
    fault_walk("a race, cancelled", cancel_race);
    fault_walk("a reserved port", reserve);
    fault_walk("a datagram socket", ask_udp);
    listen_unix();
    fault_walk("a unix socket", talk_unix);
    return tap_done();
}
