/* Every call that a stream makes fails in turn: parts, the rest and what is left of them, over
 * a socket and over a pipe (A25, A26).  Lines and octets after a connect are in fault-open.c. */
#include "fault.h"

#include <netio/error.h>
#include <netio/fd.h>
#include <netio/stream.h>

static const char text[] = "one,two,the rest";

static const struct iovec parts[] = {{"one,", 4}, {"", 0}, {"two,", 4}, {"the rest", 8}};

static int known(long code)
{
    return code >= 0 || strcmp(netio_error_name((int)code), "UNKNOWN") != 0;
}

/* Whether what is left is what follows in text. */
static int is_left(const struct netio_stream *stream, size_t taken)
{
    const char *left;
    size_t n = netio_stream_buffered(stream, &left);

    return taken + n <= sizeof text - 1 && (n == 0 || memcmp(left, text + taken, n) == 0);
}

static int take(struct netio_stream *stream)
{
    netio_deadline deadline = netio_deadline_in(0.02);
    char *data;
    size_t taken = 0;
    int wrong = 0;

    for (int i = 0; i < 2; i++) {
        ssize_t n = netio_stream_until_at(stream, ",", 1, 0, &data, deadline);
        wrong += !known(n) || (n >= 0 && (n != 3 || memcmp(data, text + taken, 3) != 0));
        taken += n >= 0 ? 4 : 0;
        wrong += !is_left(stream, taken);
    }
    ssize_t n = netio_stream_rest_at(stream, 0, &data, deadline);
    wrong += !known(n);
    if (n >= 0) /* what the writer has sent, its end included */
        return wrong || strncmp(data, text + taken, strlen(data)) != 0;
    return wrong || !is_left(stream, taken);
}

static int give(struct netio_stream *stream)
{
    size_t sent = 0;
    int code = netio_stream_writev_at(stream, parts, 4, &sent, netio_deadline_in(0.02));

    return !known(code) || sent > sizeof text - 1 || (code == 0 && sent != sizeof text - 1);
}

/* One stream gives, the other takes. */
static int converse(const int fd[2])
{
    struct netio_stream *reader = NULL, *writer = NULL;
    int wrong = 0;

    int code = netio_stream_new_take(&reader, fd[0], 16);
    wrong += code != 0 && (reader || !known(code));
    code = netio_stream_new_take(&writer, fd[1], 0);
    wrong += code != 0 && (writer || !known(code));
    if (writer)
        wrong += give(writer);
    netio_stream_free(writer);
    if (reader)
        wrong += take(reader);
    netio_stream_free(reader);
    return wrong;
}

static int through_socket(void)
{
    int fd[2];

    return __real_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1 || converse(fd);
}

static int through_pipe(void)
{
    int fd[2];

    return pipe(fd) == -1 || converse(fd);
}

int main(void)
{
    fault_walk("a socket", through_socket);
    fault_walk("a pipe", through_pipe);
    return tap_done();
}
