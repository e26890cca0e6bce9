/* Ring 3.  Datagrams to handlers, and answers back; see netio/server.h.  Called by accept.c for the
 * sockets that are no streams.  It reads and writes those, and decides nothing about who may be
 * answered: admission.c does.
 *
 * A machine has several addresses, and who asked one of them takes no answer from another.  So the
 * kernel is asked where each datagram was sent to (ip(7) IP_PKTINFO, ipv6(7) IPV6_RECVPKTINFO), and
 * the answer leaves from there. */
#include "net/loop.h"
#include "server/admission.h"
#include "server/models.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define DATAGRAMS_A_TURN 32

union control {
    struct cmsghdr header;
    char in4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    char in6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    char room[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* One that is being served.  The handler sees the first part of it. */
struct exchange {
    struct netio_datagram datagram;
    int fd;
    int broadcast;
    struct netio_addr peer, local; /* as the handler sees them */
    struct netio_addr to;          /* as the kernel has it: perhaps v4-mapped */
    size_t from_len;               /* 0: the kernel chooses where it is sent from */
    union control from;            /* else what sendmsg(2) takes for that address */
};

int netio__datagram_prepare(struct netio_server *server, const struct netio_listener *listener)
{
    static const int on = 1;
    int family = netio_addr_family(&listener->address), result = 0;

    if (!server->handlers.on_datagram)
        return -EOPNOTSUPP;
    if (family == AF_INET)
        result = setsockopt(listener->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    else if (family == AF_INET6)
        result = setsockopt(listener->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    return result == -1 ? -errno : 0;
}

static void put_control(struct exchange *exchange, int level, int type, const void *info,
                        size_t len)
{
    struct cmsghdr *header = &exchange->from.header;

    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(header), info, len);
    exchange->from_len = CMSG_SPACE(len);
}

/* ipi_addr is where it was sent to, ipi_spec_dst the address of ours that means: they differ for
 * broadcasts and groups.  The interface is left to the routes. */
static void sent_to4(struct exchange *exchange, const struct cmsghdr *header)
{
    struct in_pktinfo info;

    memcpy(&info, CMSG_DATA(header), sizeof info);
    exchange->local.u.in4.sin_addr = info.ipi_addr;
    exchange->broadcast = info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
    info.ipi_ifindex = 0;
    put_control(exchange, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

/* Nothing is sent from a group's address.  Only a link's own addresses need the interface. */
static void sent_to6(struct exchange *exchange, const struct cmsghdr *header)
{
    struct in6_pktinfo info;

    memcpy(&info, CMSG_DATA(header), sizeof info);
    int links = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr);
    exchange->local.u.in6.sin6_addr = info.ipi6_addr;
    exchange->local.u.in6.sin6_scope_id = links ? info.ipi6_ifindex : 0;
    exchange->broadcast = IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
    if (exchange->broadcast)
        return;
    if (!links)
        info.ipi6_ifindex = 0;
    put_control(exchange, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

static void note_addresses(struct exchange *exchange, struct msghdr *message)
{
    const struct cmsghdr *header;
    int family = netio_addr_family(&exchange->local);

    for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, (void *)header))
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO &&
            family == AF_INET)
            sent_to4(exchange, header);
        else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO &&
                 family == AF_INET6)
            sent_to6(exchange, header);
    exchange->to.len = message->msg_namelen;
    exchange->peer = exchange->to;
    netio_addr_unmap(&exchange->peer);
    netio_addr_unmap(&exchange->local);
}

static ssize_t receive(struct exchange *exchange, int *truncated)
{
    union control control;
    struct iovec bytes = {exchange->datagram.data, NETIO__SCRATCH - 1}; /* a NUL follows them */
    struct msghdr message = {.msg_name = &exchange->to.u,
                             .msg_namelen = sizeof exchange->to.u,
                             .msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = recvmsg(exchange->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n == -1)
        return -errno;
    *truncated = message.msg_flags & MSG_TRUNC;
    note_addresses(exchange, &message);
    return n;
}

static void call_handler(struct netio_server *server, struct exchange *exchange, size_t len)
{
    exchange->datagram.data[len] = '\0';
    exchange->datagram.len = len;
    exchange->datagram.peer = &exchange->peer;
    exchange->datagram.local = &exchange->local;
    exchange->datagram.server = server;
    exchange->datagram.broadcast = exchange->broadcast;
    netio__count(&server->board->status.datagrams, 1);
    server->handlers.on_datagram(&exchange->datagram);
}

/* One datagram, one decision.  Whether to go on with the next. */
static int serve_one(struct netio__slot *slot, char *scratch)
{
    struct netio_server *server = slot->server;
    struct exchange exchange = {
        .datagram = {.data = scratch}, .fd = slot->listener.fd, .local = slot->listener.address};
    int truncated = 0;
    ssize_t n = receive(&exchange, &truncated);

    if (n == -EINTR)
        return 1;
    if (n < 0) {
        if (n != -EAGAIN)
            netio__slot_trouble(slot, (int)n);
        return 0;
    }
    if (!netio__admit_datagram(server, &exchange.peer))
        return 1;
    /* Longer than UDP can be: from a unix socket.  A part is not what was sent. */
    if (truncated)
        netio__server_tell(server, NETIO__TROUBLE_PEER, NETIO_ETOOLONG, &exchange.peer);
    else
        call_handler(server, &exchange, (size_t)n);
    return 1;
}

/* A handler may have stopped the server. */
void netio__datagram_ready(struct netio__slot *slot)
{
    struct netio_loop *loop = slot->server->loop;
    char *scratch = netio__loop_borrow(loop);
    int more = scratch != NULL;

    if (!scratch)
        netio__slot_trouble(slot, -ENOMEM);
    for (int i = 0; more && i < DATAGRAMS_A_TURN && slot->watch.loop; i++)
        more = serve_one(slot, scratch);
    netio__loop_return(loop, scratch);
}

int netio_datagram_reply(const struct netio_datagram *datagram, const void *data, size_t len)
{
    const struct exchange *exchange = (const struct exchange *)datagram;
    struct iovec bytes = {(void *)data, len};
    struct msghdr message = {.msg_name = (void *)&exchange->to.u,
                             .msg_namelen = exchange->to.len,
                             .msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = exchange->from_len ? (void *)&exchange->from : NULL,
                             .msg_controllen = exchange->from_len};
    ssize_t n;

    do
        n = sendmsg(exchange->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : 0;
}
