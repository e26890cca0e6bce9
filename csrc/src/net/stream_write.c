/* Ring 1.  What a stream writes, in one part or in many; see netio/stream.h.
 * Called by clients and tests that talk to one peer; it writes the descriptor and, where that
 * is no socket, holds SIGPIPE back for the length of one call. */
#include "net/stream.h"

#include <netio/fd.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>

#define WINDOW 1024 /* parts at once: UIO_MAXIOV, what Linux takes */

/* What is still to be written: the caller's parts, of which the first has gone out up to
 * offset.  They are only read. */
struct left {
    const struct iovec *parts;
    size_t count;
    size_t offset;
};

/* n more bytes are out.  Parts that are empty go with them: a call for nothing but those would
 * write nothing, or an empty packet. */
static void advance(struct left *left, size_t n)
{
    while (left->count > 0 && left->parts->iov_len - left->offset <= n) {
        n -= left->parts->iov_len - left->offset;
        left->parts++;
        left->count--;
        left->offset = 0;
    }
    left->offset += n;
}

static int show_window(const struct left *left, struct iovec window[WINDOW])
{
    size_t n = 0;

    for (; n < WINDOW && n < left->count; n++)
        window[n] = left->parts[n];
    window[0].iov_base = (char *)window[0].iov_base + left->offset;
    window[0].iov_len -= left->offset;
    return (int)n;
}

/* writev(2) without its SIGPIPE.  Linux sends that to the thread that wrote, during the call:
 * blocked before and taken back after it, it reaches nobody, and one that somebody else had
 * sent earlier stays. */
static ssize_t write_quietly(int fd, struct iovec *parts, int count)
{
    static const struct timespec at_once;
    sigset_t pipe, before, pending;
    ssize_t n;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigemptyset(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    (void)sigpending(&pending);
    do
        n = writev(fd, parts, count);
    while (n == -1 && errno == EINTR);
    int code = n == -1 ? -errno : 0;
    if (code == -EPIPE && !sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&pipe, NULL, &at_once) == -1 && errno == EINTR)
            continue;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? code : n;
}

static ssize_t send_now(int fd, struct iovec *parts, int count)
{
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t n;

    do
        n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : n;
}

/* Writes what can be written at once: how many bytes, or -errno. */
static ssize_t write_some(const struct netio_stream *stream, const struct left *left)
{
    struct iovec window[WINDOW];
    int count = show_window(left, window);

    return (stream->plain ? write_quietly : send_now)(stream->fd, window, count);
}

int netio_stream_writev_at(struct netio_stream *stream, const struct iovec *parts, size_t count,
                           size_t *sent, netio_deadline deadline)
{
    struct left left = {parts, count, 0};
    size_t done = 0;
    unsigned waited = 0;
    int code = 0;

    advance(&left, 0);
    while (!code && left.count > 0) {
        ssize_t n = write_some(stream, &left);
        if (n >= 0) {
            done += (size_t)n;
            advance(&left, (size_t)n);
            /* A peer that reads without a pause never lets us wait. */
            if (left.count > 0 && netio_deadline_passed(deadline))
                code = -ETIMEDOUT;
        } else
            code = n == -EAGAIN ? netio__stream_wait(stream, NETIO_WRITE, deadline, &waited)
                                : (int)n;
    }
    if (sent)
        *sent = done;
    return code;
}

int netio_stream_write_at(struct netio_stream *stream, const void *data, size_t size, size_t *sent,
                          netio_deadline deadline)
{
    /* Only read: sendmsg and writev take no const. */
    const struct iovec whole = {(void *)(uintptr_t)data, size};

    return netio_stream_writev_at(stream, &whole, 1, sent, deadline);
}
