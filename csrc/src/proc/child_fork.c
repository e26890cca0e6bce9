/* Ring 2.  A child by fork(2), which shares nothing with its parent; see become.h.  child.c alone
 * calls it; in the caller it touches the signal mask while it forks, and else only what it opened.
 */
#include "become.h"

#include <netio/fd.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(struct netio_error *error, int code, const char *subject)
{
    return netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, subject);
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

int netio__poll_until(struct pollfd *fds, nfds_t count, netio_deadline deadline)
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

    int code = netio__poll_until(fds, 2, birth->deadline);
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

/* For the end of file alone: to be woken by what comes before it would take the processor from the
 * child.  0 or a code with *error. */
static int await_end(const struct netio__birth *birth, const struct netio_child *child,
                     struct netio_error *error)
{
    struct pollfd fd = {.fd = birth->report};
    int code;

    do {
        netio_deadline look = netio_deadline_in(NETIO__LOOK_SECONDS);
        code = netio__poll_until(&fd, 1, netio_deadline_sooner(look, birth->deadline));
        if (code == -ETIMEDOUT && netio__child_is_stopped(child->pidfd))
            return netio__child_stopped(birth, error);
    } while (code == -ETIMEDOUT && !netio_deadline_passed(birth->deadline));
    return code ? fail(error, code, birth->plan->path) : 0;
}

/* 0: it has become the program. */
static int hear(const struct netio__birth *birth, const struct netio_child *child,
                struct netio_error *error)
{
    struct netio_error said;
    int executes = 0;
    int code = await_end(birth, child, error);

    if (code)
        return code;
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

int netio__child_by_fork(struct netio_child *child, struct netio__birth *birth,
                         struct netio_error *error)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, birth->socket) == -1)
        return fail(error, -errno, "socketpair");
    int code = fork_child(child, birth, error);
    netio_fd_close(birth->socket[1]);
    if (code == 0)
        code = meet(birth, child, error);
    if (code == 0)
        code = hear(birth, child, error);
    netio_fd_close(birth->report);
    netio_fd_close(birth->socket[0]);
    return code;
}
