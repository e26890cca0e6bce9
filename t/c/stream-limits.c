/* A stream at its limits: lines, parts and rests that never end, in bounded memory, and
 * descriptors beyond those of select(2). */
#include "tap.h"

#include <netio/error.h>
#include <netio/fd.h>
#include <netio/stream.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define FAR netio_deadline_in(100)
#define GIB (1L << 30)

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* A stream that a child writes so many bytes to, and then "\nend\n". */
static pid_t flood(struct netio_stream **stream, size_t line_max, long bytes)
{
    static char chunk[65536];
    int fd[2];

    memset(chunk, 'x', sizeof chunk);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        close(fd[0]);
        for (; bytes > 0; bytes -= (long)sizeof chunk)
            if (send(fd[1], chunk, sizeof chunk, MSG_NOSIGNAL) != sizeof chunk)
                _exit(1);
        _exit(send(fd[1], "\nend\n", 5, MSG_NOSIGNAL) != 5);
    }
    close(fd[1]);
    if (netio_stream_new_take(stream, fd[0], line_max) < 0)
        abort();
    return pid;
}

/* The memory of this process that is mapped from no file, in KiB; -1: it cannot be told.  The
 * counters in proc_pid_status(5) are off by some pages for each processor; these are exact.  A
 * stream's buffer does not shrink: what it has is the most it has had. */
static long memory(void)
{
    char line[256];
    long kib = -1;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");

    while (kib == -1 && rollup && fgets(line, sizeof line, rollup))
        if (strncmp(line, "Anonymous:", 10) == 0)
            kib = atol(line + 10);
    if (rollup)
        fclose(rollup);
    return kib;
}

/* The limit of facts/faults.md: what the operation may hold, and 64 KiB. */
static void is_bounded(long before, size_t max)
{
#ifdef __SANITIZE_ADDRESS__
    (void)before;
    (void)max;
    skip(1, "A17 the sanitizer keeps memory for itself");
#else
    long grown = memory() - before, most = (long)(max / 1024) + 64;
    if (before == -1)
        skip(1, "A17 no smaps_rollup here");
    else
        ok(grown <= most, "A17 memory grew by %ld KiB, of %ld", grown, most);
#endif
}

/* A17: a line of 1 GiB. */
static void check_line(size_t max)
{
    struct netio_stream *stream;
    char *line;
    int status;
    pid_t pid = flood(&stream, max, GIB);
    long before = memory();

    is_int(netio_stream_line_at(stream, &line, FAR), NETIO_ETOOLONG, "A17 1 GiB without an end");
    is_int(netio_stream_line_at(stream, &line, FAR), 3, "A17 the line after it");
    is_str(line, "end", "A17 is whole");
    is_bounded(before, max);
    netio_stream_free(stream);
    waitpid(pid, &status, 0);
}

/* A17: lines of many lengths, and a limit that they use: the buffer does not creep. */
static void check_lines(size_t max)
{
    struct netio_stream *stream;
    char *part;
    size_t length = 1, got = 0;
    pid_t pid = flood(&stream, max, 64L << 20);
    long before = memory();

    while (got < 64L << 20) {
        char octets[64];
        ssize_t n = netio_stream_until_at(stream, "\n", 1, 1 + length % max, &part, FAR);
        if (n != NETIO_ETOOLONG && n != 0)
            break;
        /* Leaves the buffer with something in front and something behind. */
        n = netio_stream_read_at(stream, octets, 1 + length % sizeof octets, FAR);
        for (size_t left = length % max; n > 0 && left > 0; left -= (size_t)n) {
            got += (size_t)n;
            n = netio_stream_read_at(stream, octets, left < sizeof octets ? left : sizeof octets,
                                     FAR);
        }
        if (n <= 0)
            break;
        got += (size_t)n;
        length = length * 5 + 12345;
    }
    ok(got > 32 << 20, "A17 parts of all lengths from %zu MiB", got >> 20);
    is_bounded(before, max);
    netio_stream_free(stream);
    waitpid(pid, NULL, 0);
}

/* A17: parts and rests in bounded memory, with their limits far apart. */
static void check_memory(void)
{
    struct netio_stream *stream;
    char *data;
    pid_t pid = flood(&stream, 64, 4 << 20);
    long before = memory();

    is_int(netio_stream_rest_at(stream, 1 << 20, &data, FAR), NETIO_ETOOLONG,
           "A17 a rest of 4 MiB");
    size_t have = netio_stream_buffered(stream, NULL);
    ok(have > 1 << 20 && have <= (1 << 20) + 16384, "A17 1 MiB of it was read");
    is_int(netio_stream_until_at(stream, "\n", 1, 1 << 21, &data, FAR), NETIO_ETOOLONG,
           "A17 a part");
    have = netio_stream_buffered(stream, NULL);
    ok(have > 1 << 21 && have <= (1 << 21) + 16384, "A17 2 MiB of it were read");
    is_int(netio_stream_until_at(stream, "\n", 1, 1 << 20, &data, FAR), NETIO_ETOOLONG,
           "A17 a shorter one");
    is_int(netio_stream_buffered(stream, NULL), have, "A17 needs no more");
    is_bounded(before, 1 << 21);
    netio_stream_free(stream);
    waitpid(pid, NULL, 0);
}

/* A28: descriptors above FD_SETSIZE. */
static void check_high(void)
{
    struct rlimit limit = {0};
    struct netio_stream *stream;
    char *line;
    int fd[2];

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
        abort();
    int high = fcntl(fd[0], F_DUPFD_CLOEXEC, 2000);
    if (high == -1) {
        skip(3, "no more than %ld descriptors here", (long)limit.rlim_cur);
        return;
    }
    close(fd[0]);
    netio_stream_new_take(&stream, high, 0);
    is_int(netio_stream_line_at(stream, &line, netio_deadline_in(0.02)), -ETIMEDOUT,
           "A28 descriptor %d: waits", high);
    is_int(netio_stream_write_at(stream, "x", 1, NULL, FAR), 0, "A28 writes");
    netio_fd_send(fd[1], "line\n", 5);
    is_int(netio_stream_line_at(stream, &line, FAR), 4, "A28 reads");
    netio_stream_free(stream);
    close(fd[1]);
}

int main(void)
{
    check_line(8192);
    check_line(1 << 20);
    check_lines(1 << 20);
    check_memory();
    check_high();
    return tap_done();
}
