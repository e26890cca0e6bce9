/* Tests of netio/pidfile.h: who is found by a pid file, signalled and stopped, and that it is never
 * anybody else.  C2 of the catalogue of faults. */
#include "actor.h"
#include "storm.h"

#include <sys/pidfd.h>
#include <sys/syscall.h>

/* The pid of a living stranger, in a file that nobody holds: C2 for the number alone. */
static void test_stranger(void)
{
    struct actor stranger = start("");
    pid_t pid;

    spew(path, number(stranger.pid), strlen(number(stranger.pid)), 0600);
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "C2 the pid of a stranger: nobody runs");
    is_str(stopping(5, 1), "0", "C2 ... nobody is to be stopped");
    struct actor daemon = start("lw");
    is_str(finding(&pid), "0", "C2 ... a daemon starts");
    ask(&stranger, "i");
    pass("C2 ... and the stranger lives");
    end(&stranger, SIGKILL);
    end(&daemon, SIGKILL);
}

/* Valgrind 3.19 has none. */
static int has_pidfd(void)
{
    long fd = syscall(SYS_pidfd_open, getpid(), 0);

    if (fd != -1)
        close((int)fd);
    return fd != -1;
}

/* A child that inherits the file, and outlives its daemon; it ends when the pipe does. */
static void linger(const int wires[2], const int hold[2])
{
    char c;

    prctl(PR_SET_PDEATHSIG, 0);
    close(hold[1]);
    MUST(write(wires[1], &(pid_t){getpid()}, sizeof(pid_t)) != sizeof(pid_t));
    _exit((int)read(hold[0], &c, 1));
}

static void test_identity(void)
{
    struct netio_pidfile *file = NULL;
    int wires[2], hold[2];
    pid_t pid, daemon, child;
    const char *left = has_pidfd() ? "NETIO_ELEFT" : "NETIO_ESTARTING";

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (pipe(wires) == -1 || pipe(hold) == -1 || (daemon = fork()) == -1)
        abort();
    if (daemon == 0) {
        MUST(netio_pidfile_lock(&file, path, NULL) || netio_pidfile_write(file, NULL));
        if (fork() == 0)
            linger(wires, hold);
        pause();
    }
    is_int(read(wires[0], &child, sizeof child), sizeof child, "a daemon with a child");
    is_str(finding(&pid), "0", "it runs");
    is_int(pid, daemon, "the daemon, not the child");
    kill(daemon, SIGKILL);
    waitid(P_PID, (id_t)daemon, &(siginfo_t){0}, WEXITED | WNOWAIT);
    is_str(finding(&pid), left, "C2 it is killed, though nobody has reaped it");
    is_int(reap(&(struct actor){.pid = daemon, .wire = wires[1]}), -SIGKILL, "... now he has");
    is_str(finding(&pid), left, "C2 a child has the file, the number is a dead one's");
    is_str(signalling(SIGTERM), left, "C2 ... which is never signalled");
    is_str(locking(&file, path), left, "... nor does another daemon begin");
    is_int(reap(&(struct actor){.pid = child, .wire = hold[1]}), 0, "the child ends");
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "... and nobody runs");
    close(wires[0]);
    close(hold[0]);

    struct actor forger = start("lwn");
    is_str(finding(&pid), "0", "a daemon writes another number than its own");
    is_int(pid, forger.pid, "... and is found all the same");
    end(&forger, SIGKILL);
}

/* Byte 1 is lost: a daemon reads its own pid file, as any program may. */
static void test_lost(void)
{
    struct netio_pidfile *file = NULL;
    int pidfd = -1, wires[2];
    char c;
    pid_t pid, child;
    struct actor daemon = start("lwx");

    is_str(finding(&pid), "0", "a daemon that has read its own pid file is found");
    is_int(pid, daemon.pid, "... by its pid");
    is_str(locking(&file, path), "NETIO_ERUNNING", "... keeps another from starting");
    ask(&daemon, "n");
    is_int(netio_pidfile_find(path, &pid, &pidfd, NULL), 0, "... whatever number is in the file");
    is_int(pid, daemon.pid, "... by its pid");
    is_int(pidfd_send_signal(pidfd, SIGKILL, NULL, 0), 0, "... and its pidfd");
    close(pidfd);
    is_int(reap(&daemon), -SIGKILL, "... it was that");
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "... and runs no more");

    daemon = start("lwxw");
    is_str(finding(&pid), "0", "it writes again");
    ask(&daemon, "xr");
    is_str(slurp(path), "-", "it can remove the file");
    end(&daemon, SIGKILL);
    daemon = start("lwxh");
    is_str(stopping(60, 0), "0", "it can be stopped");
    is_int(reap(&daemon), SIGTERM, "... as any");

    /* From a starter to a daemon, both of which write. */
    if (pipe(wires) == -1 || netio_pidfile_lock(&file, path, NULL) ||
        netio_pidfile_write(file, NULL))
        abort();
    close(open(path, O_RDONLY | O_CLOEXEC));
    if ((child = fork()) == 0) {
        MUST(netio_pidfile_write(file, NULL));
        close(open(path, O_RDONLY | O_CLOEXEC));
        MUST(write(wires[1], "w", 1) != 1);
        pause();
    }
    is_int(read(wires[0], &c, 1), 1, "another process writes after it");
    is_str(finding(&pid), "0", "... and is found");
    is_int(pid, child, "... by its own pid");
    netio_pidfile_remove(file);
    is_str(slurp(path), number(child), "... he from whom it has the file does not remove it");
    is_int(end(&(struct actor){.pid = child, .wire = wires[1]}, SIGKILL), -SIGKILL, "its end");
    close(wires[0]);
}

/* As after the drop: most of its /proc is not its own. */
static void test_lost_by_user(void)
{
    struct netio_pidfile *file = NULL;
    int wires[2];
    char c;
    pid_t pid, child;

    if (geteuid() != 0) {
        skip(4, "to become somebody else needs root");
        return;
    }
    if (netio_pidfile_lock(&file, path, NULL) || pipe(wires) == -1)
        abort();
    if ((child = fork()) == 0) {
        MUST(setresuid(STRANGER, STRANGER, STRANGER) || prctl(PR_SET_DUMPABLE, 0));
        MUST(netio_pidfile_write(file, NULL) || close(dup(netio_pidfile_fd(file))));
        MUST(write(wires[1], "w", 1) != 1);
        pause();
    }
    is_int(read(wires[0], &c, 1), 1, "one that has given up its privileges loses byte 1");
    is_str(finding(&pid), "0", "... and is found");
    is_int(pid, child, "... by its pid");
    is_int(end(&(struct actor){.pid = child, .wire = wires[1]}, SIGKILL), -SIGKILL, "its end");
    netio_pidfile_remove(file);
    close(wires[0]);
}

static void test_stop(void)
{
    struct netio_error error = {0};
    pid_t pid;
    int pidfd = -1;
    struct actor daemon = start("lw");

    is_int(netio_pidfile_find(path, NULL, &pidfd, &error), 0, "a pidfd");
    ok(fcntl(pidfd, F_GETFD) & FD_CLOEXEC, "... close-on-exec");
    close(pidfd);
    is_int(netio_pidfile_find(path, NULL, NULL, NULL), 0, "nothing but whether");
    ask(&daemon, "h");
    kill(daemon.pid, SIGSTOP);
    is_str(stopping(60, 0), "0", "stop: also of one that is stopped (by SIGSTOP)");
    is_int(reap(&daemon), SIGTERM, "... it ended as it does at SIGTERM");
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "... it runs no more");

    daemon = start("lwi");
    is_str(stopping(0.02, 0), "ETIMEDOUT", "stop: one that does not listen, by its deadline");
    is_str(finding(&pid), "0", "... it runs on");
    storm_begin(5000);
    is_str(stopping(60, 0), "EINTR", "stop: a signal handler ran");
    storm_end();
    is_str(stopping(0.02, 1), "0", "stop: with a kill at the deadline");
    is_int(reap(&daemon), -SIGKILL, "... it was killed");

    /* Which would take LeakSanitizer's stops away, and hang one that exits. */
    daemon = start("lwic");
    is_str(stopping(0.02, 1), "0", "stop: one that is not halted ...");
    is_int(reap(&daemon), -SIGKILL, "... gets no SIGCONT");

    daemon = start("lw");
    is_str(signalling(SIGKILL), "0", "a signal by the file");
    is_int(reap(&daemon), -SIGKILL, "... arrives");
    is_str(signalling(12345), "NETIO_ENOTRUNNING", "no signal to the dead");
    daemon = start("lw");
    is_str(signalling(12345), "EINVAL", "no such signal");
    end(&daemon, SIGKILL);
}

int main(void)
{
    make_folder();
    test_stranger();
    unlink(path);
    test_identity();
    if (has_pidfd()) {
        test_lost();
        test_lost_by_user();
        test_stop();
    } else
        skip(2, "no pidfd_open(2) here");
    unlink(path);
    if (rmdir(folder) == -1)
        fail("the folder is not empty");
    return tap_done();
}
