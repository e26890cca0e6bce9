/* Tests of netio/privileges.h; see also t/36-world.t and t/c/lies.c. */
#include "birth.h"
#include <netio/error.h>
#include <netio/privileges.h>

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static gid_t groups[NGROUPS_MAX] = {4301, 4201};
static struct netio_user person = {.uid = 4201, .gid = 4201, .groups = groups, .groups_count = 2};
static struct netio_privileges plan = {.user = &person};
static char is_root[64];

static int refused(const struct netio_privileges *privileges, int code, const char *subject)
{
    struct netio_error error = {0};

    return netio_privileges_drop(privileges, &error) == code && error.code == code &&
           error.stage == NETIO_STAGE_PRIVILEGES && strcmp(error.subject, subject) == 0;
}

/* What would be no change to setresuid(2) is refused before anything is done. */
static int wrong_users(void)
{
    struct netio_user wrong[] = {person, person, person, person};

    wrong[0].uid = (uid_t)-1;
    wrong[1].gid = (gid_t)-1;
    wrong[2].groups_count = 0;
    wrong[3].groups_count = NGROUPS_MAX + 1;
    for (int i = 0; i < 4; i++) {
        plan.user = &wrong[i];
        NEED(refused(&plan, -EINVAL, "user"));
        NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 && getuid() == 0);
    }
    return 0;
}

/* The parent is in other groups, and these are not in order (C17). */
static int becomes(void)
{
    gid_t now[8];

    NEED(setgroups(3, (const gid_t[]){4, 24, 27}) == 0);
    NEED(netio_privileges_drop(&plan, NULL) == 0);
    NEED(getuid() == 4201 && geteuid() == 4201 && getgid() == 4201 && getegid() == 4201);
    NEED(getgroups(8, now) == 2 && now[0] == 4201 && now[1] == 4301);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    NEED(setuid(0) == -1 && errno == EPERM);
    NEED(netio_privileges_drop(&plan, NULL) == 0); /* once more changes nothing */
    person.groups_count = 1;
    NEED(refused(&plan, -EPERM, "setgroups"));
    return 0;
}

static int nothing_asked(void)
{
    const struct netio_privileges none = {0};

    NEED(netio_privileges_drop(&none, NULL) == 0);
    NEED(getuid() == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    NEED(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1);
    return 0;
}

static int may_gain_more(void)
{
    const struct netio_privileges none = {.flags = NETIO_PRIVILEGES_MORE};

    NEED(netio_privileges_drop(&none, NULL) == 0);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    return 0;
}

/* Whether a setuid program of root's is root then: its exit code, 0 for yes. */
static int executes_setuid(unsigned flags)
{
    plan.flags = flags;
    NEED(netio_privileges_drop(&plan, NULL) == 0);
    NEED(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1);
    return WEXITSTATUS(system(is_root));
}

static int executes_more(void)
{
    return executes_setuid(NETIO_PRIVILEGES_MORE);
}

static int executes_bound(void)
{
    return executes_setuid(NETIO_PRIVILEGES_KEEP_BOUNDING);
}

/* In a folder of its own, which anybody may enter. */
static void setuid_programs(void)
{
    char folder[] = "/tmp/netio-privileges-XXXXXX", make[128], clean[64];

    is_int(mkdtemp(folder) != NULL, 1, "a folder");
    snprintf(make, sizeof make, "cd %s && cp /usr/bin/test . && chmod 4755 test .", folder);
    snprintf(clean, sizeof clean, "rm -r %s", folder);
    snprintf(is_root, sizeof is_root, "%s/test -O /", folder);
    is_int(system(make), 0, "a setuid program");
    is_int(in_child(executes_more), 0, "it is root's, if asked so");
    is_int(in_child(executes_bound), 1, "no_new_privs alone keeps it from that");
    is_int(system(clean), 0, "and is gone");
}

static int many_groups(void)
{
    for (gid_t i = 0; i < NGROUPS_MAX; i++)
        groups[i] = i + 1;
    person.groups_count = NGROUPS_MAX;
    person.gid = 77;
    NEED(netio_privileges_drop(&plan, NULL) == 0);
    NEED(getgroups(0, NULL) == NGROUPS_MAX);
    return 0;
}

static int without_right(void)
{
    NEED(setresuid(4201, 4201, 4201) == 0);
    NEED(refused(&plan, -EPERM, "setgroups"));
    plan = (struct netio_privileges){.root = "/"};
    NEED(refused(&plan, -EPERM, "chroot /"));
    plan = (struct netio_privileges){.capabilities = 1ULL << CAP_CHOWN};
    NEED(refused(&plan, -EPERM, "capset"));
    return 0;
}

/* A fsuid of root's that a program was left with. */
static int stray_fsuid(void)
{
    NEED(setgroups(2, groups) == 0 && setresgid(4201, 4201, 4201) == 0);
    NEED(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setresuid(4201, 4201, 4201) == 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{1u << CAP_SETUID, 1u << CAP_SETUID, 0}};
    NEED(syscall(SYS_capset, &header, data) == 0 && syscall(SYS_setfsuid, 0) == 4201);
    NEED(refused(&plan, NETIO_EREGAIN, "setuid"));
    return 0;
}

static int no_such_capability(void)
{
    plan.capabilities = 1ULL << 63;
    NEED(refused(&plan, NETIO_ELIED, "capset"));
    return 0;
}

static int long_root(void)
{
    static char root[PATH_MAX * 2];
    struct netio_error error;

    memset(root, 'x', sizeof root - 1);
    plan.root = root;
    NEED(netio_privileges_drop(&plan, &error) == -ENAMETOOLONG);
    NEED(strncmp(error.subject, "chroot xxx", 10) == 0);
    return 0;
}

int main(void)
{
    if (geteuid() != 0)
        skip_all("needs root");
    is_int(in_child(wrong_users), 0, "users that are none change nothing");
    is_int(in_child(becomes), 0, "C16, C17: becomes a user, for good");
    is_int(in_child(nothing_asked), 0, "nothing asked for: no_new_privs alone");
    is_int(in_child(may_gain_more), 0, "and that not, if so asked");
    setuid_programs();
    is_int(in_child(many_groups), 0, "C17: as many groups as there can be");
    is_int(in_child(without_right), 0, "C14: who may not is told which step failed");
    is_int(in_child(stray_fsuid), 0, "C16: a uid of the file system that is still root's");
    is_int(in_child(no_such_capability), 0, "a capability that does not exist");
    is_int(in_child(long_root), 0, "a path that is too long");
    (void)diag;
    return tap_done();
}
