/* Ring 0.  Users and groups by name or number; see netio/user.h.  Called at start, while the name
 * services can still be reached; it changes nothing but what it is given. */
#include <netio/user.h>

#include "base/ids.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MIN 64

static int by_number(const void *a, const void *b)
{
    gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

    return x < y ? -1 : x > y;
}

/* Each once, by number: they are compared with what getgroups(2) says. */
static size_t unique(gid_t *groups, size_t count)
{
    size_t kept = 0;

    qsort(groups, count, sizeof *groups, by_number);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || groups[i] != groups[kept - 1])
            groups[kept++] = groups[i];
    return kept;
}

static int list_groups(struct netio_user *found)
{
    int room = 0, count = GROUPS_MIN;

    /* It says how many there are when they do not fit; the same number again: no memory. */
    do {
        if (count <= room)
            return -ENOMEM;
        room = count;
        gid_t *groups = realloc(found->groups, (size_t)room * sizeof *groups);
        if (!groups)
            return -ENOMEM;
        found->groups = groups;
    } while (getgrouplist(found->name, found->gid, found->groups, &count) == -1);
    found->groups_count = unique(found->groups, (size_t)count);
    return 0;
}

static int one_group(struct netio_user *found)
{
    found->groups = malloc(sizeof *found->groups);
    if (!found->groups)
        return -ENOMEM;
    found->groups[0] = found->gid;
    found->groups_count = 1;
    return 0;
}

static int take_user(struct netio_user *found, const struct passwd *user)
{
    found->uid = user->pw_uid;
    found->gid = user->pw_gid;
    found->name = strdup(user->pw_name);
    /* Empty fields mean these: passwd(5). */
    found->home = strdup(*user->pw_dir ? user->pw_dir : "/");
    found->shell = strdup(*user->pw_shell ? user->pw_shell : "/bin/sh");
    return found->name && found->home && found->shell ? 0 : -ENOMEM;
}

/* The ids and names.  0 or a code. */
static int resolve_user(struct netio_user *found, const char *text, int has_group)
{
    struct netio__room room = {0};
    struct passwd user;
    uint32_t number;
    int code = netio__find_user(text, &user, &room);

    if (code == 1)
        code = user.pw_uid == NETIO__NO_ID ? NETIO_ENOUSER : take_user(found, &user);
    else if (code == 0 && has_group && netio__is_id(text, &number))
        found->uid = number;
    else if (code == 0)
        code = NETIO_ENOUSER;
    free(room.bytes);
    return code;
}

static int resolve_group(struct netio_user *found, const char *text)
{
    if (!text)
        return found->gid == NETIO__NO_ID ? NETIO_ENOGROUP : 0;
    int code = netio__find_gid(text, &found->gid);
    return code == 1 ? 0 : code ? code : NETIO_ENOGROUP;
}

int netio_user_find(struct netio_user *found, const char *user, const char *group,
                    struct netio_error *error)
{
    const char *subject = user;
    enum netio_stage stage = NETIO_STAGE_USER;

    *found = (struct netio_user){0};
    int code = resolve_user(found, user, group != NULL);
    if (code == 0) {
        code = resolve_group(found, group);
        if (code && group) {
            stage = NETIO_STAGE_GROUP;
            subject = group;
        }
    }
    if (code == 0)
        code = found->name ? list_groups(found) : one_group(found);
    if (code == 0)
        return 0;
    netio_user_free(found);
    return netio_error_set(error, stage, code, NULL, subject);
}

int netio_user_parse(struct netio_user *found, const char *text, struct netio_error *error)
{
    char *user = strdup(text), *colon = user ? strchr(user, ':') : NULL;

    if (!user) {
        *found = (struct netio_user){0};
        return netio_error_set(error, NETIO_STAGE_USER, -ENOMEM, NULL, text);
    }
    if (colon)
        *colon = '\0';
    int code = netio_user_find(found, user, colon ? colon + 1 : NULL, error);
    free(user);
    return code;
}

void netio_user_free(struct netio_user *user)
{
    free(user->groups);
    free(user->name);
    free(user->home);
    free(user->shell);
    *user = (struct netio_user){0};
}
