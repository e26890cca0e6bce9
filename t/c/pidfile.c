/* Tests of netio/pidfile.h: the life of a pid file, from its lock to its removal, and what may be
 * in one that nobody holds.  C1 and C12 of the catalogue of faults, and fault 1 of libdaemon.
 * "The daemon" is a child that locks and writes; who asks for it is the test. */
#include "actor.h"

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

int main(void)
{
    make_folder();
    test_life();
    test_umask();
    test_starter();
    test_contents();
    unlink(path);
    test_removed_by_hand();
    unlink(path);
    is_int(rmdir(folder), 0, "nothing is left");
    return tap_done();
}
