/* Ring 1.  One socket: made, prepared, bound to this end, on its way to an address.
 * Called by open.c and race.c; it makes sockets and knows of no deadline.
 *
 * Ports of this end.  Several attempts of one machine, and the next machine a moment later,
 * may have to use the same one for different peers, which TCP allows: what must differ is the
 * pair of both ends.  bind(2) allows it under SO_REUSEADDR; a pair that is taken, or that
 * has been until a minute ago (TIME-WAIT), connect(2) then refuses by EADDRNOTAVAIL.  So a
 * reserved port is taken when either call says so, and 512 ports are 512 connections to each
 * peer, not 512 a minute in all.  A datagram socket must not share: it would get half of
 * what the other one is sent. */
#include "net/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define RESERVED_LAST  1023 /* rcmd(3)'s range */
#define RESERVED_FIRST 512

static int bad_option(struct netio_error *error, const char *name)
{
    return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, name);
}

static const struct netio_open_options defaults;

static void take_plain(struct netio__dial *dial, int type,
                       const struct netio_open_options *options)
{
    dial->type = type;
    dial->keepalive = options->keepalive;
    dial->nodelay = options->nodelay;
    dial->reserved = options->reserved;
    dial->port = options->source_port;
    dial->source.len = 0;
    dial->prepare = options->prepare;
    dial->data = options->data;
}

int netio__dial_set(struct netio__dial *dial, int type, const struct netio_open_options *options,
                    struct netio_error *error)
{
    take_plain(dial, type, options ? options : &defaults);
    if (dial->port > 65535)
        return bad_option(error, "source_port");
    if (dial->reserved && dial->port)
        return bad_option(error, "reserved");
    if (!options || !options->source)
        return 0;
    if (netio_addr_parse(&dial->source, options->source) == 0 &&
        netio_addr_family(&dial->source) != AF_UNIX)
        return 0;
    return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADADDRESS, NULL, options->source);
}

int netio__dial_set_unix(struct netio__dial *dial, const struct netio_open_options *options,
                         struct netio_error *error)
{
    if (!options)
        options = &defaults;
    take_plain(dial, SOCK_STREAM, options);
    dial->keepalive = dial->nodelay = 0; /* TCP's */
    if (options->family)
        return bad_option(error, "family");
    if (options->source)
        return bad_option(error, "source");
    if (options->source_port)
        return bad_option(error, "source_port");
    return options->reserved ? bad_option(error, "reserved") : 0;
}

/* To our caller's caller EAGAIN means that something is to be waited for; no call that is
 * used here means it so, whatever a security module may answer.  What prepare returns may be
 * wrong: a code above 0 would be taken for a descriptor. */
static int failure(int code)
{
    return code == -EAGAIN ? -ENOBUFS : code > 0 ? -EINVAL : code;
}

static int switch_on(int fd, int level, int name)
{
    return setsockopt(fd, level, name, &(int){1}, sizeof(int)) == -1 ? -errno : 0;
}

/* All that can be set before a socket is bound. */
static int prepare(const struct netio__dial *dial, const struct netio_addr *to, int fd)
{
    int code = 0;

    if (dial->keepalive && dial->type == SOCK_STREAM)
        code = switch_on(fd, SOL_SOCKET, SO_KEEPALIVE);
    if (!code && dial->nodelay && dial->type == SOCK_STREAM)
        code = switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    if (!code && dial->prepare)
        code = dial->prepare(fd, to, dial->data);
    return failure(code);
}

/* A new socket, ready to be bound; or -1 in *fd. */
static int make(const struct netio__dial *dial, const struct netio_addr *to, int *fd)
{
    *fd = socket(to->u.sa.sa_family, dial->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd == -1)
        return failure(-errno);
    int code = prepare(dial, to, *fd);
    if (code) {
        netio_fd_close(*fd);
        *fd = -1;
    }
    return code;
}

static void local_end(const struct netio__dial *dial, int family, unsigned port,
                      struct netio_addr *end)
{
    memset(end, 0, sizeof *end);
    if (dial->source.len)
        *end = dial->source;
    else {
        end->u.sa.sa_family = (sa_family_t)family;
        end->len = family == AF_INET ? sizeof end->u.in4 : sizeof end->u.in6;
    }
    netio_addr_set_port(end, port);
}

static int bind_end(const struct netio__dial *dial, int fd, int family, unsigned port)
{
    struct netio_addr end;
    int code = 0;

    local_end(dial, family, port, &end);
    if (dial->type == SOCK_STREAM && port)
        code = switch_on(fd, SOL_SOCKET, SO_REUSEADDR);
    /* Else the port would be chosen before the peer is known, and be this socket's alone: the
     * ephemeral ports would do for as many connections in all, not to each peer. */
    else if (dial->type == SOCK_STREAM)
        (void)switch_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    if (code || bind(fd, &end.u.sa, end.len) == 0)
        return failure(code);
    return errno == EACCES && port && port < IPPORT_RESERVED ? NETIO_EPRIVILEGE : failure(-errno);
}

int netio__dial_again(int fd, const struct netio_addr *to)
{
    int code = connect(fd, &to->u.sa, to->len) == -1 ? errno : 0;

    /* After a signal it may or may not be on its way: EALREADY or EISCONN say that it is. */
    if (code == EINTR)
        code = connect(fd, &to->u.sa, to->len) == -1 ? errno : 0;
    if (code == 0 || code == EINPROGRESS || code == EALREADY || code == EISCONN)
        return 0;
    if (code == EAGAIN && to->u.sa.sa_family == AF_UNIX)
        return -EAGAIN;
    /* What Linux says of IPv4 when the ephemeral ports are used up; of IPv6 it says
     * EADDRNOTAVAIL. */
    return code == EAGAIN ? -EADDRNOTAVAIL : -code;
}

/* Whether there is a way to an address at all: a datagram socket needs no pair of ports that
 * is free, and sends nothing. */
static int has_way(const struct netio_addr *to)
{
    int fd = socket(to->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int has = fd == -1 || connect(fd, &to->u.sa, to->len) == 0;

    netio_fd_close(fd);
    return has;
}

/* From 1023 downwards, the first port that this peer is not connected to already. */
static int walk_reserved(const struct netio__dial *dial, const struct netio_addr *to, int *fd,
                         enum netio_stage *stage)
{
    int code;

    for (unsigned port = RESERVED_LAST; port >= RESERVED_FIRST; port--) {
        *stage = NETIO_STAGE_SOCKET;
        if (*fd == -1 && (code = make(dial, to, fd)) != 0)
            return code;
        *stage = NETIO_STAGE_BIND;
        code = bind_end(dial, *fd, to->u.sa.sa_family, port);
        if (code == -EADDRINUSE)
            continue;
        if (code)
            return code;
        *stage = NETIO_STAGE_CONNECT;
        code = netio__dial_again(*fd, to);
        if (code != -EADDRINUSE && (code != -EADDRNOTAVAIL || !has_way(to)))
            return code;
        /* It is bound for good: the next port needs another socket. */
        netio_fd_close(*fd);
        *fd = -1;
    }
    *stage = NETIO_STAGE_BIND;
    return NETIO_ERESERVED;
}

static int dial_once(const struct netio__dial *dial, const struct netio_addr *to, int *fd,
                     enum netio_stage *stage)
{
    *stage = NETIO_STAGE_SOCKET;
    int code = make(dial, to, fd);
    if (code)
        return code;
    if (dial->port || dial->source.len) {
        *stage = NETIO_STAGE_BIND;
        code = bind_end(dial, *fd, to->u.sa.sa_family, dial->port);
        if (code)
            return code;
    }
    *stage = NETIO_STAGE_CONNECT;
    return netio__dial_again(*fd, to);
}

/* One end of a socket; what netio_addr_peer does, without checking what a kernel says. */
static int end_of(struct netio_addr *addr, int fd,
                  int (*ask)(int, struct sockaddr *restrict, socklen_t *restrict))
{
    addr->len = sizeof addr->u;
    return ask(fd, &addr->u.sa, &addr->len) == -1 ? -errno : 0;
}

/* A connect to a free port of the ephemeral range, on this machine, may be given that very
 * port for its own end: TCP's simultaneous open then joins the socket to itself. */
static int joined_itself(int fd, const struct netio_addr *peer)
{
    struct netio_addr local;

    if (peer->u.sa.sa_family == AF_UNIX)
        return 0;
    /* Both families have the port at the same place. */
    return end_of(&local, fd, getsockname) == 0 &&
           local.u.in4.sin_port == peer->u.in4.sin_port && netio_addr_compare(&local, peer) == 0;
}

/* A datagram socket is joined to itself at once; another one, while this one holds its port, is
 * not. */
static int dial_apart(const struct netio__dial *dial, const struct netio_addr *to, int *fd,
                      enum netio_stage *stage)
{
    int code = dial_once(dial, to, fd, stage);
    int first = *fd;

    if (code || dial->type != SOCK_DGRAM || dial->port || !joined_itself(first, to))
        return code;
    code = dial_once(dial, to, fd, stage);
    netio_fd_close(first);
    return code;
}

int netio__dial_start(const struct netio__dial *dial, const struct netio_addr *to, int *fd,
                      enum netio_stage *stage)
{
    *fd = -1;
    int code = (dial->reserved ? walk_reserved : dial_apart)(dial, to, fd, stage);
    if (code && code != -EAGAIN) {
        netio_fd_close(*fd);
        *fd = -1;
    }
    return code;
}

int netio__dial_result(int fd)
{
    struct netio_addr peer;

    for (int is_ready = 0;; is_ready = 1) {
        int code = 0;
        socklen_t len = sizeof code;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == -1)
            return failure(-errno);
        code = code ? -code : end_of(&peer, fd, getpeername);
        if (!code)
            return joined_itself(fd, &peer) ? NETIO_ESELFCONNECT : 0;
        if (code != -ENOTCONN || is_ready)
            return failure(code);
        if (netio_fd_poll(fd, NETIO_WRITE, NETIO_NOW) <= 0)
            return -EAGAIN;
        /* It has arrived this very moment.  Or it never will: its error was told to somebody
         * else, to a child of fork perhaps, and whoever waits for it would spin. */
    }
}

const char *netio__dial_end(const struct netio__dial *dial, int family, struct netio_addr *addr)
{
    *addr = (struct netio_addr){0};
    if (dial->reserved)
        return "reserved port";
    local_end(dial, family, dial->port, addr);
    return NULL;
}
