/* Ring 1.  Names that only the C library finds, asked of getent(1); see getent.h.
 * Called by resolve.c; it starts processes that nobody asked for, and is the only file of the library
 * that does.
 *
 *      program ──clone──► go-between ──clone, exec──► getent
 *         ▲                                             │
 *         └────────────────── pipe ─────────────────────┘
 *
 * NSS has no call that could be given a deadline, its modules run code of their own choosing, and
 * a thread would be seen by the host program.  So it is a process, and for it to stay unseen there
 * are two.  A child that sends no signal when it ends (exit signal 0) is invisible to every wait()
 * without __WALL; but exec gives it SIGCHLD back, so the go-between does not exec.  It cannot
 * leave getent to itself either: where the program is the reaper of orphans (pid 1 of a
 * container), that one would become its child.
 *
 * The program may have threads: between clone and exec there are only calls that are
 * async-signal-safe.  The go-between shares no memory with the program, but has a copy of it, and
 * lives as long as getent does; both end when the object is freed or the program, or its thread, is
 * gone: the pipe has no reader then, and SIGTERM comes from the kernel, in case a child of the
 * program still holds the pipe.  getent itself is killed when the go-between is. */
#include "getent.h"

#include <netio/error.h>
#include <netio/signals.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define GETENT_PATH "/usr/bin/getent"
#define OUTPUT_MAX  65536  /* bytes; far more than NETIO_RESOLVE_MAX addresses take */
#define STACK_SIZE  32768  /* of a process until it execs */
#define STUCK_WAIT  100    /* milliseconds for a killed getent to end */
#define NOT_FOUND   2   /* what getent exits with ... */
#define FAILED      127 /* ... and what a process does that could not become getent */

struct netio__getent {
    int pipe;   /* its output; -1: it has ended, and is reaped */
    int output; /* the end that it writes to; only while it is started */
    int family;
    pid_t go_between, owner;
    size_t taken; /* bytes of output */
    const char *verb;
    struct netio__addrs *found;
    struct netio__getent_text text;
    char name[256];
    char stack[2][STACK_SIZE] __attribute__((aligned(16)));
};

void netio__getent_read(struct netio__getent_text *text, const char *bytes, size_t n, int family,
                        struct netio__addrs *found)
{
    struct netio_addr addr;

    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            text->used = 0;
        } else if (text->used == sizeof text->word) {
            continue;
        } else if (bytes[i] != ' ') {
            text->word[text->used++] = bytes[i];
        } else {
            text->word[text->used] = '\0';
            int ok = memchr(text->word, '\0', text->used) == NULL &&
                     netio_addr_parse(&addr, text->word) == 0;
            text->used = sizeof text->word;
            /* IPv4 in the guise of IPv6 is what ahostsv6 says for want of anything else. */
            if (!ok || (family != AF_UNSPEC && netio_addr_family(&addr) != family) ||
                netio_addr_family(&addr) == AF_UNIX ||
                (netio_addr_family(&addr) == AF_INET6 &&
                 IN6_IS_ADDR_V4MAPPED(&addr.u.in6.sin6_addr)))
                continue;
            netio__addrs_add(found, &addr);
        }
    }
}

/* ---- in the new processes ---------------------------------------------------------------- */

/* What clone(2) has called ends its process by returning: no _exit, at which AddressSanitizer would
 * look for a stack that it knows. */

/* The program may have been left few descriptors, or have left itself few. */
static void reset_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* From now on it dies with the process that made it; 0 when that is gone already. */
static int die_with(pid_t parent, int signal)
{
    return prctl(PR_SET_PDEATHSIG, signal) == 0 && getppid() == parent;
}

static int be_getent(void *data)
{
    struct netio__getent *getent = data;
    char command[] = GETENT_PATH, verb[16], end[] = "--";
    char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C";
    char *argv[] = {command, verb, end, getent->name, NULL}, *environment[] = {path, locale, NULL};

    if (!die_with(getent->go_between, SIGKILL))
        return FAILED;
    strcpy(verb, getent->verb);
    (void)netio_signals_reset(); /* it does its work with a signal ignored, too */
    execve(command, argv, environment);
    return FAILED;
}

/* Leaves the output on descriptor 1, nothing on 0 and 2, and no other. */
static int only_output(int output)
{
    int high = fcntl(output, F_DUPFD, 3);
    int null = open("/dev/null", O_RDWR);

    if (high == -1 || null == -1 || dup2(null, 0) == -1 || dup2(high, 1) == -1 ||
        dup2(null, 2) == -1)
        return -1;
    closefrom(3);
    return 0;
}

static int has_ended(pid_t child, int *status)
{
    pid_t pid;

    do
        pid = waitpid(child, status, WNOHANG);
    while (pid == -1 && errno == EINTR);
    return pid != 0;
}

/* Waits until getent has ended, and sees to it that it does when it is no longer wanted: on
 * SIGTERM, or when nobody reads its output (poll says so of the end to write to).  The program may
 * have given away its right to send signals here; closing its end it always can, and so does its
 * death.  What getent exits with. */
static int attend(pid_t child, int signals)
{
    struct pollfd wait[] = {{.fd = 1}, {.fd = signals, .events = POLLIN}};
    int status = 0, killed = 0;

    while (!has_ended(child, &status)) {
        int ready = poll(wait, 2, killed ? STUCK_WAIT : -1);
        if (ready == 0)
            return FAILED;
        if (ready == -1)
            continue;
        if (netio_signals_next(signals) != SIGTERM && !wait[0].revents)
            continue;
        kill(child, SIGKILL);
        killed = 1;
        wait[0].fd = -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

/* All signals are blocked, and stay so: what is sent waits until attend() reads it. */
static int go_between(void *data)
{
    struct netio__getent *getent = data;
    struct sigaction usual = {.sa_handler = SIG_DFL};

    /* Ignored, as the program may have it, it would not leave a child to wait for. */
    sigaction(SIGCHLD, &usual, NULL);
    if (!die_with(getent->owner, SIGTERM))
        return FAILED;
    getent->go_between = getpid();
    reset_limit();
    if (only_output(getent->output) == -1 || chdir("/") == -1)
        return FAILED;
    int signals = netio_signals_open((const int[]){SIGCHLD, SIGTERM, 0});
    if (signals < 0)
        return FAILED;
    /* Out of reach of the terminal's signals, which are for the program. */
    setsid();
    pid_t child = clone(be_getent, getent->stack[1] + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD,
                        getent);
    /* The program takes the end of the output for the end of both. */
    return child == -1 ? FAILED : attend(child, signals);
}

/* ---- in the program ---------------------------------------------------------------------- */

static int code_of(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM ? -error : NETIO_ERESOLVER;
}

/* 0 or a code. */
static int start(struct netio__getent *getent)
{
    sigset_t all, before;
    int code = 0;

    /* No handler of the program may run in its copy. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    getent->owner = getpid();
    getent->go_between = clone(go_between, getent->stack[0] + STACK_SIZE, 0, getent);
    if (getent->go_between == -1)
        code = code_of(errno);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int netio__getent_new(struct netio__getent **out, const char *name, int family,
                      struct netio__addrs *found)
{
    struct netio__getent *getent = malloc(sizeof *getent);
    int ends[2];

    *out = NULL;
    if (!getent)
        return -ENOMEM;
    if (pipe2(ends, O_CLOEXEC) == -1) {
        int code = code_of(errno);
        free(getent);
        return code;
    }
    getent->pipe = ends[0];
    getent->output = ends[1];
    getent->family = family;
    getent->taken = 0;
    getent->verb = family == AF_INET ? "ahostsv4" : family == AF_INET6 ? "ahostsv6" : "ahosts";
    getent->found = found;
    getent->text.used = 0;
    snprintf(getent->name, sizeof getent->name, "%s", name);
    int code = netio_fd_nonblock(getent->pipe, 1);
    if (!code)
        code = start(getent);
    netio_fd_close(getent->output);
    if (code) {
        netio_fd_close(getent->pipe);
        free(getent);
        return code;
    }
    *out = getent;
    return 0;
}

/* 0 when it has not ended, by WNOHANG. */
static pid_t reap(const struct netio__getent *getent, int *status, int flags)
{
    pid_t pid;

    do
        pid = waitpid(getent->go_between, status, flags | __WALL);
    while (pid == -1 && errno == EINTR);
    return pid;
}

/* Ends what has not ended, and says what getent exited with.  The go-between's pid is its own
 * until it is reaped here: nobody else can without __WALL, and who does has taken it away before
 * it could be given to another process that would be sent a signal here.  SIGCONT: somebody may
 * have stopped it. */
static int end(struct netio__getent *getent)
{
    int status = 0;

    if (getent->pipe == -1)
        return 0;
    netio_fd_close(getent->pipe);
    getent->pipe = -1;
    if (getent->owner != getpid())
        return 0;
    if (reap(getent, &status, WNOHANG) == 0) {
        kill(getent->go_between, SIGTERM);
        kill(getent->go_between, SIGCONT);
        reap(getent, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

void netio__getent_free(struct netio__getent *getent)
{
    if (!getent)
        return;
    end(getent);
    free(getent);
}

int netio__getent_step(struct netio__getent *getent)
{
    char bytes[4096];
    ssize_t n = 0;

    while (getent->pipe != -1 && getent->taken < OUTPUT_MAX) {
        n = netio_fd_read(getent->pipe, bytes, sizeof bytes);
        if (n <= 0)
            break;
        getent->taken += (size_t)n;
        netio__getent_read(&getent->text, bytes, (size_t)n, getent->family, getent->found);
    }
    if (n == -EAGAIN)
        return -EAGAIN;
    int status = end(getent);
    return status == 0 || status == NOT_FOUND || n > 0 ? 0 : NETIO_ERESOLVER;
}

void netio__getent_want(const struct netio__getent *getent, struct netio_want *want)
{
    *want = (struct netio_want){getent->pipe, NETIO_READ, NETIO_NEVER};
}
