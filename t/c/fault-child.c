/* Every call on the way to a program fails in turn, in the caller and in the child: the program
 * runs, with all that it was to have, or an error says why not, and then no process is left. */
#include "fault.h"

#include <netio/child.h>
#include <netio/fd.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

static char self[4096];
static int canary[2]; /* whoever is executed writes to it */

/* The program: three descriptors and the canary are all that it has, and it has no signal blocked.
 * What it exits with. */
static int be_child(void)
{
    sigset_t mask;

    if (write(5, "x", 1) != 1)
        return 1;
    for (int fd = 0; fd < 100; fd++)
        if ((fcntl(fd, F_GETFD) != -1) != (fd <= 2 || fd == 5))
            return 2;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGUSR1) ? 3 : 42;
}

static int has_run(void)
{
    char c;

    return __real_read(canary[0], &c, 1) == 1;
}

/* What is wrong, as a number.  A caller that cannot hear any more (poll, read) whether the program
 * runs kills what it has started; it may have run until then. */
static int judge(struct netio_child *child, int code, const struct netio_error *error)
{
    if (code > 0 || code != error->code || error->stage == NETIO_STAGE_NONE)
        return 1;
    if (child->pid != 0 || child->pidfd != -1)
        return 2;
    if (has_run() && code != -EIO && code != -ENOMEM)
        return 3;
    return waitpid(-1, NULL, WNOHANG | __WALL) == -1 ? 0 : 4;
}

/* The same of one that runs. */
static int judge_end(struct netio_child *child)
{
    int status = 0, code;

    while ((code = netio_child_wait(child, NETIO_NEVER, &status)) == -EINTR)
        ;
    if (code < 0) { /* poll has failed */
        fault_off();
        code = netio_child_wait(child, NETIO_NEVER, &status);
        fault_on();
    }
    if (code != 1 || !WIFEXITED(status) || WEXITSTATUS(status) != 42)
        return 5;
    return has_run() ? 0 : 6;
}

static int start_one(void)
{
    char *argv[] = {self, "child", NULL};
    const struct netio_child_fd fd = {.from = canary[1], .to = 5};
    const struct netio_child_plan plan = {
        .path = self,
        .argv = argv,
        .fds = &fd,
        .fds_count = 1,
    };
    struct netio_child child;
    struct netio_error error = {0};
    int code = netio_child_start(&child, &plan, &error);

    if (code == 0)
        return judge_end(&child);
    fault_off();
    int wrong = judge(&child, code, &error);
    fault_on();
    return wrong;
}

/* Only the first child in shared memory makes these calls: 0 when it is not started. */
static int start_first(enum fault_call call, int error)
{
    int before = open_descriptors();

    fault_set(call, 0, error, 0);
    int wrong = start_one();
    fault_clear();
    if (wrong || !*fault_hits)
        return 10 + wrong;
    return open_descriptors() - before;
}

/* A program that had a thread is one with threads. */
static void *end(void *data)
{
    return data;
}

int main(int argc, char **argv)
{
    sigset_t blocked;
    pthread_t thread;

    (void)argv;
    if (argc > 1)
        return be_child();
    int pidfd = pidfd_open(getpid(), 0);
    if (pidfd == -1)
        skip_all("no pidfd_open(2) here: valgrind 3.19 knows none");
    close(pidfd);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n == -1 || pipe2(canary, O_CLOEXEC | O_NONBLOCK) == -1)
        return 1;
    self[n] = '\0';
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    is_int(start_first(FAULT_pidfd_open, EMFILE), 0, "the first: there is no descriptor");
    is_int(start_first(FAULT_mmap, ENOMEM), 0, "there is no memory for it");
    is_int(start_first(FAULT_clone, EAGAIN), 0, "there is no process");
    fault_walk("a child in shared memory", start_one);
    pthread_create(&thread, NULL, end, NULL);
    pthread_join(thread, NULL);
    fault_walk("a child by fork", start_one);
    return tap_done();
}
