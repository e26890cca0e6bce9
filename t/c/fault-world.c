/* Every call on the way into a world fails in turn: users, environments, and a process that enters
 * one and drops its privileges (A25, A26, C14).  It is then as it should be, or an error says why
 * not; t/36-world-lies.t has those that lie. */
#include "fault.h"
#include "proc/world.h"

#include <netio/environ.h>
#include <netio/error.h>
#include <netio/fd.h>
#include <netio/signals.h>

#include <fcntl.h>
#include <nss.h>
#include <sys/syscall.h>

static gid_t groups[] = {4201, 4301};
static struct netio_user person = {.uid = 4201,
                                   .gid = 4201,
                                   .groups = groups,
                                   .groups_count = 2,
                                   .name = (char *)"somebody",
                                   .home = (char *)"/somewhere",
                                   .shell = (char *)"/bin/sh"};

static int find_user(void)
{
    struct netio_user user;
    struct netio_error error = {0};
    int code = netio_user_parse(&user, "root:0", &error);

    if (code)
        return code != -ENOMEM || error.code != code || user.name || user.groups;
    int wrong = user.uid != 0 || strcmp(user.name, "root") != 0 || user.groups_count == 0;
    netio_user_free(&user);
    return wrong;
}

static int prepare(void)
{
    const struct netio_world plan = {.directory = "inside", .privileges.user = &person};
    struct netio__world world;
    struct netio_error error = {0};
    int code = netio__world_prepare(&world, &plan, NETIO_STAGE_CHILD, &error);

    if (code)
        return code != -ENOMEM || error.code != code || world.environment || world.directory;
    int wrong = world.plan.directory[0] != '/' ||
                strcmp(netio_environ_get(world.environment, "USER"), "somebody") != 0;
    netio__world_done(&world);
    return wrong;
}

/* 0 once it is all that it should be, 1 for an error that is one. */
static int enter(const struct netio__world *world)
{
    struct netio_error error = {0};
    struct rlimit core = {1, 1};
    int code = netio_signals_reset();

    code = code ? code : netio_fd_close_others(NULL, 0);
    if (code)
        return code < 0 ? 1 : 2;
    code = netio__world_enter(world, &error);
    code = code ? code : netio__world_drop(world, &error);
    if (code)
        return code == error.code && error.stage != NETIO_STAGE_NONE && *error.subject ? 1 : 3;
    fault_clear();
    if (fcntl(700, F_GETFD) != -1 || getuid() != 4201 || getgroups(0, NULL) != 2 ||
        getegid() != 4201 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 4;
    return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 ? 0 : 5;
}

static int be_born(void)
{
    const struct netio_world plan = {
        .privileges = {.user = &person, .root = "/tmp", .capabilities = 1u << 10}};
    struct netio__world world;
    int status = 0;

    fault_off();
    if (netio__world_prepare(&world, &plan, NETIO_STAGE_CHILD, NULL) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(0, 700);
        fault_on();
        int result = enter(&world);
        fault_off();
        syscall(SYS_exit_group, result);
    }
    if (pid == -1 || waitpid(pid, &status, 0) != pid)
        abort();
    netio__world_done(&world);
    fault_on();
    /* Nothing failed, and an error: what no call of this walk is there to tell. */
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 9;
    return code == 1 && *fault_hits == 0 ? 8 : code > 1 ? code : 0;
}

int main(void)
{
    if (geteuid() != 0)
        skip_all("needs root");
    /* Modules of other name services allocate what they keep. */
    __nss_configure_lookup("passwd", "files");
    __nss_configure_lookup("group", "files");
    __nss_configure_lookup("initgroups", "files");
    /* What the C library keeps once it has looked for a user and the time zone. */
    if (find_user() != 0 || prepare() != 0)
        fail("nothing fails yet");
    fault_walk("a user", find_user);
    fault_walk("a world prepared", prepare);
    fault_walk("a world entered", be_born);
    return tap_done();
}
