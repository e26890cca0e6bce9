/* Every call that netio_alarm_call makes into the system fails in turn: the function is called
 * or an error says that it was not; handler, mask and timers are as before. */
#include "fault.h"
#include <netio/alarm.h>

#include <fcntl.h>

static int silent[2], pair[2];

static int wait_and_see(void *data)
{
    char c;

    *(int *)data = 1;
    return __real_recv(pair[0], &c, 1, 0) == -1 ? -errno : 0;
}

/* The signals of a timer that was forgotten would come in the next 15 ms. */
static int is_quiet(void)
{
    struct timespec time = {.tv_nsec = 15000000};
    sigset_t mask;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    return !sigismember(&mask, SIGALRM) && nanosleep(&time, NULL) == 0;
}

static int one_call(void)
{
    const struct netio_alarm_options options = {
        .deadline = netio_deadline_in(0.001), .cut = 1, .socket = silent[0]};
    int called = 0, result = 99;
    long hits = *fault_hits;
    int code = netio_alarm_call(wait_and_see, &called, &options, &result);

    hits = *fault_hits - hits;
    fault_off();
    int quiet = is_quiet();
    fault_on();
    if (!quiet)
        return 1;
    if (called)
        return code == -ETIMEDOUT && result == -EINTR ? 0 : 2;
    return hits > 0 && code < 0 && code != -ETIMEDOUT && result == 99 ? 0 : 3;
}

int main(void)
{
    if (pipe2(silent, O_CLOEXEC) == -1 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        return 1;
    fault_walk("a call under a deadline", one_call);
    return tap_done();
}
