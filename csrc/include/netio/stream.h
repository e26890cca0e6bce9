/* netio/stream.h: lines and octets over a descriptor, under deadlines (ring 1).
 *
 * For code that talks to one peer and waits for it: clients, tests.  Every call takes
 * one absolute deadline for the whole operation.  End of file, time-out and too long
 * are different results, and what had come so far can still be read.  Signals do not
 * disturb it.
 *
 * Fork: descriptor and buffered bytes are copied; let one process go on.  One thread
 * each.  Not async-signal-safe.
 */
#ifndef NETIO_STREAM_H
#define NETIO_STREAM_H

#include <netio/clock.h>
#include <stddef.h>
#include <sys/types.h>

struct netio_stream;

/* Takes fd (closed by netio_stream_free, or when this call fails) and makes it
 * non-blocking, for all who share it.  line_max: the longest line, its end not counted;
 * 0: 8192.  0 or -errno. */
int netio_stream_new_take(struct netio_stream **stream, int fd, size_t line_max);
void netio_stream_free(struct netio_stream *stream);
int netio_stream_fd(const struct netio_stream *stream);

/* The next line without its CRLF or LF in *line (valid until the next call, followed by
 * a NUL that is not counted, may hold NULs itself) and its length.  NETIO_EEOF at the
 * end; a last line without an end is a line.  NETIO_ETOOLONG: the rest of that line is
 * skipped by the next call, which goes on with the line after it.  -ETIMEDOUT, -errno. */
ssize_t netio_stream_line_at(struct netio_stream *stream, char **line, netio_deadline deadline);
/* Up to size octets, at least one: the count, NETIO_EEOF, -ETIMEDOUT, -errno. */
ssize_t netio_stream_read_at(struct netio_stream *stream, void *data, size_t size,
                             netio_deadline deadline);
/* Exactly size octets, or an error; *got (may be NULL) says how many were stored. */
int netio_stream_octets_at(struct netio_stream *stream, void *data, size_t size, size_t *got,
                           netio_deadline deadline);
/* All of data, or an error: 0, -ETIMEDOUT, -EPIPE (on a socket never the signal), -errno;
 * *sent (may be NULL) says how many went out. */
int netio_stream_write_at(struct netio_stream *stream, const void *data, size_t size, size_t *sent,
                          netio_deadline deadline);
/* Says that nothing more will be written (shutdown SHUT_WR); 0 or -errno. */
int netio_stream_half_close(struct netio_stream *stream);
/* Clean end: half-close, read and drop what the peer still sends until its end of file
 * or the deadline, close.  Frees the stream.  0, -ETIMEDOUT or -errno. */
int netio_stream_finish_at(struct netio_stream *stream, netio_deadline deadline);

#endif
