/* netio/buf.h: a byte buffer that grows up to a limit (ring 0).
 *
 * One contiguous run of bytes: readers take it from the front, writers append at
 * the end.  NUL is a byte like any other.  Zero the struct before first use.
 */
#ifndef NETIO_BUF_H
#define NETIO_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct netio_buf {
    char *data;   /* the allocation; bytes start..end are in use */
    size_t start;
    size_t end;
    size_t size;  /* allocated */
    size_t limit; /* most bytes it may hold; 0: no limit */
};

void netio_buf_free(struct netio_buf *buf); /* keeps the limit; the buffer is empty and usable */
char *netio_buf_head(const struct netio_buf *buf);
size_t netio_buf_len(const struct netio_buf *buf);
/* Makes room for n more bytes behind the last and points *room at it; then write
 * there and netio_buf_added.  0, -ENOMEM, or NETIO_EFULL beyond the limit. */
int netio_buf_room(struct netio_buf *buf, size_t n, char **room);
void netio_buf_added(struct netio_buf *buf, size_t n);
/* Append; all of it or nothing.  Same errors, and -EINVAL for a format that
 * vsnprintf(3) refuses. */
int netio_buf_add(struct netio_buf *buf, const void *data, size_t n);
int netio_buf_addf(struct netio_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int netio_buf_vaddf(struct netio_buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Drops n bytes (at most all) from the front. */
void netio_buf_take(struct netio_buf *buf, size_t n);

/* Looks for a line in the first bytes: CRLF or LF ends it; CR alone is a byte of
 * the line (RFC 3912 asks for CRLF; many tools send LF).  Returns 1 with the
 * length without its end in *len and with it in *whole; 0 when no end is there
 * yet; NETIO_ETOOLONG once the line cannot end within max bytes (its end not
 * counted).  *scanned, which the caller keeps at 0 for a new line, remembers how
 * far earlier calls looked, so that a slow drip costs no more than one pass. */
int netio_buf_line(const struct netio_buf *buf, size_t max, size_t *scanned, size_t *len,
                   size_t *whole);

#endif
