/* How late the calls of a stream end, for xt/deadline/stream.t:
 *
 *     drive-stream [-s] [-t SECONDS] [-r TIMES] CALL PEER
 *
 * CALL: line, until, rest, octets, write or finish.  PEER: mute (says and reads nothing), drip
 * (a byte every millisecond), flood (bytes without a pause) or sink (reads without one).  -s: under
 * a signal every 200 microseconds.  It prints, so many times, "late MICROSECONDS": how long after
 * SECONDS the call ended, and for comparison "bare MICROSECONDS", the same of a poll(2). */
#include "late.h"
#include "storm.h"
#include "tap.h"

#include <netio/error.h>
#include <netio/fd.h>
#include <netio/stream.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static char much[64 << 20];

static void play(const char *peer, int fd)
{
    static char chunk[65536];
    struct timespec pause = {.tv_nsec = 1000000};

    if (strcmp(peer, "drip") == 0)
        while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
            nanosleep(&pause, NULL);
    else if (strcmp(peer, "flood") == 0)
        while (send(fd, chunk, sizeof chunk, MSG_NOSIGNAL) > 0)
            continue;
    else if (strcmp(peer, "sink") == 0)
        while (recv(fd, chunk, sizeof chunk, 0) > 0)
            continue;
    else
        poll(NULL, 0, -1);
}

/* The result of the call, which is -ETIMEDOUT. */
static long call_of(const char *call, struct netio_stream *stream, netio_deadline deadline)
{
    char *data;

    if (strcmp(call, "line") == 0)
        return netio_stream_line_at(stream, &data, deadline);
    if (strcmp(call, "until") == 0)
        return netio_stream_until_at(stream, "\n.\n", 3, SIZE_MAX / 4, &data, deadline);
    if (strcmp(call, "rest") == 0)
        return netio_stream_rest_at(stream, SIZE_MAX / 4, &data, deadline);
    if (strcmp(call, "octets") == 0)
        return netio_stream_octets_at(stream, much, sizeof much, NULL, deadline);
    return netio_stream_write_at(stream, much, sizeof much, NULL, deadline);
}

static int once(const char *call, const char *peer, double seconds)
{
    struct netio_stream *stream;
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        close(fd[0]);
        play(peer, fd[1]);
        _exit(0);
    }
    close(fd[1]);
    if (netio_stream_new_take(&stream, fd[0], SIZE_MAX / 4) < 0)
        return 1;
    int64_t started = netio_clock_now();
    netio_deadline deadline = netio_deadline_in(seconds);
    int is_finish = strcmp(call, "finish") == 0;
    long code = is_finish ? netio_stream_finish_at(stream, deadline)
                          : call_of(call, stream, deadline);
    printf(code == -ETIMEDOUT ? "late %lld\n" : "ended %lld\n", late(started, seconds));
    if (!is_finish)
        netio_stream_free(stream);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    late_bare(seconds);
    return 0;
}

int main(int argc, char **argv)
{
    double seconds = 0.01;
    int option, times = 1, failed = 0;

    while ((option = getopt(argc, argv, "st:r:")) != -1)
        switch (option) {
        case 's':
            storm_begin(200);
            break;
        case 't':
            seconds = atof(optarg);
            break;
        case 'r':
            times = atoi(optarg);
            break;
        default:
            return 64;
        }
    if (argc - optind != 2)
        skip_all("a driver for tests in Perl");
    while (times-- > 0 && !failed)
        failed = once(argv[optind], argv[optind + 1], seconds);
    (void)tap_done;
    return failed;
}
