/* Ring 0.  Signals as a descriptor, for programs that own their process; see
 * netio/signals.h. */
#include <netio/fd.h>
#include <netio/signals.h>

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

int netio_signals_open(const int *signals)
{
    sigset_t set;

    sigemptyset(&set);
    for (; *signals; signals++)
        if (sigaddset(&set, *signals) == -1)
            return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd == -1)
        return -errno;
    /* Blocked only once the descriptor stands: a failure leaves the program as it was. */
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1) {
        int code = -errno;
        netio_fd_close(fd);
        return code;
    }
    return fd;
}

int netio_signals_next(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n = netio_fd_read(fd, &info, sizeof info);

    if (n == -EAGAIN)
        return 0;
    if (n < 0)
        return (int)n;
    return n == (ssize_t)sizeof info ? (int)info.ssi_signo : -EIO;
}
