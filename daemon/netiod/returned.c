/* netiod: a socket that comes back from a program; see returned.h.
 * Called by seat.c and pool.c; touches the socket that it is given. */
#include "returned.h"

#include <poll.h>
#include <sys/socket.h>

#define ERRORS_MAX 64 /* that are taken off a socket at a time */

/* Of IPv6 Linux keeps the peer's address, and goes on to compare it, but not its port. */
static int disconnect(int fd)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;

    if (getpeername(fd, (struct sockaddr *)&peer, &len) == -1)
        return 0;
    (void)connect(fd, &nobody, sizeof nobody);
    return peer.ss_family == AF_INET6;
}

/* A unix socket has no queue of errors; it passes over MSG_ERRQUEUE, and gives a datagram. */
static int has_errors(int fd)
{
    int family = AF_UNIX;
    socklen_t len = sizeof family;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family != AF_UNIX;
}

/* IP_RECVERR, SO_TIMESTAMPING: what they have queued is an error for poll(2) until it is read. */
static void empty_errors(int fd)
{
    struct msghdr nothing = {.msg_iovlen = 0};

    if (!has_errors(fd))
        return;
    for (int i = 0; i < ERRORS_MAX; i++)
        if (recvmsg(fd, &nothing, MSG_ERRQUEUE | MSG_DONTWAIT) == -1)
            return;
}

int returned_mend(int fd, int type, int backlog)
{
    int listens = 1, at_once = -1, narrow = 0;
    socklen_t len = sizeof listens;

    if (type == SOCK_DGRAM) {
        narrow = disconnect(fd);
        empty_errors(fd);
        (void)setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &at_once, sizeof at_once);
    } else if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
        (void)listen(fd, backlog > 0 ? backlog : SOMAXCONN);
    return narrow;
}

int returned_is_shut(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLRDHUP};

    return poll(&look, 1, 0) == 1 && look.revents & (POLLHUP | POLLRDHUP);
}
