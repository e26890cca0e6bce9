/* whoisd: a file as somebody else; see guise.h.
 * Only the ids for files change: with the effective ones, that user could send it signals. */
#include "guise.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <unistd.h>

/* They return the id before, and have no other way to fail. */
static int set_ids(uid_t uid, gid_t gid)
{
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    return (gid_t)setfsgid((gid_t)-1) == gid && (uid_t)setfsuid((uid_t)-1) == uid ? 0 : NETIO_ELIED;
}

static int act_as(const struct netio_user *user, int (*act)(void *data), void *data)
{
    int code = set_ids(user->uid, user->gid);

    return code == 0 ? act(data) : code;
}

int guise_act(const struct netio_user *user, int (*act)(void *data), void *data)
{
    if (!user || geteuid() == user->uid)
        return act(data);
    int count = getgroups(0, NULL);
    gid_t *own = count < 0 ? NULL : calloc((size_t)count + 1, sizeof *own);
    int code = own && getgroups(count, own) == count ? 0 : -errno;
    if (code == 0 && setgroups(user->groups_count, user->groups) == -1)
        code = -errno;
    if (code == 0) {
        code = act_as(user, act, data);
        int back = set_ids(geteuid(), getegid());
        if (setgroups((size_t)count, own) == -1 && back == 0)
            back = -errno;
        code = code == 0 ? back : code;
    }
    free(own);
    return code;
}
