/* Tests of netio/signals.h. */
#include "tap.h"
#include <netio/fd.h>
#include <netio/signals.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

int main(void)
{
    static const int wanted[] = {SIGTERM, SIGHUP, 0};
    static const int wrong[] = {SIGTERM, 9999, 0};

    is_int(netio_signals_open(wrong), -EINVAL, "no such signal");
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    ok(!sigismember(&mask, SIGTERM), "and nothing was blocked");
    int fd = netio_signals_open(wanted);
    ok(fd >= 0, "a descriptor");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "close-on-exec");
    is_int(netio_signals_next(fd), 0, "no signal yet");
    is_int(netio_fd_poll(fd, NETIO_READ, NETIO_NOW), -ETIMEDOUT, "nothing to read");
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    is_int(netio_fd_poll(fd, NETIO_READ, NETIO_NOW), NETIO_READ, "there is now");
    int first = netio_signals_next(fd), second = netio_signals_next(fd);
    ok((first == SIGHUP && second == SIGTERM) || (first == SIGTERM && second == SIGHUP),
       "each of the two, once");
    is_int(netio_signals_next(fd), 0, "and no more");
    netio_fd_close(fd);
    is_int(netio_signals_next(fd), -EBADF, "a closed one");
    return tap_done();
}
