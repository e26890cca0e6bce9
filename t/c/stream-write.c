/* What a stream writes: in one part and in many, through sockets that take a byte now and then,
 * pipes and terminals, and to peers that are gone. */
#include "tap.h"

#include <netio/error.h>
#include <netio/fd.h>
#include <netio/stream.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#define FAR netio_deadline_in(30)

static int stingy;         /* every other call writes nothing, the others one byte */
static unsigned long calls;

static int is_poor(void)
{
    return stingy && calls++ % 2 == 0;
}

/* In the place of the C library's, so that each byte has its short write and its EAGAIN. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!stingy)
        return syscall(SYS_sendmsg, fd, message, flags);
    errno = EAGAIN;
    return is_poor() ? -1 : send(fd, message->msg_iov->iov_base, 1, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!stingy)
        return syscall(SYS_writev, fd, parts, count);
    errno = EAGAIN;
    return is_poor() ? -1 : write(fd, parts->iov_base, 1);
}

static int open_pair(struct netio_stream **stream, int is_pipe)
{
    int fd[2];

    if ((is_pipe ? pipe2(fd, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd)) ||
        netio_stream_new_take(stream, fd[1], 0) < 0)
        abort();
    return fd[0];
}

#define PART(text) {text, sizeof text - 1}

/* Parts of every kind, and what they come to. */
static const struct iovec parts[] = {
    PART(""), PART("one"), PART(""), PART(""), PART(" t\0wo"), PART("!"), PART("\r\n"), PART(""),
};
#define COUNT (sizeof parts / sizeof *parts)
#define TEXT  "one t\0wo!\r\n"

/* A24: short writes and EAGAIN at each byte, of sockets and of pipes. */
static void check_parts(void)
{
    for (int way = 0; way < 4; way++) {
        struct iovec mine[COUNT];
        struct netio_stream *stream;
        char got[64];
        size_t sent;
        int reader = open_pair(&stream, way / 2);
        const char *name = way / 2 ? "a pipe" : "a socket";
        memcpy(mine, parts, sizeof parts);
        stingy = way % 2;
        is_int(netio_stream_writev_at(stream, mine, COUNT, &sent, FAR), 0, "A24 parts to %s%s",
               name, stingy ? ", byte by byte" : "");
        is_int(sent, sizeof TEXT - 1, "A24 all of them");
        ok(memcmp(mine, parts, sizeof parts) == 0, "A24 they are untouched");
        ssize_t n = read(reader, got, sizeof got);
        is_mem(got, (size_t)n, TEXT, sizeof TEXT - 1, "A24 all bytes arrive once");
        is_int(netio_stream_write_at(stream, TEXT, sizeof TEXT - 1, &sent, FAR), 0, "A24 one part");
        n = read(reader, got, sizeof got);
        is_mem(got, (size_t)n, TEXT, sizeof TEXT - 1, "A24 the same bytes");
        stingy = 0;
        is_int(netio_stream_writev_at(stream, NULL, 0, &sent, NETIO_NOW), 0, "no parts");
        is_int(netio_stream_writev_at(stream, parts, 1, &sent, NETIO_NOW), 0, "an empty part");
        is_int(sent, 0, "nothing is sent");
        netio_stream_free(stream);
        close(reader);
    }
}

/* More parts than the system takes at once, and more bytes than fit. */
static void check_many(void)
{
    static struct iovec many[3 * IOV_MAX + 7];
    static char text[997];
    struct netio_stream *stream;
    size_t count = sizeof many / sizeof *many, whole = 0, sent, got = 0;
    int reader = open_pair(&stream, 0), status;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i % 251);
    for (size_t i = 0; i < count; i++) {
        many[i] = (struct iovec){text, i % sizeof text};
        whole += many[i].iov_len;
    }
    pid_t pid = fork();
    if (pid == 0) {
        static char in[65536];
        unsigned long sum = 0;
        ssize_t n;
        netio_stream_free(stream);
        for (size_t i = 0, at = 0; (n = read(reader, in, sizeof in)) > 0; got += (size_t)n)
            for (ssize_t k = 0; k < n; k++, at++) {
                while (at == many[i].iov_len) {
                    at = 0;
                    i++;
                }
                sum += in[k] != text[at];
            }
        _exit(sum != 0 || got != whole);
    }
    is_int(netio_stream_writev_at(stream, many, count, &sent, FAR), 0, "%zu parts", count);
    is_int(sent, whole, "all of them");
    netio_stream_free(stream);
    close(reader);
    waitpid(pid, &status, 0);
    is_int(status, 0, "they arrive in order");
}

/* A7: a peer that reads as fast as we write, and a deadline that has passed. */
static void check_flow(void)
{
    struct netio_stream *stream;
    size_t sent;
    int reader = open_pair(&stream, 0);

    stingy = 1;
    calls = 1;
    is_int(netio_stream_write_at(stream, "ab", 2, &sent, NETIO_NOW), -ETIMEDOUT,
           "A7 writing does not go on beyond the deadline");
    is_int(sent, 1, "A7 one look was had");
    stingy = 0;
    is_int(netio_stream_write_at(stream, "b", 1, &sent, NETIO_NOW), 0,
           "A7 which is enough for what fits");
    netio_stream_free(stream);
    close(reader);
    static char much[1 << 20];
    const struct iovec two[] = {{much, sizeof much}, {much, sizeof much}};
    reader = open_pair(&stream, 1);
    is_int(netio_stream_writev_at(stream, two, 2, &sent, netio_deadline_in(0.02)), -ETIMEDOUT,
           "A7 a pipe that nobody reads");
    is_int(sent, 65536, "A7 what it holds went out");
    netio_stream_free(stream);
    close(reader);
}

static volatile sig_atomic_t pipes;

static void count_pipe(int number)
{
    (void)number;
    pipes++;
}

static int blocked(void)
{
    sigset_t now;

    pthread_sigmask(SIG_BLOCK, NULL, &now);
    return sigismember(&now, SIGPIPE);
}

static int pending(void)
{
    sigset_t now;

    sigpending(&now);
    return sigismember(&now, SIGPIPE);
}

/* A10: peers that are gone: EPIPE, and no signal, whatever is to be done at one. */
static void check_gone(void)
{
    void (*const dispositions[])(int) = {SIG_DFL, SIG_IGN, count_pipe};
    static const char *const names[] = {"the default", "ignored", "handled"};
    struct sigaction after;

    for (int way = 0; way < 6; way++) {
        struct sigaction action = {.sa_handler = dispositions[way % 3]};
        struct netio_stream *stream;
        size_t sent = 9;
        const char *name = names[way % 3], *kind = way / 3 ? "a pipe" : "a socket";
        sigaction(SIGPIPE, &action, NULL);
        close(open_pair(&stream, way / 3));
        is_int(netio_stream_writev_at(stream, parts, COUNT, &sent, FAR), -EPIPE,
               "A10 %s, SIGPIPE %s: EPIPE", kind, name);
        is_int(netio_stream_write_at(stream, "x", 1, &sent, FAR), -EPIPE, "A10 and again");
        is_int(sent, 0, "A10 nothing went out");
        sigaction(SIGPIPE, NULL, &after);
        ok(after.sa_handler == action.sa_handler && !blocked() && !pending(),
           "A10 its disposition and mask are untouched, and none is left");
        netio_stream_free(stream);
    }
    is_int(pipes, 0, "A10 no handler was called");
}

/* A SIGPIPE that somebody else has sent, and holds back, is not ours to take. */
static void check_pending(void)
{
    struct netio_stream *stream;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    close(open_pair(&stream, 1));
    is_int(netio_stream_write_at(stream, "x", 1, NULL, FAR), -EPIPE, "A10 blocked by the caller");
    ok(blocked() && !pending(), "A10 it stays so, and none is left");
    raise(SIGPIPE);
    is_int(netio_stream_write_at(stream, "x", 1, NULL, FAR), -EPIPE, "A10 one is pending");
    ok(blocked() && pending(), "A10 it still is");
    signal(SIGPIPE, count_pipe);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    is_int(pipes, 1, "A10 and arrives when it is let through");
    signal(SIGPIPE, SIG_DFL);
    netio_stream_free(stream);
}

/* A line through a pseudo-terminal, both ways. */
static void check_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios raw;
    struct netio_stream *stream;
    char got[16], *line;

    if (master == -1 || grantpt(master) || unlockpt(master)) {
        skip(4, "no pseudo-terminal here");
        return;
    }
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    netio_stream_new_take(&stream, slave, 0);
    is_int(netio_stream_writev_at(stream, parts, COUNT, NULL, FAR), 0, "parts to a terminal");
    ssize_t n = read(master, got, sizeof got);
    is_mem(got, (size_t)n, TEXT, sizeof TEXT - 1, "they arrive");
    if (write(master, "a line\r\n", 8) != 8)
        abort();
    is_int(netio_stream_line_at(stream, &line, FAR), 6, "a line of a terminal");
    is_int(netio_stream_line_at(stream, &line, netio_deadline_in(0.02)), -ETIMEDOUT, "no other");
    netio_stream_free(stream);
    close(master);
}

int main(void)
{
    check_parts();
    check_many();
    check_flow();
    check_gone();
    check_pending();
    check_terminal();
    return tap_done();
}
