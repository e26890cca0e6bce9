/* Tests of netio/child.h: what the host program keeps to itself, as its children, its signals and
 * its memory, and that its threads do not mind each other. */
#include "descriptors.h"
#include "family.h"

#include <netio/fd.h>
#include <netio/user.h>

#include <sys/prctl.h>

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

/* ---- threads ----------------------------------------------------------------------------- */

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

/* ---- both ways --------------------------------------------------------------------------- */

static void test_all(void)
{
    test_hosts_children();
    is_int(in_child(reaps_all), 0, "a host that reaps whatever there is");
    is_int(in_child(ignores), 0, "a host that ignores SIGCHLD");
    is_int(in_child(pestered), 0, "C8 under a storm of HUPs to the process group");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return exit_or_wait(argv);
    find_self();
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
