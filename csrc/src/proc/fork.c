/* Ring 2.  A fork whose child goes on; see fork.h.  It touches the signal mask while it forks. */
#include "proc/fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* It runs, but cannot be watched: it must not go on unseen. */
static void destroy(pid_t pid)
{
    siginfo_t info;

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == -1)
        return;
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        ;
}

int netio__fork_know(struct netio_child *child, pid_t pid)
{
    child->pid = pid;
    child->pidfd = pidfd_open(pid, 0);
    if (child->pidfd != -1)
        return 0;
    int code = -errno;
    destroy(pid);
    child->pid = 0;
    return code;
}

int netio__fork(struct netio_child *child, pid_t (*how)(void *data), void *data)
{
    sigset_t all, before;

    *child = (struct netio_child){.pidfd = -1};
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = how ? how(data) : fork();
    int code = pid == -1 ? -errno : pid == 0 ? 1 : netio__fork_know(child, pid);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}
