/* Ring 0.  Descriptors: close, flags, wait, read and write; see netio/fd.h.
 * Called by every ring above; it touches the descriptor it is given and nothing else. */
#include <netio/error.h>
#include <netio/fd.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void netio_fd_close(int fd)
{
    int saved = errno;

    /* Linux frees the number also when close says EINTR: never close twice. */
    if (fd >= 0)
        (void)close(fd);
    errno = saved;
}

static int change_flag(int fd, int get, int set, int flag, int on)
{
    int flags = fcntl(fd, get);

    if (flags == -1)
        return -errno;
    int wanted = on ? flags | flag : flags & ~flag;
    if (wanted != flags && fcntl(fd, set, wanted) == -1)
        return -errno;
    return 0;
}

int netio_fd_nonblock(int fd, int on)
{
    return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int netio_fd_cloexec(int fd, int on)
{
    return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

static int open_null(int flags)
{
    struct stat st;
    int fd = open("/dev/null", O_RDWR | O_NOCTTY | flags);

    if (fd == -1)
        return -errno;
    memset(&st, 0, sizeof st);
    /* A /dev that is not mounted makes a plain file of everybody's "> /dev/null". */
    if (fstat(fd, &st) == -1 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
        netio_fd_close(fd);
        return -ENODEV;
    }
    return fd;
}

int netio_fd_null(void)
{
    return open_null(O_CLOEXEC);
}

/* The lowest free descriptor is the one that open(2) gives, so they come in order. */
int netio_fd_standard(void)
{
    int fd;

    do
        fd = open_null(0);
    while (fd >= 0 && fd <= STDERR_FILENO);
    netio_fd_close(fd);
    return fd < 0 ? fd : 0;
}

static unsigned events_of(short revents, unsigned wanted)
{
    unsigned events = 0;

    if (revents & POLLIN)
        events |= NETIO_READ;
    if (revents & POLLOUT)
        events |= NETIO_WRITE;
    if (revents & (POLLERR | POLLHUP | POLLNVAL))
        events |= wanted;
    return events & wanted;
}

int netio_fd_poll(int fd, unsigned events, netio_deadline deadline)
{
    struct pollfd poller = {.fd = fd};

    if (events & NETIO_READ)
        poller.events |= POLLIN;
    if (events & NETIO_WRITE)
        poller.events |= POLLOUT;
    for (;;) {
        int n = poll(&poller, 1, netio_deadline_ms(deadline));
        if (n == -1)
            return -errno;
        if (n > 0 && poller.revents & POLLNVAL)
            return -EBADF;
        if (n > 0)
            return (int)events_of(poller.revents, events);
        /* A wait of more than INT_MAX milliseconds ends early: look again. */
        if (netio_deadline_passed(deadline))
            return -ETIMEDOUT;
    }
}

int netio_want_poll(const struct netio_want *want)
{
    int ready = netio_fd_poll(want->fd, want->events, want->deadline);

    return ready > 0 || ready == -ETIMEDOUT ? 0 : ready;
}

ssize_t netio_fd_read(int fd, void *data, size_t size)
{
    ssize_t n;

    do
        n = read(fd, data, size);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : n;
}

ssize_t netio_fd_write(int fd, const void *data, size_t size)
{
    ssize_t n;

    do
        n = write(fd, data, size);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : n;
}

ssize_t netio_fd_recv(int fd, void *data, size_t size)
{
    ssize_t n;

    do
        n = recv(fd, data, size, MSG_DONTWAIT);
    while (n == -1 && errno == EINTR);
    if (n == -1 && errno == ENOTSOCK)
        return netio_fd_read(fd, data, size);
    return n == -1 ? -errno : n;
}

ssize_t netio_fd_send(int fd, const void *data, size_t size)
{
    ssize_t n;

    do
        n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    if (n == -1 && errno == ENOTSOCK)
        return netio_fd_write(fd, data, size);
    return n == -1 ? -errno : n;
}
