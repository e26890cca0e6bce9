/* netiod: the one way in which a program is started, whatever the kind of its service.
 *
 * Called by process.c; by exec.c and pool_down.c for what they say of a peer.  The child's world is
 * built from nothing: user, groups, environment, descriptors 0 to 2 (and those that are named),
 * umask, limits (netio/child.h).
 */
#ifndef NETIOD_LAUNCH_H
#define NETIOD_LAUNCH_H

#include "service.h"

struct launch {
    struct service *service;
    int fd;                         /* becomes 0 and 1, and 2 where socket_errors is set; -1: these
                                       are /dev/null, and 2 is the log */
    const struct netio_addr *peer;  /* NULL, or len 0: unknown, or there is none */
    const struct netio_addr *local; /* the same */
    const struct netio_peer *credentials; /* of a peer on a unix socket; NULL */
    const char *program;                  /* NULL: as the configuration has it ... */
    const char *const *argv;              /* ... and its arguments */
    const struct netio_child_fd *fds;     /* descriptors beside 0 to 2 */
    size_t fds_count;
    unsigned flags; /* more of netio/child.h */
    char *fault; /* LAUNCH_FAULT bytes: for why it cannot be started, which is neither counted nor
                    logged then; NULL */
};

#define LAUNCH_FAULT  1200
#define LAUNCH_NO_UID ((uid_t)-1)

/* Starts it, counts it (service->counts, ->running) and logs the start, or why there is none: the
 * latter at most once a second.  0 or a code. */
int launch(struct netio_child *child, const struct launch *launch);
/* It cannot be: the same for who finds out before. */
void launch_failed(const struct launch *launch, const char *why);
/* Of a peer on a unix socket, by either of its addresses, into *peer; NULL of others. */
const struct netio_peer *launch_credentials(struct netio_peer *peer, const struct netio_addr *addr,
                                            int fd);
/* The user of a peer on a unix socket; LAUNCH_NO_UID of others. */
uid_t launch_uid(const struct launch *launch);
/* It has ended: counts it and logs the end.  status: as of waitpid(2), -1: not known; peer may be
 * NULL; uid: launch_uid; since: netio_clock_now at its start. */
void launch_ended(struct service *service, pid_t pid, const struct netio_addr *peer, uid_t uid,
                  int64_t since, int status);

#endif
