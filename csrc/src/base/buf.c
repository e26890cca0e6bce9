/* Ring 0.  The byte buffer; see netio/buf.h.
 * Called by streams and the server; it touches its own memory only. */
#include <netio/buf.h>
#include <netio/error.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST 256

void netio_buf_free(struct netio_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->start = buf->end = buf->size = 0;
}

char *netio_buf_head(const struct netio_buf *buf)
{
    return buf->data ? buf->data + buf->start : NULL;
}

size_t netio_buf_len(const struct netio_buf *buf)
{
    return buf->end - buf->start;
}

/* The size to grow to for that many bytes: doubling, but not beyond the limit. */
static size_t grown(const struct netio_buf *buf, size_t need)
{
    size_t size = buf->size ? buf->size : SMALLEST;

    while (size < need)
        size = size <= SIZE_MAX / 2 ? size * 2 : need;
    if (buf->limit && size > buf->limit && need <= buf->limit)
        size = buf->limit;
    return size;
}

int netio_buf_room(struct netio_buf *buf, size_t n, char **room)
{
    size_t len = netio_buf_len(buf);

    if (n > SIZE_MAX - buf->end)
        return -ENOMEM;
    if (buf->limit && len + n > buf->limit)
        return NETIO_EFULL;
    /* Moving is paid for by what was taken from the front: never more often than once
     * for every byte. */
    if (buf->start && (buf->size - buf->end < n) && buf->start >= len) {
        memmove(buf->data, buf->data + buf->start, len);
        buf->start = 0;
        buf->end = len;
    }
    if (!buf->data || buf->size - buf->end < n) {
        size_t size = grown(buf, buf->start + len + n);
        char *data = realloc(buf->data, size);
        if (!data)
            return -ENOMEM;
        buf->data = data;
        buf->size = size;
    }
    *room = buf->data + buf->end;
    return 0;
}

void netio_buf_added(struct netio_buf *buf, size_t n)
{
    buf->end += n;
}

int netio_buf_add(struct netio_buf *buf, const void *data, size_t n)
{
    char *room;
    int code = netio_buf_room(buf, n, &room);

    if (code)
        return code;
    if (n)
        memcpy(room, data, n);
    buf->end += n;
    return 0;
}

int netio_buf_vaddf(struct netio_buf *buf, const char *format, va_list args)
{
    char small[512], *text = small;
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, again);
    va_end(again);
    if (n < 0)
        return -EINVAL;
    if ((size_t)n >= sizeof small) {
        if (!(text = malloc((size_t)n + 1)))
            return -ENOMEM;
        vsnprintf(text, (size_t)n + 1, format, args);
    }
    int code = netio_buf_add(buf, text, (size_t)n);
    if (text != small)
        free(text);
    return code;
}

int netio_buf_addf(struct netio_buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int code = netio_buf_vaddf(buf, format, args);
    va_end(args);
    return code;
}

void netio_buf_take(struct netio_buf *buf, size_t n)
{
    size_t len = netio_buf_len(buf);

    buf->start += n < len ? n : len;
    if (buf->start == buf->end)
        buf->start = buf->end = 0;
}

int netio_buf_line(const struct netio_buf *buf, size_t max, size_t *scanned, size_t *len,
                   size_t *whole)
{
    size_t have = netio_buf_len(buf);
    const char *head = netio_buf_head(buf);
    /* A line of max bytes may be followed by CR and LF. */
    size_t window = max > SIZE_MAX - 2 ? SIZE_MAX : max + 2;
    size_t seen = have < window ? have : window;
    const char *end = seen > *scanned ? memchr(head + *scanned, '\n', seen - *scanned) : NULL;

    if (end) {
        *whole = (size_t)(end - head) + 1;
        *len = *whole - 1;
        if (*len && head[*len - 1] == '\r')
            --*len;
        *scanned = 0;
        return *len > max ? NETIO_ETOOLONG : 1;
    }
    *scanned = seen;
    if (have > max && !(have == max + 1 && head[max] == '\r'))
        return NETIO_ETOOLONG;
    return 0;
}
