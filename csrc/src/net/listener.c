/* Ring 1.  Listening sockets; see netio/listener.h.
 * Called by servers, supervisors and programs that accept for themselves.  It opens and binds
 * sockets; what their texts mean is in listener_address.c, what is special about unix paths in
 * listener_unix.c. */
#include "net/listener.h"

#include <netio/fd.h>

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG    1024
#define PAIR_TRIES 16 /* for a port that is free in both families */

#define RESERVED_FIRST 600  /* what is below is for services with names */
#define ENTRY_ROOM     4096 /* for a line of services(5) */

static int set_option(int fd, int level, int name)
{
    static const int on = 1;

    return setsockopt(fd, level, name, &on, sizeof on) == -1 ? -errno : 0;
}

/* What a socket of TCP or UDP needs before it is bound.  SO_REUSEADDR lets a stream have a port of
 * which old connections are left; datagram sockets would share it. */
static int prepare(int fd, int family, int type, int beside)
{
    int code = type == SOCK_STREAM ? set_option(fd, SOL_SOCKET, SO_REUSEADDR) : 0;

    if (!code && family == AF_INET6)
        code = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (!code && beside)
        code = set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    return code;
}

static int bind_to(int fd, const struct netio_addr *addr)
{
    return bind(fd, &addr->u.sa, addr->len) == -1 ? -errno : 0;
}

static int share(int fd, int on)
{
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1 ? -errno : 0;
}

/* A port that the kernel chose it takes back when a datagram socket is disconnected, or a stream
 * shut down, as whoever has a copy may do; a port that was asked for it leaves.  So another socket
 * has the one that was chosen, until ours has asked for the same; streams have SO_REUSEADDR. */
static int bind_to_any_port(int fd, const struct netio_addr *addr, int type)
{
    int family = netio_addr_family(addr), shares = type == SOCK_DGRAM;
    struct netio_addr chosen;
    int holder = socket(family, type | SOCK_CLOEXEC, 0);
    int code = holder == -1 ? -errno : prepare(holder, family, type, 0);

    if (!code)
        code = bind_to(holder, addr);
    if (!code)
        code = netio_addr_local(&chosen, holder);
    if (!code && shares)
        code = share(holder, 1);
    if (!code && shares)
        code = share(fd, 1);
    if (!code)
        code = bind_to(fd, &chosen);
    if (!code && shares)
        code = share(fd, 0);
    netio_fd_close(holder);
    return code;
}

/* A unix socket is bound and listens in one go, under a lock: see listener_unix.c. */
static int bind_and_listen(int fd, const struct netio__listen *what, int which, int beside,
                           int backlog, enum netio_stage *stage)
{
    const struct netio_addr *addr = &what->addrs[which];
    int family = netio_addr_family(addr);

    *stage = NETIO_STAGE_BIND;
    if (family == AF_UNIX)
        return netio__unix_listen(fd, what, backlog, stage);
    int code = prepare(fd, family, what->type, beside);
    if (!code)
        code = netio_addr_port(addr) ? bind_to(fd, addr) : bind_to_any_port(fd, addr, what->type);
    if (code)
        return code;
    *stage = NETIO_STAGE_LISTEN;
    return what->type == SOCK_STREAM && listen(fd, backlog) == -1 ? -errno : 0;
}

static int note_owner(struct netio_listener *listener)
{
    struct stat st;

    if (lstat(listener->address.u.un.sun_path, &st) == -1)
        return -errno;
    listener->owner = getpid();
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    return 0;
}

static int open_one(struct netio_listener *listener, const struct netio__listen *what, int which,
                    int beside, int backlog, const char *text, struct netio_error *error)
{
    const struct netio_addr *addr = &what->addrs[which];
    enum netio_stage stage = NETIO_STAGE_SOCKET;
    int family = netio_addr_family(addr);

    *listener = (struct netio_listener){.type = what->type};
    listener->fd = socket(family, what->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code = listener->fd == -1 ? -errno
                                  : bind_and_listen(listener->fd, what, which, beside,
                                                    backlog > 0 ? backlog : BACKLOG, &stage);
    int has_path = !code && family == AF_UNIX;
    if (!code)
        code = netio_addr_local(&listener->address, listener->fd);
    if (!code && family == AF_UNIX)
        code = note_owner(listener);
    if (!code)
        return 0;
    if (has_path)
        (void)unlink(addr->u.un.sun_path);
    netio_fd_close(listener->fd);
    listener->fd = -1;
    return netio_error_set(error, stage, code, addr, text);
}

/* This machine lacks the family: not built in, or switched off. */
static int lacks_family(int code)
{
    return code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL || code == -EPROTONOSUPPORT;
}

/* Every address of the list, but of two (IPv6 and IPv4) the one that the machine has. */
static int open_all(struct netio_listener *listeners, const struct netio__listen *what,
                    unsigned skip, int beside, int backlog, const char *text,
                    struct netio_error *error)
{
    struct netio__listen now = *what;
    int count = 0, code = 0;

    for (int i = 0; i < now.count; i++) {
        if (skip & 1u << i)
            continue;
        if (count && !netio_addr_port(&now.addrs[i]))
            netio_addr_set_port(&now.addrs[i], netio_addr_port(&listeners[0].address));
        code = open_one(&listeners[count], &now, i, beside, backlog, text, error);
        if (!code)
            count++;
        else if (now.count == 1 || !lacks_family(code))
            goto failed;
    }
    if (count || skip)
        return count;
failed:
    while (count > 0)
        netio_listener_close(&listeners[--count]);
    return code;
}

/* Whether services(5) gives the port to somebody, who may come for it yet. */
static int is_named(int port, int type)
{
    struct servent entry, *found = NULL;
    char room[ENTRY_ROOM];

    return getservbyport_r(htons((uint16_t)port), type == SOCK_DGRAM ? "udp" : "tcp", &entry, room,
                           sizeof room, &found) == 0 &&
           found;
}

/* Of those that only root can have, from the last one down, as bindresvport(3) has it. */
static int open_reserved(struct netio_listener *listeners, const struct netio__listen *what,
                         unsigned skip, int backlog, const char *text, struct netio_error *error)
{
    struct netio__listen now = *what;
    int code = -EADDRINUSE;

    for (int port = IPPORT_RESERVED - 1; port >= RESERVED_FIRST && code == -EADDRINUSE; port--) {
        if (is_named(port, what->type))
            continue;
        for (int i = 0; i < now.count; i++)
            netio_addr_set_port(&now.addrs[i], (unsigned)port);
        code = open_all(listeners, &now, skip, 0, backlog, text, error);
    }
    return code;
}

int netio__listener_open(struct netio_listener listeners[NETIO_LISTENER_MAX],
                         const struct netio__listen *what, unsigned skip, int beside, int backlog,
                         const char *text, struct netio_error *error)
{
    int code = -EADDRINUSE;

    if (what->reserved)
        return open_reserved(listeners, what, skip, backlog, text, error);
    /* The port that the kernel chose for IPv6 may be taken in IPv4: then choose again. */
    for (int tries = 0; code == -EADDRINUSE && tries < PAIR_TRIES; tries++) {
        code = open_all(listeners, what, skip, beside, backlog, text, error);
        if (what->count == 1 || netio_addr_port(&what->addrs[0]))
            break;
    }
    return code;
}

int netio_listener_open(struct netio_listener listeners[NETIO_LISTENER_MAX], const char *text,
                        int backlog, struct netio_error *error)
{
    struct netio__listen what;
    int code = netio__listen_parse(&what, text, error);

    return code ? code : netio__listener_open(listeners, &what, 0, 0, backlog, text, error);
}

static int is_bound(const struct netio_addr *addr)
{
    if (netio_addr_family(addr) == AF_UNIX)
        return addr->len > offsetof(struct sockaddr_un, sun_path);
    return netio_addr_port(addr) != 0;
}

/* What kind of socket it is. */
static int examine(struct netio_listener *listener, int fd)
{
    socklen_t len = sizeof listener->type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &listener->type, &len) == -1)
        return -errno;
    if (listener->type != SOCK_STREAM && listener->type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    return netio_addr_local(&listener->address, fd);
}

/* Whether clients can come to it. */
static int check_open(const struct netio_listener *listener, int fd)
{
    struct sockaddr_storage peer;
    int listens = 0;
    socklen_t len = sizeof listens, peer_len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1)
        return -errno;
    if (!listens && getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0)
        return -EISCONN;
    return listens || (listener->type == SOCK_DGRAM && is_bound(&listener->address)) ? 0 : -EINVAL;
}

int netio__listener_inherit(struct netio_listener *listener, int fd)
{
    *listener = (struct netio_listener){.fd = -1};
    int code = examine(listener, fd);
    if (!code)
        listener->fd = fd;
    return code;
}

int netio_listener_take(struct netio_listener *listener, int fd)
{
    int code = netio__listener_inherit(listener, fd);
    if (!code)
        code = check_open(listener, fd);
    if (!code)
        code = netio_fd_cloexec(fd, 1);
    if (!code)
        code = netio_fd_nonblock(fd, 1);
    if (code)
        listener->fd = -1;
    return code;
}

/* Whether the path is still the socket that was bound there, and ours to remove.  While our
 * descriptor is open the inode is in use, so no other file can have got its number. */
static int owns_path(const struct netio_listener *listener)
{
    struct stat st;

    return listener->owner && listener->owner == getpid() &&
           lstat(listener->address.u.un.sun_path, &st) == 0 && st.st_dev == listener->device &&
           st.st_ino == listener->inode;
}

void netio_listener_close(struct netio_listener *listener)
{
    if (listener->fd < 0)
        return;
    /* Removed before it is closed: in between, a client would be refused at a path that is
     * there, and a successor could take it for stale while we remove what is his by then. */
    if (owns_path(listener))
        (void)unlink(listener->address.u.un.sun_path);
    netio_fd_close(listener->fd);
    listener->fd = -1;
}
