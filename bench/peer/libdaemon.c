/* bench/peer/libdaemon.c: libdaemon as it is, for part/daemon.pm.
 *
 *      libdaemon start FOLDER      a daemon with a pid file that is ready at once, and ends
 *      libdaemon FAULT FOLDER      shows one of its 14 faults: a line of what happened; exit code
 * 0: it is there, 1: it is not, 2: it could not be tried here
 *
 * Faults 3 and 8 need root.  FOLDER is for files that it leaves. */
#include <libdaemon/daemon.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define STRANGER 65534
#define ROUNDS   200

static char path[512];

static const char *pid_file(void)
{
    return path;
}

__attribute__((format(printf, 2, 3))) static int shown(int is, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return !is;
}

static void spew(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd == -1 || write(fd, text, strlen(text)) == -1)
        exit(2);
    close(fd);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The complaints of the library go where they are not seen. */
static int quiet(void)
{
    int saved = dup(2), null = open("/dev/null", O_RDWR);

    dup2(null, 2);
    close(null);
    return saved;
}

static volatile sig_atomic_t caught;

static void note(int number)
{
    caught = number;
}

static int pid_zero(void)
{
    setpgid(0, 0);
    signal(SIGUSR1, note);
    spew("");
    pid_t pid = daemon_pid_file_is_running();
    daemon_pid_file_kill(SIGUSR1);
    return shown(pid == 0 && caught, "an empty file reads as pid %d; to signal it %s", (int)pid,
                 caught ? "hits the own process group" : "fails");
}

/* As its manual has it: is one running?  No: create. */
static void start_one(int go, int tell)
{
    char c;

    quiet();
    if (read(go, &c, 1) != 0)
        _exit(2);
    c = daemon_pid_file_is_running() < 0 && daemon_pid_file_create() == 0 ? 'w' : 'l';
    if (write(tell, &c, 1) != 1)
        _exit(2);
    pause();
}

static int two_winners(void)
{
    pid_t racers[2];
    int go[2], tell[2], twice = 0;
    char said[2];

    for (int round = 0; round < ROUNDS; round++) {
        spew("4194303\n");
        if (pipe(go) == -1 || pipe(tell) == -1)
            return 2;
        for (int i = 0; i < 2; i++)
            if ((racers[i] = fork()) == 0) {
                close(go[1]);
                start_one(go[0], tell[1]);
            }
        close(go[0]);
        close(go[1]);
        for (int i = 0; i < 2; i++)
            if (read(tell[0], said + i, 1) != 1)
                return 2;
        twice += said[0] == 'w' && said[1] == 'w';
        for (int i = 0; i < 2; i++) {
            kill(racers[i], SIGKILL);
            waitpid(racers[i], NULL, 0);
            close(tell[i]);
        }
    }
    return shown(twice, "of %d races for a stale file, both starters won %d", ROUNDS, twice);
}

static int blocked_by_reader(void)
{
    int wires[2];
    char c;

    if (geteuid() != 0 || pipe(wires) == -1)
        return shown(0, "to become somebody else needs root") + 1;
    spew("");
    int fd = open(path, O_WRONLY);
    dprintf(fd, "%d\n", (int)getpid());
    close(fd);
    pid_t reader = fork();
    if (reader == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        if (setuid(STRANGER) == -1 || fcntl(open(path, O_RDONLY), F_SETLK, &lock) == -1 ||
            write(wires[1], "l", 1) != 1)
            _exit(2);
        usleep(300000);
        _exit(0);
    }
    if (read(wires[0], &c, 1) != 1)
        return 2;
    double began = now();
    daemon_pid_file_is_running();
    double took = now() - began;
    waitpid(reader, NULL, 0);
    return shown(took > 0.2, "\"is it running?\" of root waits %.2f s for a lock of nobody's",
                 took);
}

static int early_death(void)
{
    quiet();
    if (daemon_retval_init() == -1)
        return 2;
    pid_t pid = daemon_fork();
    if (pid == 0)
        _exit(3);
    double began = now();
    int value = daemon_retval_wait(1);
    return shown(value == -1 && errno == ETIMEDOUT,
                 "a daemon that exits with 3 at once: after %.2f s, %s", now() - began,
                 value == -1 ? strerror(errno) : "a value");
}

/* In a process of its own; how the daemon ended, of which the caller is the reaper. */
static int daemon_status(void (*run)(void))
{
    int status;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t starter = fork();
    if (starter == 0) {
        run();
        _exit(0);
    }
    waitpid(starter, NULL, 0);
    return waitpid(-1, &status, 0) > 0 ? status : -1;
}

static void say_it_late(void)
{
    pid_t starter = getpid();

    daemon_retval_init();
    if (daemon_fork() != 0)
        _exit(0);
    daemon_close_all(-1);
    while (kill(starter, 0) == 0)
        usleep(1000);
    daemon_retval_send(0);
    _exit(0);
}

static int sigpipe(void)
{
    int status = daemon_status(say_it_late);

    return shown(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
                 "the starter is gone, the daemon says that it is ready: %s",
                 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it goes on");
}

static int closed_not_forgotten(void)
{
    struct stat file;

    spew("");
    daemon_signal_init(SIGUSR1, 0);
    int before = daemon_signal_fd();
    daemon_close_all(-1);
    int first = open(path, O_RDWR), second = open(path, O_RDWR);
    raise(SIGUSR1);
    stat(path, &file);
    return shown(file.st_size > 0 && (first == before || second == before),
                 "closed by daemon_close_all, then a signal: %ld bytes in another file",
                 (long)file.st_size);
}

/* How many ends of pipes ls(1) finds in itself. */
static int pipes_inside(void)
{
    char text[4096];
    size_t size = 0;
    int wires[2], count = 0;

    if (pipe2(wires, O_CLOEXEC) == -1)
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(wires[1], 1);
        execl("/bin/ls", "ls", "-l", "/proc/self/fd", (char *)NULL);
        _exit(127);
    }
    close(wires[1]);
    for (ssize_t n; (n = read(wires[0], text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)n;
    text[size] = '\0';
    close(wires[0]);
    waitpid(pid, NULL, 0);
    for (const char *at = text; (at = strstr(at, "pipe:")); at++)
        count++;
    return count;
}

static int leak(void)
{
    int before = pipes_inside();

    if (daemon_retval_init() == -1)
        return 2;
    int count = pipes_inside() - before;
    return shown(count > 0, "a program that it starts has %d ends of its pipe", count);
}

static int without_proc(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (dup2(0, 500) == -1 || unshare(CLONE_NEWNS) == -1 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
        umount2("/proc", MNT_DETACH) == -1)
        return shown(0, "/proc cannot be unmounted here") + 1;
    limit.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &limit);
    daemon_close_all(-1);
    return shown(fcntl(500, F_GETFD) != -1,
                 "without /proc, with a soft limit of 64: descriptor 500 is %s",
                 fcntl(500, F_GETFD) != -1 ? "open" : "closed");
}

static int inverted(void)
{
    sigset_t set;

    daemon_unblock_sigs(SIGUSR1, -1);
    sigprocmask(SIG_BLOCK, NULL, &set);
    return shown(sigismember(&set, SIGUSR1),
                 "\"unblock all but SIGUSR1\", which was not blocked: %s",
                 sigismember(&set, SIGUSR1) ? "it is now" : "nor is it now");
}

static int shared_pipe(void)
{
    daemon_signal_init(SIGTERM, 0);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGTERM);
    struct pollfd poller = {.fd = daemon_signal_fd(), .events = POLLIN};
    int got = poll(&poller, 1, 1000) == 1 ? daemon_signal_next() : 0;
    int alive = waitpid(child, NULL, WNOHANG) == 0;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return shown(got == SIGTERM && alive, "SIGTERM to a child: the parent gets %s, the child %s",
                 got ? strsignal(got) : "nothing", alive ? "lives" : "ends");
}

static int swallowed(void)
{
    daemon_signal_init(SIGTERM, 0);
    daemon_signal_done();
    pid_t child = fork();
    if (child == 0) {
        raise(SIGTERM);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return shown(WIFEXITED(status), "SIGTERM after daemon_signal_done: %s",
                 WIFEXITED(status) ? "swallowed" : "it ends");
}

static void show_ignored(void)
{
    if (daemon_fork() != 0)
        _exit(0);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 1);
    execl("/bin/grep", "grep", "SigIgn", "/proc/self/status", (char *)NULL);
    _exit(127);
}

static int ignored(void)
{
    char line[64] = "";

    daemon_status(show_ignored);
    int fd = open(path, O_RDONLY);
    if (read(fd, line, sizeof line - 1) < 8)
        return 2;
    unsigned long set = strtoul(line + 7, NULL, 16);
    return shown(set & 1UL << (SIGTSTP - 1),
                 "a program that the daemon becomes ignores signals %#lx", set);
}

static int arguments(void)
{
    int status = -1, saved = quiet();

    daemon_log_use = DAEMON_LOG_STDERR;
    daemon_signal_init(SIGCHLD, 0);
#define TEN "1", "2", "3", "4", "5", "6", "7", "8", "9", "0"
    int code = daemon_exec("/", &status, "/bin/sh", "sh", "-c", "exit $#", "sh", TEN, TEN, TEN, TEN,
                           TEN, TEN, TEN, TEN, (char *)NULL);
    dup2(saved, 2);
    return shown(code == 0 && status < 80, "a helper that is given 80 arguments gets %d", status);
}

static size_t logged(int verbosity, int priority)
{
    char text[256];
    int saved = dup(2), wires[2];

    if (pipe2(wires, O_NONBLOCK) == -1)
        exit(2);
    dup2(wires[1], 2);
    daemon_log_use = DAEMON_LOG_STDERR;
    daemon_set_verbosity(verbosity);
    if (priority >= 0)
        daemon_log(priority, "hello");
    dup2(saved, 2);
    ssize_t n = read(wires[0], text, sizeof text);
    return n > 0 ? (size_t)n : 0;
}

static int verbosity(void)
{
    size_t valid = logged(LOG_ERR, -1), hidden = logged(-1, LOG_DEBUG);

    return shown(valid || hidden, "a valid level %s; \"hide all\" %s",
                 valid ? "is complained of" : "is taken", hidden ? "shows all" : "hides all");
}

static int start(void)
{
    if (daemon_retval_init() == -1 || daemon_pid_file_is_running() >= 0)
        return 2;
    if (daemon_fork() != 0)
        return daemon_retval_wait(20);
    daemon_close_all(-1);
    int status = daemon_pid_file_create() != 0;
    daemon_retval_send(status);
    daemon_pid_file_remove();
    return status;
}

int main(int argc, char **argv)
{
    static int (*const faults[])(void) = {
        pid_zero,  two_winners,  blocked_by_reader, early_death, sigpipe,   closed_not_forgotten,
        leak,      without_proc, inverted,          shared_pipe, swallowed, ignored,
        arguments, verbosity};
    int number = argc == 3 ? atoi(argv[1]) : 0;

    alarm(60);
    if (argc != 3 || number < 0 || number > (int)(sizeof faults / sizeof *faults))
        return 64;
    snprintf(path, sizeof path, "%s/libdaemon-%d.pid", argv[2], (int)getpid());
    daemon_pid_file_proc = pid_file;
    daemon_pid_file_ident = daemon_log_ident = "peer";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(argv[1], "start") == 0)
        return start();
    return number ? faults[number - 1]() : 64;
}
