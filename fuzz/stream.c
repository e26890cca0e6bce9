/* fuzz/stream.c: operations on a stream whose bytes come in pieces of any size.  Each gives what a
 * model says of the whole, whatever the pieces were; what it leaves is what comes next.
 *
 * An input is the longest line, the seed of the pieces, the number of operations, those (a kind and
 * an argument each), and the bytes. */
#include "target.h"

#include <netio/error.h>
#include <netio/stream.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* The bytes, how many of them were sent, and what the model has taken. */
struct input {
    const char *bytes;
    size_t size, sent, taken, line_max;
    unsigned pieces;
    int skipping; /* the next line begins behind the one that was too long */
    int peer, ended;
    struct netio_stream *stream;
};

static const struct {
    const char *bytes;
    size_t len;
} delimiters[] = {{"\n", 1}, {"\r\n", 2}, {"aa", 2}, {"aab", 3}, {"\0", 1}, {"\r\n.\r\n", 5}};

/* Sends the next piece, at last the end of file; 0 when that was sent before. */
static int feed(struct input *in)
{
    size_t piece = 1 + in->pieces % 7 * (in->pieces / 7), left = in->size - in->sent;

    if (left == 0) {
        int first = !in->ended;
        in->ended = 1;
        must(shutdown(in->peer, SHUT_WR) == 0);
        return first;
    }
    in->pieces = (in->pieces * 5 + 3) % 256;
    if (piece > left)
        piece = left;
    must(send(in->peer, in->bytes + in->sent, piece, MSG_DONTWAIT) == (ssize_t)piece);
    in->sent += piece;
    return 1;
}

/* Repeats a call, which has timed out, with more to read; a deadline that has passed has one look,
 * so that what has come may take several. */
#define WHILE_FED(in, n, call)                                                                     \
    do {                                                                                           \
        int looks = 0;                                                                             \
        while (((n) = (call)) == -ETIMEDOUT)                                                       \
            must(feed(in) || ++looks < 3);                                                         \
    } while (0)

static const char *rest_of(const struct input *in, size_t *left)
{
    *left = in->size - in->taken;
    return in->bytes + in->taken;
}

/* The model of a line: its length, and *whole with its end; or why there is none. */
static ssize_t model_line(struct input *in, size_t *whole)
{
    size_t left;
    const char *rest = rest_of(in, &left);
    const char *end = left ? memchr(rest, '\n', left) : NULL;

    if (in->skipping) {
        in->taken = end ? in->taken + (size_t)(end - rest) + 1 : in->size;
        in->skipping = end == NULL;
        return end ? model_line(in, whole) : NETIO_EEOF;
    }
    size_t len = end ? (size_t)(end - rest) : left;
    *whole = len + (end != NULL);
    len -= end && len > 0 && rest[len - 1] == '\r';
    if (*whole == 0)
        return NETIO_EEOF;
    in->skipping = len > in->line_max;
    return in->skipping ? NETIO_ETOOLONG : (ssize_t)len;
}

/* A part was given: it is what the model says comes next. */
static void must_be_next(struct input *in, const char *part, ssize_t len, size_t whole)
{
    must(memcmp(part, in->bytes + in->taken, (size_t)len) == 0 && part[len] == '\0');
    in->taken += whole;
}

static void line(struct input *in)
{
    char *part;
    size_t whole = 0;
    ssize_t n;

    WHILE_FED(in, n, netio_stream_line_at(in->stream, &part, NETIO_NOW));
    must(n == model_line(in, &whole));
    if (n >= 0)
        must_be_next(in, part, n, whole);
}

static void until(struct input *in, unsigned argument)
{
    size_t kinds = sizeof delimiters / sizeof *delimiters, left;
    const char *delimiter = delimiters[argument % kinds].bytes;
    size_t len = delimiters[argument % kinds].len, max = argument / kinds;
    size_t longest = max ? max : in->line_max;
    const char *rest = rest_of(in, &left);
    size_t window = left < longest + len ? left : longest + len;
    const char *end = memmem(rest, window, delimiter, len);
    ssize_t n, want = end ? end - rest : left >= longest + len ? NETIO_ETOOLONG : NETIO_EEOF;
    char *part;

    WHILE_FED(in, n, netio_stream_until_at(in->stream, delimiter, len, max, &part, NETIO_NOW));
    must(n == want);
    if (n >= 0)
        must_be_next(in, part, n, (size_t)n + len);
}

static void whole_rest(struct input *in, size_t max)
{
    size_t left;
    char *part;
    ssize_t n;

    (void)rest_of(in, &left);
    WHILE_FED(in, n, netio_stream_rest_at(in->stream, max, &part, NETIO_NOW));
    must(n == (left > (max ? max : in->line_max) ? NETIO_ETOOLONG : (ssize_t)left));
    if (n >= 0)
        must_be_next(in, part, n, left);
}

static void octets(struct input *in, size_t size)
{
    char data[256];
    size_t left, got, all = 0;
    const char *rest = rest_of(in, &left);
    int code;

    do {
        code = netio_stream_octets_at(in->stream, data + all, size - all, &got, NETIO_NOW);
        all += got;
    } while (code == -ETIMEDOUT && (got > 0 || feed(in)));
    must(code == (left < size ? NETIO_EEOF : 0));
    must(all == (left < size ? left : size) && memcmp(data, rest, all) == 0);
    in->taken += all;
}

static void one_octet(struct input *in)
{
    size_t left;
    const char *rest = rest_of(in, &left);
    char octet;
    ssize_t n;

    WHILE_FED(in, n, netio_stream_read_at(in->stream, &octet, 1, NETIO_NOW));
    must(n == (left ? 1 : NETIO_EEOF) && (n != 1 || octet == *rest));
    in->taken += left > 0;
}

/* The other way: bytes in three parts, which arrive as one. */
static void parts(struct input *in, size_t argument)
{
    size_t size = in->size < 256 ? in->size : 256, first = argument % (size + 1);
    char *bytes = (char *)(uintptr_t)in->bytes, got[257];
    size_t second = (size - first) / 2, sent;
    const struct iovec three[] = {
        {bytes, first}, {bytes + first, second}, {bytes + first + second, size - first - second}};

    must(netio_stream_writev_at(in->stream, three, 3, &sent, NETIO_NOW) == 0 && sent == size);
    must(size == 0 || recv(in->peer, got, sizeof got, MSG_DONTWAIT) == (ssize_t)size);
    must(memcmp(got, bytes, size) == 0);
}

static void run(struct input *in, unsigned kind, unsigned argument)
{
    const char *left;

    if (kind % 6 != 0 && kind % 6 != 5)
        in->skipping = 0;
    switch (kind % 6) {
    case 0:
        line(in);
        break;
    case 1:
        until(in, argument);
        break;
    case 2:
        whole_rest(in, argument * 4);
        break;
    case 3:
        octets(in, argument);
        break;
    case 4:
        one_octet(in);
        break;
    default:
        parts(in, argument);
    }
    size_t n = netio_stream_buffered(in->stream, &left);
    must(n <= in->sent - in->taken && (n > 0) == (left != NULL));
    must(n == 0 || memcmp(left, in->bytes + in->taken, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size < 3 + 2 * (size_t)data[2])
        return 0;
    const uint8_t *script = data + 3;
    size_t count = data[2];
    struct input in = {.bytes = (const char *)script + 2 * count,
                       .size = size - 3 - 2 * count,
                       .line_max = 1 + (size_t)data[0],
                       .pieces = data[1]};
    int fd[2];

    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    must(netio_stream_new_take(&in.stream, fd[0], in.line_max) == 0);
    in.peer = fd[1];
    for (size_t i = 0; i < count; i++)
        run(&in, script[2 * i], script[2 * i + 1]);
    netio_stream_free(in.stream);
    close(in.peer);
    return 0;
}
