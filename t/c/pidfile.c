/* Tests of netio/pidfile.h: C1 to C5 and C12 of the catalogue of faults, and faults 1 to 3 of
 * libdaemon.  "The daemon" is a child that locks and writes; who asks for it is the test. */
#include "tap.h"
#include <netio/pidfile.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRANGER 65534

static char folder[] = "/tmp/netio-pidfile-XXXXXX";
static char path[64];

/* The path of a name in the folder; two at a time. */
static const char *in(const char *name)
{
    static char names[2][512];
    static int next;
    char *out = names[next++ & 1];

    snprintf(out, sizeof names[0], "%s/%s", folder, name);
    return out;
}

static void spew(const char *file, const char *text, size_t size, mode_t mode)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    if (fd == -1 || write(fd, text, size) != (ssize_t)size || fchmod(fd, mode) == -1)
        abort();
    close(fd);
}

/* What is in the file, or "-" if it is not there. */
static const char *slurp(const char *file)
{
    static char text[256];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text - 1);

    if (fd != -1)
        close(fd);
    if (n == -1)
        return "-";
    text[n] = '\0';
    return text;
}

static const char *number(pid_t pid)
{
    static char text[16];

    snprintf(text, sizeof text, "%d\n", (int)pid);
    return text;
}

/* The code's name, and its stage and subject are right. */
static const char *name_of(int code, const struct netio_error *error)
{
    if (code == 0)
        return "0";
    if (error->code != code || error->stage != NETIO_STAGE_PIDFILE || !*error->subject)
        return "an error without its place";
    return netio_error_name(code);
}

static const char *locking(struct netio_pidfile **file, const char *where)
{
    struct netio_error error = {0};

    return name_of(netio_pidfile_lock(file, where, &error), &error);
}

static const char *finding(pid_t *pid)
{
    struct netio_error error = {0};

    *pid = 0;
    return name_of(netio_pidfile_find(path, pid, NULL, &error), &error);
}

static const char *signalling(int number_of)
{
    struct netio_error error = {0};

    return name_of(netio_pidfile_signal(path, number_of, &error), &error);
}

static const char *stopping(double seconds, int kill_it)
{
    struct netio_error error = {0};

    return name_of(netio_pidfile_stop(path, netio_deadline_in(seconds), kill_it, &error), &error);
}

/* A daemon in a child: does what is asked of it by a letter, and says so by the same. */
struct actor {
    pid_t pid;
    int wire;
};

static void leave(int number_of)
{
    _exit(number_of);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (call)                                                                                  \
            _exit(__LINE__ % 250 + 1);                                                             \
    } while (0)

static void act(int wire)
{
    struct netio_pidfile *file = NULL;
    pid_t pid;
    char letter;

    while (read(wire, &letter, 1) == 1) {
        if (letter == 'l')
            MUST(netio_pidfile_lock(&file, path, NULL));
        if (letter == 'w')
            MUST(netio_pidfile_write(file, NULL));
        if (letter == 'r')
            netio_pidfile_remove(file);
        if (letter == 'f')
            netio_pidfile_forget(file);
        if (letter == 'i')
            signal(SIGTERM, SIG_IGN);
        if (letter == 'h')
            signal(SIGTERM, leave);
        if (letter == 'c')
            signal(SIGCONT, leave);
        if (letter == 'o') /* its own */
            MUST(netio_pidfile_find(path, &pid, NULL, NULL) || pid != getpid() ||
                 netio_pidfile_lock(&file, path, NULL) != NETIO_ERUNNING);
        if (letter == 'x') /* the hazard */
            close(open(path, O_RDONLY | O_CLOEXEC));
        if (letter == 'n') /* a forger's number */
            MUST(pwrite(netio_pidfile_fd(file), "1\n\0\0\0\0\0", 7, 0) != 7);
        if (write(wire, &letter, 1) != 1)
            return;
    }
}

static void ask(const struct actor *actor, const char *letters)
{
    for (char letter, want; (want = *letters); letters++)
        if (write(actor->wire, &want, 1) != 1 || read(actor->wire, &letter, 1) != 1 ||
            letter != want) {
            fail("the child could not do %c", want);
            return;
        }
}

static struct actor start(const char *letters)
{
    struct actor actor;
    int wires[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires) == -1 ||
        (actor.pid = fork()) == -1)
        abort();
    if (actor.pid == 0) {
        close(wires[0]);
        act(wires[1]);
        _exit(0);
    }
    close(wires[1]);
    actor.wire = wires[0];
    ask(&actor, letters);
    return actor;
}

/* How it ended: its exit code, or -N for signal N. */
static int reap(const struct actor *actor)
{
    int status;

    close(actor->wire);
    if (waitpid(actor->pid, &status, 0) != actor->pid)
        abort();
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int end(const struct actor *actor, int signal_of)
{
    kill(actor->pid, signal_of);
    return reap(actor);
}

/* The life of a daemon. */

static void test_life(void)
{
    pid_t pid;
    struct netio_pidfile *file = NULL;

    unlink(path);
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "no file: nobody runs");
    is_str(stopping(1, 0), "0", "nobody to stop");
    struct actor daemon = start("l");
    is_str(slurp(path), "", "libdaemon 1: a file whose daemon is starting is empty, ...");
    is_str(finding(&pid), "NETIO_ESTARTING", "... and that is neither pid 0 ...");
    is_str(signalling(SIGTERM), "NETIO_ESTARTING", "... nor is it signalled");
    is_str(locking(&file, path), "NETIO_ESTARTING", "a second one while it starts");
    ask(&daemon, "w");
    is_str(slurp(path), number(daemon.pid), "its pid");
    is_str(finding(&pid), "0", "it runs");
    is_int(pid, daemon.pid, "that is who");
    is_str(locking(&file, path), "NETIO_ERUNNING", "a second one while it runs");
    ask(&daemon, "oo");
    is_str(finding(&pid), "0", "it has asked for itself, and is still to be found");
    ask(&daemon, "w");
    is_str(finding(&pid), "0", "written twice");
    ask(&daemon, "r");
    is_str(slurp(path), "-", "removed");
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "it runs no more");
    is_int(end(&daemon, SIGKILL), -SIGKILL, "its end");
    netio_pidfile_remove(NULL);
    netio_pidfile_forget(NULL);
}

static void test_umask(void)
{
    static const mode_t masks[] = {0, 022, 0777};

    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        struct netio_pidfile *file = NULL;
        struct stat found = {0};
        mode_t old = umask(masks[i]);
        is_str(locking(&file, path), "0", "C12 umask %03o", (unsigned)masks[i]);
        umask(old);
        stat(path, &found);
        is_int(found.st_mode, S_IFREG | 0600, "C12 ... mode 0600");
        netio_pidfile_remove(file);
    }
}

/* From starter to daemon, as netio_daemonize does. */
static void test_starter(void)
{
    struct netio_pidfile *file = NULL;
    int wires[2];
    char c;
    pid_t pid, child;

    if (pipe(wires) == -1 || netio_pidfile_lock(&file, path, NULL) || (child = fork()) == -1)
        abort();
    if (child == 0) {
        MUST(netio_pidfile_write(file, NULL) || write(wires[1], "w", 1) != 1);
        pause();
    }
    is_int(read(wires[0], &c, 1), 1, "a starter locks, its daemon writes");
    is_str(finding(&pid), "0", "... and is found");
    is_int(pid, child, "... by its own pid");
    struct netio_error error = {0};
    is_str(name_of(netio_pidfile_write(file, &error), &error), "NETIO_ERUNNING",
           "the starter may not write then");
    is_str(slurp(path), number(child), "... and has not");
    netio_pidfile_remove(file);
    is_str(finding(&pid), "0", "nor does it remove the file of a daemon that lives");
    is_int(end(&(struct actor){.pid = child, .wire = wires[1]}, SIGKILL), -SIGKILL, "its end");
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "C1 killed: the file is stale");
    close(wires[0]);

    is_str(locking(&file, path), "0", "C1 ... and is taken over");
    struct actor early = {.pid = fork(), .wire = -1};
    if (early.pid == 0)
        _exit(netio_pidfile_write(file, NULL) ? 1 : 7);
    is_int(reap(&early), 7, "a daemon writes and dies before it is ready");
    netio_pidfile_remove(file);
    is_str(slurp(path), "-", "its starter removes the file");
}

/* C1, C2 and the list: what may be in a file that nobody holds. */
static void test_contents(void)
{
    static const struct {
        const char *name, *text;
        size_t size;
        const char *code;
    } table[] = {
#define ROW(name, text, code) {name, text, sizeof text - 1, code}
        ROW("empty", "", "0"),
        ROW("a dead pid", "4194303\n", "0"),
        ROW("no line end", "4194303", "0"),
        ROW("pid 0", "0\n", "0"),
        ROW("pid 1", "1\n", "0"),
        ROW("too large for a pid", "99999999999999999999\n", "0"),
        ROW("filled with blanks", "      1234\n", "0"),
        ROW("cut and written over", "12\n56\n", "0"),
        ROW("zeros after a power cut", "\0\0\0\0\0", "0"),
        ROW("a negative number", "-5\n", "NETIO_EBADPIDFILE"),
        ROW("words", "garbage\n", "NETIO_EBADPIDFILE"),
        ROW("a number and a word", "1234 whoisd\n", "NETIO_EBADPIDFILE"),
        ROW("somebody's data", "root:x:0:0:root:/root:/bin/bash\n", "NETIO_EBADPIDFILE"),
        ROW("octets", "\xff\xfe\x80", "NETIO_EBADPIDFILE"),
        ROW("longer than any number",
            "1111111111111111111111111111111111111111111111111111111111111111\n",
            "NETIO_EBADPIDFILE"),
#undef ROW
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct netio_pidfile *file = NULL;
        pid_t pid;
        spew(path, table[i].text, table[i].size, 0644);
        is_str(finding(&pid), "NETIO_ENOTRUNNING", "C1 %s: nobody runs", table[i].name);
        is_str(signalling(SIGKILL), "NETIO_ENOTRUNNING", "libdaemon 1: ... nor is signalled");
        is_str(locking(&file, path), table[i].code, "C1 ... start");
        if (file)
            netio_pidfile_forget(file);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[128];
        is_mem(text, (size_t)read(fd, text, sizeof text), table[i].text, table[i].size,
               "... and as long as nothing is written, it is as it was");
        close(fd);
    }
    spew(path, "99999999999999999999\n", 21, 0644);
    struct actor daemon = start("lw");
    struct stat found = {0};
    stat(path, &found);
    is_str(slurp(path), number(daemon.pid), "a longer number is replaced as a whole");
    is_int(found.st_mode, S_IFREG | 0600, "... and nobody may open it from now on");
    is_int(end(&daemon, SIGKILL), -SIGKILL, "its end");
}

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

/* What is not a pid file is not touched. */

static void test_kinds(void)
{
    struct netio_pidfile *file = NULL;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    pid_t pid;

    unlink(path);
    spew(in("target"), "precious\n", 9, 0600);
    ok(symlink(in("target"), path) == 0, "a link");
    is_str(locking(&file, path), "ELOOP", "C4 a symbolic link");
    is_str(finding(&pid), "ELOOP", "C4 ... to ask");
    is_str(slurp(in("target")), "precious\n", "C4 ... its target is as it was");
    unlink(path);
    ok(symlink(in("nowhere"), path) == 0, "a link");
    is_str(locking(&file, path), "ELOOP", "C4 a link to nowhere");
    ok(access(in("nowhere"), F_OK) == -1, "C4 ... makes no file there");
    unlink(path);
    ok(symlink(path, path) == 0, "a link");
    is_str(locking(&file, path), "ELOOP", "C4 a link to itself");
    unlink(path);
    ok(link(in("target"), path) == 0, "another name");
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "a hard link");
    is_str(slurp(in("target")), "precious\n", "... its file is as it was");
    unlink(path);
    mkdir(path, 0755);
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "C4 a directory");
    is_str(finding(&pid), "NETIO_EBADPIDFILE", "C4 ... to ask");
    rmdir(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
    bind(listener, (struct sockaddr *)&sun, sizeof sun);
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "C4 a socket");
    close(listener);
    unlink(path);
    is_str(locking(&file, "/dev/null"), "NETIO_EBADPIDFILE", "C4 a device");
}

/* Who has a FIFO open for reading would see an end of file if it was opened and closed. */
static void test_fifo(void)
{
    struct netio_pidfile *file = NULL;
    char c;

    mkfifo(path, 0600);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "C4 a FIFO, and no waiting for it");
    ok(read(reader, &c, 1) == -1 && errno == EAGAIN, "C4 ... nothing came through it");
    close(writer);
    close(reader);
    unlink(path);
}

static void test_places(void)
{
    char name[300], deep[5000];
    struct netio_pidfile *file = NULL;

    is_str(locking(&file, "x.pid"), "EINVAL", "a relative path");
    is_int(netio_pidfile_lock(&file, "", NULL), -EINVAL, "an empty path");
    is_str(locking(&file, "/tmp/"), "EISDIR", "a path without a name");
    is_str(locking(&file, in("missing/x.pid")), "ENOENT", "C5 a missing folder");
    is_str(locking(&file, in("target/x.pid")), "ENOTDIR", "C5 a file as folder");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    is_str(locking(&file, in(name)), "ENAMETOOLONG", "C5 a name of 299 bytes");
    memset(deep, '/', sizeof deep - 1);
    memcpy(deep + sizeof deep - 3, "x", 2);
    is_str(locking(&file, deep), "ENAMETOOLONG", "C5 a path of 5,000 bytes");
    ok(!file, "none of them gave a pid file");
    pid_t pid;
    struct netio_error error;
    is_str(name_of(netio_pidfile_find(in("missing/x.pid"), &pid, NULL, &error), &error),
           "NETIO_ENOTRUNNING", "no folder, nobody runs");
}

static void test_modes(void)
{
    static const struct {
        mode_t folder, file;
        uid_t owner, file_owner;
        const char *code;
    } table[] = {
        {0755, 0600, 0, 0, "0"},
        {0755, 0644, 0, 0, "0"},
        {01777, 0600, 0, 0, "0"},
        {01775, 0600, 0, 0, "0"},
        {0777, 0600, 0, 0, "NETIO_EUNSAFE"},
        {0775, 0600, 0, 0, "NETIO_EUNSAFE"},
        {0755, 0666, 0, 0, "NETIO_EUNSAFE"},
        {0755, 0620, 0, 0, "NETIO_EUNSAFE"},
        {0755, 0600, STRANGER, 0, "NETIO_EUNSAFE"},
        {01777, 0600, STRANGER, 0, "NETIO_EUNSAFE"},
        {0755, 0600, 0, STRANGER, "NETIO_EUNSAFE"},
        {01777, 0600, 0, STRANGER, "NETIO_EUNSAFE"},
    };

    if (geteuid() != 0) {
        skip((int)(sizeof table / sizeof *table), "to change owners needs root");
        return;
    }
    mkdir(in("place"), 0755);
    const char *there = strdup(in("place/x.pid"));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct netio_pidfile *file = NULL;
        spew(there, "4194303\n", 8, table[i].file);
        if (chown(there, table[i].file_owner, 0) || chown(in("place"), table[i].owner, 0) ||
            chmod(in("place"), table[i].folder))
            abort();
        is_str(locking(&file, there), table[i].code,
               "C4, C5 a file of %d with mode %04o in a folder of %d with mode %04o",
               (int)table[i].file_owner, (unsigned)table[i].file, (int)table[i].owner,
               (unsigned)table[i].folder);
        netio_pidfile_remove(file);
        unlink(there);
    }
    rmdir(in("place"));
    free((char *)there);
}

/* As another user, in a child; its exit code is 0 when the code is the one wanted. */
static int as_stranger(const char *want)
{
    struct netio_pidfile *file = NULL;
    struct actor child = {.pid = fork(), .wire = -1};

    if (child.pid == 0) {
        MUST(setresgid(STRANGER, STRANGER, STRANGER) || setresuid(STRANGER, STRANGER, STRANGER));
        MUST(strcmp(locking(&file, path), want) != 0);
        _exit(0);
    }
    return reap(&child);
}

/* libdaemon 3: any user who may read the file can keep root from starting, and from asking. */
static void test_strangers_lock(void)
{
    struct netio_pidfile *file = NULL;
    int wires[2];
    pid_t pid;
    char c;

    if (geteuid() != 0) {
        skip(6, "to become somebody else needs root");
        return;
    }
    chmod(folder, 0755);
    unlink(path);
    is_int(as_stranger("EACCES"), 0, "C5 a folder that one may not write");
    struct actor daemon = start("lw");
    is_int(as_stranger("EACCES"), 0,
           "libdaemon 3: nobody else can open the file, let alone lock it");
    end(&daemon, SIGKILL);

    spew(path, "4194303\n", 8, 0644); /* another program's */
    if (pipe(wires) == -1)
        abort();
    struct actor stranger = {.pid = fork(), .wire = wires[1]};
    if (stranger.pid == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        MUST(setresuid(STRANGER, STRANGER, STRANGER));
        MUST(fcntl(open(path, O_RDONLY | O_CLOEXEC), F_SETLK, &lock) == -1);
        MUST(write(wires[1], "l", 1) != 1);
        pause();
    }
    is_int(read(wires[0], &c, 1), 1,
           "libdaemon 3: a stranger locks a file of mode 0644 for reading");
    is_str(finding(&pid), "NETIO_EUNSAFE",
           "... we do not wait for him, nor take him for the daemon");
    is_str(locking(&file, path), "NETIO_EUNSAFE", "... and say why no daemon starts");
    kill(stranger.pid, SIGKILL);
    reap(&stranger);
    close(wires[0]);
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "he is gone");
}

static void test_removed_by_hand(void)
{
    pid_t pid;
    struct actor first = start("lw");

    unlink(path);
    struct actor second = start("lw");
    ask(&first, "r");
    is_str(finding(&pid), "0", "removed by hand, a second daemon begins: the first ...");
    is_int(pid, second.pid, "... does not remove the file of the second");
    end(&first, SIGKILL);
    if (geteuid() == 0) {
        /* As after privileges were dropped: simplest is a folder that took them away. */
        end(&second, SIGKILL);
        struct actor third = {.pid = fork(), .wire = -1};
        if (third.pid == 0) {
            struct netio_pidfile *file = NULL;
            MUST(netio_pidfile_lock(&file, path, NULL) || netio_pidfile_write(file, NULL));
            MUST(setresuid(STRANGER, STRANGER, STRANGER));
            netio_pidfile_remove(file);
            _exit(0);
        }
        is_int(reap(&third), 0, "one that dropped its privileges cannot remove its file: ...");
        is_str(slurp(path), "", "... it leaves it empty");
        is_str(finding(&pid), "NETIO_ENOTRUNNING", "... and stale");
        return;
    }
    end(&second, SIGKILL);
    skip(3, "to become somebody else needs root");
}

static void note_alarm(int number_of)
{
    (void)number_of;
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
    struct sigaction action = {.sa_handler = note_alarm};
    sigaction(SIGUSR1, &action, NULL);
    struct actor interrupter = {.pid = fork(), .wire = -1};
    if (interrupter.pid == 0)
        for (;;) {
            kill(getppid(), SIGUSR1);
            usleep(1000);
        }
    is_str(stopping(60, 0), "EINTR", "stop: a signal handler ran");
    end(&interrupter, SIGKILL);
    signal(SIGUSR1, SIG_DFL);
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
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/x.pid", folder);
    test_life();
    test_umask();
    test_starter();
    test_contents();
    test_stranger();
    unlink(path);
    test_identity();
    if (has_pidfd()) {
        test_lost();
        test_lost_by_user();
    } else
        skip(1, "no pidfd_open(2) here");
    test_kinds();
    test_fifo();
    test_places();
    test_modes();
    test_strangers_lock();
    test_removed_by_hand();
    if (has_pidfd())
        test_stop();
    else
        skip(1, "no pidfd_open(2) here");
    unlink(path);
    unlink(in("target"));
    is_int(rmdir(folder), 0, "nothing is left");
    return tap_done();
}
