/* Ring 2.  A new process becomes a program; see become.h.  Called by child_share.c and
 * child_fork.c; it touches the process that it is called in and, in memory that is another's,
 * *birth and errno.
 *
 * What each step did is read back where a call could claim to have worked and has not. */
#include "become.h"

#include "base/signals.h"

#include <netio/fd.h>
#include <netio/signals.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FAILED 127 /* what it exits with when it could not become the program */

static int fail(struct netio_error *error, int code, const char *subject)
{
    return netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, subject);
}

/* Moves a descriptor above those that the program shall have. */
static int lift(int fd, const struct netio__birth *birth)
{
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, birth->floor);

    if (lifted == -1)
        return errno == EINVAL ? -EMFILE : -errno; /* so it says where RLIMIT_NOFILE is lower */
    return lifted < birth->floor ? NETIO_ELIED : lifted;
}

/* A dup2 that says 0 and did nothing, as a seccomp filter can make it, is found out by its answer.
 * For descriptor 0 that would be the right one: there what was there is closed first, and looked
 * for after. */
static int copy_to(int fd, int number, struct netio_error *error)
{
    if (number == 0)
        (void)close(number);
    int made = dup2(fd, number);
    if (made == -1)
        return fail(error, -errno, "dup2");
    int is_there = number == 0 ? fcntl(number, F_GETFD) == 0 : made == number;
    return is_there ? 0 : fail(error, NETIO_ELIED, "dup2");
}

/* Whether that was possible. */
static int tell(const struct netio__birth *birth, const struct netio_error *error)
{
    return netio_fd_write(birth->report, error, sizeof *error) == (ssize_t)sizeof *error;
}

/* The message says of what there is an error, or has the pipe with it. */
static int send_pipe(int socket, int pipe, const struct netio_error *error)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec text = {(void *)error, sizeof *error};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
    ssize_t n;

    if (pipe >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &pipe, sizeof pipe);
    }
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : 0;
}

/* First away with what is not the program's: then there is room for what it shall have, however
 * many descriptors the caller has. */
static int close_others(struct netio__birth *birth)
{
    size_t count = birth->plan->fds_count;

    for (size_t i = 0; i < count; i++)
        birth->fds[i] = birth->plan->fds[i].from;
    if (birth->socket[1] >= 0)
        birth->fds[count++] = birth->socket[1];
    return netio_fd_close_others(birth->fds, count);
}

/* It may be below 3. */
static int own_socket(struct netio__birth *birth)
{
    int lifted = lift(birth->socket[1], birth);

    if (lifted < 0)
        return lifted;
    (void)close(birth->socket[1]);
    birth->socket[1] = lifted;
    return 0;
}

static int own_pipe(struct netio__birth *birth, int *reader)
{
    int ends[2] = {-1, -1};

    if (pipe2(ends, O_CLOEXEC) == -1)
        return -errno;
    birth->report = lift(ends[1], birth);
    (void)close(ends[1]);
    *reader = ends[0];
    return birth->report < 0 ? birth->report : 0;
}

/* Until the caller knows the child: 0 when that may go on. */
static int be_known(struct netio__birth *birth)
{
    struct netio_error error = {0};
    int reader = -1;
    char go;

    (void)close(birth->socket[0]);
    int code = close_others(birth);
    if (code)
        fail(&error, code, "close_range");
    else if ((code = own_socket(birth)) || (code = own_pipe(birth, &reader)))
        fail(&error, code, "pipe");
    int sent = send_pipe(birth->socket[1], code ? -1 : reader, &error);
    /* Also with an error: a socket closed before all is read takes back what it has sent. */
    int known = sent == 0 && netio_fd_read(birth->socket[1], &go, 1) == 1;
    netio_fd_close(reader);
    (void)close(birth->socket[1]);
    return code || !known ? -1 : 0;
}

/* What was sent to the caller's process group before the child had left it was for the caller. */
static int drop_signals(const struct netio__birth *birth, struct netio_error *error)
{
    const struct timespec now = {0};
    sigset_t all;

    (void)sigfillset(&all);
    while (sigtimedwait(&all, NULL, &now) > 0)
        ;
    int code = birth->plan->flags & NETIO_CHILD_SIGNALS_BEGUN ? netio__signals_reset_begun()
                                                              : netio_signals_reset();
    return code ? fail(error, code, "signals") : 0;
}

static int leave_group(const struct netio__birth *birth, struct netio_error *error)
{
    if (birth->plan->flags & NETIO_CHILD_SAME_SESSION) {
        if (setpgid(0, 0) == -1)
            return fail(error, -errno, "setpgid");
        return getpgrp() == getpid() ? 0 : fail(error, NETIO_ELIED, "setpgid");
    }
    if (setsid() == -1)
        return fail(error, -errno, "setsid");
    return getsid(0) == getpid() ? 0 : fail(error, NETIO_ELIED, "setsid");
}

static int is_wanted(const struct netio__birth *birth, int fd)
{
    for (size_t i = 0; i < birth->plan->fds_count; i++)
        if (birth->plan->fds[i].to == fd)
            return 1;
    return 0;
}

static int has_standard(const struct netio__birth *birth)
{
    return is_wanted(birth, 0) && is_wanted(birth, 1) && is_wanted(birth, 2);
}

/* Whether all can be copied from where they are, and no number is needed but those of the plan. */
static int is_clear(const struct netio__birth *birth)
{
    for (size_t i = 0; i < birth->plan->fds_count; i++)
        if (birth->plan->fds[i].from < birth->floor)
            return 0;
    return has_standard(birth);
}

/* Those of 0 to 2 that are not in the plan.  What the caller had there is closed first: it might be
 * taken for what an open that did nothing has opened. */
static int place_null(const struct netio__birth *birth, struct netio_error *error)
{
    int null = -1;

    if (has_standard(birth))
        return 0;
    for (int fd = 0; fd <= 2; fd++)
        (void)close(fd);
    for (int fd = 0; fd <= 2; fd++) {
        if (is_wanted(birth, fd))
            continue;
        if (null == -1) {
            int low = netio_fd_null();
            null = low < 0 ? low : lift(low, birth);
        }
        if (null < 0)
            return fail(error, null, "/dev/null");
        int code = copy_to(null, fd, error);
        if (code)
            return code;
    }
    return 0;
}

/* From or by way of numbers above all of them, so that they may change places. */
static int place_descriptors(struct netio__birth *birth, struct netio_error *error)
{
    const struct netio_child_plan *plan = birth->plan;

    for (size_t i = 0; i < plan->fds_count; i++) {
        int from = plan->fds[i].from;
        birth->fds[i] = from < birth->floor ? lift(from, birth) : from;
        if (birth->fds[i] < 0)
            return fail(error, birth->fds[i], "fcntl");
    }
    int code = place_null(birth, error);
    if (code)
        return code;
    for (size_t i = 0; i < plan->fds_count; i++) {
        code = copy_to(birth->fds[i], plan->fds[i].to, error);
        if (code)
            return code;
        birth->fds[i] = plan->fds[i].to;
    }
    size_t count = plan->fds_count;
    if (birth->report >= 0)
        birth->fds[count++] = birth->report;
    code = netio_fd_close_others(birth->fds, count);
    return code ? fail(error, code, "close_range") : 0;
}

/* After the privileges are dropped, which would undo it.  A parent that is gone by then is not one
 * that dies any more. */
static int die_with_parent(const struct netio__birth *birth, struct netio_error *error)
{
    int set = 0;

    if (!(birth->plan->flags & NETIO_CHILD_DIE_WITH_PARENT))
        return 0;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || prctl(PR_GET_PDEATHSIG, &set) == -1)
        return fail(error, -errno, "prctl");
    if (set != SIGKILL)
        return fail(error, NETIO_ELIED, "prctl");
    return getppid() == birth->parent ? 0 : fail(error, NETIO_EDIED, "parent");
}

static int enter_world(struct netio__birth *birth, struct netio_error *error)
{
    int code = leave_group(birth, error);

    if (code == 0)
        code = drop_signals(birth, error);
    if (code == 0)
        code = place_descriptors(birth, error);
    if (code == 0)
        code = netio__world_enter(&birth->world, error);
    if (code == 0)
        code = netio__world_drop(&birth->world, error);
    return code ? code : die_with_parent(birth, error);
}

static int execute(const struct netio__birth *birth, struct netio_error *error)
{
    const struct netio_child_plan *plan = birth->plan;
    int result = execve(plan->path, plan->argv, birth->world.environment);

    return netio_error_set(error, NETIO_STAGE_EXEC, result == -1 ? -errno : NETIO_ELIED, NULL,
                           plan->path);
}

_Noreturn void netio__become(struct netio__birth *birth)
{
    struct netio_error error = {0};

    if (be_known(birth))
        _exit(FAILED);
    int code = enter_world(birth, &error);
    if (tell(birth, &error) && code == 0) {
        (void)execute(birth, &error);
        (void)tell(birth, &error);
    }
    _exit(FAILED);
}

int netio__become_in_place(void *data)
{
    struct netio__birth *birth = data;
    int code = is_clear(birth) ? 0 : close_others(birth);

    if (code) {
        (void)fail(&birth->said, code, "close_range");
    } else if (enter_world(birth, &birth->said) == 0) {
        birth->executes = 1;
        (void)execute(birth, &birth->said);
    }
    return FAILED;
}
