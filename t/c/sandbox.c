/* Tests of netio/sandbox.h: its calls, and the life of a process in it: what it goes on reading,
 * its log, its time, its threads.  What is allowed and what is not: sandbox-files.c,
 * sandbox-sockets.c, sandbox-calls.c. */
#include "descriptors.h"
#include "tap.h"

#include <netio/log.h>
#include <netio/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

static char dir[] = "/tmp/netio-sandbox-XXXXXX";
static char file[64], other[64], zone[64];

enum { GOOD, NOT_ENTERED = 90, UNABLE };

static int enter(enum netio_sandbox_mode mode, unsigned *in_force)
{
    struct netio_sandbox sandbox = {.mode = mode, .readable = (const char *const[]){dir, NULL}};

    return netio_sandbox_enter(&sandbox, in_force, NULL);
}

/* What one returns that has a process of its own, which the sandbox ends with. */
static int in_child(int (*run)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(run());
    if (waitpid(pid, &status, 0) == -1)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* By personality(2), which only the filter refuses. */
static int is_filtered(void)
{
    return syscall(SYS_personality, 0xffffffffUL) == -1;
}

static int make_file(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return fd == -1 || write(fd, data, size) != (ssize_t)size || close(fd) == -1 ? -1 : 0;
}

static void test_words(void)
{
    static const struct {
        const char *text;
        int mode;
    } table[] = {
        {"off", NETIO_SANDBOX_OFF}, {"try", NETIO_SANDBOX_TRY}, {"require", NETIO_SANDBOX_REQUIRE},
        {"", NETIO_EBADOPTION},     {"Try", NETIO_EBADOPTION},  {"tryx", NETIO_EBADOPTION},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        is_int(netio_sandbox_parse(table[i].text), table[i].mode, "mode \"%s\"", table[i].text);
    is_str(netio_sandbox_str(0), "none", "none in force");
    is_str(netio_sandbox_str(NETIO_SANDBOX_NETWORK), "network", "one in force");
    is_str(netio_sandbox_str(NETIO_SANDBOX_FILES | NETIO_SANDBOX_SYSCALLS), "files, system calls",
           "two");
    is_str(netio_sandbox_str(7), "files, network, system calls", "all");
}

static void test_off(void)
{
    unsigned in_force = 99;

    is_int(enter(NETIO_SANDBOX_OFF, &in_force), 0, "off");
    is_int(in_force, 0, "off: nothing is in force");
    is_int(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0, "off: not even no_new_privs");
}

/* Nothing may have been done: these are tried in this process. */
static void test_folders(void)
{
    static const char *const wrong[] = {"/nonexistent/x", "/etc/passwd"};
    static const char *const texts[] = {"sandbox /nonexistent/x: No such file or directory",
                                        "sandbox /etc/passwd: Not a directory"};

    for (int i = 0; i < 8; i++) {
        const char *const paths[] = {dir, wrong[i & 1], NULL}, *const fine[] = {dir, NULL};
        struct netio_sandbox sandbox = {.mode = i & 2 ? NETIO_SANDBOX_TRY : NETIO_SANDBOX_REQUIRE,
                                        .readable = i & 4 ? paths : fine,
                                        .writable = i & 4 ? NULL : paths};
        struct netio_error error;
        char text[640];
        unsigned in_force = 99;
        int before = open_descriptors();
        int code = netio_sandbox_enter(&sandbox, &in_force, &error);
        ok(code == (i & 1 ? -ENOTDIR : -ENOENT) && in_force == 0, "a folder that is none: %d",
           code);
        is_str(netio_error_str(&error, text, sizeof text), texts[i & 1], "and it says which");
        ok(open_descriptors() == before && !is_filtered() &&
               prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0,
           "and nothing has been done");
    }
}

static int read_everywhere(void)
{
    struct netio_sandbox sandbox = {.mode = NETIO_SANDBOX_TRY,
                                    .readable = (const char *const[]){"/", NULL}};
    unsigned in_force;

    if (netio_sandbox_enter(&sandbox, &in_force, NULL))
        return NOT_ENTERED;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) == -1)
        return 1;
    if (!(in_force & NETIO_SANDBOX_FILES))
        return GOOD;
    return open(file, O_WRONLY | O_CLOEXEC) == -1 && errno == EACCES ? GOOD : 2;
}

static int no_folders(void)
{
    struct netio_sandbox sandbox = {.mode = NETIO_SANDBOX_TRY};
    unsigned in_force;

    if (netio_sandbox_enter(&sandbox, &in_force, NULL))
        return NOT_ENTERED;
    if (!(in_force & NETIO_SANDBOX_FILES))
        return GOOD;
    return open(file, O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES ? GOOD : 1;
}

/* Whether the first byte of the file, opened by its name, is this one. */
static int shows(char wanted)
{
    char byte = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd == -1 || read(fd, &byte, 1) != 1)
        return 0;
    close(fd);
    return byte == wanted;
}

/* A helper outside does to the file what a loader does, when it is told to. */
static int renamed(void)
{
    int pair[2];

    if (make_file(file, "old", 3) == -1 || pipe2(pair, O_CLOEXEC) == -1)
        return UNABLE;
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        if (read(pair[0], &byte, 1) != 1 || make_file(other, "new", 3) == -1)
            _exit(1);
        _exit(rename(other, file) == 0 ? 0 : 1);
    }
    if (enter(NETIO_SANDBOX_TRY, NULL))
        return NOT_ENTERED;
    if (!shows('o'))
        return 1;
    if (write(pair[1], "x", 1) != 1 || waitpid(pid, NULL, 0) != pid)
        return 2;
    return shows('n') ? GOOD : 3;
}

/* The sandbox of a worker within that of its daemon, and of a child of that. */
static int twice(void)
{
    unsigned first, second;
    int status;

    if (enter(NETIO_SANDBOX_TRY, &first) || enter(NETIO_SANDBOX_TRY, &second))
        return NOT_ENTERED;
    if (first != second || !shows('n'))
        return 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(is_filtered() || !(first & NETIO_SANDBOX_SYSCALLS) ? 0 : 1);
    return waitpid(pid, &status, 0) == pid && status == 0 ? GOOD : 2;
}

static int go[2];

static void *look(void *data)
{
    char byte;

    *(int *)data = read(go[0], &byte, 1) == 1 && is_filtered();
    return NULL;
}

/* A thread that was there before. */
static int threads(void)
{
    unsigned in_force;
    pthread_t id;
    int filtered = 0;

    if (pipe2(go, O_CLOEXEC) == -1 || pthread_create(&id, NULL, look, &filtered) != 0)
        return UNABLE;
    if (enter(NETIO_SANDBOX_TRY, &in_force) || write(go[1], "x", 1) != 1 ||
        pthread_join(id, NULL) != 0)
        return NOT_ENTERED;
    return filtered || !(in_force & NETIO_SANDBOX_SYSCALLS) ? GOOD : 1;
}

/* tzfile(5): a head of 44 bytes, which counts one zone and the letters of its name; that is nine
 * hours east. */
static int make_zone(const char *path)
{
    static const unsigned char bytes[54] = {
        [0] = 'T',   'Z',         'i',        'f',        [39] = 1,  [43] = 4,
        [46] = 0x7e, [47] = 0x90, [50] = 'J', [51] = 'S', [52] = 'T'};

    return make_file(path, bytes, sizeof bytes);
}

static int is_in_zone(void)
{
    time_t zero = 0;
    char text[40];
    struct tm when;

    return localtime_r(&zero, &when) && when.tm_hour == 9 && localtime(&zero)->tm_hour == 9 &&
           strftime(text, sizeof text, "%H%z", &when) && strcmp(text, "09+0900") == 0;
}

static int enter_without_folders(void)
{
    return netio_sandbox_enter(&(struct netio_sandbox){.mode = NETIO_SANDBOX_TRY}, NULL, NULL);
}

/* A file elsewhere, that TZ names. */
static int time_zone(void)
{
    char text[80];

    if (make_zone(zone) == -1)
        return UNABLE;
    snprintf(text, sizeof text, ":%s", zone);
    setenv("TZ", text, 1);
    if (enter_without_folders())
        return NOT_ENTERED;
    return is_in_zone() ? GOOD : 1;
}

/* That of the machine, in an /etc of our own. */
static int time_zone_of_machine(void)
{
    unsetenv("TZ");
    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("none", "/etc", "tmpfs", 0, NULL) == -1 || make_zone("/etc/localtime") == -1)
        return UNABLE;
    if (enter_without_folders())
        return NOT_ENTERED;
    return is_in_zone() ? GOOD : 1;
}

static int logger(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    return bind(fd, (struct sockaddr *)&un, sizeof un) == -1 ? -1 : fd;
}

static int logged(int fd, const char *message)
{
    char line[500] = "";

    return recv(fd, line, sizeof line - 1, 0) > 0 && strstr(line, message) != NULL;
}

/* A logger, and the one that takes its place when it is restarted: the log connects again. */
static int syslog_in_it(void)
{
    struct netio_log *log;

    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("none", "/dev", "tmpfs", 0, NULL) == -1)
        return UNABLE;
    int first = logger("/dev/log");
    if (first == -1 || netio_log_open(&log, "syslog", "t", NULL) < 0 || unlink("/dev/log") == -1)
        return UNABLE;
    int second = logger("/dev/log");
    if (second == -1 || enter(NETIO_SANDBOX_TRY, NULL))
        return NOT_ENTERED;
    netio_log(log, LOG_INFO, "one");
    if (!logged(first, "]: one"))
        return 1;
    close(first);
    netio_log(log, LOG_INFO, "two");
    netio_log_free(log);
    return logged(second, "]: two") ? GOOD : 2;
}

static void is_good(int (*run)(void), const char *name)
{
    int code = in_child(run);

    if (code == UNABLE)
        skip(1, "%s: cannot be had here", name);
    else
        is_int(code, GOOD, "%s", name);
}

int main(void)
{
    if (!mkdtemp(dir))
        return fail("a temporary folder");
    snprintf(file, sizeof file, "%s/file", dir);
    snprintf(other, sizeof other, "%s/other", dir);
    snprintf(zone, sizeof zone, "%s/zone", dir);
    ok(make_file(file, "new", 3) == 0, "a file");
    test_words();
    test_off();
    test_folders();
    is_good(read_everywhere, "/ as a folder to read: all can be read, nothing written");
    is_good(no_folders, "no folders: nothing can be read");
    is_good(renamed, "a file that is replaced by rename stays readable");
    is_good(twice, "a sandbox in a sandbox, and children in it");
    is_good(threads, "threads that were there before are under the filter, too");
    is_good(time_zone, "a time zone in a file is known, though it cannot be read");
    is_good(time_zone_of_machine, "that of the machine can be read");
    is_good(syslog_in_it, "syslog goes on, also when the logger is restarted");
    unlink(file);
    unlink(zone);
    ok(rmdir(dir) == 0, "nothing is left behind");
    return tap_done();
}
