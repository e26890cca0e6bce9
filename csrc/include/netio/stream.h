/* netio/stream.h: lines and octets over a descriptor, under deadlines (ring 1).
 *
 * For code that talks to one peer and waits for it: clients, tests.  Every call takes
 * one absolute deadline for the whole operation, however the bytes drip or flow; one that
 * has passed still looks once.  Signals do not disturb it.
 *
 * Results that differ: a length or 0; NETIO_EEOF, the end; -ETIMEDOUT; NETIO_ETOOLONG;
 * -errno, -ECONNRESET among them.  After every one of them but a length or 0 what had come
 * is still there (netio_stream_buffered), and the next call of any kind goes on with it.  The
 * end and an -errno of reading stay: once what had come is taken, they are what every later
 * call says; writing is not concerned.  NETIO_ETOOLONG and -ETIMEDOUT leave the connection as
 * usable as it was.
 *
 * Bytes are bytes: NUL is one like any other.  An urgent byte (TCP's MSG_OOB) stalls nothing and
 * is left out, unless a second one comes before the first was passed: TCP then makes that one an
 * ordinary byte.  The descriptor may be a socket, a pipe or a terminal.
 *
 * Memory: the longest line, or the largest max of a call, and 16 KiB.
 *
 * Fork: descriptor and buffered bytes are copied; let one process go on.  One thread
 * each.  Not async-signal-safe.
 */
#ifndef NETIO_STREAM_H
#define NETIO_STREAM_H

#include <netio/clock.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct netio_stream;

/* Takes fd (closed by netio_stream_free, or when this call fails) and makes it
 * non-blocking, for all who share it.  line_max: the longest line, its end not counted;
 * 0: 8192.  0 or -errno. */
int netio_stream_new_take(struct netio_stream **stream, int fd, size_t line_max);
void netio_stream_free(struct netio_stream *stream);
int netio_stream_fd(const struct netio_stream *stream);

/* The next line without its CRLF or LF in *line (valid until the next call, followed by
 * a NUL that is not counted, may hold NULs itself) and its length.  NETIO_EEOF at the
 * end; a last line without an end is a line.  NETIO_ETOOLONG: the next call for a line skips
 * the rest of this one and goes on with the line after it; other calls get its bytes. */
ssize_t netio_stream_line_at(struct netio_stream *stream, char **line, netio_deadline deadline);
/* What comes before a delimiter of one or more bytes, in *data as a line is (and as long
 * valid); the delimiter is dropped.  Longer than max (0: the longest line): NETIO_ETOOLONG,
 * and nothing is taken; the same call would say so again, one with more room goes on.
 * NETIO_EEOF: the end came before the delimiter; what stands before it is buffered.  -EINVAL:
 * no delimiter. */
ssize_t netio_stream_until_at(struct netio_stream *stream, const void *delimiter, size_t len,
                              size_t max, char **data, netio_deadline deadline);
/* All that comes up to the end of file, in *data as above: its length, 0 too.  More than max
 * bytes (0: the longest line): NETIO_ETOOLONG, and nothing is taken, as above. */
ssize_t netio_stream_rest_at(struct netio_stream *stream, size_t max, char **data,
                             netio_deadline deadline);
/* Up to size octets, at least one: the count.  What is buffered comes without looking further. */
ssize_t netio_stream_read_at(struct netio_stream *stream, void *data, size_t size,
                             netio_deadline deadline);
/* Exactly size octets: 0, or an error; *got (may be NULL) says how many were stored, and those
 * are taken. */
int netio_stream_octets_at(struct netio_stream *stream, void *data, size_t size, size_t *got,
                           netio_deadline deadline);
/* What has come and was not taken: how many bytes, and where (until the next call; NULL for
 * none).  To take them, netio_stream_read_at so many. */
size_t netio_stream_buffered(const struct netio_stream *stream, const char **data);

/* All of data, or an error: 0, -ETIMEDOUT, -EPIPE (never the signal SIGPIPE, whose
 * disposition and mask stay the caller's), -errno; *sent (may be NULL) says how many bytes
 * went out. */
int netio_stream_write_at(struct netio_stream *stream, const void *data, size_t size, size_t *sent,
                          netio_deadline deadline);
/* The same of count parts, one behind the other, in as few calls as they take; the parts are
 * only read.  More than 1024 of them are fine, none too. */
int netio_stream_writev_at(struct netio_stream *stream, const struct iovec *parts, size_t count,
                           size_t *sent, netio_deadline deadline);
/* Says that nothing more will be written (shutdown SHUT_WR); 0 or -errno. */
int netio_stream_half_close(struct netio_stream *stream);
/* Clean end: half-close (if that was not done yet), read and drop what the peer still sends until
 * its end of file or the deadline, close.  Frees the stream.  0, -ETIMEDOUT or -errno (-ENOTSOCK at
 * once for what cannot be half-closed). */
int netio_stream_finish_at(struct netio_stream *stream, netio_deadline deadline);

#endif
