/* Ring 2.  A world made true; see world.h and netio/world.h.  Called by child.c, daemonize.c and
 * daemon.c. */
#include "world.h"

#include <netio/environ.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define UMASK 022

/* ---- before the fork --------------------------------------------------------------------- */

#define OWN_COUNT 4

static int is_set(const char *const *list, const char *name)
{
    size_t n = strlen(name);

    for (; list && *list; list++)
        if (strncmp(*list, name, n) == 0 && (*list)[n] == '=')
            return 1;
    return 0;
}

/* The variables that belong to a user but for those that the list sets, ended by NULL; all in one
 * piece, which is the caller's.  NULL: no memory. */
static char *own_variables(const struct netio_world *plan, const char *own[OWN_COUNT + 1])
{
    const struct netio_user *user = plan->privileges.user;
    const char *const names[OWN_COUNT] = {"USER", "LOGNAME", "HOME", "SHELL"};
    const char *const values[OWN_COUNT] = {user->name, user->name, user->home, user->shell};
    size_t size = 0;

    for (size_t i = 0; i < OWN_COUNT; i++)
        size += strlen(names[i]) + strlen(values[i]) + 2;
    char *text = malloc(size), *next = text;
    for (size_t i = 0; text && i < OWN_COUNT; i++) {
        if (is_set(plan->environment, names[i]))
            continue;
        *own++ = next;
        next = stpcpy(stpcpy(stpcpy(next, names[i]), "="), values[i]) + 1;
    }
    *own = NULL;
    return text;
}

/* Those of a list, and what is the user's own: the latter wins over what was passed on. */
static int add_own(char ***out, char *const *from, const char *const *base,
                   const struct netio_world *plan)
{
    const char *own[OWN_COUNT + 1];
    int code = -ENOMEM;
    size_t n = 0;

    while (base[n])
        n++;
    char *text = own_variables(plan, own);
    const char **list = malloc((n + OWN_COUNT + 1) * sizeof *list);
    if (text && list) {
        memcpy(list, base, n * sizeof *list);
        memcpy(list + n, own, sizeof own);
        code = netio_environ_new(out, from, list);
    }
    free(list);
    free(text);
    return code;
}

int netio_world_variables(char ***variables, const struct netio_world *plan)
{
    int has_user = plan->privileges.user && plan->privileges.user->name;
    char **base;

    if (has_user && plan->environment)
        return add_own(variables, environ, plan->environment, plan);
    int code = netio_environ_new(&base, environ, plan->environment);
    if (code)
        return code;
    if (!has_user) {
        *variables = base;
        return 0;
    }
    code = add_own(variables, NULL, (const char *const *)base, plan);
    netio_environ_free(base);
    return code;
}

static int make_environment(struct netio__world *world)
{
    world->environment = (char **)world->plan.variables;
    return world->environment ? 0 : netio_world_variables(&world->environment, &world->plan);
}

/* A copy, from the folder of the caller where it is relative.  0 or -errno. */
static int make_absolute(char **out, const char *path)
{
    char *whole = malloc(PATH_MAX + strlen(path) + 2);

    if (!whole)
        return -ENOMEM;
    *whole = '\0';
    if (*path != '/' && !getcwd(whole, PATH_MAX)) {
        int code = -errno;
        free(whole);
        return code;
    }
    if (*path != '/')
        strcat(whole, "/");
    *out = strcat(whole, path);
    return 0;
}

static int make_paths(struct netio__world *world)
{
    struct netio_world *plan = &world->plan;
    const char *root = plan->privileges.root, *directory = plan->directory;
    int code = root ? make_absolute(&world->root, root) : 0;

    if (code == 0 && directory && !root)
        code = make_absolute(&world->directory, directory);
    plan->privileges.root = world->root;
    if (world->directory)
        plan->directory = world->directory;
    return code;
}

int netio__world_prepare(struct netio__world *world, const struct netio_world *plan,
                         enum netio_stage stage, struct netio_error *error)
{
    const char *subject = "environment";

    *world = (struct netio__world){.plan = *plan, .stage = stage};
    int code = make_environment(world);
    if (code == 0) {
        subject = "folder";
        code = make_paths(world);
    }
    if (code) {
        netio__world_done(world);
        return netio_error_set(error, stage, code, NULL, subject);
    }
    /* The zone of the log's times: behind a root there may be no file of it.  localtime_r(3) takes
     * what is loaded. */
    if (plan->privileges.root)
        tzset();
    return 0;
}

void netio__world_done(struct netio__world *world)
{
    if (world->environment != world->plan.variables)
        netio_environ_free(world->environment);
    free(world->directory);
    free(world->root);
    *world = (struct netio__world){0};
}

/* ---- in the new process: nothing that allocates ------------------------------------------ */

/* The code, with "STEP WHAT" as subject. */
static int failed(const struct netio__world *world, int code, const char *step, const char *what,
                  struct netio_error *error)
{
    char subject[sizeof error->subject] = "";
    size_t n = strlen(step);

    if (code == 0)
        return 0;
    strncat(subject, step, sizeof subject - 1);
    if (what) {
        strncat(subject, " ", sizeof subject - n - 1);
        strncat(subject, what, sizeof subject - n - 2);
    }
    return netio_error_set(error, world->stage, code, NULL, subject);
}

/* Also a call that always answers the same is found out: of two answers that are not the same, the
 * second is what the first call has set. */
static int set_umask(mode_t mask)
{
    mode_t other = ~mask & 0777, before = umask(other);

    return umask(mask) == other && (before != other || umask(mask) == mask) ? 0 : NETIO_ELIED;
}

/* Who has said what there was before, which cannot have been more than its upper limit, has done
 * what it was told. */
static int set_limit(int resource, const struct rlimit *value)
{
    struct rlimit before = {.rlim_cur = 1, .rlim_max = 0};

    if (prlimit(0, (__rlimit_resource_t)resource, value, &before) == -1)
        return -errno;
    return before.rlim_cur <= before.rlim_max ? 0 : NETIO_ELIED;
}

static const struct netio_rlimit *find_limit(const struct netio_world *plan, int resource)
{
    for (size_t i = plan->limits_count; i-- > 0;)
        if (plan->limits[i].resource == resource)
            return &plan->limits[i];
    return NULL;
}

/* The upper limit stays, so that a daemon may allow a child what it does without. */
static int forbid_core(void)
{
    struct rlimit core = {.rlim_cur = 1, .rlim_max = 0}; /* which cannot be */

    if (getrlimit(RLIMIT_CORE, &core) == -1)
        return -errno;
    if (core.rlim_cur > core.rlim_max)
        return NETIO_ELIED;
    if (core.rlim_cur == 0)
        return 0;
    core.rlim_cur = 0;
    return set_limit(RLIMIT_CORE, &core);
}

static const char *limit_name(int resource)
{
#define NETIO_X(name) [RLIMIT_##name] = #name
    static const char *const names[] = {
        NETIO_X(AS),     NETIO_X(CORE),   NETIO_X(CPU),        NETIO_X(DATA),
        NETIO_X(FSIZE),  NETIO_X(LOCKS),  NETIO_X(MEMLOCK),    NETIO_X(MSGQUEUE),
        NETIO_X(NICE),   NETIO_X(NOFILE), NETIO_X(NPROC),      NETIO_X(RSS),
        NETIO_X(RTPRIO), NETIO_X(RTTIME), NETIO_X(SIGPENDING), NETIO_X(STACK),
    };
#undef NETIO_X
    return resource >= 0 && (size_t)resource < sizeof names / sizeof *names ? names[resource]
                                                                            : NULL;
}

static int set_limits(const struct netio__world *world, struct netio_error *error)
{
    const struct netio_world *plan = &world->plan;
    int code = find_limit(plan, RLIMIT_CORE) ? 0 : forbid_core();

    if (code)
        return failed(world, code, "setrlimit", "CORE", error);
    for (size_t i = 0; i < plan->limits_count; i++) {
        const struct netio_rlimit *limit = &plan->limits[i];
        code = set_limit(limit->resource, &limit->value);
        if (code)
            return failed(world, code, "setrlimit", limit_name(limit->resource), error);
    }
    return 0;
}

/* The kernel's, in one call: what the C library does where that fails would allocate. */
static int is_in(const char *path)
{
    char here[256];

    here[0] = '\0';
    long n = syscall(SYS_getcwd, here, sizeof here);
    return n > 0 && n <= (long)sizeof here && (size_t)n == strlen(path) + 1 &&
           memcmp(here, path, (size_t)n) == 0;
}

/* A path with links in it, or from where the process is, is another name of where it leads. */
static int change_folder(const char *path)
{
    struct stat there = {0}, here = {.st_dev = 1, .st_ino = 1};

    if (*path == '/' && chdir(path) == 0 && is_in(path))
        return 0;
    if (stat(path, &there) == -1 || chdir(path) == -1 || stat(".", &here) == -1)
        return -errno;
    return there.st_dev == here.st_dev && there.st_ino == here.st_ino ? 0 : NETIO_ELIED;
}

/* Where root may not go, over NFS for example, its user may: the drop will tell. */
static int enter_folder(const struct netio__world *world, struct netio_error *error)
{
    const struct netio_world *plan = &world->plan;
    const char *path = plan->directory && !plan->privileges.root ? plan->directory : "/";
    int code = change_folder(path);

    if (code == -EACCES && plan->privileges.user) {
        path = "/";
        code = change_folder(path);
    }
    return failed(world, code, "chdir", path, error);
}

int netio__world_enter(const struct netio__world *world, struct netio_error *error)
{
    mode_t mask = world->plan.umask;
    int code = failed(world, set_umask(mask ? mask & 0777 : UMASK), "umask", NULL, error);

    code = code ? code : set_limits(world, error);
    /* It drops its privileges next, and enters the folder with that. */
    return code || world->in_shared_memory ? code : enter_folder(world, error);
}

/* A change of user clears the flag, or sets it to 2, as /proc/sys/fs/suid_dumpable has it; and a
 * core_pattern that is a pipe asks for no limit. */
static int set_dumpable(const struct netio__world *world)
{
    const struct netio_rlimit *core = find_limit(&world->plan, RLIMIT_CORE);
    unsigned long wanted = core && core->value.rlim_cur > 0 && !world->in_shared_memory;

    /* The flag is of the memory.  If that is another's as well, the user must not look into it. */
    if (world->in_shared_memory && !world->plan.privileges.user)
        return 0;
    if (prctl(PR_SET_DUMPABLE, wanted, 0UL, 0UL, 0UL) == -1)
        return -errno;
    return prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == (int)wanted ? 0 : NETIO_ELIED;
}

int netio__world_drop(const struct netio__world *world, struct netio_error *error)
{
    const struct netio_world *plan = &world->plan;
    const char *path = plan->directory ? plan->directory : "/";
    int code = netio_privileges_drop(&plan->privileges, error);

    code = code ? code : failed(world, change_folder(path), "chdir", path, error);
    return code ? code : failed(world, set_dumpable(world), "PR_SET_DUMPABLE", NULL, error);
}
