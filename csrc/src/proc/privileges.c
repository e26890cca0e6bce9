/* Ring 2.  Privileges given up, and proof that they are gone; see netio/privileges.h.  Called
 * between fork and exec, or by a daemon that is about to serve; it changes the process that calls
 * it, and allocates nothing.
 *
 * Every step reads back what it did.  What it reads into is filled with something else first: a
 * filter that makes a call return 0 without effect may do the same to the call that would tell. */
#include <netio/privileges.h>

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALL_CAPABILITIES 64

typedef const struct netio_privileges plan;

/* What a call that has to return 0 did return: 0 or a code. */
static int outcome(long result)
{
    return result == 0 ? 0 : result == -1 ? -errno : NETIO_ELIED;
}

/* A uid of -1 would mean "as it is" to setresuid(2), and no groups are what a lie looks like. */
static int check_plan(plan *privileges)
{
    const struct netio_user *user = privileges->user;

    if (!user)
        return 0;
    return user->uid == (uid_t)-1 || user->gid == (gid_t)-1 || user->groups_count == 0 ||
                   user->groups_count > NGROUPS_MAX
               ? -EINVAL
               : 0;
}

/* ---- chroot ------------------------------------------------------------------------------ */

static int is_same_file(const char *path, const struct stat *other)
{
    struct stat st = {.st_dev = ~other->st_dev, .st_ino = ~other->st_ino};

    return stat(path, &st) == 0 && st.st_dev == other->st_dev && st.st_ino == other->st_ino;
}

static int change_root(plan *privileges)
{
    struct stat root = {0};

    if (!privileges->root)
        return 0;
    int code = outcome(stat(privileges->root, &root));
    code = code ? code : outcome(chroot(privileges->root));
    /* The folder it is in would be a way out. */
    code = code ? code : outcome(chdir("/"));
    if (code)
        return code;
    return is_same_file("/", &root) && is_same_file(".", &root) ? 0 : NETIO_ELIED;
}

/* ---- groups, gid, uid -------------------------------------------------------------------- */

static int is_among(gid_t gid, const gid_t *groups, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i] == gid)
            return 1;
    return 0;
}

/* As sets: the order is the kernel's.  More than there is room for is another set. */
static int has_groups(const struct netio_user *user)
{
    static gid_t now[NGROUPS_MAX]; /* too large for the stack of every child */

    memset(now, 0xff, user->groups_count * sizeof *now);
    int n = getgroups((int)user->groups_count, now);
    if (n < 0 || (size_t)n != user->groups_count)
        return 0;
    if (memcmp(now, user->groups, user->groups_count * sizeof *now) == 0) /* both in order */
        return 1;
    for (int i = 0; i < n; i++)
        if (!is_among(now[i], user->groups, user->groups_count) ||
            !is_among(user->groups[i], now, user->groups_count))
            return 0;
    return 1;
}

static int has_gid(gid_t gid)
{
    gid_t real = ~gid, effective = ~gid, saved = ~gid;

    return getresgid(&real, &effective, &saved) == 0 && real == gid && effective == gid &&
           saved == gid;
}

static int has_uid(uid_t uid)
{
    uid_t real = ~uid, effective = ~uid, saved = ~uid;

    return getresuid(&real, &effective, &saved) == 0 && real == uid && effective == uid &&
           saved == uid;
}

/* Who is that user already needs no privilege to become it, nor would have it. */

static int change_groups(plan *privileges)
{
    const struct netio_user *user = privileges->user;

    if (!user || has_groups(user))
        return 0;
    int code = outcome(setgroups(user->groups_count, user->groups));
    return code || has_groups(user) ? code : NETIO_ELIED;
}

static int change_gid(plan *privileges)
{
    const struct netio_user *user = privileges->user;

    if (!user || has_gid(user->gid))
        return 0;
    int code = outcome(setresgid(user->gid, user->gid, user->gid));
    return code || has_gid(user->gid) ? code : NETIO_ELIED;
}

/* Whose processes may trace this one and signal it is decided by its other uids.  So the effective
 * one comes first, since with it the kernel sets the dumpable flag as /proc/sys/fs/suid_dumpable
 * says, and the others only when that is clear: at no time has who it becomes a way into this
 * memory, which may hold a caller's secrets, or be a caller's (child_share.c). */
static int set_uid(uid_t uid)
{
    int code = outcome(setresuid((uid_t)-1, uid, (uid_t)-1));

    code = code ? code : outcome(prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL));
    return code ? code : outcome(setresuid(uid, (uid_t)-1, uid));
}

/* The capabilities that are kept survive it as permitted ones, until capset(2) says the rest. */
static int change_uid(plan *privileges)
{
    const struct netio_user *user = privileges->user;
    int code = 0;

    if (!user)
        return 0;
    if (privileges->capabilities)
        code = outcome(prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL));
    if (code || has_uid(user->uid))
        return code;
    code = set_uid(user->uid);
    return code || has_uid(user->uid) ? code : NETIO_ELIED;
}

/* ---- capabilities ------------------------------------------------------------------------ */

struct capabilities {
    uint64_t effective, permitted, inheritable;
};

static int get_capabilities(struct capabilities *now)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    memset(data, 0x5a, sizeof data);
    int code = outcome(syscall(SYS_capget, &header, data));
    *now = (struct capabilities){
        .effective = (uint64_t)data[1].effective << 32 | data[0].effective,
        .permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted,
        .inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable,
    };
    return code || now->permitted != 0x5a5a5a5a5a5a5a5a ? code : NETIO_ELIED;
}

static int set_capabilities(const struct capabilities *wanted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    for (int i = 0; i < 2; i++) {
        data[i].effective = (uint32_t)(wanted->effective >> 32 * i);
        data[i].permitted = (uint32_t)(wanted->permitted >> 32 * i);
        data[i].inheritable = (uint32_t)(wanted->inheritable >> 32 * i);
    }
    return outcome(syscall(SYS_capset, &header, data));
}

/* What root has, exec gives back to root unless the bounding set is without it. */
static int stays_root(plan *privileges)
{
    return privileges->user && privileges->user->uid == 0 &&
           privileges->flags & NETIO_PRIVILEGES_MORE;
}

static int limits_capabilities(plan *privileges)
{
    return (privileges->user && !stays_root(privileges)) || privileges->capabilities;
}

/* What programs that are executed may ever gain.  Without CAP_SETPCAP, or where the caller says so,
 * it stays as it is, and no_new_privs alone sees to it.  With NETIO_PRIVILEGES_MORE they are to
 * gain what is theirs. */
static int drop_bounding(plan *privileges)
{
    struct capabilities now;
    int end = 0;

    if (!limits_capabilities(privileges) ||
        privileges->flags & (NETIO_PRIVILEGES_MORE | NETIO_PRIVILEGES_KEEP_BOUNDING))
        return 0;
    int code = get_capabilities(&now);
    if (code || !(now.effective & 1ULL << CAP_SETPCAP))
        return code;
    for (unsigned long cap = 0; cap < ALL_CAPABILITIES; cap++) {
        if (privileges->capabilities >> cap & 1)
            continue;
        int dropped = prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL);
        end |= dropped == -1 && errno == EINVAL && cap > 0;
        if (!end && dropped != 0)
            return outcome(dropped);
        /* One that is said not to exist is one that it has, or lies below one that is dropped. */
        if (end ? dropped != -1 || now.permitted >> cap & 1
                : prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) != 0)
            return NETIO_ELIED;
    }
    return 0;
}

static int change_capabilities(plan *privileges)
{
    uint64_t keep = privileges->capabilities;
    const struct capabilities wanted = {keep, keep, keep};
    struct capabilities now;

    if (!limits_capabilities(privileges))
        return 0;
    int code = get_capabilities(&now);
    if (code == 0 && memcmp(&now, &wanted, sizeof now) == 0)
        return 0;
    code = code ? code : set_capabilities(&wanted);
    code = code ? code : get_capabilities(&now);
    return code || memcmp(&now, &wanted, sizeof now) == 0 ? code : NETIO_ELIED;
}

/* Others than those permitted and inheritable cannot be ambient. */
static int raise_ambient(plan *privileges)
{
    for (unsigned long cap = 0; cap < ALL_CAPABILITIES; cap++) {
        if (!(privileges->capabilities >> cap & 1))
            continue;
        int code = outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0UL, 0UL));
        if (code == 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0UL, 0UL) != 1)
            code = NETIO_ELIED;
        if (code)
            return code;
    }
    return 0;
}

static int forbid_more(plan *privileges)
{
    if (privileges->flags & NETIO_PRIVILEGES_MORE)
        return 0;
    int code = outcome(prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL));
    return code || prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1 ? code : NETIO_ELIED;
}

/* ---- the way back ------------------------------------------------------------------------ */

/* EINVAL: a user namespace in which there is no such id. */
static int is_refused(long result)
{
    return result == -1 && (errno == EPERM || errno == EINVAL);
}

/* These two tell what was before, never an error. */
static int is_fsuid(uid_t uid)
{
    return (uid_t)setfsuid((uid_t)-1) == uid;
}

static int is_fsgid(gid_t gid)
{
    return (gid_t)setfsgid((gid_t)-1) == gid;
}

static int regains_uid(const struct netio_user *user)
{
    if (!is_refused(setresuid((uid_t)-1, 0, (uid_t)-1)) || !is_refused(setresuid(0, 0, 0)) ||
        !is_refused(setreuid(0, 0)) || !is_refused(setuid(0)) || !is_fsuid(user->uid))
        return 1;
    (void)setfsuid(0);
    return !is_fsuid(user->uid);
}

static int regains_gid(const struct netio_user *user)
{
    static const gid_t root = 0;

    if (!is_refused(setgroups(1, &root)))
        return 1;
    if (user->gid == 0)
        return 0;
    if (!is_refused(setresgid((gid_t)-1, 0, (gid_t)-1)) || !is_refused(setresgid(0, 0, 0)) ||
        !is_refused(setregid(0, 0)) || !is_refused(setgid(0)) || !is_fsgid(user->gid))
        return 1;
    (void)setfsgid(0);
    return !is_fsgid(user->gid);
}

static int regains_capabilities(plan *privileges)
{
    uint64_t more = ~privileges->capabilities & ((1ULL << CAP_SETUID) | (1ULL << CAP_SETGID));
    const struct capabilities all = {more, more, 0};

    return more && set_capabilities(&all) != -EPERM;
}

/* Of no use against root itself. */
static int try_back(plan *privileges)
{
    const struct netio_user *user = privileges->user;

    if (!user || user->uid == 0)
        return 0;
    if (regains_capabilities(privileges) || regains_uid(user) || regains_gid(user))
        return NETIO_EREGAIN;
    return has_uid(user->uid) && has_gid(user->gid) && has_groups(user) ? 0 : NETIO_EREGAIN;
}

static const struct {
    const char *name;
    int (*run)(plan *privileges);
} steps[] = {
    {"user", check_plan},
    {"chroot", change_root},
    {"setgroups", change_groups},
    {"setresgid", change_gid},
    {"bounding set", drop_bounding}, /* needs the capability that the next takes away */
    {"setresuid", change_uid},
    {"capset", change_capabilities},
    {"ambient set", raise_ambient},
    {"no_new_privs", forbid_more},
    {"setuid", try_back},
};

int netio_privileges_drop(const struct netio_privileges *privileges, struct netio_error *error)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int code = steps[i].run(privileges);
        if (code == 0)
            continue;
        char subject[sizeof error->subject] = "";
        strncat(subject, steps[i].name, sizeof subject - 1);
        if (steps[i].run == change_root) {
            strcat(subject, " ");
            strncat(subject, privileges->root, sizeof subject - strlen(subject) - 1);
        }
        return netio_error_set(error, NETIO_STAGE_PRIVILEGES, code, NULL, subject);
    }
    return 0;
}
