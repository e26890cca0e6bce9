/* Ring 1, private: what the files of the stream share: stream.c, stream_read.c, stream_write.c. */
#ifndef NETIO_SRC_NET_STREAM_H
#define NETIO_SRC_NET_STREAM_H

#include <netio/buf.h>
#include <netio/stream.h>

#define NETIO__STREAM_CHUNK 16384 /* read at once */

struct netio_stream {
    int fd;
    int plain;            /* it is no socket: read(2) and write(2) */
    struct netio_buf buf; /* what was read and not yet taken */
    size_t line_max;
    size_t scanned; /* how far netio_buf_line has looked */
    size_t given;   /* bytes in front that the caller holds: the next call drops them */
    int skipping;   /* the bytes in front belong to a line that was too long */
    int ended;      /* NETIO_EEOF or the -errno that reading ended with, for good; or 0 */
};

/* Waits for events; 0, -ETIMEDOUT or -errno.  Signals do not disturb it.  A deadline that has
 * passed still looks once, but not again: *waited counts the calls of one operation. */
int netio__stream_wait(const struct netio_stream *stream, unsigned events, netio_deadline deadline,
                       unsigned *waited);
/* Reads up to size octets past the buffer, waiting for the first: the count, or why not. */
ssize_t netio__stream_receive(struct netio_stream *stream, void *data, size_t size,
                              netio_deadline deadline);

#endif
