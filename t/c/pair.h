/* t/c/pair.h: a stream on one end of a pair of sockets, the test on the other. */
#ifndef PAIR_H
#define PAIR_H

#include <netio/fd.h>
#include <netio/stream.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    struct netio_stream *stream;
    int peer;
};

static void pair_open(struct pair *pair, size_t line_max)
{
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1 ||
        netio_stream_new_take(&pair->stream, fd[0], line_max) < 0)
        abort();
    pair->peer = fd[1];
}

static void pair_close(struct pair *pair)
{
    netio_stream_free(pair->stream);
    netio_fd_close(pair->peer);
}

/* What the peer sends. */
static void pair_say(const struct pair *pair, const char *text, size_t len)
{
    if (write(pair->peer, text, len) != (ssize_t)len)
        abort();
}

#endif
