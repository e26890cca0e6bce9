/* responder: the least that a server can do, as a measure for those that do something.  One
 * epoll loop; no deadlines, no limits, no log, no buffer but the socket's.
 *
 *      responder FILE      each connection: a line comes, the file's text goes out, it is closed
 *      responder           each line is answered with itself, for as long as the peer likes
 *
 * It prints "listening on 127.0.0.1:PORT" and ends by a signal.  A line has to come in one
 * piece of at most 4096 bytes, which is how load.c sends it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS     64
#define ANSWER_MAX 65536

static char answer[ANSWER_MAX];
static size_t answer_len;

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int read_answer(const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file)
        return -1;
    answer_len = fread(answer, 1, sizeof answer, file);
    fclose(file);
    return answer_len ? 0 : -1;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
        listen(fd, SOMAXCONN) == -1 || getsockname(fd, (struct sockaddr *)&address, &len) == -1)
        return -1;
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        exit(fail("epoll_ctl"));
}

static void accept_all(int epoll, int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1)
        watch(epoll, fd);
}

static void serve(int fd)
{
    char line[4096];
    ssize_t len = read(fd, line, sizeof line);

    if (len > 0 && !answer_len && write(fd, line, (size_t)len) == len)
        return;
    if (len > 0 && answer_len && write(fd, answer, answer_len) != (ssize_t)answer_len)
        fprintf(stderr, "responder: an answer was cut\n");
    close(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];

    if (argc > 2)
        return fprintf(stderr, "usage: responder [FILE]\n"), 64;
    if (argc == 2 && read_answer(argv[1]) == -1)
        return fail(argv[1]);
    int epoll = epoll_create1(0), listener = listen_on_loopback();
    if (epoll == -1 || listener == -1)
        return fail("listen");
    watch(epoll, listener);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                serve(events[i].data.fd);
    }
}
