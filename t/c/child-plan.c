/* Tests of netio/child.h: the plan.  Which descriptors a child is given, whichever its parent has,
 * and what is said of a plan that is wrong or a program that cannot be executed. */
#include "descriptors.h"
#include "family.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MANY 10000

/* ---- as a child -------------------------------------------------------------------------- */

/* "0 1 2 5": the descriptors that are open. */
static int say_descriptors(void)
{
    char text[4096] = "";
    size_t n = 0;

    for (int fd = 0; fd < 2 * MANY && n < sizeof text - 16; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            n += (size_t)sprintf(text + n, "%d ", fd);
    return write(1, text, n) == (ssize_t)n ? 0 : 1;
}

/* One descriptor's number on each of the others that it was given. */
static int say_numbers(char **numbers)
{
    for (; *numbers; numbers++)
        if (write(atoi(*numbers), *numbers, strlen(*numbers)) == -1)
            return 1;
    return 0;
}

static int be_child(char **argv)
{
    if (strcmp(argv[1], "descriptors") == 0)
        return say_descriptors();
    if (strcmp(argv[1], "numbers") == 0)
        return say_numbers(argv + 2);
    return exit_or_wait(argv);
}

/* ---- as their parent --------------------------------------------------------------------- */

/* The number of a code, a stage and a subject. */
static void is_refused(const struct netio_child_plan *plan, int code, enum netio_stage stage,
                       const char *subject, const char *name)
{
    struct netio_child child = {.pid = 1, .pidfd = 1};
    struct netio_error error = {0};
    int before = open_descriptors();
    int got = netio_child_start(&child, plan, &error);

    is_int(got, code, "%s: the code", name);
    is_int(error.code, code, "%s: in the error, too", name);
    is_str(netio_stage_str(error.stage), netio_stage_str(stage), "%s: the stage", name);
    is_str(error.subject, subject, "%s: the subject", name);
    ok(child.pid == 0 && child.pidfd == -1, "%s: no child", name);
    ok(has_no_child(), "%s: nor anything left of one", name);
    is_int(open_descriptors(), before, "%s: no descriptor left", name);
    is_int(netio_child_start(&child, plan, NULL), code, "%s: without an error to fill", name);
}

static void test_exec_fails(void)
{
    char folder[] = "/tmp/netio-child-XXXXXX", path[64];
    char *argv[] = {"x", NULL};
    struct netio_child_plan plan = plan_of(argv);

    if (!mkdtemp(folder)) {
        fail("a folder");
        return;
    }
    plan.path = "/nonexistent/program";
    is_refused(&plan, -ENOENT, NETIO_STAGE_EXEC, plan.path, "no such program");
    plan.path = folder;
    is_refused(&plan, -EACCES, NETIO_STAGE_EXEC, folder, "a folder for a program");
    snprintf(path, sizeof path, "%s/plain", folder);
    plan.path = path;
    FILE *file = fopen(path, "w");
    fputs("echo this is no program\n", file);
    fclose(file);
    is_refused(&plan, -EACCES, NETIO_STAGE_EXEC, path, "a file that is not executable");
    chmod(path, 0755);
    is_refused(&plan, -ENOEXEC, NETIO_STAGE_EXEC, path, "no shell tries what is no program");
    unlink(path);
    rmdir(folder);
}

static void test_plan_is_wrong(void)
{
    static const struct netio_child_fd twice[] = {{0, 5}, {1, 5}}, closed[] = {{0, 5}, {799, 6}};
    static const struct netio_child_fd negative[] = {{0, -1}}, high[] = {{0, 1 << 30}};
    char *argv[] = {self, "exit", "0", NULL}, *nothing[] = {NULL};
    const struct netio_child_plan good = plan_of(argv);
    struct netio_child_plan plan = good;

    plan.path = NULL;
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_OPTION, "path", "no path");
    plan.path = "true";
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_OPTION, "path", "a name that PATH would find");
    plan = good;
    plan.argv = NULL;
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_OPTION, "argv", "no arguments");
    plan.argv = nothing;
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_OPTION, "argv", "none at all");
    plan = good;
    plan.flags = 1u << 31;
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_OPTION, "flags", "an unknown flag");
    plan = good;
    plan.fds = twice;
    plan.fds_count = 2;
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_OPTION, "fds", "one number for two");
    plan.fds = negative;
    plan.fds_count = 1;
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_OPTION, "fds", "a negative number");
    plan.fds = high;
    is_refused(&plan, -EMFILE, NETIO_STAGE_CHILD, __libc_single_threaded ? "fcntl" : "pipe",
               "a number above the limit");
    plan.fds = closed;
    plan.fds_count = 2;
    is_refused(&plan, -EBADF, NETIO_STAGE_CHILD, "descriptor 799", "a closed descriptor");
    plan = good;
    plan.world.directory = "/nonexistent";
    is_refused(&plan, -ENOENT, NETIO_STAGE_CHILD, "chdir /nonexistent", "no such folder");
    plan = good;
    plan.world.environment = (const char *const[]){"=x", NULL};
    is_refused(&plan, NETIO_EBADOPTION, NETIO_STAGE_CHILD, "environment",
               "a variable without a name");
}

/* What a program writes to its descriptor 1. */
static const char *output_of(char *const *argv)
{
    static char text[4096];
    struct netio_child_plan plan = plan_of(argv);
    size_t used = 0;
    ssize_t n;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) == -1)
        return "pipe2";
    plan.fds = &(struct netio_child_fd){.from = ends[1], .to = 1};
    plan.fds_count = 1;
    int status = status_of(&plan);
    close(ends[1]);
    while ((n = read(ends[0], text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)n;
    close(ends[0]);
    text[used] = '\0';
    return status == 0 ? text : "failed";
}

static void test_descriptors(void)
{
    char *descriptors[] = {self, "descriptors", NULL};
    char *numbers[] = {self, "numbers", "3", "4", "1", "77", NULL};
    struct netio_child_plan plan = plan_of(numbers);
    struct netio_child_fd fds[4];
    const char *const said[] = {"4", "3", "177"};
    int pipes[4][2], from[4];
    char text[8];

    is_str(output_of(descriptors), "0 1 2 ", "C9 no other descriptors than 0, 1 and 2");
    /* In each other's place, and where the child has something of its own. */
    for (int i = 0; i < 4; i++)
        if (pipe2(pipes[i], 0) == -1)
            fail("pipe2");
    from[0] = dup2(pipes[0][1], 40);
    from[1] = dup2(pipes[1][1], 41);
    from[2] = pipes[2][1];
    from[3] = from[2];
    memcpy(fds,
           (const struct netio_child_fd[]){{from[0], 4}, {from[1], 3}, {from[2], 1}, {from[3], 77}},
           sizeof fds);
    plan.fds = fds;
    plan.fds_count = 4;
    is_int(status_of(&plan), 0, "four descriptors are there");
    for (int i = 0; i < 4; i++)
        close(pipes[i][1]);
    close(40);
    close(41);
    for (int i = 0; i < 3; i++) {
        ssize_t n = read(pipes[i][0], text, sizeof text - 1);
        text[n > 0 ? n : 0] = '\0';
        is_str(text, said[i], "pipe %d", i);
    }
    for (int i = 0; i < 4; i++)
        close(pipes[i][0]);
}

static int says_three(void)
{
    char *argv[] = {self, "descriptors", NULL};

    return strcmp(output_of(argv), "0 1 2 ") == 0 ? 0 : 1;
}

/* Whatever of 0 to 2 the caller has closed: its sockets and pipes then have those numbers. */
static int closed;

static int without_standard(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (closed & 1 << fd)
            close(fd);
    return says_three();
}

static int with_many(void)
{
    struct rlimit files = {2 * MANY, 2 * MANY};

    (void)setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < MANY; i++)
        if (open("/dev/null", O_RDONLY) == -1)
            return 2;
    return says_three();
}

/* With room for the pidfd; for a fork, also for the two ends of the socket, one of which is closed
 * when the pipe comes; and with less. */
static int with_few(void)
{
    char *argv[] = {self, "descriptors", NULL};
    const struct netio_child_plan plan = plan_of(argv);
    struct rlimit files = {64, 64};
    struct netio_child child;
    struct netio_error error;
    int status, free_ones[4], count = 0, enough = __libc_single_threaded ? 1 : 3;

    (void)setrlimit(RLIMIT_NOFILE, &files);
    while (open("/dev/null", O_RDONLY) != -1)
        ;
    for (int fd = 63; count < 4; fd--)
        free_ones[count++] = fd;
    for (count = 0; count <= enough; count++) {
        int before = open_descriptors();
        int code = netio_child_start(&child, &plan, &error);
        if (count == enough ? code != 0 : code != -EMFILE || error.code != code)
            return 10 + count;
        if (code == 0 && netio_child_wait(&child, NETIO_NEVER, &status) != 1)
            return 20;
        if (!has_no_child() || open_descriptors() != before)
            return 30 + count;
        close(free_ones[count]);
    }
    return 0;
}

static void test_hosts(void)
{
    for (closed = 0; closed < 8; closed++)
        is_int(in_child(without_standard), 0, "C6 with%s%s%s closed", closed & 1 ? " 0" : "",
               closed & 2 ? " 1" : "", closed & 4 ? " 2" : "");
    is_int(in_child(with_many), 0, "C9 of a parent with 10,000 descriptors");
    is_int(in_child(with_few), 0, "and of one that has few left");
}

static void test_all(void)
{
    test_exec_fails();
    test_plan_is_wrong();
    test_descriptors();
    test_hosts();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return be_child(argv);
    return both_ways(test_all);
}
