/* Tests of netio/alarm.h: functions that end in time and functions that do not, one call in
 * another, and sockets that are cut.  F3, F4 and F14 for C. */
#include "alarmed.h"
#include "descriptors.h"

#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

/* As code does that knows of signals. */
static int read_again(void *data)
{
    char c;
    ssize_t n;

    do {
        n = recv(*(int *)data, &c, 1, 0);
    } while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : (int)n;
}

static int sleep_long(void *data)
{
    struct timespec time = {.tv_sec = 1000};

    (void)data;
    return nanosleep(&time, NULL) == -1 ? -errno : 0;
}

static int poll_long(void *data)
{
    (void)data;
    return poll(NULL, 0, 1000000) == -1 ? -errno : 0;
}

static int wait_for_child(void *data)
{
    return waitpid(*(pid_t *)data, NULL, 0) == -1 ? -errno : 0;
}

static void test_calls(void)
{
    static const struct {
        const char *name;
        int (*function)(void *);
        double seconds;
        int code, result;
    } table[] = {
        {"in time", seven, FOREVER, 0, 7},
        {"no deadline", seven, INFINITY, 0, 7},
        {"read(2)", read_once, 20 * MS, -ETIMEDOUT, -EINTR},
        {"nanosleep(2)", sleep_long, 20 * MS, -ETIMEDOUT, -EINTR},
        {"poll(2)", poll_long, 20 * MS, -ETIMEDOUT, -EINTR},
        {"less than a tick", read_once, 1e-9, -ETIMEDOUT, -EINTR},
        {"no time", read_once, 0, -ETIMEDOUT, -EINTR},
        {"negative", read_once, -5, -ETIMEDOUT, -EINTR},
        {"the signal before the call", compute_then_read, 5 * MS, -ETIMEDOUT, -EINTR},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int result = 99;
        int64_t began = netio_clock_now();
        int code = call(table[i].seconds, table[i].function, &silent[0], &result);
        double took = (double)(netio_clock_now() - began) / 1e9;

        is_int(code, table[i].code, "%s: what came of it", table[i].name);
        is_int(result, table[i].result, "%s: its result", table[i].name);
        ok(code == 0 || took >= table[i].seconds, "%s: not before", table[i].name);
    }
    ok(call(FOREVER, seven, NULL, NULL) == 0, "nobody asks for the result");
    const struct netio_alarm_options wild = {.deadline = INT64_MIN};
    is_int(netio_alarm_call(read_once, &silent[0], &wild, NULL), -ETIMEDOUT, "a wild deadline");
    pid_t child = fork();
    if (child == 0)
        pause();
    is_int(call(20 * MS, wait_for_child, &child, NULL), -ETIMEDOUT, "waitpid(2)");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Nesting. */

static void test_nesting(void)
{
    struct nest inner = {.seconds = FOREVER, .function = read_once, .data = &silent[0]};
    int result = 0;

    is_int(call(20 * MS, nested, &inner, &result), -ETIMEDOUT, "F4 the outer one is sooner");
    is_int(inner.code, 0, "the inner one's deadline did not come");
    is_int(inner.result, -EINTR, "but its read was interrupted");
    is_int(result, 1, "and the outer function returned");
    inner.seconds = 20 * MS;
    is_int(call(FOREVER, nested, &inner, &result), 0, "F4 the inner one is sooner");
    is_int(inner.code, -ETIMEDOUT, "the inner one is told so");
    struct nest middle = {.seconds = FOREVER, .function = nested, .data = &inner};
    inner.seconds = FOREVER;
    is_int(call(20 * MS, nested, &middle, &result), -ETIMEDOUT, "F4 three, the outermost first");
    ok(middle.code == 0 && inner.code == 0 && inner.result == -EINTR, "the others know");
    middle.seconds = 20 * MS;
    is_int(call(FOREVER, nested, &middle, &result), 0, "F4 three, the middle one first");
    ok(middle.code == -ETIMEDOUT && inner.code == 0 && inner.result == -EINTR, "the others know");
    inner.seconds = middle.seconds = 20 * MS;
    inner.function = compute_then_read;
    is_int(call(20 * MS, nested, &middle, &result), -ETIMEDOUT, "F4 three at once");
    ok(middle.code == -ETIMEDOUT && inner.code == -ETIMEDOUT, "all of them");
}

/* Cutting a socket. */

static int cut_call(int fd, int (*function)(void *), void *data, int *result)
{
    const struct netio_alarm_options options = {
        .deadline = netio_deadline_in(20 * MS), .cut = 1, .socket = fd};

    return netio_alarm_call(function, data, &options, result);
}

/* Closes the socket, and opens another that gets its number. */
static int replace_socket(void *data)
{
    int *pair = data;
    int fresh[2];

    close(pair[0]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == -1)
        return -errno;
    pair[0] = fresh[0];
    read_once(&silent[0]);
    int usable = write(fresh[1], "x", 1) == 1 && read_again(&fresh[0]) == 1;
    close(fresh[1]);
    return usable;
}

static void test_cut(void)
{
    int pair[2], result = 99;
    int before = open_descriptors();

    is_int(cut_call(-1, seven, NULL, &result), -EBADF, "no such socket");
    is_int(result, 99, "the function was not called");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        return;
    is_int(cut_call(pair[0], read_again, &pair[0], &result), -ETIMEDOUT,
           "a function that repeats its recv(2) is cut");
    is_int(result, 0, "and sees the end of the connection");
    close(pair[0]);
    close(pair[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        return;
    int number = pair[0];
    is_int(cut_call(pair[0], replace_socket, pair, &result), -ETIMEDOUT, "F14 one that is closed");
    is_int(pair[0], number, "F14 and whose number is taken again");
    is_int(result, 1, "F14 nothing happens to the new one");
    close(pair[0]);
    close(pair[1]);
    is_int(open_descriptors(), before, "no descriptor is left");
}

static void test_no_timer(void)
{
    struct rlimit before, none = {0, 0};
    struct sigaction now;
    int result = 99;

    getrlimit(RLIMIT_SIGPENDING, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_SIGPENDING, &none);
    is_int(call(FOREVER, seven, NULL, &result), -EAGAIN, "no timer left");
    setrlimit(RLIMIT_SIGPENDING, &before);
    is_int(result, 99, "the function was not called");
    sigaction(SIGALRM, NULL, &now);
    ok(now.sa_handler == SIG_DFL, "the handler is as before");
}

int main(void)
{
    make_silent();
    test_calls();
    test_nesting();
    test_cut();
    test_no_timer();
    return tap_done();
}
