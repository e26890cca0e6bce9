/* netiod: a socket that comes back from a program; see returned.h.
 * Called by wait.c; touches the socket that it is given. */
#include "returned.h"

#include <poll.h>
#include <sys/socket.h>

static void disconnect(int fd)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;

    if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
        (void)connect(fd, &nobody, sizeof nobody);
}

void returned_mend(int fd, int type, int backlog)
{
    int listens = 1;
    socklen_t len = sizeof listens;

    if (type == SOCK_DGRAM)
        disconnect(fd);
    else if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
        (void)listen(fd, backlog > 0 ? backlog : SOMAXCONN);
}

int returned_is_shut(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLRDHUP};

    return poll(&look, 1, 0) == 1 && look.revents & (POLLHUP | POLLRDHUP);
}
