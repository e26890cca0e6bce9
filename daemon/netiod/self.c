/* netiod: who it is; see self.h.
 * Called by start.c, config_reach.c and launch.c; it asks the kernel, and changes nothing. */
#include "self.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY ((uid_t)-1) /* no user and no group has that number */

/* What cannot be asked is as if it were not there: above all it is not root. */
int self_look(struct self *self)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    int count = getgroups(0, NULL);

    *self = (struct self){.uid = {NOBODY, NOBODY, NOBODY},
                          .gid = {NOBODY, NOBODY, NOBODY},
                          .groups = calloc((size_t)(count > 0 ? count : 1), sizeof(gid_t))};
    if (!self->groups)
        return -ENOMEM;
    count = getgroups(count, self->groups);
    self->groups_count = count > 0 ? (size_t)count : 0;
    (void)getresuid(&self->uid[0], &self->uid[1], &self->uid[2]);
    (void)getresgid(&self->gid[0], &self->gid[1], &self->gid[2]);
    (void)syscall(SYS_capget, &header, data);
    self->may_uid = (data[0].effective & 1u << CAP_SETUID) != 0;
    self->may_gid = (data[0].effective & 1u << CAP_SETGID) != 0;
    return 0;
}

void self_free(struct self *self)
{
    free(self->groups);
    *self = (struct self){0};
}

static int is_among(gid_t gid, const gid_t *groups, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i] == gid)
            return 1;
    return 0;
}

/* The kernel has them in an order of its own. */
static int has_groups(const struct self *self, const struct netio_user *user)
{
    if (self->groups_count != user->groups_count)
        return 0;
    for (size_t i = 0; i < user->groups_count; i++)
        if (!is_among(user->groups[i], self->groups, self->groups_count) ||
            !is_among(self->groups[i], user->groups, user->groups_count))
            return 0;
    return 1;
}

static int has_gid(const struct self *self, gid_t gid)
{
    return self->gid[0] == gid && self->gid[1] == gid && self->gid[2] == gid;
}

static int has_uid(const struct self *self, uid_t uid)
{
    return self->uid[0] == uid && self->uid[1] == uid && self->uid[2] == uid;
}

const char *self_refused(const struct self *self, const struct netio_user *user)
{
    if (!self->may_gid && !has_groups(self, user))
        return "setgroups";
    if (!self->may_gid && !has_gid(self, user->gid))
        return "setresgid";
    if (!self->may_uid && !has_uid(self, user->uid))
        return "setresuid";
    return NULL;
}

int self_is(const struct self *self, const struct netio_user *user)
{
    return has_uid(self, user->uid) && has_gid(self, user->gid) && has_groups(self, user);
}
