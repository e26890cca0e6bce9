/* t/c/planned.h: servers that answer over UDP as they are planned to, and a question to them.
 *
 * The sockets are real, on the loopback; the clock is not: poll(2), here in place of the C
 * library's, lets the servers answer and, when nothing comes of that, moves the clock to where
 * the wait would have ended.
 */
#ifndef PLANNED_H
#define PLANNED_H

#include "tap.h"

#include <netio/udp.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PLANNED __attribute__((unused)) static

#define MS      1000000LL
#define SERVERS 4
#define BIG     65507

/* What each of them does with its first request, its second, ...; the last goes on for ever:
 * x nothing, r "ok", i "no", I "no" and then "ok", z nothing in a datagram, b a big one,
 * w "ok" from another port, a "ok" from another address, d "ok" twice, f a hundred "no",
 * l "ok" once another server is asked. */
struct server {
    int fd, requests;
    unsigned port;
    const char *plan;
    struct sockaddr_in late; /* who gets an answer later */
};

static struct server servers[SERVERS];
static int stranger, neighbour; /* other sockets to answer from */
static int64_t fake;            /* nanoseconds; 0: the real clock */
static int64_t began;
static char seen[1024];         /* "A0 B1000 ": server and milliseconds of each request */

int clock_gettime(clockid_t which, struct timespec *now)
{
    if (!fake)
        return (int)syscall(SYS_clock_gettime, which, now);
    now->tv_sec = fake / (1000 * MS);
    now->tv_nsec = fake % (1000 * MS);
    return 0;
}

PLANNED int udp_socket(const char *host, unsigned port)
{
    struct netio_addr addr;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (netio_addr_parse(&addr, host) < 0)
        abort();
    netio_addr_set_port(&addr, port);
    if (fd == -1 || bind(fd, &addr.u.sa, addr.len) == -1)
        abort();
    return fd;
}

PLANNED unsigned port_of(int fd)
{
    struct netio_addr addr;

    return netio_addr_local(&addr, fd) == 0 ? netio_addr_port(&addr) : 0;
}

PLANNED void tell(int fd, const struct sockaddr_in *to, const char *text, size_t len)
{
    (void)sendto(fd, text, len, 0, (const struct sockaddr *)to, sizeof *to);
}

PLANNED void act(struct server *server, char what, const struct sockaddr_in *to)
{
    static char big[BIG];

    for (int i = 0; what == 'f' && i < 100; i++)
        tell(server->fd, to, "no", 2);
    if (what == 'i' || what == 'I')
        tell(server->fd, to, "no", 2);
    if (what == 'r' || what == 'I' || what == 'd')
        tell(server->fd, to, "ok", 2);
    if (what == 'd')
        tell(server->fd, to, "ok", 2);
    if (what == 'z')
        tell(server->fd, to, "", 0);
    if (what == 'b')
        tell(server->fd, to, memset(big, 'b', sizeof big), sizeof big);
    if (what == 'w')
        tell(stranger, to, "ok", 2);
    if (what == 'a')
        tell(neighbour, to, "ok", 2);
    if (what == 'l')
        server->late = *to;
}

PLANNED void serve_one(struct server *server)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    static char request[BIG + 1];

    while (recvfrom(server->fd, request, sizeof request, 0, (struct sockaddr *)&from, &len) >= 0) {
        size_t used = strlen(seen), last = strlen(server->plan) - 1;
        snprintf(seen + used, sizeof seen - used, "%c%lld ", 'A' + (int)(server - servers),
                 (long long)((netio_clock_now() - began) / MS + 5) / 10 * 10);
        for (size_t i = 0; i < SERVERS; i++)
            if (servers[i].late.sin_port && &servers[i] != server) {
                tell(servers[i].fd, &servers[i].late, "ok", 2);
                servers[i].late.sin_port = 0;
            }
        size_t n = (size_t)server->requests++;
        act(server, server->plan[n < last ? n : last], &from);
    }
}

PLANNED void serve(void)
{
    for (size_t i = 0; i < SERVERS; i++)
        if (servers[i].plan)
            serve_one(&servers[i]);
}

/* By another name here: the C library's poll may be inline, and clang then takes this for inline. */
int planned_poll(struct pollfd *fds, nfds_t n, int timeout) __asm__("poll");

int planned_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (!fake)
        return (int)syscall(SYS_poll, fds, n, timeout);
    serve();
    int ready = (int)syscall(SYS_poll, fds, n, 0);
    if (ready == 0 && timeout < 0) {
        diag("waits for ever");
        abort();
    }
    if (ready == 0)
        fake += timeout * MS;
    return ready;
}

/* Servers with those plans; one that is NULL refuses. */
PLANNED void begin(const char *const plans[SERVERS])
{
    const struct sockaddr_in nobody = {
        .sin_family = AF_INET, .sin_port = 9, .sin_addr.s_addr = htonl(0x7f000009)};

    seen[0] = '\0';
    for (size_t i = 0; i < SERVERS; i++) {
        servers[i] = (struct server){.fd = udp_socket("127.0.0.1", 0), .plan = plans[i]};
        servers[i].port = port_of(servers[i].fd);
        /* Connected to somebody else, it makes the kernel refuse what others send. */
        if (!plans[i] && connect(servers[i].fd, (const void *)&nobody, sizeof nobody) == -1)
            abort();
    }
    stranger = udp_socket("127.0.0.1", 0);
    neighbour = udp_socket("127.0.0.2", servers[0].port);
    fake = began = 1000000 * MS;
}

PLANNED void end(void)
{
    fake = 0;
    /* First, for it has the port of a server: who gets that port may want this one, too. */
    close(neighbour);
    for (size_t i = 0; i < SERVERS; i++)
        close(servers[i].fd);
    close(stranger);
}

static char names[SERVERS][32];
static const char *list[SERVERS];

PLANNED struct netio_udp_question question(size_t count)
{
    for (size_t i = 0; i < SERVERS; i++) {
        snprintf(names[i], sizeof names[i], "127.0.0.1:%u", servers[i].port);
        list[i] = names[i];
    }
    return (struct netio_udp_question){.servers = list, .count = count, .request = "?", .size = 1};
}

/* Runs the machine, and writes down how it ended: who answered or why not, and when. */
PLANNED void run(const struct netio_udp_question *asked, const struct netio_udp_options *options,
                 char *out, size_t size)
{
    const struct netio_udp_attempt *attempts;
    struct netio_error error = {0};
    struct netio_udp_ask *ask;
    struct netio_addr from = {0};
    struct netio_want want;
    const char *answer = "";
    ssize_t n = netio_udp_ask_start(&ask, asked, options, &error);

    while (n == 0 && (n = netio_udp_ask_step(ask, &answer, &from, &error)) == -EAGAIN) {
        netio_udp_ask_want(ask, &want);
        n = netio_want_poll(&want);
    }
    int used = snprintf(out, size, "%s@%lld", n >= 0 ? "answer" : netio_error_name((int)n),
                        (long long)((netio_clock_now() - began) / MS + 5) / 10 * 10);
    size_t count = ask ? netio_udp_ask_attempts(ask, &attempts) : 0;
    for (size_t i = 0; i < count; i++)
        used += snprintf(out + used, size - (size_t)used, " %s%s",
                         attempts[i].code ? netio_error_name(attempts[i].code) : "it",
                         attempts[i].invalid ? "!" : "");
    if (n >= 0)
        snprintf(out + used, size - (size_t)used, " %.*s", n > 9 ? 9 : (int)n, answer);
    netio_udp_ask_free(ask);
}

#endif
