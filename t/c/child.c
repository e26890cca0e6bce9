/* Tests of netio/child.h: what a parent learns of a child that runs, how he waits for it, signals
 * it and its group, lets it die with himself, and forgets it. */
#include "descriptors.h"
#include "family.h"
#include "storm.h"

#include <netio/fd.h>
#include <netio/user.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* ---- as a child -------------------------------------------------------------------------- */

/* A process that ends when it is told to, and one more in its group. */
static int be_two(int leader_stays)
{
    tap_daemons = 1; /* nothing but the group's signal ends the other */
    pid_t pid = fork();

    alarm(TAP_SECONDS);
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
    if (strcmp(argv[1], "signal") == 0)
        return raise(atoi(argv[2]));
    if (strcmp(argv[1], "two") == 0)
        return be_two(1);
    if (strcmp(argv[1], "leave") == 0)
        return be_two(0);
    return exit_or_wait(argv);
}

/* ---- as their parent --------------------------------------------------------------------- */

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

static void test_wait(void)
{
    const struct netio_child_plan plan = plan_of(waiting);
    struct netio_child child, empty = {.pidfd = -1};
    int status = 1234;

    is_int(netio_child_start(&child, &plan, NULL), 0, "one that waits");
    is_int(netio_child_ended(&child, &status), 0, "it has not ended");
    is_int(netio_child_wait(&child, NETIO_NOW, &status), -ETIMEDOUT, "nor does it");
    storm_begin(5000);
    is_int(netio_child_wait(&child, NETIO_NEVER, &status), -EINTR, "a handler ran");
    storm_end();
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

    tap_daemons = 1; /* or a forked child would die of that */
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

static void test_all(void)
{
    test_status();
    test_wait();
    test_group();
    test_die_with_parent();
    test_forget();
    test_many();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return be_child(argv);
    return both_ways(test_all);
}
