/* netio/user.h: whom to become, looked up while that is still possible (ring 0).
 *
 * The look-up asks the name services (files, LDAP, ...), which may load modules, open sockets and
 * take their time: call it at start, before chroot(2), fork(2) and the sandbox.
 *
 * Fork and signals: no state; not async-signal-safe.
 */
#ifndef NETIO_USER_H
#define NETIO_USER_H

#include <netio/error.h>
#include <sys/types.h>

struct netio_user {
    uid_t uid;
    gid_t gid;
    gid_t *groups;    /* all supplementary groups, gid among them; netio_user_free's */
    size_t groups_count;
    char *name;       /* NULL for a number that no user has */
    char *home, *shell; /* NULL with name */
};

/* user: a name or a number.  group: a name, a number, or NULL for the user's own.  A named user
 * brings the groups of initgroups(3), and with another group that one in the place of its own; a
 * number that no user has needs a group and brings no other.  0 and *found; NETIO_ENOUSER,
 * NETIO_ENOGROUP, or -errno, with stage user or group and the name in *error. */
int netio_user_find(struct netio_user *found, const char *user, const char *group,
                    struct netio_error *error);
/* The same of one text, "user" or "user:group". */
int netio_user_parse(struct netio_user *found, const char *text, struct netio_error *error);
void netio_user_free(struct netio_user *user); /* what it holds, not user itself */

#endif
