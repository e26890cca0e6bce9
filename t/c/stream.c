/* Lines and octets over a socket pair: every split, every end, every deadline. */
#include "pair.h"
#include "storm.h"
#include "tap.h"

#include <netio/error.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>

static netio_deadline soon(void)
{
    return netio_deadline_in(0.02);
}

/* What a stream makes of bytes, as text: each line in brackets, an error by its name. */
static void read_lines(struct netio_stream *stream, char *out, size_t size)
{
    size_t used = 0;
    char *line;

    for (ssize_t n = 0; n != NETIO_EEOF && used < size;) {
        n = netio_stream_line_at(stream, &line, netio_deadline_in(5));
        used += n >= 0 ? (size_t)snprintf(out + used, size - used, "[%s]", line)
                       : (size_t)snprintf(out + used, size - used, "%s", netio_error_name((int)n));
    }
}

static const struct {
    const char *name, *bytes, *lines;
} splits[] = {
    {"LF", "one\ntwo\n", "[one][two]NETIO_EEOF"},
    {"CRLF", "one\r\ntwo\r\n", "[one][two]NETIO_EEOF"},
    {"both", "one\ntwo\r\nthree\n", "[one][two][three]NETIO_EEOF"},
    {"a lone CR is a byte", "o\rne\ntwo\r", "[o\rne][two\r]NETIO_EEOF"},
    {"CR CR LF", "one\r\r\n", "[one\r]NETIO_EEOF"},
    {"empty lines", "\n\r\n\n", "[][][]NETIO_EEOF"},
    {"a last line without an end", "one\ntwo", "[one][two]NETIO_EEOF"},
    {"nothing at all", "", "NETIO_EEOF"},
    {"the longest line", "12345678\r\nx\n", "[12345678][x]NETIO_EEOF"},
    {"one byte too many", "123456789\nx\n", "NETIO_ETOOLONG[x]NETIO_EEOF"},
    {"far too long", "1234567890123456789012\r\nx\n", "NETIO_ETOOLONG[x]NETIO_EEOF"},
    {"too long to the end", "x\n1234567890123", "[x]NETIO_ETOOLONGNETIO_EEOF"},
    {"the longest and a CR, then the end", "12345678\r", "NETIO_ETOOLONGNETIO_EEOF"},
    {"the longest without an end", "12345678", "[12345678]NETIO_EEOF"},
};

/* A19: the same result wherever the bytes are cut in two. */
static void check_splits(void)
{
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        size_t len = strlen(splits[i].bytes), wrong = 0;
        for (size_t cut = 0; cut <= len; cut++) {
            struct pair pair;
            char *line, got[256] = "", first[256] = "";
            pair_open(&pair, 8);
            pair_say(&pair, splits[i].bytes, cut);
            /* Looks while only the first part is there: a time-out loses nothing. */
            for (ssize_t n;
                 (n = netio_stream_line_at(pair.stream, &line, NETIO_NOW)) != -ETIMEDOUT;) {
                size_t used = strlen(first);
                if (n >= 0)
                    snprintf(first + used, sizeof first - used, "[%s]", line);
                else
                    snprintf(first + used, sizeof first - used, "%s", netio_error_name((int)n));
            }
            pair_say(&pair, splits[i].bytes + cut, len - cut);
            shutdown(pair.peer, SHUT_WR);
            snprintf(got, sizeof got, "%s", first);
            read_lines(pair.stream, got + strlen(got), sizeof got - strlen(got));
            wrong += strcmp(got, splits[i].lines) != 0;
            if (strcmp(got, splits[i].lines) != 0)
                diag("cut at %zu: %s", cut, got);
            pair_close(&pair);
        }
        is_int(wrong, 0, "A19 lines, cut anywhere: %s", splits[i].name);
    }
}

/* A18: bytes are bytes, in lines and as octets. */
static void check_all_bytes(void)
{
    char sent[256], got[256], *line;
    struct pair pair;
    size_t stored;

    for (int i = 0; i < 256; i++)
        sent[i] = (char)i;
    pair_open(&pair, 0);
    pair_say(&pair, sent, sizeof sent);
    is_int(netio_stream_octets_at(pair.stream, got, sizeof got, &stored, soon()), 0,
           "A18 octets: all of them");
    is_mem(got, stored, sent, sizeof sent, "A18 octets are what was sent");
    pair_say(&pair, "a\0b\n", 4);
    ssize_t n = netio_stream_line_at(pair.stream, &line, soon());
    is_mem(line, (size_t)n + 1, "a\0b", 4, "A18 a line may hold NUL, and one follows it");
    pair_close(&pair);
}

static void check_mixed(void)
{
    struct pair pair;
    char *line, octets[16];
    size_t got;

    pair_open(&pair, 8);
    pair_say(&pair, "DATA 5\r\nhelloQUIT\r\n1234567890", 28);
    netio_stream_line_at(pair.stream, &line, soon());
    is_str(line, "DATA 5", "a line");
    is_int(netio_stream_octets_at(pair.stream, octets, 5, &got, soon()), 0, "then octets");
    is_mem(octets, got, "hello", 5, "which begin behind the line's end");
    netio_stream_line_at(pair.stream, &line, soon());
    is_str(line, "QUIT", "then a line again");
    is_int(netio_stream_line_at(pair.stream, &line, soon()), NETIO_ETOOLONG,
           "one that is too long");
    is_int(netio_stream_read_at(pair.stream, octets, sizeof octets, soon()), 9,
           "what had come of it can still be read");
    is_mem(octets, 9, "123456789", 9, "as it was sent");
    pair_say(&pair, "NOOP\n", 5);
    is_int(netio_stream_line_at(pair.stream, &line, soon()), 4,
           "and then nothing more of it is skipped");
    pair_close(&pair);
}

static void check_ends(void)
{
    struct pair pair;
    char *line, octets[16];
    size_t got;

    pair_open(&pair, 0);
    pair_say(&pair, "half", 4);
    is_int(netio_stream_line_at(pair.stream, &line, soon()), -ETIMEDOUT, "half a line: timed out");
    is_int(netio_stream_octets_at(pair.stream, octets, 16, &got, soon()), -ETIMEDOUT,
           "too few octets: timed out");
    is_mem(octets, got, "half", 4, "but what there is was stored");
    is_int(netio_stream_read_at(pair.stream, octets, 16, NETIO_NOW), -ETIMEDOUT,
           "nothing there, and no time");
    is_int(netio_stream_read_at(pair.stream, octets, 0, NETIO_NOW), 0, "nothing asked for");
    pair_say(&pair, "x", 1);
    is_int(netio_stream_read_at(pair.stream, octets, 16, NETIO_NOW), 1,
           "a deadline that has passed still looks once");
    pair_say(&pair, "rest", 4);
    shutdown(pair.peer, SHUT_WR);
    is_int(netio_stream_octets_at(pair.stream, octets, 16, &got, soon()), NETIO_EEOF,
           "A9 the end is not a time-out");
    is_mem(octets, got, "rest", 4, "A9 and what came before it was stored");
    is_int(netio_stream_read_at(pair.stream, octets, 16, soon()), NETIO_EEOF, "A9 the end stays");
    is_int(netio_stream_write_at(pair.stream, "still\n", 6, &got, soon()), 0,
           "A9 writing goes on after the peer's end of file");
    is_int(netio_stream_half_close(pair.stream), 0, "A9 and can end too");
    is_int(read(pair.peer, octets, sizeof octets), 6, "A9 the peer has it");
    is_int(read(pair.peer, octets, sizeof octets), 0, "A9 and the end of file");
    pair_close(&pair);
}

/* A connected pair over TCP: [0] is ours. */
static void tcp_pair(int fd[2])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&in, sizeof in) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&in, &len) ||
        connect(fd[0], (struct sockaddr *)&in, sizeof in))
        abort();
    fd[1] = accept(listener, NULL, NULL);
    close(listener);
}

static void reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

/* A8: a reset in the middle of an answer is an error, and stays one. */
static void check_reset(void)
{
    struct netio_stream *stream;
    char *line, octets[16];
    int fd[2];

    tcp_pair(fd);
    netio_stream_new_take(&stream, fd[0], 0);
    if (write(fd[1], "whole\nhalf", 10) != 10)
        abort();
    is_int(netio_stream_line_at(stream, &line, netio_deadline_in(5)), 5, "A8 a whole line");
    reset(fd[1]);
    is_int(netio_stream_line_at(stream, &line, netio_deadline_in(5)), -ECONNRESET,
           "A8 half a line and a reset: the reset");
    is_int(netio_stream_line_at(stream, &line, netio_deadline_in(5)), -ECONNRESET,
           "A8 not an end of file the second time");
    is_int(netio_stream_read_at(stream, octets, 16, netio_deadline_in(5)), 4,
           "A8 the half line can be read");
    is_int(netio_stream_read_at(stream, octets, 16, netio_deadline_in(5)), -ECONNRESET,
           "A8 and then the reset again");
    netio_stream_free(stream);
}

/* A23: an urgent byte, before, within and behind a line: it is left out, and nothing stalls. */
static void check_urgent(void)
{
    struct netio_stream *stream;
    char *line;
    int fd[2];

    tcp_pair(fd);
    netio_stream_new_take(&stream, fd[0], 0);
    is_int(send(fd[1], "!", 1, MSG_OOB), 1, "A23 an urgent byte");
    is_int(netio_stream_line_at(stream, &line, soon()), -ETIMEDOUT, "A23 is nothing to read");
    if (send(fd[1], "o", 1, 0) != 1 || send(fd[1], "!", 1, MSG_OOB) != 1 ||
        send(fd[1], "ne\n", 3, 0) != 3)
        abort();
    is_int(netio_stream_line_at(stream, &line, netio_deadline_in(5)), 3, "A23 a line around one");
    is_str(line, "one", "A23 is the line alone");
    send(fd[1], "!", 1, MSG_OOB);
    shutdown(fd[1], SHUT_WR);
    is_int(netio_stream_line_at(stream, &line, netio_deadline_in(5)), NETIO_EEOF,
           "A23 one before the end is nothing, either");
    netio_stream_free(stream);
    close(fd[1]);
}

static volatile sig_atomic_t pipes;

static void count_pipe(int number)
{
    (void)number;
    pipes++;
}

/* A10: writing to a peer that is gone. */
static void check_gone(void)
{
    struct sigaction counting = {.sa_handler = count_pipe}, after;
    struct pair pair;
    size_t sent;

    sigaction(SIGPIPE, &counting, NULL);
    pair_open(&pair, 0);
    close(pair.peer);
    pair.peer = -1;
    is_int(netio_stream_write_at(pair.stream, "x", 1, &sent, soon()), -EPIPE, "A10 EPIPE");
    is_int(netio_stream_write_at(pair.stream, "x", 1, &sent, soon()), -EPIPE, "A10 EPIPE again");
    is_int(sent, 0, "A10 nothing went out");
    is_int(pipes, 0, "A10 no signal");
    sigaction(SIGPIPE, NULL, &after);
    ok(after.sa_handler == count_pipe, "A10 the caller's handler is untouched");
    pair_close(&pair);
}

static void check_deaf(void)
{
    static char much[4 << 20];
    struct pair pair;
    size_t sent;

    pair_open(&pair, 0);
    is_int(netio_stream_write_at(pair.stream, much, sizeof much, &sent, soon()), -ETIMEDOUT,
           "a peer that does not read: timed out");
    ok(sent > 0 && sent < sizeof much, "some of it went out");
    pair_close(&pair);
}

/* A child that sends a byte every millisecond while somebody may read them, for 10 s at most. */
static pid_t drip(const struct pair *pair)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    signal(SIGPIPE, SIG_IGN);
    close(netio_stream_fd(pair->stream));
    for (int i = 0; i < 10000 && write(pair->peer, "x", 1) == 1; i++)
        netio_fd_poll(-1, 0, netio_deadline_in(0.001));
    _exit(0);
}

/* A7, A15: a drip and a storm of signals, and still the deadline is that of the whole. */
static void check_drip(void)
{
    char *line, octets[1024];
    struct pair pair;
    size_t got;

    pair_open(&pair, 0);
    pid_t pid = drip(&pair);
    is_int(netio_fd_poll(netio_stream_fd(pair.stream), NETIO_READ, netio_deadline_in(60)),
           NETIO_READ, "it has begun");
    storm_begin(2000);
    is_int(netio_stream_line_at(pair.stream, &line, netio_deadline_in(0.1)), -ETIMEDOUT,
           "A7 A15 a line that drips");
    is_int(netio_stream_octets_at(pair.stream, octets, sizeof octets, &got, netio_deadline_in(0.3)),
           -ETIMEDOUT, "A7 A15 octets that drip");
    ok(got > 2 && got < sizeof octets, "A7 those that came are there");
    is_int(netio_stream_finish_at(pair.stream, netio_deadline_in(0.05)), -ETIMEDOUT,
           "A7 A15 a peer that never ends");
    storm_end();
    ok(storm_signals > 10, "A15 signals arrived all the while");
    close(pair.peer);
    waitpid(pid, NULL, 0);
}

static void check_finish(void)
{
    struct netio_stream *stream;
    char byte;
    int fd[2];

    tcp_pair(fd);
    netio_stream_new_take(&stream, fd[0], 0);
    if (write(fd[1], "never read", 10) != 10)
        abort();
    shutdown(fd[1], SHUT_WR);
    is_int(netio_stream_write_at(stream, "bye", 3, NULL, netio_deadline_in(5)), 0, "a last word");
    is_int(netio_stream_finish_at(stream, netio_deadline_in(5)), 0, "a clean end");
    is_int(read(fd[1], &byte, 1), 1, "the peer gets it");
    is_int(read(fd[1], &byte, 1) + read(fd[1], &byte, 1) + read(fd[1], &byte, 1), 2,
           "and the end of file, no reset");
    is_int(fcntl(fd[0], F_GETFD), -1, "the descriptor is closed");
    close(fd[1]);
    tcp_pair(fd);
    netio_stream_new_take(&stream, fd[0], 0);
    is_int(netio_stream_finish_at(stream, soon()), -ETIMEDOUT, "a peer that does not end");
    is_int(fcntl(fd[0], F_GETFD), -1, "the descriptor is closed all the same");
    close(fd[1]);
}

/* The end of a connection that has ended already. */
static void check_finish_ended(void)
{
    struct netio_stream *stream;
    int fd[2];

    tcp_pair(fd);
    netio_stream_new_take(&stream, fd[0], 0);
    is_int(netio_stream_half_close(stream), 0, "half-closed");
    if (write(fd[1], "late", 4) != 4)
        abort();
    close(fd[1]);
    is_int(netio_stream_finish_at(stream, netio_deadline_in(5)), 0, "and closed: a clean end");
    tcp_pair(fd);
    netio_stream_new_take(&stream, fd[0], 0);
    close(fd[1]);
    is_int(netio_stream_finish_at(stream, netio_deadline_in(5)), 0, "closed: a clean end");
    tcp_pair(fd);
    netio_stream_new_take(&stream, fd[0], 0);
    reset(fd[1]);
    is_int(netio_stream_finish_at(stream, netio_deadline_in(5)), -ECONNRESET, "reset: which is said");
    is_int(fcntl(fd[0], F_GETFD), -1, "the descriptor is closed all the same");
    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    netio_stream_new_take(&stream, fd[0], 0);
    is_int(netio_stream_finish_at(stream, netio_deadline_in(5)), -ENOTCONN, "never connected");
}

/* A deadline that has passed looks once, however much there is to come.  A packet a look. */
static void check_late(void)
{
    struct netio_stream *stream;
    char octets[16];
    size_t got;
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
        abort();
    netio_stream_new_take(&stream, fd[0], 0);
    for (int i = 0; i < 16; i++)
        netio_fd_send(fd[1], "xx", 2);
    is_int(netio_stream_octets_at(stream, octets, 16, &got, NETIO_NOW), -ETIMEDOUT,
           "A7 octets that come without a pause");
    is_int(got, 2, "A7 are not read beyond the deadline");
    is_int(netio_stream_octets_at(stream, octets, 16, &got, soon()), 0, "A7 and are not lost");
    netio_stream_free(stream);
    close(fd[1]);
    char *line;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
        abort();
    netio_stream_new_take(&stream, fd[0], 4);
    for (int i = 0; i < 16; i++)
        netio_fd_send(fd[1], "xx", 2);
    is_int(netio_stream_line_at(stream, &line, soon()), NETIO_ETOOLONG, "A17 a line without end");
    is_int(netio_stream_line_at(stream, &line, NETIO_NOW), -ETIMEDOUT,
           "A17 is not skipped beyond the deadline");
    is_int(netio_stream_read_at(stream, octets, 16, NETIO_NOW), 2, "A17 there is more of it");
    netio_stream_free(stream);
    close(fd[1]);
}

static void check_longest(void)
{
    struct pair pair;
    char *line;

    pair_open(&pair, SIZE_MAX);
    pair_say(&pair, "a line\n", 7);
    is_int(netio_stream_line_at(pair.stream, &line, soon()), 6, "lines without a limit");
    pair_say(&pair, "the last", 8);
    shutdown(pair.peer, SHUT_WR);
    is_int(netio_stream_line_at(pair.stream, &line, soon()), 8, "and the last one");
    is_str(line, "the last", "with its NUL");
    pair_close(&pair);
}

static void check_taking(void)
{
    struct netio_stream *stream = (struct netio_stream *)"untouched";
    int fd[2];

    is_int(netio_stream_new_take(&stream, -1, 0), -EBADF, "no descriptor");
    ok(stream == NULL, "no stream");
    netio_stream_free(NULL);
    pass("freeing none is legal");
    if (pipe2(fd, O_CLOEXEC) == -1)
        abort();
    is_int(netio_stream_new_take(&stream, fd[0], 0), 0, "a pipe");
    is_int(netio_stream_fd(stream), fd[0], "its descriptor");
    ok(fcntl(fd[0], F_GETFL) & O_NONBLOCK, "made non-blocking");
    char *line;
    if (write(fd[1], "through a pipe\n", 15) != 15)
        abort();
    is_int(netio_stream_line_at(stream, &line, soon()), 14, "lines over a pipe");
    is_int(netio_stream_half_close(stream), -ENOTSOCK, "which cannot be half-closed");
    is_int(netio_stream_finish_at(stream, soon()), -ENOTSOCK, "nor finished, but it is closed");
    is_int(fcntl(fd[0], F_GETFD), -1, "all the same");
    close(fd[1]);
}

int main(void)
{
    check_splits();
    check_all_bytes();
    check_mixed();
    check_ends();
    check_reset();
    check_urgent();
    check_gone();
    check_deaf();
    check_drip();
    check_finish();
    check_finish_ended();
    check_late();
    check_longest();
    check_taking();
    return tap_done();
}
