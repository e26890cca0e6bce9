/* Ring 1.  Lines and octets over a descriptor, under deadlines; see netio/stream.h.
 * Called by clients and tests that talk to one peer; it reads and writes the descriptor it
 * was given, through fd.h. */
#include <netio/buf.h>
#include <netio/error.h>
#include <netio/fd.h>
#include <netio/stream.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LINE_MAX_DEFAULT 8192
#define CHUNK            16384 /* read at once; with the longest line, all the memory there is */

struct netio_stream {
    int fd;
    struct netio_buf buf; /* what was read and not yet taken */
    size_t line_max;
    size_t scanned; /* how far netio_buf_line has looked */
    size_t given;   /* bytes in front that the caller holds as a line: the next call drops them */
    int skipping;   /* the bytes in front belong to a line that was too long */
    int ended;      /* NETIO_EEOF or the -errno that reading ended with, for good; or 0 */
};

int netio_stream_new_take(struct netio_stream **out, int fd, size_t line_max)
{
    struct netio_stream *stream = NULL;
    int code = netio_fd_nonblock(fd, 1);

    *out = NULL;
    if (!code && !(stream = calloc(1, sizeof *stream)))
        code = -ENOMEM;
    if (code) {
        netio_fd_close(fd);
        return code;
    }
    stream->fd = fd;
    stream->line_max = line_max ? line_max : LINE_MAX_DEFAULT;
    if (stream->line_max < SIZE_MAX - CHUNK - 2)
        stream->buf.limit = stream->line_max + CHUNK + 2;
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

/* Waits for events; 0, -ETIMEDOUT or -errno.  Signals do not disturb it.  A deadline that has
 * passed still looks once, but not again: *waited counts the calls of one operation. */
static int wait_for(const struct netio_stream *stream, unsigned events, netio_deadline deadline,
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

/* Reads up to size octets into data, waiting for the first: the count, or why not.  An end
 * or a failure is remembered: after a reset Linux reports it once and then an end of file,
 * which would make half an answer look whole. */
static ssize_t receive(struct netio_stream *stream, void *data, size_t size,
                       netio_deadline deadline)
{
    unsigned waited = 0;

    for (;;) {
        if (stream->ended)
            return stream->ended;
        ssize_t n = netio_fd_recv(stream->fd, data, size);
        if (n > 0)
            return n;
        if (n == 0)
            n = NETIO_EEOF;
        if (n != -EAGAIN) {
            stream->ended = (int)n;
            return n;
        }
        int code = wait_for(stream, NETIO_READ, deadline, &waited);
        if (code)
            return code;
    }
}

static int fill(struct netio_stream *stream, netio_deadline deadline)
{
    char *room;
    int code = netio_buf_room(&stream->buf, CHUNK, &room);

    if (code)
        return code;
    ssize_t n = receive(stream, room, CHUNK, deadline);
    if (n < 0)
        return (int)n;
    netio_buf_added(&stream->buf, (size_t)n);
    return 0;
}

static void drop_given(struct netio_stream *stream)
{
    netio_buf_take(&stream->buf, stream->given);
    stream->given = 0;
}

/* Drops the rest of a line that was too long; 0 once it is gone.  A peer that sends faster
 * than it is read never lets receive wait, so the deadline is looked at here as well. */
static int skip_line(struct netio_stream *stream, netio_deadline deadline)
{
    while (stream->skipping) {
        const char *head = netio_buf_head(&stream->buf);
        size_t len = netio_buf_len(&stream->buf);
        const char *end = len ? memchr(head, '\n', len) : NULL;
        netio_buf_take(&stream->buf, end ? (size_t)(end - head) + 1 : len);
        if (end) {
            stream->skipping = 0;
            break;
        }
        int code = fill(stream, deadline);
        if (code)
            return code;
        if (netio_deadline_passed(deadline))
            return -ETIMEDOUT;
    }
    return 0;
}

/* Hands out the first len bytes as a line, whole of them with its end.  The NUL takes the
 * place of the end; a last line without one gets room for it. */
static ssize_t give_line(struct netio_stream *stream, size_t len, size_t whole, char **line)
{
    char *room;

    if (whole == len) {
        int code = netio_buf_room(&stream->buf, 1, &room);
        if (code)
            return code;
    }
    *line = netio_buf_head(&stream->buf);
    (*line)[len] = '\0';
    stream->given = whole;
    stream->scanned = 0;
    return (ssize_t)len;
}

/* No line has ended, and nothing more comes: what is there is the last one. */
static ssize_t last_line(struct netio_stream *stream, char **line)
{
    size_t len = netio_buf_len(&stream->buf);

    if (len == 0)
        return NETIO_EEOF;
    return len > stream->line_max ? NETIO_ETOOLONG : give_line(stream, len, len, line);
}

ssize_t netio_stream_line_at(struct netio_stream *stream, char **line, netio_deadline deadline)
{
    size_t len, whole;

    drop_given(stream);
    ssize_t code = skip_line(stream, deadline);
    while (!code) {
        code = netio_buf_line(&stream->buf, stream->line_max, &stream->scanned, &len, &whole);
        if (code == 1)
            return give_line(stream, len, whole, line);
        if (code == 0)
            code = fill(stream, deadline);
        if (code == NETIO_EEOF)
            code = last_line(stream, line);
    }
    if (code == NETIO_ETOOLONG) {
        stream->skipping = 1;
        stream->scanned = 0;
    }
    return code;
}

/* Moves buffered octets to data; their number. */
static size_t take_buffered(struct netio_stream *stream, void *data, size_t size)
{
    size_t n = netio_buf_len(&stream->buf);

    if (n > size)
        n = size;
    if (n)
        memcpy(data, netio_buf_head(&stream->buf), n);
    netio_buf_take(&stream->buf, n);
    return n;
}

/* Octets from here on, whatever line they belong to. */
static void begin_octets(struct netio_stream *stream)
{
    drop_given(stream);
    stream->scanned = 0;
    stream->skipping = 0;
}

ssize_t netio_stream_read_at(struct netio_stream *stream, void *data, size_t size,
                             netio_deadline deadline)
{
    begin_octets(stream);
    size_t n = take_buffered(stream, data, size);

    return n || size == 0 ? (ssize_t)n : receive(stream, data, size, deadline);
}

int netio_stream_octets_at(struct netio_stream *stream, void *data, size_t size, size_t *got,
                           netio_deadline deadline)
{
    char *to = data;
    ssize_t n = 0;

    begin_octets(stream);
    size_t stored = take_buffered(stream, data, size);
    while (stored < size && (n = receive(stream, to + stored, size - stored, deadline)) > 0) {
        stored += (size_t)n;
        /* A peer that sends without a pause never lets receive wait. */
        if (stored < size && netio_deadline_passed(deadline)) {
            n = -ETIMEDOUT;
            break;
        }
    }
    if (got)
        *got = stored;
    return n < 0 ? (int)n : 0;
}

int netio_stream_write_at(struct netio_stream *stream, const void *data, size_t size, size_t *sent,
                          netio_deadline deadline)
{
    const char *from = data;
    size_t done = 0;
    unsigned waited = 0;
    int code = 0;

    while (!code && done < size) {
        ssize_t n = netio_fd_send(stream->fd, from + done, size - done);
        if (n >= 0)
            done += (size_t)n;
        else
            code = n == -EAGAIN ? wait_for(stream, NETIO_WRITE, deadline, &waited) : (int)n;
    }
    if (sent)
        *sent = done;
    return code;
}

int netio_stream_half_close(struct netio_stream *stream)
{
    return shutdown(stream->fd, SHUT_WR) == -1 ? -errno : 0;
}

int netio_stream_finish_at(struct netio_stream *stream, netio_deadline deadline)
{
    char dropped[CHUNK];
    int code = netio_stream_half_close(stream);

    while (!code) {
        ssize_t n = receive(stream, dropped, sizeof dropped, deadline);
        if (n < 0)
            code = (int)n;
        else if (netio_deadline_passed(deadline))
            code = -ETIMEDOUT;
    }
    netio_stream_free(stream);
    return code == NETIO_EEOF ? 0 : code;
}
