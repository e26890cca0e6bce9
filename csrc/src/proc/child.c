/* Ring 2.  Programs as children; see netio/child.h, and become.h for the two ways to start one.
 * Called by daemons, netio-daemon and the Perl glue; in the caller it touches the signal mask while
 * it starts one, and else only what it opened. */
#include "become.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_SECONDS 5
#define TRACER_MS     5

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP 4u /* Linux 6.9 */
#endif

static int fail(struct netio_error *error, int code, const char *subject)
{
    return netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, subject);
}

static int bad_option(struct netio_error *error, int code, const char *subject)
{
    return netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, subject);
}

static int check_descriptors(const struct netio_child_plan *plan, struct netio_error *error)
{
    char subject[32];

    for (size_t i = 0; i < plan->fds_count; i++) {
        const struct netio_child_fd *fd = &plan->fds[i];
        int looked = 0;
        if (fd->to < 0 || fd->to == INT_MAX)
            return bad_option(error, NETIO_EBADOPTION, "fds");
        for (size_t j = 0; j < i; j++) {
            looked |= plan->fds[j].from == fd->from;
            if (plan->fds[j].to == fd->to)
                return bad_option(error, NETIO_EBADOPTION, "fds");
        }
        if (!looked && fcntl(fd->from, F_GETFD) == -1) {
            snprintf(subject, sizeof subject, "descriptor %d", fd->from);
            return fail(error, -errno, subject);
        }
    }
    return 0;
}

static int check(const struct netio_child_plan *plan, struct netio_error *error)
{
    if (!plan->path || !strchr(plan->path, '/'))
        return bad_option(error, NETIO_EBADOPTION, "path");
    if (!plan->argv || !plan->argv[0])
        return bad_option(error, NETIO_EBADOPTION, "argv");
    if (plan->flags &
        ~(NETIO_CHILD_SAME_SESSION | NETIO_CHILD_DIE_WITH_PARENT | NETIO_CHILD_SIGNALS_BEGUN))
        return bad_option(error, NETIO_EBADOPTION, "flags");
    return check_descriptors(plan, error);
}

static int floor_of(const struct netio_child_plan *plan)
{
    int highest = 2;

    for (size_t i = 0; i < plan->fds_count; i++)
        if (plan->fds[i].to > highest)
            highest = plan->fds[i].to;
    return highest + 1;
}

/* As waitpid(2) has it. */
static int status_of(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        return W_EXITCODE(info->si_status, 0);
    return info->si_status | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

/* flags: of waitid(2).  1 when it has ended, or stopped, as they ask; 0, or -ECHILD when it is no
 * child of ours any more. */
static int look(int pidfd, siginfo_t *info, int flags)
{
    int result;

    info->si_pid = 0;
    do
        result = waitid(P_PIDFD, (id_t)pidfd, info, flags);
    while (result == -1 && errno == EINTR);
    return result == -1 ? -errno : info->si_pid != 0;
}

int netio__child_is_stopped(int pidfd)
{
    siginfo_t info;

    return look(pidfd, &info, WSTOPPED | WNOHANG | WNOWAIT) == 1;
}

int netio__child_stopped(const struct netio__birth *birth, struct netio_error *error)
{
    char subject[sizeof error->subject];

    snprintf(subject, sizeof subject, "%.100s (stopped)", birth->plan->path);
    return fail(error, NETIO_EDIED, subject);
}

/* Until the child has answered its pidfd may be another process's, which is no child of ours. */
static void destroy(struct netio_child *child)
{
    struct pollfd fd = {.fd = child->pidfd, .events = POLLIN};
    siginfo_t info;

    if (look(child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) >= 0) {
        (void)pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
        int code = netio__poll_until(&fd, 1, netio_deadline_in(NETIO__STUCK_SECONDS));
        (void)look(child->pidfd, &info, WEXITED | (code == -ETIMEDOUT ? WNOHANG : 0));
    }
    netio_child_forget(child);
}

static int start_prepared(struct netio_child *child, struct netio__birth *birth,
                          struct netio_error *error)
{
    birth->fds = calloc(birth->plan->fds_count + 1, sizeof *birth->fds);
    if (!birth->fds)
        return fail(error, -ENOMEM, birth->plan->path);
    int code = netio__child_by_sharing(child, birth, error);
    if (code == NETIO__CHILD_BY_FORK)
        code = netio__child_by_fork(child, birth, error);
    if (code && child->pidfd >= 0)
        destroy(child);
    return code;
}

int netio_child_start(struct netio_child *child, const struct netio_child_plan *plan,
                      struct netio_error *error)
{
    struct netio__birth birth = {.plan = plan,
                                 .deadline = plan->deadline ? plan->deadline
                                                            : netio_deadline_in(START_SECONDS),
                                 .socket = {-1, -1},
                                 .report = -1};

    *child = (struct netio_child){.pidfd = -1};
    int code = check(plan, error);
    if (code)
        return code;
    code = netio__world_prepare(&birth.world, &plan->world, NETIO_STAGE_CHILD, error);
    if (code)
        return code;
    birth.floor = floor_of(plan);
    if (plan->flags & NETIO_CHILD_DIE_WITH_PARENT)
        birth.parent = getpid();
    code = start_prepared(child, &birth, error);
    free(birth.fds);
    netio__world_done(&birth.world);
    return code;
}

/* Before Linux 6.9 the group is known by the pid alone; as long as the child is not reaped, that
 * is nobody else's. */
static int signal_group(const struct netio_child *child, int signal)
{
    siginfo_t info;

    if (pidfd_send_signal(child->pidfd, signal, NULL, PIDFD_SIGNAL_PROCESS_GROUP) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    if (look(child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return -ESRCH;
    return kill(-child->pid, signal) == -1 ? -errno : 0;
}

int netio_child_signal(const struct netio_child *child, int signal, int group)
{
    siginfo_t info;

    if (child->pid <= 1 || child->pidfd < 0)
        return -ESRCH;
    if (group)
        return signal_group(child, signal);
    /* To a dead one the kernel delivers, too. */
    if (look(child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return -ESRCH;
    return pidfd_send_signal(child->pidfd, signal, NULL, 0) == -1 ? -errno : 0;
}

int netio_child_ended(struct netio_child *child, int *status)
{
    siginfo_t info;

    if (child->pidfd < 0)
        return -ECHILD;
    int ended = look(child->pidfd, &info, WEXITED | WNOHANG);
    if (ended == 0)
        return 0;
    netio_child_forget(child);
    if (ended == 1)
        *status = status_of(&info);
    return ended;
}

int netio_child_wait(struct netio_child *child, netio_deadline deadline, int *status)
{
    for (;;) {
        if (child->pidfd < 0)
            return -ECHILD;
        int ready = netio_fd_poll(child->pidfd, NETIO_READ, deadline);
        if (ready < 0)
            return ready;
        int ended = netio_child_ended(child, status);
        if (ended)
            return ended;
        /* It has, but its tracer (strace, a debugger) has yet to hear of it. */
        if (netio_deadline_passed(deadline))
            return -ETIMEDOUT;
        (void)poll(NULL, 0, TRACER_MS);
    }
}

void netio_child_forget(struct netio_child *child)
{
    netio_fd_close(child->pidfd);
    *child = (struct netio_child){.pidfd = -1};
}
