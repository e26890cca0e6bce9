/* Tests of netio/sandbox.h: what can be done with sockets in it, and what cannot: new ones, those
 * that were there before, and those that are accepted. */
#include "tries.h"

#include <netio/fd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

static int try_socket(int family, int type)
{
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    netio_fd_close(fd);
    return of(fd);
}

static int try_tcp(void)
{
    return try_socket(AF_INET, SOCK_STREAM);
}

static int try_udp6(void)
{
    return try_socket(AF_INET6, SOCK_DGRAM);
}

static int try_netlink(void)
{
    return try_socket(AF_NETLINK, SOCK_RAW);
}

static int try_unix_stream(void)
{
    return try_socket(AF_UNIX, SOCK_STREAM);
}

static int try_unix_packets(void)
{
    return try_socket(AF_UNIX, SOCK_SEQPACKET);
}

static int try_unix_datagrams(void)
{
    return try_socket(AF_UNIX, SOCK_DGRAM);
}

/* A listener and a client of it, made before the sandbox. */
static int listener, client;
static struct sockaddr_in there;

static void make_sockets(void)
{
    socklen_t len = sizeof there;

    there = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&there, sizeof there) == -1 ||
        setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, sizeof(int)) == -1 ||
        listen(listener, 5) == -1 || getsockname(listener, (struct sockaddr *)&there, &len) == -1 ||
        connect(client, (struct sockaddr *)&there, sizeof there) == -1)
        fail("a listener and a client");
}

/* An accepted connection, dissolved: a TCP socket without socket(2). */
static int dissolve(void)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    return fd == -1 || connect(fd, &none, sizeof none) == -1 ? -1 : fd;
}

static int try_connect_again(void)
{
    int fd = dissolve();

    return fd == -1 ? 99 : of(connect(fd, (struct sockaddr *)&there, sizeof there));
}

static int try_fast_open(void)
{
    int fd = dissolve();

    return fd == -1 ? 99
                    : of(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&there, sizeof there));
}

static int try_fast_open_message(void)
{
    struct iovec part = {"x", 1};
    struct msghdr message = {&there, sizeof there, &part, 1, NULL, 0, 0};
    int fd = dissolve();

    return fd == -1 ? 99 : of(sendmsg(fd, &message, MSG_FASTOPEN));
}

static int try_bind_again(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = dissolve();

    return fd == -1 ? 99 : of(bind(fd, (struct sockaddr *)&any, sizeof any));
}

static int echo(int fd)
{
    char data[8];

    if (send(client, "hello", 5, MSG_NOSIGNAL) != 5 || recv(fd, data, sizeof data, 0) != 5 ||
        send(fd, data, 5, MSG_NOSIGNAL) != 5 || recv(client, data, sizeof data, 0) != 5)
        return errno;
    return of(shutdown(fd, SHUT_WR));
}

static int try_serve(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int loop = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) == -1 ||
        epoll_wait(loop, &event, 1, 1000) != 1)
        return errno;
    int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
    if (fd == -1 || getpeername(fd, (struct sockaddr *)&peer, &len) == -1)
        return errno;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == -1)
        return errno;
    return echo(fd);
}

static int try_sendfile(void)
{
    int file = open(in(readable, "file"), O_RDONLY | O_CLOEXEC);

    return file == -1 ? errno : of(sendfile(client, file, NULL, 5));
}

static const struct row table[] = {
    {"a TCP socket", try_tcp, 0, EPERM, SYSCALLS},
    {"a UDP socket", try_udp6, ANY, EPERM, SYSCALLS},
    {"a netlink socket", try_netlink, 0, EPERM, SYSCALLS},
    {"a stream of AF_UNIX", try_unix_stream, 0, EPERM, SYSCALLS},
    {"packets of AF_UNIX", try_unix_packets, 0, EPERM, SYSCALLS},
    {"datagrams of AF_UNIX", try_unix_datagrams, 0, 0, 0},
    {"to connect an accepted socket to elsewhere", try_connect_again, 0, EACCES, NETWORK},
    {"the same by TCP Fast Open", try_fast_open, 0, ENOSYS, SYSCALLS},
    {"the same in a message", try_fast_open_message, 0, ENOSYS, SYSCALLS},
    {"to bind an accepted socket", try_bind_again, 0, EACCES, NETWORK},
    {"to accept, and to serve", try_serve, 0, 0, 0},
    {"sendfile", try_sendfile, 0, 0, 0},
};

int main(void)
{
    return run_tries(table, sizeof table / sizeof *table, make_sockets);
}
