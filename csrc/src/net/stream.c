/* Ring 1.  A stream from its making to its end; see netio/stream.h.  Reading is in
 * stream_read.c, writing in stream_write.c.
 * Called by clients and tests that talk to one peer; it touches the descriptor it was given. */
#include "net/stream.h"

#include <netio/error.h>
#include <netio/fd.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LINE_MAX_DEFAULT 8192

int netio_stream_new_take(struct netio_stream **out, int fd, size_t line_max)
{
    struct netio_stream *stream = NULL;
    struct stat st;
    int code = netio_fd_nonblock(fd, 1);

    *out = NULL;
    if (!code && !(stream = calloc(1, sizeof *stream)))
        code = -ENOMEM;
    if (code) {
        netio_fd_close(fd);
        return code;
    }
    stream->fd = fd;
    stream->plain = fstat(fd, &st) == 0 && !S_ISSOCK(st.st_mode);
    stream->line_max = line_max ? line_max : LINE_MAX_DEFAULT;
    *out = stream;
    return 0;
}

void netio_stream_free(struct netio_stream *stream)
{
    if (!stream)
        return;
    netio_fd_close(stream->fd);
    netio_buf_free(&stream->buf);
    free(stream);
}

int netio_stream_fd(const struct netio_stream *stream)
{
    return stream->fd;
}

int netio__stream_wait(const struct netio_stream *stream, unsigned events, netio_deadline deadline,
                       unsigned *waited)
{
    int ready;

    if ((*waited)++ && netio_deadline_passed(deadline))
        return -ETIMEDOUT;
    do
        ready = netio_fd_poll(stream->fd, events, deadline);
    while (ready == -EINTR);
    return ready < 0 ? ready : 0;
}

int netio_stream_half_close(struct netio_stream *stream)
{
    return shutdown(stream->fd, SHUT_WR) == -1 ? -errno : 0;
}

int netio_stream_finish_at(struct netio_stream *stream, netio_deadline deadline)
{
    char dropped[NETIO__STREAM_CHUNK];
    int code = netio_stream_half_close(stream);

    /* Both ends are closed already, or it was reset: reading says which. */
    if (code == -ENOTCONN)
        code = 0;
    while (!code) {
        ssize_t n = netio__stream_receive(stream, dropped, sizeof dropped, deadline);
        if (n < 0)
            code = (int)n;
        else if (netio_deadline_passed(deadline))
            code = -ETIMEDOUT;
    }
    netio_stream_free(stream);
    return code == NETIO_EEOF ? 0 : code;
}
