/* netio/peer.h: who is at the other end of a unix socket (ring 1).
 *
 * As the kernel noted when the peer connected (unix(7), SO_PEERCRED): of a process that has changed
 * its user since, or has ended, they are still those of the connect.
 *
 * Fork and signals: no state; async-signal-safe.
 */
#ifndef NETIO_PEER_H
#define NETIO_PEER_H

#include <stddef.h>
#include <sys/types.h>

#define NETIO_PEER_GROUPS 64

struct netio_peer {
    pid_t pid; /* to show, not to trust: it may be another's by now */
    uid_t uid;
    gid_t gid;
    gid_t groups[NETIO_PEER_GROUPS]; /* supplementary ones (SO_PEERGROUPS, Linux 4.13) */
    size_t group_count;              /* at most NETIO_PEER_GROUPS: further ones are not known */
};

/* 0, or -errno: -EOPNOTSUPP for a socket that is not of AF_UNIX, -ENOTSOCK. */
int netio_peer_credentials(struct netio_peer *peer, int fd);

#endif
