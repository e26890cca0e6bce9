/* connector: the least that opening connections by the thousand can take, as a measure for what
 * does more.  One epoll; one address, no deadlines, no errors told apart.
 *
 *      connector PORT CONNECTIONS TIMES
 *
 * does and prints what opener.c does and prints. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int begin(int epoll, const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};

    if (fd == -1 ||
        (connect(fd, (const struct sockaddr *)to, sizeof *to) == -1 && errno != EINPROGRESS))
        fail("connect");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        fail("epoll_ctl");
    return fd;
}

static void finish(int epoll, int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 || (errno = error))
        fail("connect");
    if (epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) == -1)
        fail("epoll_ctl");
}

static void open_all(int epoll, const struct sockaddr_in *to, int *fds, size_t count)
{
    struct epoll_event events[EVENTS];

    for (size_t i = 0; i < count; i++)
        fds[i] = begin(epoll, to);
    for (size_t under_way = count; under_way > 0;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++, under_way--)
            finish(epoll, events[i].data.fd);
    }
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static long long microseconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (argc != 4) {
        fprintf(stderr, "usage: connector PORT CONNECTIONS TIMES\n");
        return 64;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    int *fds = calloc(count, sizeof *fds), epoll = epoll_create1(EPOLL_CLOEXEC);

    if (!fds || epoll == -1)
        fail("connector");
    to.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    long long began = microseconds(CLOCK_MONOTONIC);
    long long cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned long times = strtoul(argv[3], NULL, 10); times > 0; times--)
        open_all(epoll, &to, fds, count);
    printf("%lld %lld\n", microseconds(CLOCK_MONOTONIC) - began,
           microseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    free(fds);
    return 0;
}
