/* Tests of proc/world.h: what is gone by the time of an exec, or can only be tried from inside. The
 * rest is in t/36-world.t. */
#include "birth.h"
#include "proc/world.h"

#include <netio/environ.h>
#include <netio/error.h>
#include <netio/fd.h>

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static gid_t groups[] = {4201};
static struct netio_user person = {.uid = 4201, .gid = 4201, .groups = groups, .groups_count = 1};
static char jail[] = "/tmp/netio-world-XXXXXX";

static int enter(const struct netio_world *plan)
{
    struct netio__world world;
    int code = netio__world_prepare(&world, plan, NETIO_STAGE_CHILD, NULL);

    code = code ? code : netio__world_enter(&world, NULL);
    code = code ? code : netio__world_drop(&world, NULL);
    netio__world_done(&world);
    return code;
}

static int cannot_escape(void)
{
    const struct netio_world plan = {.privileges = {.root = jail, .user = &person}};
    int outside = open("/", O_RDONLY | O_DIRECTORY);
    struct stat st, root;

    NEED(outside >= 0 && stat(jail, &root) == 0 && chdir("/tmp") == 0);
    NEED(netio_fd_close_others((const int[]){900}, 1) == 0 && enter(&plan) == 0);
    NEED(fchdir(outside) == -1 && errno == EBADF);
    NEED(openat(outside, "etc/passwd", O_RDONLY) == -1 && errno == EBADF);
    NEED(open("../../../../../../../etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
    NEED(stat("..", &st) == 0 && st.st_ino == root.st_ino && st.st_dev == root.st_dev);
    NEED(stat("/..", &st) == 0 && st.st_ino == root.st_ino && st.st_dev == root.st_dev);
    NEED(mkdir("further", 0700) == 0 && chroot("further") == -1 && errno == EPERM);
    NEED(rmdir("further") == 0);
    return 0;
}

static int no_core(void)
{
    const struct netio_world plan = {.privileges = {.user = &person}};
    struct rlimit core = {1, 1};

    NEED(enter(&plan) == 0);
    NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0);
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    return 0;
}

static int no_core_of_root(void)
{
    const struct netio_world plan = {0};

    NEED(enter(&plan) == 0 && getuid() == 0);
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    return 0;
}

static int core_asked(void)
{
    static const struct netio_rlimit limit = {RLIMIT_CORE, {4096, 4096}};
    const struct netio_world plan = {
        .limits = &limit, .limits_count = 1, .privileges = {.user = &person}};
    struct rlimit core;

    NEED(enter(&plan) == 0);
    NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 4096 && core.rlim_max == 4096);
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
    return 0;
}

/* The world that a daemon listens in, before it drops anything. */
static int entered_only(void)
{
    const struct netio_world plan = {.directory = "/tmp",
                                     .privileges = {.user = &person, .root = jail}};
    struct netio__world world;
    char folder[64];

    NEED(netio__world_prepare(&world, &plan, NETIO_STAGE_DAEMONIZE, NULL) == 0);
    NEED(netio__world_enter(&world, NULL) == 0);
    NEED(getuid() == 0 && getcwd(folder, sizeof folder) && strcmp(folder, "/") == 0);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    NEED(netio__world_drop(&world, NULL) == -ENOENT); /* /tmp, there */
    netio__world_done(&world);
    return 0;
}

static int two_limits(void)
{
    static const struct netio_rlimit limits[] = {{RLIMIT_FSIZE, {64, 128}},
                                                 {RLIMIT_MSGQUEUE, {1000, 2000}}};
    const struct netio_world plan = {.limits = limits, .limits_count = 2};
    struct rlimit now;

    NEED(enter(&plan) == 0);
    NEED(getrlimit(RLIMIT_FSIZE, &now) == 0 && now.rlim_cur == 64 && now.rlim_max == 128);
    NEED(getrlimit(RLIMIT_MSGQUEUE, &now) == 0 && now.rlim_cur == 1000);
    return 0;
}

static void test_refused(void)
{
    static const struct netio_rlimit wrong[] = {{RLIMIT_NOFILE, {128, 64}}, {999, {1, 1}}};
    static char deep[1000];
    static const struct {
        struct netio_world plan;
        int code;
        const char *text;
    } table[] = {
        {{.limits = &wrong[0], .limits_count = 1},
         -EINVAL,
         "child setrlimit NOFILE: Invalid argument"},
        {{.limits = &wrong[1], .limits_count = 1}, -EINVAL, "child setrlimit: Invalid argument"},
        {{.directory = "/etc/passwd"}, -ENOTDIR, "child chdir /etc/passwd: Not a directory"},
        {{.directory = deep}, -ENAMETOOLONG, NULL},
    };

    memset(deep, 'x', sizeof deep - 1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct netio__world world;
        struct netio_error error = {0};
        char text[640];
        mode_t mask = umask(0);
        is_int(netio__world_prepare(&world, &table[i].plan, NETIO_STAGE_CHILD, &error), 0,
               "a world that cannot be: prepared");
        is_int(netio__world_enter(&world, &error), table[i].code, "not entered");
        netio_error_str(&error, text, sizeof text);
        if (table[i].text)
            is_str(text, table[i].text, "it says which step failed");
        else
            is_int(strncmp(error.subject, "chdir /", 7), 0, "it says so, cut to fit");
        netio__world_done(&world);
        umask(mask);
    }
}

static void test_environment(void)
{
    struct netio_user named = person;
    struct netio__world world;

    named.name = named.home = named.shell = (char *)"=x y";
    const struct netio_world plan = {.privileges = {.user = &named},
                                     .environment = (const char *const[]){"LOGNAME=me", NULL}};
    is_int(netio__world_prepare(&world, &plan, NETIO_STAGE_CHILD, NULL), 0, "a user of odd name");
    is_str(netio_environ_get(world.environment, "HOME"), "=x y", "has it as its variables");
    is_str(netio_environ_get(world.environment, "LOGNAME"), "me", "but for what is set");
    is_str(netio_environ_get(world.environment, "PATH"), NULL, "and nothing else");
    netio__world_done(&world);
    netio__world_done(&world);
    ok(!world.environment, "done twice");
}

static void test_variables(void)
{
    struct netio_user named = person;
    const struct netio_world plan = {
        .environment = (const char *const[]){"A=1", "USER=other", NULL},
        .privileges = {.user = &named},
    };
    char **variables;
    struct netio__world world;

    named.name = named.home = named.shell = (char[]){"p"};
    is_int(netio_world_variables(&variables, &plan), 0, "variables");
    is_str(netio_environ_get(variables, "A"), "1", "of the list");
    is_str(netio_environ_get(variables, "LOGNAME"), "p", "of the user");
    is_str(netio_environ_get(variables, "USER"), "other", "what is set wins");

    const struct netio_world made = {.environment = plan.environment, .variables = variables};
    is_int(netio__world_prepare(&world, &made, NETIO_STAGE_CHILD, NULL), 0, "just these");
    ok(world.environment == variables, "as they are");
    netio__world_done(&world);
    is_str(netio_environ_get(variables, "A"), "1", "and the caller's");
    netio_environ_free(variables);
}

int main(void)
{
    if (geteuid() != 0)
        skip_all("needs root");
    if (!mkdtemp(jail) || chmod(jail, 0777) != 0)
        skip_all("no folder %s: %s", jail, strerror(errno));
    is_int(in_child(cannot_escape), 0, "C19: no way out of a root");
    is_int(in_child(no_core), 0, "C21: no core file");
    is_int(in_child(no_core_of_root), 0, "C21: nor of a root");
    is_int(in_child(core_asked), 0, "C21: but one that is asked for");
    is_int(in_child(entered_only), 0, "entered, and nothing dropped yet");
    is_int(in_child(two_limits), 0, "limits");
    test_environment();
    test_variables();
    test_refused();
    (void)diag;
    rmdir(jail);
    return tap_done();
}
