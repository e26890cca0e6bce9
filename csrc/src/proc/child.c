/* Ring 2.  Programs as children; see netio/child.h, and become.h for what goes to and fro.  Called
 * by daemons, netio-daemon and the Perl glue; in the caller it touches the signal mask while it
 * forks, and else only what it opened. */
#include "become.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_SECONDS 5
#define TRACER_MS     5
#define STUCK_SECONDS 1 /* for a killed child to end: in the kernel it may be out of reach */

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
        if (fd->to < 0 || fd->to == INT_MAX)
            return bad_option(error, NETIO_EBADOPTION, "fds");
        for (size_t j = 0; j < i; j++)
            if (plan->fds[j].to == fd->to)
                return bad_option(error, NETIO_EBADOPTION, "fds");
        if (fcntl(fd->from, F_GETFD) == -1) {
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
    if (plan->flags & ~(NETIO_CHILD_SAME_SESSION | NETIO_CHILD_DIE_WITH_PARENT))
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

/* No handler of the host program may run in its copy. */
static pid_t fork_quietly(void)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        return 0;
    int saved = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return pid;
}

static int poll_until(struct pollfd *fds, nfds_t count, netio_deadline deadline)
{
    for (;;) {
        int n = poll(fds, count, netio_deadline_ms(deadline));
        if (n > 0)
            return 0;
        if (n == -1 && errno != EINTR)
            return -errno;
        if (netio_deadline_passed(deadline))
            return -ETIMEDOUT;
    }
}

/* The child's pipe, or what it has to say instead; NETIO_EDIED without a word. */
static int take_pipe(struct netio__birth *birth, struct netio_error *error)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct netio_error said = {0};
    struct iovec text = {&said, sizeof said};
    struct msghdr message = {.msg_iov = &text,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(birth->socket[0], &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    if (n == -1 && errno != EAGAIN && errno != ECONNRESET)
        return fail(error, -errno, "recvmsg");
    if (n != (ssize_t)sizeof said)
        return fail(error, NETIO_EDIED, birth->plan->path);
    if (said.code) {
        if (error)
            *error = said;
        return said.code;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_len != CMSG_LEN(sizeof(int)))
        return fail(error, -EMFILE, "recvmsg"); /* there was no number for it */
    memcpy(&birth->report, CMSG_DATA(header), sizeof birth->report);
    return 0;
}

/* The pidfd is looked at, too: another child of the caller's may hold the socket open.  Go comes
 * last: what can go wrong here has then gone wrong while the child is not the program yet. */
static int meet(struct netio__birth *birth, const struct netio_child *child,
                struct netio_error *error)
{
    struct pollfd fds[] = {{.fd = birth->socket[0], .events = POLLIN},
                           {.fd = child->pidfd, .events = POLLIN}};

    int code = poll_until(fds, 2, birth->deadline);
    if (code)
        return fail(error, code, birth->plan->path);
    code = take_pipe(birth, error);
    if (code)
        return code;
    code = (int)netio_fd_send(birth->socket[0], "", 1);
    if (code < 0)
        return code == -EPIPE || code == -ECONNRESET ? fail(error, NETIO_EDIED, birth->plan->path)
                                                     : fail(error, code, "send");
    return 0;
}

/* 0: it has become the program.  Waits for the end of file alone: to be woken by what comes before
 * it would take the processor from the child. */
static int hear(const struct netio__birth *birth, struct netio_error *error)
{
    struct pollfd fd = {.fd = birth->report};
    struct netio_error said;
    int executes = 0;
    int code = poll_until(&fd, 1, birth->deadline);

    if (code)
        return fail(error, code, birth->plan->path);
    for (;;) {
        ssize_t n = netio_fd_read(birth->report, &said, sizeof said);
        if (n == 0)
            return executes ? 0 : fail(error, NETIO_EDIED, birth->plan->path);
        if (n != (ssize_t)sizeof said)
            return fail(error, n < 0 ? (int)n : -EIO, "read");
        if (said.code) {
            if (error)
                *error = said;
            return said.code;
        }
        executes = 1;
    }
}

/* As waitpid(2) has it. */
static int status_of(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        return W_EXITCODE(info->si_status, 0);
    return info->si_status | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

/* 1 when it has ended; 0, or -ECHILD when it is no child of ours any more. */
static int look(int pidfd, siginfo_t *info, int flags)
{
    int result;

    info->si_pid = 0;
    do
        result = waitid(P_PIDFD, (id_t)pidfd, info, WEXITED | flags);
    while (result == -1 && errno == EINTR);
    return result == -1 ? -errno : info->si_pid != 0;
}

/* Until the child has answered its pidfd may be another process's, which is no child of ours. */
static void destroy(struct netio_child *child)
{
    struct pollfd fd = {.fd = child->pidfd, .events = POLLIN};
    siginfo_t info;

    if (look(child->pidfd, &info, WNOHANG | WNOWAIT) >= 0) {
        (void)pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
        int code = poll_until(&fd, 1, netio_deadline_in(STUCK_SECONDS));
        (void)look(child->pidfd, &info, code == -ETIMEDOUT ? WNOHANG : 0);
    }
    netio_child_forget(child);
}

/* The same without a pidfd, of one that waits for "go". */
static void destroy_unmet(struct netio_child *child)
{
    siginfo_t info;

    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        (void)kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) == -1 && errno == EINTR)
            ;
    }
    netio_child_forget(child);
}

/* 0, and *child has pid and pidfd. */
static int fork_child(struct netio_child *child, struct netio__birth *birth,
                      struct netio_error *error)
{
    pid_t pid = fork_quietly();

    if (pid == -1)
        return fail(error, -errno, "fork");
    if (pid == 0)
        netio__become(birth);
    child->pid = pid;
    child->pidfd = pidfd_open(pid, 0);
    if (child->pidfd == -1) {
        int code = errno == ESRCH ? fail(error, NETIO_EDIED, birth->plan->path)
                                  : fail(error, -errno, "pidfd_open");
        destroy_unmet(child);
        return code;
    }
    return 0;
}

static int start_prepared(struct netio_child *child, struct netio__birth *birth,
                          struct netio_error *error)
{
    birth->fds = calloc(birth->plan->fds_count + 1, sizeof *birth->fds);
    if (!birth->fds)
        return fail(error, -ENOMEM, birth->plan->path);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, birth->socket) == -1)
        return fail(error, -errno, "socketpair");
    int code = fork_child(child, birth, error);
    if (code)
        return code;
    netio_fd_close(birth->socket[1]);
    birth->socket[1] = -1;
    code = meet(birth, child, error);
    if (code == 0)
        code = hear(birth, error);
    if (code)
        destroy(child);
    return code;
}

int netio_child_start(struct netio_child *child, const struct netio_child_plan *plan,
                      struct netio_error *error)
{
    struct netio__birth birth = {.plan = plan,
                                 .parent = getpid(),
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
    code = start_prepared(child, &birth, error);
    netio_fd_close(birth.report);
    netio_fd_close(birth.socket[0]);
    netio_fd_close(birth.socket[1]);
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
    if (look(child->pidfd, &info, WNOHANG | WNOWAIT) < 0)
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
    if (look(child->pidfd, &info, WNOHANG | WNOWAIT) !=
        0) /* to a dead one the kernel delivers, too */
        return -ESRCH;
    return pidfd_send_signal(child->pidfd, signal, NULL, 0) == -1 ? -errno : 0;
}

int netio_child_ended(struct netio_child *child, int *status)
{
    siginfo_t info;

    if (child->pidfd < 0)
        return -ECHILD;
    int ended = look(child->pidfd, &info, WNOHANG);
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
