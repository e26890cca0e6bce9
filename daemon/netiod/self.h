/* netiod: who netiod is, for its kernel: what programs it may start, and which without a change. */
#ifndef NETIOD_SELF_H
#define NETIOD_SELF_H

#include <netio/user.h>

struct self {
    uid_t uid[3]; /* real, effective, saved */
    gid_t gid[3];
    gid_t *groups; /* self_free's */
    size_t groups_count;
    int may_uid, may_gid; /* become any other */
};

/* Asks the kernel.  0; -ENOMEM, where nothing is to be freed. */
int self_look(struct self *self);
/* The step that will not be permitted on the way to that user, in the order of
 * netio_privileges_drop; NULL: none. */
const char *self_refused(const struct self *self, const struct netio_user *user);
/* Whether all of its ids and groups are those of that user. */
int self_is(const struct self *self, const struct netio_user *user);
/* Also of one that is all zero. */
void self_free(struct self *self);

#endif
