/* The 14 faults of libdaemon 0.14, none of which NetIO has: one test a fault, in its order, each
 * named "libdaemon N".  bench/part/daemon.pm shows them on libdaemon itself
 * (bench/peer/libdaemon.c) beside what this prints.  More of the same: pidfile.c (1, 3),
 * pidfile-race.c (2). */
#include "tap.h"
#include <netio/child.h>
#include <netio/daemonize.h>
#include <netio/fd.h>
#include <netio/log.h>
#include <netio/pidfile.h>
#include <netio/signals.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>

#define STRANGER 65534
#define FAR      500 /* a descriptor beyond the soft limit */

static char folder[] = "/tmp/netio-faults-XXXXXX";
static char path[64];
static volatile sig_atomic_t caught;

static void note(int number)
{
    caught = number;
}

static void spew(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd == -1 || write(fd, text, strlen(text)) == -1)
        abort();
    close(fd);
}

/* What run() returns in a child, or -N if signal N ended it. */
static int in_child(int (*run)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(run());
    if (waitpid(pid, &status, 0) != pid)
        abort();
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int signal_own_group(void)
{
    static const char *const texts[] = {"", "0", "0\n", "-1\n"};
    int wrong = 0;

    setpgid(0, 0);
    signal(SIGUSR1, note);
    for (int i = 0; i < 4; i++) {
        spew(texts[i]);
        wrong += netio_pidfile_signal(path, SIGUSR1, NULL) != NETIO_ENOTRUNNING;
        wrong += netio_pidfile_find(path, NULL, NULL, NULL) != NETIO_ENOTRUNNING;
    }
    return wrong + caught;
}

static int start_once(int go, int tell)
{
    struct netio_pidfile *file;
    char c;

    if (read(go, &c, 1) != 0)
        return 2;
    int code = netio_pidfile_lock(&file, path, NULL);
    if (!code)
        code = netio_pidfile_write(file, NULL);
    if (write(tell, code ? "l" : "w", 1) != 1)
        return 3;
    pause();
    return 4;
}

/* Of 200 races for a stale file. */
static int double_wins(void)
{
    int twice = 0;

    for (int round = 0; round < 200; round++) {
        int go[2], tell[2];
        char said[2];
        pid_t racers[2];
        spew("4194303\n");
        if (pipe(go) == -1 || pipe(tell) == -1)
            abort();
        for (int i = 0; i < 2; i++)
            if ((racers[i] = fork()) == 0) {
                close(go[1]);
                _exit(start_once(go[0], tell[1]));
            }
        close(go[0]);
        close(go[1]);
        if (read(tell[0], said, 1) != 1 || read(tell[0], said + 1, 1) != 1)
            abort();
        twice += (said[0] == 'w') + (said[1] == 'w') != 1;
        for (int i = 0; i < 2; i++) {
            kill(racers[i], SIGKILL);
            waitpid(racers[i], NULL, 0);
            close(tell[i]);
        }
    }
    return twice;
}

static int open_as_stranger(void)
{
    return setresuid(STRANGER, STRANGER, STRANGER) == 0 && open(path, O_RDONLY) == -1 ? 0 : 1;
}

static void test_reader(void)
{
    struct netio_pidfile *file = NULL;

    unlink(path);
    is_int(netio_pidfile_lock(&file, path, NULL), 0, "libdaemon 3: a pid file ...");
    if (geteuid() == 0)
        is_int(in_child(open_as_stranger), 0, "libdaemon 3: ... that no other user can open, and so not lock");
    else
        skip(1, "to become somebody else needs root");
    netio_pidfile_remove(file);
}

static int wires[2]; /* to the test: what a daemon has found */

static void tell(const char *text)
{
    (void)!write(wires[1], text, strlen(text));
}

static const char *told(void)
{
    static char text[128];
    ssize_t n = read(wires[0], text, sizeof text - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* A daemon that keeps only the pipe to the test; NULL in its starter. */
static struct netio_daemon *become(int *status)
{
    const struct netio_daemon_options options = {
        .ready_seconds = 100, .keep = &wires[1], .keep_count = 1};
    struct netio_daemon *daemon;

    tap_daemons = 1;
    return netio_daemonize(&daemon, &options, status, NULL) == 0 ? daemon : NULL;
}

/* With 100 seconds to be ready in: a wait for them would be ended by tap.h. */
static int die_early(void)
{
    int status;

    if (become(&status))
        _exit(3);
    return status;
}

static int start_and_be_killed(void)
{
    pid_t starter = getpid();
    int status;
    struct netio_daemon *daemon = become(&status);

    if (!daemon)
        return status;
    signal(SIGPIPE, SIG_DFL);
    kill(starter, SIGKILL);
    /* Once it was reaped, its end is closed. */
    while (kill(starter, 0) == 0)
        usleep(1000);
    int code = netio_daemon_ready(daemon, NULL);
    tell(code == -EPIPE ? "EPIPE" : netio_error_name(code));
    _exit(0);
}

static int foreign_bytes(void)
{
    static const int wanted[] = {SIGUSR1, 0};
    struct stat file;
    int before = netio_signals_open(wanted), after;

    spew("");
    if (before < 0 || netio_fd_close_others(NULL, 0) != 0)
        return 250;
    do
        after = open(path, O_RDWR);
    while (after >= 0 && after < before);
    raise(SIGUSR1);
    if (after != before || netio_signals_next(before) > 0 || fstat(after, &file) == -1)
        return 251;
    return (int)file.st_size;
}

/* Says what descriptors a program has that the daemon executes. */
static int execute(void)
{
    int status;
    struct netio_daemon *daemon = become(&status);

    if (!daemon)
        return status;
    if (netio_daemon_ready(daemon, NULL) != 0)
        _exit(1);
    dup2(wires[1], 1);
    execl("/bin/sh", "sh", "-c",
          "for n in 0 1 2 3 4 5 6 7 8 9; do true <&$n && all=\"$all$n\"; done; echo $all",
          (char *)NULL);
    _exit(127);
}

static int far_descriptor(void)
{
    struct rlimit limit;

    if (dup2(0, FAR) == -1 || getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return 250;
    if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
        umount2("/proc", MNT_DETACH) == -1)
        return 77;
    limit.rlim_cur = 64;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1 || netio_fd_close_others(NULL, 0) != 0)
        return 251;
    return fcntl(FAR, F_GETFD) == -1 ? 0 : 1;
}

static int blocked_after_reset(void)
{
    sigset_t set;
    int count = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    netio_signals_reset();
    sigprocmask(SIG_BLOCK, NULL, &set);
    for (int number = 1; number < NSIG; number++)
        count += sigismember(&set, number) == 1;
    return count;
}

/* Who reads the SIGTERM that was sent to a child: 1 the child, 2 its parent. */
static int reader_of_childs_signal(void)
{
    static const int wanted[] = {SIGTERM, 0};
    int fd = netio_signals_open(wanted), status;
    pid_t child = fork();

    if (child == 0)
        _exit(netio_fd_poll(fd, NETIO_READ, NETIO_NEVER) > 0 && netio_signals_next(fd) == SIGTERM);
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    return (WIFEXITED(status) && WEXITSTATUS(status) == 1) + 2 * (netio_signals_next(fd) != 0);
}

static int close_signals_and_term(void)
{
    static const int wanted[] = {SIGTERM, 0};

    netio_signals_close(netio_signals_open(wanted), wanted);
    raise(SIGTERM);
    return 0;
}

/* Starts a program, with the first bytes of what it prints; its status. */
static int run(char *const *argv, char *out, size_t size)
{
    int pair[2], status = -1, code;

    if (pipe2(pair, O_CLOEXEC) == -1)
        return -1;
    struct netio_child child;
    const struct netio_child_fd fds[] = {{.from = pair[1], .to = 1}};
    const struct netio_child_plan plan = {
        .path = argv[0], .argv = argv, .fds = fds, .fds_count = 1};
    if (netio_child_start(&child, &plan, NULL) != 0)
        return -1;
    close(pair[1]);
    do
        code = netio_child_wait(&child, NETIO_NEVER, &status);
    while (code == -EINTR);
    ssize_t n = read(pair[0], out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    close(pair[0]);
    return code == 1 ? status : -1;
}

static int start_program(void)
{
    char *const argv[] = {"/bin/grep", "SigIgn", "/proc/self/status", NULL};
    char out[128];
    int status;
    struct netio_daemon *daemon = become(&status);

    if (!daemon)
        return status;
    if (netio_daemon_ready(daemon, NULL) != 0 || run(argv, out, sizeof out) != 0)
        _exit(1);
    tell(out);
    _exit(0);
}

/* How many of 1,000 arguments arrive, while SIGHUPs come for the caller. */
static int arguments_that_arrive(void)
{
    char *argv[1005] = {"/bin/sh", "-c", "kill -HUP $PPID; echo $#", "sh"};
    char out[32] = "";

    for (int i = 4; i < 1004; i++)
        argv[i] = "x";
    signal(SIGHUP, note);
    return run(argv, out, sizeof out) == 0 && caught == SIGHUP ? atoi(out) / 10 : 255;
}

/* Lines of the log when each priority was used once; what came on standard error is added. */
static int logged_lines(void)
{
    struct netio_log *log;
    char text[4096];
    int lines = 0, errors[2];

    unlink(path);
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) == -1 || dup2(errors[1], 2) == -1 ||
        netio_log_open(&log, path, "test", NULL) != 0)
        return 250;
    for (int priority = LOG_EMERG; priority <= LOG_DEBUG; priority++)
        netio_log(log, priority, "of priority %d", priority);
    netio_log_free(log);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text);
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    return read(errors[0], text, sizeof text) == -1 ? lines : 251;
}

int main(void)
{
    long pidfd = syscall(SYS_pidfd_open, getpid(), 0);
    if (pidfd == -1)
        skip_all("no pidfd_open(2) here, as under valgrind 3.19");
    close((int)pidfd);
    if (!mkdtemp(folder) || pipe2(wires, O_CLOEXEC) == -1)
        abort();
    snprintf(path, sizeof path, "%s/x.pid", folder);

    is_int(in_child(signal_own_group), 0,
           "libdaemon 1: no number in a file is pid 0, or a group's");
    is_int(double_wins(), 0, "libdaemon 2: of 200 races for a stale file, each has one winner");
    test_reader();
    is_int(in_child(die_early), 3,
           "libdaemon 4: a daemon that exits with 3 at once: so does its starter");
    is_int(in_child(start_and_be_killed), -SIGKILL, "libdaemon 5: the starter is gone: ...");
    is_str(told(), "EPIPE", "libdaemon 5: ... the daemon is told so, and gets no SIGPIPE");
    is_int(in_child(foreign_bytes), 0,
           "libdaemon 6: a descriptor that was closed: no byte in another file");
    is_int(in_child(execute), 0, "libdaemon 7: a daemon executes a program: ...");
    is_str(told(), "012\n", "libdaemon 7: ... which has no other descriptors");
    int far = in_child(far_descriptor);
    if (far == 77)
        skip(1, "/proc cannot be unmounted here");
    else
        is_int(far, 0, "libdaemon 8: without /proc, beyond the soft limit: closed");
    is_int(in_child(blocked_after_reset), 0, "libdaemon 9: a mask is reset: nothing is blocked");
    is_int(in_child(reader_of_childs_signal), 1,
           "libdaemon 10: SIGTERM to a child: the child reads it");
    is_int(in_child(close_signals_and_term), -SIGTERM,
           "libdaemon 11: SIGTERM after netio_signals_close: the end");
    is_int(in_child(start_program), 0, "libdaemon 12: a daemon starts a program: ...");
    is_str(told(), "SigIgn:\t0000000000000000\n", "libdaemon 12: ... which ignores nothing");
    is_int(in_child(arguments_that_arrive), 100,
           "libdaemon 13: all of 1,000 arguments arrive, and so does a SIGHUP for the caller");
    is_int(in_child(logged_lines), 8,
           "libdaemon 14: each priority is logged, none is complained of");

    unlink(path);
    is_int(rmdir(folder), 0, "nothing is left");
    return tap_done();
}
