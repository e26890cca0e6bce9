/* Ring 1.  Listening sockets; see netio/listener.h.
 * Called by the server and by programs that accept for themselves.  It opens and binds
 * sockets; what is special about unix paths is in listener_unix.c. */
#include "net/listener.h"

#include <netio/fd.h>
#include <netio/service.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG    1024
#define PAIR_TRIES 16 /* for a port that is free in both families */

static int not_an_address(struct netio_error *error, int code, const char *text)
{
    return netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, text);
}

/* 0 to 65535 (0 only as "0": the kernel chooses), or NETIO_EBADSERVICE. */
static int parse_service(const char *service, struct netio_error *error)
{
    int port = strcmp(service, "0") == 0 ? 0 : netio_service_port(service, "tcp");

    if (port < 0)
        return netio_error_set(error, NETIO_STAGE_SERVICE, port, NULL, service);
    return port;
}

/* A comma would begin the options of the socket, and there are none: a path that holds one
 * is refused rather than bound under a surprising name. */
static int parse_path(struct netio_addr *addr, const char *text, struct netio_error *error)
{
    int code = strchr(text, ',') ? NETIO_EBADADDRESS : netio_addr_parse(addr, text);

    return code ? not_an_address(error, code, text) : 1;
}

/* The colon between host and service; NULL when there is none, or no brackets around an
 * IPv6 host. */
static const char *find_colon(const char *text)
{
    const char *bracket = text[0] == '[' ? strstr(text, "]:") : NULL;
    const char *colon = strchr(text, ':');

    if (text[0] == '[')
        return bracket ? bracket + 1 : NULL;
    return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

/* The addresses that a listen address means: how many, or a negative code. */
static int parse(struct netio_addr addrs[NETIO_LISTENER_MAX], const char *text,
                 struct netio_error *error)
{
    char host[NETIO_ADDR_STRLEN] = "*";
    const char *service = text;

    if (strncmp(text, "unix:", 5) == 0)
        return parse_path(addrs, text, error);
    if (strchr(text, ':')) {
        const char *colon = find_colon(text);
        size_t len = colon ? (size_t)(colon - text) : 0;
        if (!len || len >= sizeof host || text[0] == '/')
            return not_an_address(error, NETIO_EBADADDRESS, text);
        memcpy(host, text, len);
        host[len] = '\0';
        service = colon + 1;
    }
    int any = strcmp(host, "*") == 0;
    if (netio_addr_parse(&addrs[0], any ? "::" : host) != 0 ||
        (any && netio_addr_parse(&addrs[1], "0.0.0.0") != 0))
        return not_an_address(error, NETIO_EBADADDRESS, text);
    int port = parse_service(service, error);
    if (port < 0)
        return port;
    for (int i = 0; i <= any; i++)
        netio_addr_set_port(&addrs[i], (unsigned)port);
    return 1 + any;
}

int netio_listener_check(const char *text, struct netio_error *error)
{
    struct netio_addr addrs[NETIO_LISTENER_MAX];
    int n = parse(addrs, text, error);

    return n < 0 ? n : 0;
}

/* A unix socket is bound and listens in one go, under a lock: see listener_unix.c. */
static int bind_and_listen(int fd, const struct netio_addr *addr, int backlog,
                           enum netio_stage *stage)
{
    static const int on = 1;
    int family = netio_addr_family(addr);

    *stage = NETIO_STAGE_BIND;
    if (family == AF_UNIX)
        return netio__unix_listen(fd, addr, backlog, stage);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == -1) ||
        bind(fd, &addr->u.sa, addr->len) == -1)
        return -errno;
    *stage = NETIO_STAGE_LISTEN;
    return listen(fd, backlog) == -1 ? -errno : 0;
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

static int open_one(struct netio_listener *listener, const struct netio_addr *addr, int backlog,
                    const char *text, struct netio_error *error)
{
    enum netio_stage stage = NETIO_STAGE_SOCKET;

    memset(listener, 0, sizeof *listener);
    listener->fd = socket(netio_addr_family(addr), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code = listener->fd == -1 ? -errno : bind_and_listen(listener->fd, addr, backlog, &stage);
    if (!code)
        code = netio_addr_local(&listener->address, listener->fd);
    if (!code && netio_addr_family(addr) == AF_UNIX)
        code = note_owner(listener);
    if (!code)
        return 0;
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
static int open_all(struct netio_listener *listeners, const struct netio_addr *addrs, int n,
                    int backlog, const char *text, struct netio_error *error)
{
    int count = 0, code = 0;

    for (int i = 0; i < n; i++) {
        struct netio_addr addr = addrs[i];
        if (count && !netio_addr_port(&addr))
            netio_addr_set_port(&addr, netio_addr_port(&listeners[0].address));
        code = open_one(&listeners[count], &addr, backlog, text, error);
        if (!code)
            count++;
        else if (n == 1 || !lacks_family(code))
            goto failed;
    }
    if (count)
        return count;
failed:
    while (count > 0)
        netio_listener_close(&listeners[--count]);
    return code;
}

int netio_listener_open(struct netio_listener listeners[NETIO_LISTENER_MAX], const char *text,
                        int backlog, struct netio_error *error)
{
    struct netio_addr addrs[NETIO_LISTENER_MAX];
    int n = parse(addrs, text, error);
    int code = n;

    if (n < 0)
        return n;
    /* The port that the kernel chose for IPv6 may be taken in IPv4: then choose again. */
    for (int tries = 0; tries < PAIR_TRIES; tries++) {
        code = open_all(listeners, addrs, n, backlog > 0 ? backlog : BACKLOG, text, error);
        if (code != -EADDRINUSE || n == 1 || netio_addr_port(&addrs[0]))
            break;
    }
    return code;
}

int netio_listener_take(struct netio_listener *listener, int fd)
{
    int listens = 0;
    socklen_t len = sizeof listens;

    memset(listener, 0, sizeof *listener);
    listener->fd = -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1)
        return -errno;
    if (!listens)
        return -EINVAL;
    int code = netio_addr_local(&listener->address, fd);
    if (!code)
        code = netio_fd_cloexec(fd, 1);
    if (!code)
        code = netio_fd_nonblock(fd, 1);
    if (!code)
        listener->fd = fd;
    return code;
}

/* Whether the path is still the socket that we bound, and ours to remove.  While our
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
