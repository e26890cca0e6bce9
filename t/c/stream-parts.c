/* Parts of a stream: what comes before a delimiter, all the rest, what has come and was not
 * taken; wherever the bytes are cut, and however they end. */
#include "pair.h"
#include "tap.h"

#include <netio/error.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>

#define FAR netio_deadline_in(30)

static const struct {
    const char *name, *bytes;
    size_t len;
    const char *delimiter;
    size_t delimiter_len, max;
    const char *parts; /* each in brackets; at the end what is left */
} table[] = {
#define CASE(name, bytes, delimiter, max, parts)                                                   \
    {name, bytes, sizeof bytes - 1, delimiter, sizeof delimiter - 1, max, parts}
    CASE("one byte", "one,two,", ",", 0, "[one][two] NETIO_EEOF"),
    CASE("several bytes", "one\r\n.\r\ntwo\r\n.\r\n", "\r\n.\r\n", 0, "[one][two] NETIO_EEOF"),
    CASE("what only begins like one", "a\r\n\r\n.\r.\r\n.\r\n", "\r\n.\r\n", 0,
         "[a\r\n\r\n.\r.] NETIO_EEOF"),
    CASE("one that repeats itself", "aaaab", "aab", 0, "[aa] NETIO_EEOF"),
    CASE("nothing before it", ",,", ",", 0, "[][] NETIO_EEOF"),
    CASE("the end before it", "one,tw", ",", 0, "[one] NETIO_EEOF:tw"),
    CASE("the end within it", "one\r\n.", "\r\n.\r\n", 0, " NETIO_EEOF:one\r\n."),
    CASE("nothing at all", "", ",", 0, " NETIO_EEOF"),
    CASE("the longest", "12345678\r\n1\r\n", "\r\n", 8, "[12345678][1] NETIO_EEOF"),
    CASE("the longest, by the stream's limit", "12345678\r\n1\r\n", "\r\n", 0,
         "[12345678][1] NETIO_EEOF"),
    CASE("one byte too many", "123456789\r\n1\r\n", "\r\n", 8,
         " NETIO_ETOOLONG(12345678)[9][1] NETIO_EEOF"),
    CASE("far too long", "12345678abcdefgh!\r\n", "\r\n", 8,
         " NETIO_ETOOLONG(12345678) NETIO_ETOOLONG(abcdefgh)[!] NETIO_EEOF"),
    CASE("too long, to the end", "1234567890", "\n", 8, " NETIO_ETOOLONG(12345678) NETIO_EEOF:90"),
    CASE("the longest and half a delimiter", "12345678\r", "\r\n", 8, " NETIO_EEOF:12345678\r"),
    CASE("a delimiter longer than the part", "1\r\n.\r\n12\r\n.\r\n", "\r\n.\r\n", 1,
         "[1] NETIO_ETOOLONG(1)[2] NETIO_EEOF"),
#undef CASE
};

/* Takes one part, or what stands in its way; 0 when there is no more for now. */
static int take_part(struct netio_stream *stream, size_t i, netio_deadline deadline, char *out,
                     size_t size)
{
    const char *left;
    char *part, octets[16];
    size_t used = strlen(out), got, have;
    ssize_t n = netio_stream_until_at(stream, table[i].delimiter, table[i].delimiter_len,
                                      table[i].max, &part, deadline);

    if (n == -ETIMEDOUT)
        return 0;
    if (n >= 0) {
        snprintf(out + used, size - used, "[%.*s]", (int)n, part);
        return part[n] == '\0';
    }
    if (n == NETIO_ETOOLONG) {
        size_t max = table[i].max ? table[i].max : 8;
        if (netio_stream_octets_at(stream, octets, max, &got, NETIO_NOW) != 0)
            return 0;
        snprintf(out + used, size - used, " NETIO_ETOOLONG(%.*s)", (int)got, octets);
        return 1;
    }
    have = netio_stream_buffered(stream, &left);
    snprintf(out + used, size - used, " %s%s%.*s", netio_error_name((int)n), have ? ":" : "",
             (int)have, have ? left : "");
    return 0;
}

/* A19: the same parts wherever the bytes are cut in two. */
static void check_splits(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t wrong = 0;
        for (size_t cut = 0; cut <= table[i].len; cut++) {
            struct pair pair;
            char got[256] = "";
            pair_open(&pair, 8);
            pair_say(&pair, table[i].bytes, cut);
            while (take_part(pair.stream, i, NETIO_NOW, got, sizeof got))
                continue;
            pair_say(&pair, table[i].bytes + cut, table[i].len - cut);
            shutdown(pair.peer, SHUT_WR);
            while (take_part(pair.stream, i, FAR, got, sizeof got))
                continue;
            if (strcmp(got, table[i].parts) != 0 && wrong++ == 0)
                diag("cut at %zu: %s", cut, got);
            pair_close(&pair);
        }
        is_int(wrong, 0, "A19 parts, cut anywhere: %s", table[i].name);
    }
}

/* A18: NULs in delimiter and part. */
static void check_bytes(void)
{
    struct pair pair;
    char all[256], *part;
    const char *left;

    for (int i = 0; i < 256; i++)
        all[i] = (char)(i + 1);
    pair_open(&pair, 0);
    pair_say(&pair, all, sizeof all);
    pair_say(&pair, "a\0b\0\0c", 6);
    ssize_t n = netio_stream_until_at(pair.stream, "\0a", 2, 0, &part, FAR);
    is_mem(part, (size_t)n, all, 255, "A18 every byte");
    n = netio_stream_until_at(pair.stream, "\0\0", 2, 0, &part, FAR);
    is_mem(part, (size_t)n + 1, "\0b", 3, "A18 NULs, and one that follows the part");
    is_int(netio_stream_buffered(pair.stream, &left), 1, "what is handed out is not buffered");
    is_mem(left, 1, "c", 1, "what stands behind it is");
    is_int(netio_stream_until_at(pair.stream, "", 0, 0, &part, FAR), -EINVAL, "no delimiter");
    is_int(netio_stream_buffered(pair.stream, NULL), 1, "takes nothing");
    pair_close(&pair);
}

static void check_rest(void)
{
    struct pair pair;
    const char *left;
    char *all, *line;

    pair_open(&pair, 16);
    pair_say(&pair, "line\nthe \0rest", 14);
    netio_stream_line_at(pair.stream, &line, FAR);
    is_int(netio_stream_rest_at(pair.stream, 64, &all, NETIO_NOW), -ETIMEDOUT, "no end yet");
    is_int(netio_stream_buffered(pair.stream, &left), 9, "what came is there");
    is_mem(left, 9, "the \0rest", 9, "as it came");
    pair_say(&pair, " of it", 6);
    is_int(netio_stream_rest_at(pair.stream, 14, &all, FAR), NETIO_ETOOLONG, "more than a limit");
    is_int(netio_stream_rest_at(pair.stream, 14, &all, FAR), NETIO_ETOOLONG, "and again");
    shutdown(pair.peer, SHUT_WR);
    ssize_t n = netio_stream_rest_at(pair.stream, 0, &all, FAR);
    is_mem(all, (size_t)n + 1, "the \0rest of it", 16, "A9 with more room: all, and a NUL");
    is_int(netio_stream_rest_at(pair.stream, 1, &all, FAR), 0, "then there is nothing");
    is_str(all, "", "an empty text");
    is_int(netio_stream_line_at(pair.stream, &line, FAR), NETIO_EEOF, "and no line");
    is_int(netio_stream_buffered(pair.stream, &left), 0, "nothing is left");
    ok(left == NULL, "nowhere");
    pair_close(&pair);
}

/* One kind of call goes on where another one stopped. */
static void check_mixed(void)
{
    struct pair pair;
    char *data, octets[8];
    size_t got;

    pair_open(&pair, 8);
    pair_say(&pair, "a,b\ncd;ef\n123456789abc\nrest", 27);
    is_int(netio_stream_until_at(pair.stream, ",", 1, 0, &data, FAR), 1, "a part");
    is_int(netio_stream_line_at(pair.stream, &data, FAR), 1, "a line behind it");
    is_str(data, "b", "which begins there");
    is_int(netio_stream_octets_at(pair.stream, octets, 2, &got, FAR), 0, "octets");
    is_int(netio_stream_until_at(pair.stream, ";", 1, 0, &data, FAR), 0, "an empty part");
    is_int(netio_stream_line_at(pair.stream, &data, FAR), 2, "a line");
    is_int(netio_stream_line_at(pair.stream, &data, FAR), NETIO_ETOOLONG, "one that is too long");
    is_int(netio_stream_until_at(pair.stream, "a", 1, 9, &data, FAR), 9,
           "is a part, with more room");
    is_str(data, "123456789", "from its beginning");
    is_int(netio_stream_line_at(pair.stream, &data, FAR), 2, "its end is a line");
    is_str(data, "bc", "nothing is skipped");
    shutdown(pair.peer, SHUT_WR);
    is_int(netio_stream_rest_at(pair.stream, 0, &data, FAR), 4, "the rest");
    is_str(data, "rest", "of all of it");
    pair_close(&pair);
}

/* A7: bytes that never stop coming, and a deadline that has passed.  A packet a look. */
static void check_flow(void)
{
    struct netio_stream *stream;
    char *data;
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
        abort();
    netio_stream_new_take(&stream, fd[0], SIZE_MAX);
    for (int i = 0; i < 16; i++)
        netio_fd_send(fd[1], "xx", 2);
    is_int(netio_stream_line_at(stream, &data, NETIO_NOW), -ETIMEDOUT,
           "A7 a line that flows without an end");
    is_int(netio_stream_buffered(stream, NULL), 2, "A7 is looked at once");
    is_int(netio_stream_until_at(stream, ",", 1, 0, &data, NETIO_NOW), -ETIMEDOUT, "A7 a part");
    is_int(netio_stream_buffered(stream, NULL), 4, "A7 once");
    is_int(netio_stream_rest_at(stream, SIZE_MAX, &data, NETIO_NOW), -ETIMEDOUT, "A7 the rest");
    is_int(netio_stream_buffered(stream, NULL), 6, "A7 once");
    netio_stream_free(stream);
    close(fd[1]);
}

/* A8: a reset; what had come is there, and is not the whole. */
static void check_reset(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct linger linger = {.l_onoff = 1};
    socklen_t len = sizeof in;
    struct netio_stream *stream;
    const char *left;
    char *data;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(listener, (struct sockaddr *)&in, len) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&in, &len) ||
        connect(fd, (struct sockaddr *)&in, len))
        abort();
    int peer = accept(listener, NULL, NULL);
    netio_stream_new_take(&stream, fd, 0);
    netio_fd_send(peer, "half an answer", 14);
    /* A reset throws away what was not read. */
    is_int(netio_stream_rest_at(stream, 0, &data, netio_deadline_in(0.02)), -ETIMEDOUT, "A8 half");
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(peer);
    for (int i = 0; i < 2; i++) {
        is_int(netio_stream_rest_at(stream, 0, &data, FAR), -ECONNRESET, "A8 is not all there is");
        is_int(netio_stream_until_at(stream, ",", 1, 0, &data, FAR), -ECONNRESET, "A8 nor a part");
    }
    is_int(netio_stream_buffered(stream, &left), 14, "A8 what came can be seen");
    is_mem(left, 14, "half an answer", 14, "A8 as it came");
    netio_stream_free(stream);
    close(listener);
}

int main(void)
{
    check_splits();
    check_bytes();
    check_rest();
    check_mixed();
    check_flow();
    check_reset();
    return tap_done();
}
