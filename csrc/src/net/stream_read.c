/* Ring 1.  What a stream reads: lines, parts up to a delimiter, all of it, octets; see
 * netio/stream.h.
 * Called by clients and tests that talk to one peer; it reads the descriptor through fd.h. */
#include "net/stream.h"

#include <netio/error.h>
#include <netio/fd.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define CHUNK       NETIO__STREAM_CHUNK
#define AT_ONCE_MAX (16 << 20)

static ssize_t receive_now(struct netio_stream *stream, void *data, size_t size)
{
    return stream->plain ? netio_fd_read(stream->fd, data, size)
                         : netio_fd_recv(stream->fd, data, size);
}

/* An end or a failure is remembered: after a reset Linux reports it once and then an end of
 * file, which would make half an answer look whole. */
ssize_t netio__stream_receive(struct netio_stream *stream, void *data, size_t size,
                              netio_deadline deadline)
{
    unsigned waited = 0;

    for (;;) {
        if (stream->ended)
            return stream->ended;
        ssize_t n = receive_now(stream, data, size);
        if (n > 0)
            return n;
        if (n == 0)
            n = NETIO_EEOF;
        if (n != -EAGAIN) {
            stream->ended = (int)n;
            return n;
        }
        int code = netio__stream_wait(stream, NETIO_READ, deadline, &waited);
        if (code)
            return code;
    }
}

/* An operation begins: what the caller held is his no more, and the buffer may grow to most
 * bytes that are not enough yet, a chunk, and a NUL. */
static void begin(struct netio_stream *stream, size_t most)
{
    netio_buf_take(&stream->buf, stream->given);
    stream->given = 0;
    stream->buf.limit = most < SIZE_MAX - CHUNK - 1 ? most + CHUNK + 1 : 0;
}

/* The same for one that takes bytes whatever line they belong to. */
static void begin_bytes(struct netio_stream *stream, size_t most)
{
    begin(stream, most);
    stream->scanned = 0;
    stream->skipping = 0;
}

/* Room for a chunk at the end.  What is there moves to the front before the buffer grows: its
 * size is promised.  That happens once an operation, for what it moves then stands in front.  A
 * buffer that has to grow gets all it may have, unless that is much: pages that are not touched
 * cost nothing, and doubling would leave its former places in the heap. */
static int make_room(struct netio_buf *buf, char **room)
{
    size_t len = netio_buf_len(buf), n = CHUNK;

    if (buf->start && buf->size - buf->end < CHUNK) {
        memmove(buf->data, buf->data + buf->start, len);
        buf->start = 0;
        buf->end = len;
    }
    if (buf->data && buf->limit && buf->limit <= AT_ONCE_MAX && buf->size - buf->end < CHUNK)
        n = buf->limit - len;
    return netio_buf_room(buf, n, room);
}

/* Reads more into the buffer.  A peer that sends faster than it is read never lets receive
 * wait, so the deadline is looked at here; but one look is had in any case: *looks counts those
 * of one operation. */
static int more(struct netio_stream *stream, netio_deadline deadline, unsigned *looks)
{
    char *room;

    if (stream->ended)
        return stream->ended;
    if ((*looks)++ && netio_deadline_passed(deadline))
        return -ETIMEDOUT;
    int code = make_room(&stream->buf, &room);
    if (code)
        return code;
    ssize_t n = netio__stream_receive(stream, room, CHUNK, deadline);
    if (n < 0)
        return (int)n;
    netio_buf_added(&stream->buf, (size_t)n);
    return 0;
}

/* Hands out the first len bytes, whole of them with their end.  The NUL takes the place of the
 * end; where there is none it gets room. */
static ssize_t give(struct netio_stream *stream, size_t len, size_t whole, char **data)
{
    char *room;

    if (whole == len) {
        int code = netio_buf_room(&stream->buf, 1, &room);
        if (code)
            return code;
    }
    *data = netio_buf_head(&stream->buf);
    (*data)[len] = '\0';
    stream->given = whole;
    stream->scanned = 0;
    return (ssize_t)len;
}

/* Drops the rest of a line that was too long; 0 once it is gone. */
static int skip_line(struct netio_stream *stream, netio_deadline deadline, unsigned *looks)
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
        int code = more(stream, deadline, looks);
        if (code)
            return code;
    }
    return 0;
}

/* No line has ended, and nothing more comes: what is there is the last one. */
static ssize_t last_line(struct netio_stream *stream, char **line)
{
    size_t len = netio_buf_len(&stream->buf);

    if (len == 0)
        return NETIO_EEOF;
    return len > stream->line_max ? NETIO_ETOOLONG : give(stream, len, len, line);
}

ssize_t netio_stream_line_at(struct netio_stream *stream, char **line, netio_deadline deadline)
{
    size_t len, whole, max = stream->line_max;
    unsigned looks = 0;

    begin(stream, max < SIZE_MAX ? max + 1 : max);
    ssize_t code = skip_line(stream, deadline, &looks);
    while (!code) {
        code = netio_buf_line(&stream->buf, max, &stream->scanned, &len, &whole);
        if (code == 1)
            return give(stream, len, whole, line);
        if (code == 0)
            code = more(stream, deadline, &looks);
        if (code == NETIO_EEOF)
            code = last_line(stream, line);
    }
    if (code == NETIO_ETOOLONG) {
        stream->skipping = 1;
        stream->scanned = 0;
    }
    return code;
}

ssize_t netio_stream_until_at(struct netio_stream *stream, const void *delimiter, size_t len,
                              size_t max, char **data, netio_deadline deadline)
{
    size_t longest = max ? max : stream->line_max, from = 0;
    size_t window = longest < SIZE_MAX - len ? longest + len : SIZE_MAX;
    unsigned looks = 0;

    if (len == 0)
        return -EINVAL;
    begin_bytes(stream, window);
    for (;;) {
        char *head = netio_buf_head(&stream->buf);
        size_t have = netio_buf_len(&stream->buf);
        size_t seen = have < window ? have : window;
        char *end = seen > from ? memmem(head + from, seen - from, delimiter, len) : NULL;
        if (end)
            return give(stream, (size_t)(end - head), (size_t)(end - head) + len, data);
        if (have >= window)
            return NETIO_ETOOLONG;
        /* A delimiter may have begun. */
        from = seen >= len ? seen - len + 1 : 0;
        int code = more(stream, deadline, &looks);
        if (code)
            return code;
    }
}

ssize_t netio_stream_rest_at(struct netio_stream *stream, size_t max, char **data,
                             netio_deadline deadline)
{
    size_t most = max ? max : stream->line_max;
    unsigned looks = 0;

    begin_bytes(stream, most);
    for (;;) {
        size_t have = netio_buf_len(&stream->buf);
        if (have > most)
            return NETIO_ETOOLONG;
        int code = more(stream, deadline, &looks);
        if (code == NETIO_EEOF)
            return give(stream, have, have, data);
        if (code)
            return code;
    }
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

ssize_t netio_stream_read_at(struct netio_stream *stream, void *data, size_t size,
                             netio_deadline deadline)
{
    begin_bytes(stream, 0);
    size_t n = take_buffered(stream, data, size);

    return n || size == 0 ? (ssize_t)n : netio__stream_receive(stream, data, size, deadline);
}

int netio_stream_octets_at(struct netio_stream *stream, void *data, size_t size, size_t *got,
                           netio_deadline deadline)
{
    char *to = data;
    ssize_t n = 0;

    begin_bytes(stream, 0);
    size_t stored = take_buffered(stream, data, size);
    while (stored < size &&
           (n = netio__stream_receive(stream, to + stored, size - stored, deadline)) > 0) {
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

size_t netio_stream_buffered(const struct netio_stream *stream, const char **data)
{
    size_t n = netio_buf_len(&stream->buf) - stream->given;

    if (data)
        *data = n ? netio_buf_head(&stream->buf) + stream->given : NULL;
    return n;
}
