/* Ring 0.  Users and groups by name or number; see ids.h.  Called while the name services can still
 * be reached; it changes nothing but what it is given. */
#include "base/ids.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>

#define ROOM_MIN 1024
#define ROOM_MAX (16u << 20) /* bytes of one entry: a group can list many thousand members */

static int grow(struct netio__room *room)
{
    size_t size = room->size ? room->size * 2 : ROOM_MIN;
    char *bytes = size > ROOM_MAX ? NULL : realloc(room->bytes, size);

    if (!bytes)
        return -ENOMEM;
    *room = (struct netio__room){bytes, size};
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
static int ask_user(const char *name, uid_t uid, struct passwd *user, struct netio__room *room)
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

static int ask_group(const char *name, struct group *group, struct netio__room *room)
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

int netio__is_id(const char *text, uint32_t *number)
{
    uint64_t value = 0;

    if (!*text)
        return 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value >= NETIO__NO_ID)
            return 0;
    }
    *number = (uint32_t)value;
    return 1;
}

/* POSIX has it that a name of digits comes before the number. */
int netio__find_user(const char *text, struct passwd *user, struct netio__room *room)
{
    uint32_t number;
    int code = ask_user(text, 0, user, room);

    if (code == 0 && netio__is_id(text, &number))
        code = ask_user(NULL, number, user, room);
    return code;
}

int netio__find_uid(const char *text, uid_t *uid)
{
    struct netio__room room = {0};
    struct passwd user;
    uint32_t number;
    int code = netio__find_user(text, &user, &room);

    if (code == 1)
        *uid = user.pw_uid;
    else if (code == 0 && netio__is_id(text, &number)) {
        *uid = number;
        code = 1;
    }
    free(room.bytes);
    return code == 1 && *uid == NETIO__NO_ID ? 0 : code;
}

int netio__find_gid(const char *text, gid_t *gid)
{
    struct netio__room room = {0};
    struct group group;
    uint32_t number;
    int code = ask_group(text, &group, &room);

    if (code == 1)
        *gid = group.gr_gid;
    else if (code == 0 && netio__is_id(text, &number)) {
        *gid = number;
        code = 1;
    }
    free(room.bytes);
    return code == 1 && *gid == NETIO__NO_ID ? 0 : code;
}
