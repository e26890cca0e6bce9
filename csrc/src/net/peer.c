/* Ring 1.  Who is at the other end of a unix socket; see netio/peer.h.
 * Called by the server's admission and by programs; it asks the kernel about one descriptor. */
#include <netio/peer.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux: nobody has more */

static int ask(int fd, int option, void *value, socklen_t *len)
{
    return getsockopt(fd, SOL_SOCKET, option, value, len) == -1 ? -errno : 0;
}

/* The kernel gives all groups or none. */
__attribute__((noinline)) static int first_groups(struct netio_peer *peer, int fd)
{
    gid_t groups[GROUPS_MAX];
    socklen_t len = sizeof groups;
    int code = ask(fd, SO_PEERGROUPS, groups, &len);

    if (code)
        return code;
    peer->group_count = NETIO_PEER_GROUPS;
    memcpy(peer->groups, groups, sizeof peer->groups);
    return 0;
}

int netio_peer_credentials(struct netio_peer *peer, int fd)
{
    int family = AF_UNSPEC;
    socklen_t len = sizeof family;
    struct ucred who;
    int code = ask(fd, SO_DOMAIN, &family, &len);

    memset(peer, 0, sizeof *peer);
    if (code)
        return code;
    if (family != AF_UNIX)
        return -EOPNOTSUPP;
    len = sizeof who;
    code = ask(fd, SO_PEERCRED, &who, &len);
    if (code)
        return code;
    peer->pid = who.pid;
    peer->uid = who.uid;
    peer->gid = who.gid;
    len = sizeof peer->groups;
    code = ask(fd, SO_PEERGROUPS, peer->groups, &len);
    if (code == -ERANGE)
        return first_groups(peer, fd);
    peer->group_count = code ? 0 : len / sizeof *peer->groups;
    return code;
}
