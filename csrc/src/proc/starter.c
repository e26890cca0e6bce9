/* Ring 2.  The two ends of a start; see starter.h.  Called by daemonize.c (the end that tells:
 * daemon.c); it forks, and until the truth is known it is a reaper of orphans and holds SIGCHLD
 * back: a handler of the caller's might reap the daemon, an ignored SIGCHLD would have the kernel
 * do so. */
#include "proc/starter.h"

#include <netio/fd.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define KILLED_SECONDS 5.0 /* that a killed daemon may take to end: the disk may be slow */

struct message {
    enum netio__start_word word;
    int value;
    int stage;
    char subject[sizeof((struct netio_error *)0)->subject];
};

/* What the starter has learnt; the last two hold however the daemon ended. */
struct truth {
    int ready;
    int ended;  /* the daemon, or whoever was to become it */
    int failed; /* what it wants to be exited with; 0: it has not said */
    struct netio_error error;
};

int netio__starter_tell(int channel, enum netio__start_word word, int value,
                        const struct netio_error *error)
{
    struct message message = {.word = word, .value = value};

    if (error) {
        message.stage = error->stage;
        memcpy(message.subject, error->subject, sizeof message.subject);
    }
    ssize_t n = netio_fd_send(channel, &message, sizeof message);
    /* What it did not read makes the end of the starter a reset. */
    if (n == -ECONNRESET)
        n = -EPIPE;
    return n < 0 ? (int)n : 0;
}

/* ---- the fork ------------------------------------------------------------------------------ */

static void tell_code(int channel, int code, const char *step)
{
    struct netio_error error = {.code = 0};

    (void)netio_error_set(&error, NETIO_STAGE_DAEMONIZE, code, NULL, step);
    (void)netio__starter_tell(channel, NETIO__START_ERROR, code, &error);
    _exit(EX_OSERR);
}

static void tell_errno(int channel, const char *step)
{
    tell_code(channel, -errno, step);
}

/* Two forks, so that the daemon leads no session: opening a terminal can give it none. */
static void be_go_between(int channel)
{
    if (setsid() == -1)
        tell_errno(channel, "setsid");
    /* A security module or filter may have it say so without effect: the terminal would be kept. */
    if (getsid(0) != getpid())
        tell_code(channel, NETIO_ELIED, "setsid");
    pid_t pid = fork();
    if (pid == -1)
        tell_errno(channel, "fork");
    if (pid == 0)
        return;
    (void)netio__starter_tell(channel, NETIO__START_PID, pid, NULL);
    _exit(0);
}

static void hold_signals(struct netio__starter *starter)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t all;

    /* All of them: in the new processes they would meet handlers of the caller. */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &starter->mask);
    (void)sigaction(SIGCHLD, &usual, &starter->chld);
}

static void release_signals(const struct netio__starter *starter)
{
    (void)sigaction(SIGCHLD, &starter->chld, NULL);
    (void)sigprocmask(SIG_SETMASK, &starter->mask, NULL);
}

/* The starter can be interrupted, as its caller wants it. */
static void hold_only_sigchld(const struct netio__starter *starter)
{
    sigset_t mask = starter->mask;

    (void)sigaddset(&mask, SIGCHLD);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

static int begin_reaping(struct netio__starter *starter)
{
    if (prctl(PR_GET_CHILD_SUBREAPER, &starter->reaper) == -1 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1UL) == -1)
        return -errno;
    return 0;
}

static void end_reaping(const struct netio__starter *starter)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)starter->reaper);
}

int netio__starter_fork(struct netio__starter *starter)
{
    int ends[2];

    *starter = (struct netio__starter){.channel = -1, .pidfd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
        return -errno;
    int code = begin_reaping(starter);
    if (code == 0) {
        hold_signals(starter);
        starter->go_between = fork();
        code = starter->go_between == -1 ? -errno : 0;
        if (code)
            release_signals(starter);
    }
    if (code) {
        end_reaping(starter);
        netio_fd_close(ends[0]);
        netio_fd_close(ends[1]);
        return code;
    }
    int child = starter->go_between == 0;
    starter->channel = ends[child];
    netio_fd_close(ends[!child]);
    if (child)
        be_go_between(starter->channel);
    else
        hold_only_sigchld(starter);
    return !child;
}

/* ---- the starter waits --------------------------------------------------------------------- */

static int take_pid(struct netio__starter *starter, pid_t pid)
{
    /* It is nobody else's by now: he who may reap it, the go-between or this process, has not. */
    starter->daemon = pid;
    starter->pidfd = pidfd_open(pid, 0);
    return starter->pidfd == -1 ? -errno : 0;
}

static int take_message(struct netio__starter *starter, const struct message *message,
                        struct truth *truth)
{
    switch (message->word) {
    case NETIO__START_PID:
        return take_pid(starter, message->value);
    case NETIO__START_ERROR:
        netio_error_set(&truth->error, (enum netio_stage)message->stage, message->value, NULL,
                        message->subject);
        break;
    case NETIO__START_FAIL:
        truth->failed = message->value;
        break;
    case NETIO__START_READY:
        truth->ready = 1;
    }
    return 0;
}

/* All that has been said.  After the end of file nothing more can be: the channel is closed. */
static int hear(struct netio__starter *starter, struct truth *truth)
{
    struct message message;
    int code = 0;

    while (code == 0 && !truth->ready && starter->channel != -1) {
        ssize_t n = netio_fd_recv(starter->channel, &message, sizeof message);
        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return (int)n;
        message.subject[sizeof message.subject - 1] = '\0';
        if (n == (ssize_t)sizeof message) {
            code = take_message(starter, &message, truth);
            continue;
        }
        netio_fd_close(starter->channel);
        starter->channel = -1;
        if (!starter->daemon)
            truth->ended = 1;
    }
    return code;
}

static int wait_for_truth(struct netio__starter *starter, netio_deadline deadline,
                          struct truth *truth)
{
    while (!truth->ready && !truth->ended) {
        struct pollfd fds[2] = {{.fd = starter->channel, .events = POLLIN},
                                {.fd = starter->pidfd, .events = POLLIN}};
        int n = poll(fds, 2, netio_deadline_ms(deadline));
        if (n == -1 && errno != EINTR)
            return -errno;
        int code = n > 0 ? hear(starter, truth) : 0;
        if (code)
            return code;
        if (n > 0 && fds[1].revents)
            truth->ended = 1;
        if (!truth->ready && !truth->ended && netio_deadline_passed(deadline))
            return -ETIMEDOUT;
    }
    return 0;
}

/* ---- the end of a start -------------------------------------------------------------------- */

/* As long as one of the two is not reaped, the number of the group is nobody else's. */
static void kill_group(const struct netio__starter *starter)
{
    (void)kill(starter->go_between, SIGKILL);
    (void)kill(-starter->go_between, SIGKILL);
    if (starter->daemon)
        (void)kill(starter->daemon, SIGKILL);
}

static void reap_go_between(const struct netio__starter *starter)
{
    while (waitpid(starter->go_between, NULL, 0) == -1 && errno == EINTR)
        ;
}

/* The daemon becomes this process's child only when the go-between has ended. */
static void await_go_between(const struct netio__starter *starter)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)starter->go_between, &info, WEXITED | WNOWAIT) == -1 &&
           errno == EINTR)
        ;
}

static int await_daemon(const struct netio__starter *starter)
{
    netio_deadline deadline = netio_deadline_in(KILLED_SECONDS);
    int ready = -EBADF;

    if (starter->pidfd != -1)
        do
            ready = netio_fd_poll(starter->pidfd, NETIO_READ, deadline);
        while (ready == -EINTR);
    return ready > 0;
}

/* The daemon's children are this process's since it ended, and have been killed; one of another
 * user may live on, so not for ever. */
static void reap_group(const struct netio__starter *starter)
{
    netio_deadline deadline = netio_deadline_in(KILLED_SECONDS);
    pid_t pid = 0;

    while ((pid >= 0 || errno == EINTR) && !netio_deadline_passed(deadline)) {
        pid = waitpid(-starter->go_between, NULL, WNOHANG);
        if (pid == 0)
            (void)poll(NULL, 0, 1); /* a pid whose end one could wait for is not known */
    }
}

/* Nothing of a start that failed goes on, children of the daemon neither.  The wait status of the
 * daemon, -1 when it is not known. */
static int clean_up(const struct netio__starter *starter)
{
    int status = -1;

    kill_group(starter);
    await_go_between(starter);
    kill_group(starter); /* it may have made the group, and forked, after it was looked for */
    if (starter->daemon && await_daemon(starter))
        while (waitpid(starter->daemon, &status, 0) == -1 && errno == EINTR)
            ;
    reap_group(starter);
    return status;
}

static int not_in_time(double seconds, int *status, struct netio_error *error)
{
    char subject[64];

    snprintf(subject, sizeof subject, "killed after %g s", seconds);
    netio_error_set(error, NETIO_STAGE_DAEMONIZE, NETIO_ESTARTING, NULL, subject);
    *status = EX_TEMPFAIL;
    return 1;
}

/* How to exit, when the daemon has said nothing of it. */
static int status_of(int wait_status, struct netio_error *error)
{
    char subject[64] = "daemon";

    if (wait_status != -1 && WIFEXITED(wait_status) && WEXITSTATUS(wait_status))
        return WEXITSTATUS(wait_status); /* it has said why, on standard error */
    if (wait_status != -1 && WIFSIGNALED(wait_status))
        snprintf(subject, sizeof subject, "signal %d", WTERMSIG(wait_status));
    else if (wait_status != -1)
        snprintf(subject, sizeof subject, "exit 0");
    netio_error_set(error, NETIO_STAGE_DAEMONIZE, NETIO_EDIED, NULL, subject);
    return wait_status != -1 && WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
                                                         : EX_SOFTWARE;
}

static int judge(const struct truth *truth, int wait_status, int *status, struct netio_error *error)
{
    if (truth->error.code) {
        if (error)
            *error = truth->error;
        return truth->error.code;
    }
    *status = truth->failed ? truth->failed : status_of(wait_status, error);
    return 1;
}

int netio__starter_wait(struct netio__starter *starter, double seconds, int *status,
                        struct netio_error *error)
{
    struct truth truth = {.ready = 0};
    int code = wait_for_truth(starter, netio_deadline_in(seconds), &truth);

    *status = 0;
    if (!truth.ready) {
        int wait_status = clean_up(starter);
        int told = truth.failed || truth.error.code; /* and then took its time */
        if (code == 0 || (code == -ETIMEDOUT && told))
            code = judge(&truth, wait_status, status, error);
        else if (code == -ETIMEDOUT)
            code = not_in_time(seconds, status, error);
        else
            netio_error_set(error, NETIO_STAGE_DAEMONIZE, code, NULL, NULL);
    }
    reap_go_between(starter);
    netio_fd_close(starter->channel);
    netio_fd_close(starter->pidfd);
    end_reaping(starter);
    release_signals(starter);
    return truth.ready ? 1 : code;
}
