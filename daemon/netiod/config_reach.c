/* netiod: services whose user is out of reach; see config.h.
 * Called by start.c and reload.c; it asks the kernel who this is, and changes nothing. */
#include "config.h"

#include <limits.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

struct self {
    uid_t uid[3]; /* real, effective, saved */
    gid_t gid[3];
    gid_t groups[NGROUPS_MAX];
    size_t groups_count;
    int may_uid, may_gid; /* become any other */
};

/* What cannot be asked is as if it were not there. */
static void look_at_self(struct self *self)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    (void)getresuid(&self->uid[0], &self->uid[1], &self->uid[2]);
    (void)getresgid(&self->gid[0], &self->gid[1], &self->gid[2]);
    int count = getgroups(NGROUPS_MAX, self->groups);
    self->groups_count = count > 0 ? (size_t)count : 0;
    (void)syscall(SYS_capget, &header, data);
    self->may_uid = (data[0].effective & 1u << CAP_SETUID) != 0;
    self->may_gid = (data[0].effective & 1u << CAP_SETGID) != 0;
}

static int is_among(gid_t gid, const gid_t *groups, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i] == gid)
            return 1;
    return 0;
}

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

/* The step that will not be permitted, in the order of netio_privileges_drop; NULL: none. */
static const char *find_step(const struct self *self, const struct netio_user *user)
{
    const uid_t *uid = self->uid;
    const gid_t *gid = self->gid;

    if (!self->may_gid && !has_groups(self, user))
        return "setgroups";
    if (!self->may_gid && (gid[0] != user->gid || gid[1] != user->gid || gid[2] != user->gid))
        return "setresgid";
    if (!self->may_uid && (uid[0] != user->uid || uid[1] != user->uid || uid[2] != user->uid))
        return "setresuid";
    return NULL;
}

static void say(const struct config_service *service, const struct self *self, const char *step,
                config_complain *complain, void *data)
{
    char text[1024], number[16];
    const char *name = service->user->name;

    snprintf(number, sizeof number, "%lu", (unsigned long)service->user->uid);
    snprintf(text, sizeof text,
             "%.640s:%u: warning: user %.64s: uid %lu, who runs netiod, may not become it (%s): no "
             "program can be started",
             service->file, service->line, name ? name : number, (unsigned long)self->uid[1], step);
    complain(data, text);
}

void config_reach(const struct config *config, config_complain *complain, void *data)
{
    static struct self self; /* too large for a stack */

    look_at_self(&self);
    for (size_t i = 0; i < config->count; i++) {
        const struct config_service *service = &config->services[i];
        const char *step =
            service->program && service->user ? find_step(&self, service->user) : NULL;
        if (step)
            say(service, &self, step, complain, data);
    }
}
