/* netio-daemon: whose folders a path leads through; see folders.h. */
#include "folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The owner may change the mode. */
static int may_write(const struct stat *st, const struct netio_user *user)
{
    if (st->st_uid == user->uid || st->st_mode & S_IWOTH)
        return 1;
    for (size_t i = 0; st->st_mode & S_IWGRP && i < user->groups_count; i++) {
        if (st->st_gid == user->groups[i])
            return 1;
    }
    return 0;
}

/* In a sticky folder of somebody else, what is not one's own stays where it is. */
static int may_move(const struct stat *folder, const struct stat *inside,
                    const struct netio_user *user)
{
    if (!may_write(folder, user))
        return 0;
    return !(folder->st_mode & S_ISVTX) || folder->st_uid == user->uid ||
           inside->st_uid == user->uid;
}

/* From the folder up to the root.  folder is cut on the way. */
static int check_upwards(char *folder, const struct netio_user *user)
{
    struct stat here, inside;

    if (stat(folder, &here) == -1)
        return -errno;
    if (may_write(&here, user))
        return NETIO_EUNSAFE;
    for (char *end; (end = strrchr(folder, '/')) != NULL && folder[1];) {
        /* What lies in the upper folder may be a link. */
        if (lstat(folder, &inside) == -1)
            return -errno;
        end[end == folder] = '\0';
        if (stat(folder, &here) == -1)
            return -errno;
        if (may_move(&here, &inside, user))
            return NETIO_EUNSAFE;
    }
    return 0;
}

/* The way that path has, and the one that remains when all links are followed. */
int folders_check(const char *path, const struct netio_user *user)
{
    char *given = strdup(path), *followed = NULL;
    int code = -ENOMEM;

    if (given) {
        char *end = strrchr(given, '/');
        end[end == given] = '\0';
        followed = realpath(given, NULL);
        code = followed ? check_upwards(given, user) : -errno;
    }
    if (code == 0)
        code = check_upwards(followed, user);
    free(given);
    free(followed);
    return code;
}
