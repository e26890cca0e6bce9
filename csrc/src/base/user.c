/* Ring 0.  Users and groups by name or number; see netio/user.h.  Called at start, while the name
 * services can still be reached; it changes nothing but what it is given. */
#include <netio/user.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN   1024
#define ROOM_MAX   (16u << 20) /* bytes of one entry: a group can list many thousand members */
#define GROUPS_MIN 64
#define NO_ID      UINT32_MAX /* what setresuid(2) takes for "as it is" */

struct room {
    char *bytes;
    size_t size;
};

static int grow(struct room *room)
{
    size_t size = room->size ? room->size * 2 : ROOM_MIN;
    char *bytes = size > ROOM_MAX ? NULL : realloc(room->bytes, size);

    if (!bytes)
        return -ENOMEM;
    *room = (struct room){bytes, size};
    return 0;
}

/* What the _r calls of getpwnam(3) give: 1 found, 0 not, or -errno. */
static int outcome(int result, const void *found)
{
    if (found)
        return 1;
    return result == 0 || result == ENOENT || result == ESRCH ? 0 : -result;
}

/* By name, or when that is NULL by number. */
static int ask_user(const char *name, uid_t uid, struct passwd *user, struct room *room)
{
    struct passwd *found = NULL;
    int result = ERANGE;

    while (result == ERANGE || result == EINTR) {
        int code = result == ERANGE ? grow(room) : 0;
        if (code)
            return code;
        result = name ? getpwnam_r(name, user, room->bytes, room->size, &found)
                      : getpwuid_r(uid, user, room->bytes, room->size, &found);
    }
    return outcome(result, found);
}

static int ask_group(const char *name, struct group *group, struct room *room)
{
    struct group *found = NULL;
    int result = ERANGE;

    while (result == ERANGE || result == EINTR) {
        int code = result == ERANGE ? grow(room) : 0;
        if (code)
            return code;
        result = getgrnam_r(name, group, room->bytes, room->size, &found);
    }
    return outcome(result, found);
}

/* Whether text is a number that can be an id. */
static int is_number(const char *text, uint32_t *number)
{
    uint64_t value = 0;

    if (!*text)
        return 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value >= NO_ID)
            return 0;
    }
    *number = (uint32_t)value;
    return 1;
}

/* POSIX has it that a name of digits comes before the number.  1 found, 0 not, or -errno. */
static int find_user(const char *text, struct passwd *user, struct room *room)
{
    uint32_t number;
    int code = ask_user(text, 0, user, room);

    if (code == 0 && is_number(text, &number))
        code = ask_user(NULL, number, user, room);
    return code;
}

static int find_group(const char *text, gid_t *gid)
{
    struct room room = {0};
    struct group group;
    uint32_t number;
    int code = ask_group(text, &group, &room);

    if (code == 1)
        *gid = group.gr_gid;
    else if (code == 0 && is_number(text, &number)) {
        *gid = number;
        code = 1;
    }
    free(room.bytes);
    return code == 1 && *gid == NO_ID ? 0 : code;
}

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
    struct room room = {0};
    struct passwd user;
    uint32_t number;
    int code = find_user(text, &user, &room);

    if (code == 1)
        code = user.pw_uid == NO_ID ? NETIO_ENOUSER : take_user(found, &user);
    else if (code == 0 && has_group && is_number(text, &number))
        found->uid = number;
    else if (code == 0)
        code = NETIO_ENOUSER;
    free(room.bytes);
    return code;
}

static int resolve_group(struct netio_user *found, const char *text)
{
    if (!text)
        return found->gid == NO_ID ? NETIO_ENOGROUP : 0;
    int code = find_group(text, &found->gid);
    return code == 1 ? 0 : code ? code : NETIO_ENOGROUP;
}

int netio_user_find(struct netio_user *found, const char *user, const char *group,
                    struct netio_error *error)
{
    const char *subject = user;

    *found = (struct netio_user){0};
    int code = resolve_user(found, user, group != NULL);
    if (code == 0) {
        subject = group ? group : user;
        code = resolve_group(found, group);
    }
    if (code == 0)
        code = found->name ? list_groups(found) : one_group(found);
    if (code == 0)
        return 0;
    netio_user_free(found);
    return netio_error_set(error, NETIO_STAGE_USER, code, NULL, subject);
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
