/* netio_child: what a child gets and what its parent learns of it.  The programs are this one under
 * another argument, and some of the system's. */
#include "descriptors.h"
#include "tap.h"

#include <netio/child.h>
#include <netio/fd.h>
#include <netio/user.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#define MANY 10000

static char self[4096];

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

/* A process that ends when it is told to, and one more in its group. */
static int be_two(int leader_stays)
{
    pid_t pid = fork();

    if (pid == 0 || leader_stays) {
        if (pid != 0 && write(1, "+", 1) != 1)
            return 1;
        for (;;)
            pause();
    }
    return write(1, "+", 1) == 1 ? 0 : 1;
}

static int be_child(char **argv)
{
    if (strcmp(argv[1], "exit") == 0)
        return atoi(argv[2]);
    if (strcmp(argv[1], "signal") == 0)
        return raise(atoi(argv[2]));
    if (strcmp(argv[1], "descriptors") == 0)
        return say_descriptors();
    if (strcmp(argv[1], "numbers") == 0)
        return say_numbers(argv + 2);
    if (strcmp(argv[1], "two") == 0)
        return be_two(1);
    if (strcmp(argv[1], "leave") == 0)
        return be_two(0);
    for (;;)
        pause();
}

/* ---- as their parent --------------------------------------------------------------------- */

static char *const waiting[] = {self, "wait", NULL};

static struct netio_child_plan plan_of(char *const *argv)
{
    return (struct netio_child_plan){.path = argv[0], .argv = argv};
}

/* The status of a program that is started and ends by itself; -1 for trouble. */
static int status_of(const struct netio_child_plan *plan)
{
    struct netio_child child;
    struct netio_error error;
    char text[640];
    int status = -1;
    int code = netio_child_start(&child, plan, &error);

    if (code) {
        diag("%s", netio_error_str(&error, text, sizeof text));
        return -1;
    }
    code = netio_child_wait(&child, NETIO_NEVER, &status);
    return code == 1 ? status : -1;
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

static int has_no_child(void)
{
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

static void test_status(void)
{
    char *argv[] = {self, "exit", "7", NULL};
    struct netio_child_plan plan = plan_of(argv);

    int status = status_of(&plan);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 7, "a program that exits with 7");
    argv[1] = "signal";
    argv[2] = "9";
    status = status_of(&plan);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == 9, "one that dies of signal 9");
    argv[2] = "6";
    status = status_of(&plan);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == 6 && !WCOREDUMP(status),
       "C21 one that aborts leaves no core");
    plan.world.limits = &(struct netio_rlimit){RLIMIT_CORE, {RLIM_INFINITY, RLIM_INFINITY}};
    plan.world.limits_count = 1;
    status = status_of(&plan);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == 6, "one that might leave one");
}

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

/* In a process of its own; what it exits with. */
static int in_child(int (*run)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(run());
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
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

static void nothing(int number)
{
    (void)number;
}

static void test_wait(void)
{
    const struct netio_child_plan plan = plan_of(waiting);
    struct sigaction action = {.sa_handler = nothing}, before;
    struct netio_child child, empty = {.pidfd = -1};
    struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    int status = 1234;

    is_int(netio_child_start(&child, &plan, NULL), 0, "one that waits");
    is_int(netio_child_ended(&child, &status), 0, "it has not ended");
    is_int(netio_child_wait(&child, NETIO_NOW, &status), -ETIMEDOUT, "nor does it");
    sigaction(SIGVTALRM, &action, NULL);
    sigaction(SIGALRM, &action, &before);
    unsigned left = alarm(0);
    setitimer(ITIMER_REAL, &soon, NULL);
    is_int(netio_child_wait(&child, NETIO_NEVER, &status), -EINTR, "a handler ran");
    sigaction(SIGALRM, &before, NULL);
    alarm(left);
    is_int(status, 1234, "nothing said of how it ended");
    is_int(netio_child_signal(&child, 0, 0), 0, "it can be signalled");
    is_int(netio_child_signal(&child, SIGTERM, 0), 0, "and is");
    is_int(netio_fd_poll(child.pidfd, NETIO_READ, NETIO_NEVER), NETIO_READ,
           "its pidfd tells that it ends");
    is_int(netio_child_signal(&child, SIGTERM, 0), -ESRCH, "it can not be signalled any more");
    is_int(netio_child_wait(&child, NETIO_NOW, &status), 1, "it is reaped");
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "and died of the signal");
    ok(child.pid == 0 && child.pidfd == -1, "the struct is empty");
    is_int(netio_child_signal(&child, SIGTERM, 0), -ESRCH, "no signal to nobody");
    is_int(netio_child_signal(&child, SIGTERM, 1), -ESRCH, "nor to his group");
    is_int(netio_child_signal(&(struct netio_child){.pid = 1, .pidfd = 0}, 0, 1), -ESRCH,
           "nor to everybody");
    is_int(netio_child_ended(&child, &status), -ECHILD, "nobody to wait for");
    is_int(netio_child_wait(&child, NETIO_NEVER, &status), -ECHILD, "nor to wait long for");
    netio_child_forget(&empty);
    is_int(empty.pidfd, -1, "nobody is forgotten");
}

/* A child with one more process in its group, both of which hold the end of a pipe. */
static int start_two(char *word, struct netio_child *child)
{
    char *argv[] = {self, word, NULL}, c;
    struct netio_child_plan plan = plan_of(argv);
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) == -1)
        return -1;
    plan.fds = &(struct netio_child_fd){.from = ends[1], .to = 1};
    plan.fds_count = 1;
    int code = netio_child_start(child, &plan, NULL);
    close(ends[1]);
    return code == 0 && read(ends[0], &c, 1) == 1 ? ends[0] : -1;
}

static void test_group(void)
{
    struct netio_child child;
    char c;
    int status;
    int pipe = start_two("two", &child);

    is_int(getpgid(child.pid), child.pid, "a process group of its own");
    is_int(getsid(child.pid), child.pid, "and a session");
    is_int(netio_child_signal(&child, SIGKILL, 1), 0, "the group is signalled");
    is_int(read(pipe, &c, 1), 0, "both are gone");
    is_int(netio_child_wait(&child, NETIO_NEVER, &status), 1, "one of them was the child");
    close(pipe);

    pipe = start_two("leave", &child);
    is_int(netio_fd_poll(child.pidfd, NETIO_READ, NETIO_NEVER), NETIO_READ, "the leader is gone");
    is_int(netio_child_signal(&child, SIGKILL, 0), -ESRCH, "and gets no signal");
    is_int(netio_child_signal(&child, SIGKILL, 1), 0, "but the group does");
    is_int(read(pipe, &c, 1), 0, "what it had left behind is gone");
    is_int(netio_child_wait(&child, NETIO_NEVER, &status), 1, "the leader is reaped");
    close(pipe);

    struct netio_child_plan plan = plan_of(waiting);
    plan.flags = NETIO_CHILD_SAME_SESSION;
    is_int(netio_child_start(&child, &plan, NULL), 0, "one that stays in our session");
    is_int(getsid(child.pid), getsid(0), "it does");
    is_int(getpgid(child.pid), child.pid, "in a group of its own");
    netio_child_signal(&child, SIGKILL, 0);
    netio_child_wait(&child, NETIO_NEVER, &status);
}

/* Starts one that waits, says who, and dies of SIGKILL. */
static void start_and_die(struct netio_child_plan *plan, int to)
{
    struct netio_child child = {0};

    plan->flags |= NETIO_CHILD_DIE_WITH_PARENT;
    if (netio_child_start(&child, plan, NULL) == 0 &&
        write(to, &child.pid, sizeof child.pid) == (ssize_t)sizeof child.pid)
        raise(SIGKILL);
    _exit(1);
}

/* The end of its output is that of the last process that has it. */
static void test_die_with_parent(void)
{
    struct netio_user user = {0};
    int can_change = geteuid() == 0 && netio_user_parse(&user, "nobody", NULL) == 0;

    for (int as_user = 0; as_user <= can_change; as_user++) {
        struct netio_child_plan plan = plan_of(waiting);
        int ends[2], status = 0;
        pid_t child = 0, parent;
        char c;

        if (pipe2(ends, O_CLOEXEC) == -1 || (parent = fork()) == -1)
            abort();
        plan.fds = &(struct netio_child_fd){.from = ends[1], .to = 1};
        plan.fds_count = 1;
        plan.world.privileges.user = as_user ? &user : NULL;
        if (parent == 0)
            start_and_die(&plan, ends[1]);
        close(ends[1]);
        is_int(read(ends[0], &child, sizeof child), sizeof child, "a child, as_user %d", as_user);
        waitpid(parent, &status, 0);
        ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "whose parent is killed");
        is_int(read(ends[0], &c, 1), 0, "dies with it");
        close(ends[0]);
    }
    netio_user_free(&user);
}

static void test_forget(void)
{
    const struct netio_child_plan plan = plan_of(waiting);
    int before = open_descriptors();
    struct netio_child child;

    is_int(netio_child_start(&child, &plan, NULL), 0, "one to forget");
    pid_t pid = child.pid;
    netio_child_forget(&child);
    ok(child.pid == 0 && child.pidfd == -1, "it is forgotten");
    is_int(open_descriptors(), before, "and its descriptor closed");
    is_int(kill(pid, SIGKILL), 0, "but lives");
    is_int(waitpid(pid, NULL, 0), pid, "until it is killed");
}

/* ---- the host's own ---------------------------------------------------------------------- */

static void test_hosts_children(void)
{
    char *argv[] = {self, "exit", "3", NULL};
    const struct netio_child_plan plan = plan_of(argv);
    struct sigaction now;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(5);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    status = status_of(&plan);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 3, "the library waits for its own");
    is_int(waitpid(-1, &status, 0), pid, "the host's child waits for the host");
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 5, "and how it ended");
    sigaction(SIGCHLD, NULL, &now);
    ok(now.sa_handler == SIG_DFL, "SIGCHLD is as it was");
}

static volatile sig_atomic_t reaped;

static void reap_all(int number)
{
    int saved = errno;

    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        reaped++;
    errno = saved;
}

/* Who ignores SIGCHLD, or waits for whoever there is, learns the truth of start all the same. */
static int reaps(void (*handler)(int))
{
    char *argv[] = {self, "exit", "0", NULL}, *none[] = {"/nonexistent", NULL};
    const struct netio_child_plan good = plan_of(argv), bad = plan_of(none);
    struct netio_child child;
    struct netio_error error;
    int status = 77;

    signal(SIGCHLD, handler);
    for (int i = 0; i < 50; i++) {
        int code = netio_child_start(&child, &good, &error);
        if (code)
            return 1;
        while ((code = netio_child_wait(&child, NETIO_NEVER, &status)) == -EINTR)
            ;
        /* The handler may have been slower than we. */
        if (code != -ECHILD && !(code == 1 && handler != SIG_IGN))
            return 2;
        if (child.pid != 0 || child.pidfd != -1)
            return 3;
        if (netio_child_start(&child, &bad, &error) != -ENOENT || error.stage != NETIO_STAGE_EXEC)
            return 4;
    }
    return open_descriptors() == 3 + 3 ? 0 : 5; /* ".", ".." and the folder itself */
}

static int reaps_all(void)
{
    netio_fd_close_others(NULL, 0);
    return reaps(reap_all);
}

static int ignores(void)
{
    netio_fd_close_others(NULL, 0);
    return reaps(SIG_IGN);
}

/* Signals to the host's process group are for the host: a child that is about to leave it does not
 * die of them. */
static int pestered(void)
{
    char *argv[] = {self, "exit", "0", NULL};
    const struct netio_child_plan plan = plan_of(argv);
    struct netio_child child;
    int wrong = 0, code, status;

    setpgid(0, 0);
    signal(SIGHUP, nothing);
    pid_t pest = fork();
    if (pest == 0) {
        signal(SIGHUP, SIG_IGN);
        for (;;)
            kill(0, SIGHUP);
    }
    for (int i = 0; i < 100; i++) {
        wrong += netio_child_start(&child, &plan, NULL) != 0;
        while ((code = netio_child_wait(&child, NETIO_NEVER, &status)) == -EINTR)
            ;
        wrong += code != 1 || status != 0;
    }
    kill(pest, SIGKILL);
    while (waitpid(pest, NULL, 0) == -1 && errno == EINTR)
        ;
    return wrong;
}

/* What a child in shared memory might change of its parent: nothing that is left is its own. */
static void test_leaves_memory_alone(void)
{
    char *good[] = {self, "exit", "0", NULL}, *bad[] = {"/nonexistent", NULL};
    const struct netio_child_plan plans[] = {plan_of(good), plan_of(bad)};
    struct netio_user user = {0};
    struct sigaction action = {.sa_handler = nothing}, now, before;
    sigset_t mask, mask_before;
    struct netio_child child;
    int status, can_change = geteuid() == 0 && netio_user_parse(&user, "nobody", NULL) == 0;

    sigaction(SIGUSR1, &action, &before);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_SETMASK, &mask, &mask_before);
    for (int i = 0; i < 4 && (i < 2 || can_change); i++) {
        struct netio_child_plan plan = plans[i % 2];
        plan.world.privileges.user = i < 2 ? NULL : &user;
        int code = netio_child_start(&child, &plan, NULL);
        is_int(code, i % 2 ? -ENOENT : 0, "a child in shared memory, %d", i);
        if (code == 0)
            netio_child_wait(&child, NETIO_NEVER, &status);
        is_int(prctl(PR_GET_DUMPABLE), 1, "its parent is as dumpable as before");
        sigaction(SIGUSR1, NULL, &now);
        ok(now.sa_handler == nothing, "with the same handlers");
        sigprocmask(SIG_SETMASK, NULL, &mask);
        ok(sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGUSR1), "and signals blocked");
        is_int(geteuid(), getuid(), "who it was");
    }
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
    sigaction(SIGUSR1, &before, NULL);
    netio_user_free(&user);
}

/* ---- threads, and many ------------------------------------------------------------------- */

static volatile int stop;

/* Children of another thread's, which have copies of all that start has open, and keep them. */
static void *fork_on(void *data)
{
    pid_t pids[64];
    int count = 0;

    (void)data;
    while (!stop) {
        pids[count] = fork();
        if (pids[count] == 0)
            for (;;)
                pause();
        if (++count < 64 && !stop)
            continue;
        while (count > 0) {
            kill(pids[--count], SIGKILL);
            waitpid(pids[count], NULL, 0);
        }
    }
    while (count > 0) {
        kill(pids[--count], SIGKILL);
        waitpid(pids[count], NULL, 0);
    }
    return NULL;
}

static void test_forking_thread(void)
{
    char *good[] = {self, "exit", "0", NULL}, *bad[] = {"/nonexistent", NULL};
    struct netio_child_plan plan = plan_of(good);
    struct netio_child child;
    pthread_t thread;
    int wrong = 0;

    plan.deadline = netio_deadline_in(60);
    pthread_create(&thread, NULL, fork_on, NULL);
    for (int i = 0; i < 100 && !wrong; i++) {
        wrong += status_of(&plan) != 0;
        plan.path = bad[0];
        wrong += netio_child_start(&child, &plan, NULL) != -ENOENT;
        plan.path = good[0];
    }
    stop = 1;
    pthread_join(thread, NULL);
    is_int(wrong, 0, "what another thread forks holds nothing up");
}

static void *start_some(void *data)
{
    char number[16], *argv[] = {self, "exit", number, NULL};
    const struct netio_child_plan plan = plan_of(argv);
    int *wrong = data;

    for (int i = 0; i < 25; i++) {
        sprintf(number, "%d", i);
        int status = status_of(&plan);
        *wrong += !WIFEXITED(status) || WEXITSTATUS(status) != i;
    }
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[4];
    int wrong[4] = {0};

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, start_some, &wrong[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    is_int(wrong[0] + wrong[1] + wrong[2] + wrong[3], 0, "100 children of four threads");
}

static void test_many(void)
{
    enum { COUNT = 200 };
    const struct netio_child_plan plan = plan_of(waiting);
    static struct netio_child children[COUNT];
    int before = open_descriptors();
    int wrong = 0, status;

    for (int i = 0; i < COUNT; i++)
        wrong += netio_child_start(&children[i], &plan, NULL) != 0;
    is_int(wrong, 0, "%d children at once", COUNT);
    is_int(open_descriptors(), before + COUNT, "one descriptor each");
    for (int i = COUNT - 1; i >= 0; i--)
        wrong += netio_child_signal(&children[i], i % 2 ? SIGTERM : SIGKILL, 0) != 0;
    for (int i = 0; i < COUNT; i++)
        wrong += netio_child_wait(&children[i], NETIO_NEVER, &status) != 1 ||
                 WTERMSIG(status) != (i % 2 ? SIGTERM : SIGKILL);
    is_int(wrong, 0, "each dies of its own signal");
    is_int(open_descriptors(), before, "and is gone");
}

/* ---- both ways --------------------------------------------------------------------------- */

static void test_all(void)
{
    test_status();
    test_exec_fails();
    test_plan_is_wrong();
    test_descriptors();
    test_hosts();
    test_wait();
    test_group();
    test_die_with_parent();
    test_forget();
    test_hosts_children();
    is_int(in_child(reaps_all), 0, "a host that reaps whatever there is");
    is_int(in_child(ignores), 0, "a host that ignores SIGCHLD");
    is_int(in_child(pestered), 0, "C8 under a storm of HUPs to the process group");
    test_many();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return be_child(argv);
    int pidfd = pidfd_open(getpid(), 0);
    if (pidfd == -1)
        skip_all("no pidfd_open(2) here: valgrind 3.19 knows none");
    close(pidfd);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n == -1)
        return 1;
    self[n] = '\0';
    ok(__libc_single_threaded, "---- in shared memory");
    test_all();
    test_leaves_memory_alone();
    test_forking_thread(); /* from now on this program is one with threads */
    ok(!__libc_single_threaded, "---- by fork");
    test_all();
    test_threads();
    ok(has_no_child(), "no child is left");
    return tap_done();
}
