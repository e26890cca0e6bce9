/* Ring 3.  Messages between a supervisor and its workers; see control.h.  Called by
 * supervisor_workers.c and worker.c; upgrade.c and successor.c have words of their own. */
#include "server/control.h"

#include <netio/fd.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union rights {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int netio__control_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1)
        return -errno;
    return 0;
}

int netio__control_send_bytes(int fd, const void *bytes, size_t size, int pass)
{
    union rights control = {0};
    struct iovec part = {(void *)bytes, size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;

    if (pass >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof pass);
        memcpy(CMSG_DATA(&control.header), &pass, sizeof pass);
    }
    do
        n = sendmsg(fd, &header, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : 0;
}

int netio__control_send(int fd, const struct netio__message *message, int pass)
{
    return netio__control_send_bytes(fd, message, sizeof *message, pass);
}

/* The one descriptor of a message.  Who sends more than that may be a stranger, who would fill our
 * table with them: none is kept. */
static int passed_with(struct msghdr *header)
{
    const struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    int fds[2] = {-1, -1}; /* there is no room for more */

    if (!rights || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
    if (fds[1] < 0)
        return fds[0];
    netio_fd_close(fds[0]);
    netio_fd_close(fds[1]);
    return -1;
}

ssize_t netio__control_receive_bytes(int fd, void *bytes, size_t size, int *passed)
{
    union rights control;
    struct iovec part = {bytes, size};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n;

    *passed = -1;
    do
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return errno == EAGAIN ? 0 : -errno;
    if (n == 0)
        return NETIO_EEOF;
    *passed = passed_with(&header);
    return n;
}

/* Of what a stranger says, only what can be read without harm: a length that fits the address, a
 * subject with an end and nothing that a log would take for a line of its own. */
static void distrust(struct netio_error *error)
{
    struct netio_error said = *error;
    struct netio_addr address;
    int known = netio_addr_from(&address, &said.address.u.sa, said.address.len) == 0;

    said.subject[sizeof said.subject - 1] = '\0';
    netio_error_set(error, said.stage, said.code, known ? &address : NULL, said.subject);
}

/* A message of another length is a stranger's, and none. */
static int understand(struct netio__message *message, ssize_t n)
{
    if (n == 1 || n == 2)
        message->saying = n == 1 ? NETIO__SAY_AWAKE : NETIO__SAY_SCARCE;
    else if (n != (ssize_t)sizeof *message || message->saying > NETIO__SAY_LOG)
        return -EBADMSG;
    distrust(&message->error);
    return 1;
}

int netio__control_receive(int fd, struct netio__message *message, int *passed)
{
    memset(message, 0, sizeof *message);
    ssize_t n = netio__control_receive_bytes(fd, message, sizeof *message, passed);
    int code = n > 0 ? understand(message, n) : (int)n;

    if (code < 0) {
        netio_fd_close(*passed);
        *passed = -1;
    }
    return code;
}
