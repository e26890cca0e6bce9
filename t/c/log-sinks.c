/* Tests of netio/log.h: stderr that is journald's, a file handed from a supervisor to its workers,
 * and places that do not take what is written.  The lines themselves: log.c. */
#include "descriptors.h"
#include "tap.h"

#include <netio/fd.h>
#include <netio/log.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>

static char dir[] = "/tmp/netio-log-XXXXXX";
static char path[64], moved[64];

enum { GOOD, UNABLE = 99 };

/* What waits in a descriptor, or is in a file, in a static block. */
static const char *read_all(int fd)
{
    static char text[20000];
    size_t size = 0;
    ssize_t n;

    while (size < sizeof text - 1 && (n = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)n;
    text[size] = '\0';
    return text;
}

static const char *slurp(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    const char *text = read_all(fd);

    netio_fd_close(fd);
    return text;
}

/* How often the word is in the text. */
static int count(const char *text, const char *word)
{
    int n = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* ---- journald ---- */

static int journal[2], saved; /* its end and ours; the real stderr */

/* stderr becomes a stream to "journald". */
static void begin_journal(void)
{
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, journal);
    netio_fd_nonblock(journal[0], 1);
    saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
    dup2(journal[1], 2);
}

static void end_journal(void)
{
    dup2(saved, 2);
    close(saved);
    close(journal[0]);
    close(journal[1]);
    unsetenv("JOURNAL_STREAM");
}

/* format has two %ju: what the device and inode of the stream are written with. */
static void name_journal(const char *format, uintmax_t add)
{
    struct stat st;
    char text[100];

    fstat(2, &st);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + add);
#pragma GCC diagnostic pop
    setenv("JOURNAL_STREAM", text, 1);
}

static void test_journal(void)
{
    static const struct {
        const char *format;
        uintmax_t add;
        const char *want;
    } table[] = {
        {"%ju:%ju", 0, "<6>t: line\n"},  {"%ju:%ju", 1, "t: line\n"}, {"1%ju:%ju", 0, "t: line\n"},
        {"%2$ju:%1$ju", 0, "t: line\n"}, {"", 0, "t: line\n"},        {"%ju", 0, "t: line\n"},
        {"%ju:", 0, "t: line\n"},        {":%ju", 0, "t: line\n"},    {"x%ju:%ju", 0, "t: line\n"},
        {"0:0", 0, "t: line\n"},         {"-1:-1", 0, "t: line\n"},
    };
    struct netio_log *log;

    begin_journal();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        name_journal(table[i].format, table[i].add);
        netio_log_open(&log, "stderr", "t", NULL);
        netio_log(log, LOG_INFO, "line");
        netio_log_free(log);
        is_str(read_all(journal[0]), table[i].want, "JOURNAL_STREAM %s", table[i].format);
    }
    name_journal("%ju:%ju", 0);
    netio_log_open(&log, "stderr", "t", NULL);
    for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
        netio_log(log, LOG_DAEMON | level, "a\nb");
    is_str(read_all(journal[0]),
           "<0>t: a\\x0ab\n<1>t: a\\x0ab\n<2>t: a\\x0ab\n<3>t: a\\x0ab\n<4>t: a\\x0ab\n"
           "<5>t: a\\x0ab\n<6>t: a\\x0ab\n<7>t: a\\x0ab\n",
           "a level a line, and no other, whatever is in the line");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(fd, 2);
    close(fd);
    netio_log(log, LOG_INFO, "elsewhere");
    is_str(slurp(path), "t: elsewhere\n", "none where stderr is another by now");
    unlink(path);
    netio_log_free(log);
    end_journal();
}

static void test_settled(void)
{
    struct netio_log *log;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    begin_journal();
    name_journal("%ju:%ju", 0);
    netio_log_open(&log, "stderr", "t", NULL);
    dup2(fd, 2);
    netio_log_settle(log);
    dup2(journal[1], 2);
    netio_log_text(log, LOG_INFO, "100%\n%s");
    is_str(read_all(journal[0]), "t: 100%\\x0a%s\n", "settled: as it was then");
    netio_log_free(log);
    netio_log_settle(NULL);
    netio_log_text(NULL, LOG_INFO, "");
    end_journal();
    close(fd);
}

/* It stops reading, and then it ends: no wait, and no SIGPIPE, which would end this program. */
static void test_journal_stuck(void)
{
    struct netio_log *log;

    begin_journal();
    name_journal("%ju:%ju", 0);
    netio_log_open(&log, "stderr", "t", NULL);
    for (int i = 0; i < 3000; i++)
        netio_log(log, LOG_INFO, "%0900d", i);
    pass("a journald that is stuck keeps nobody waiting");
    while (*read_all(journal[0]))
        ;
    netio_log(log, LOG_INFO, "again");
    const char *text = read_all(journal[0]);
    ok(count(text, "<4>t: lines lost before this one: ") == 1 && count(text, "<6>t: again\n") == 1,
       "then it is told how many are missing");
    close(journal[0]);
    netio_log(log, LOG_INFO, "nobody");
    pass("one that has ended does not end the program");
    netio_log_free(log);
    end_journal();
}

/* ---- the time ---- */

static void test_zones(void)
{
    static const char *const table[][2] = {
        {"UTC0", "+0000 t["},     {"AAA-5:30", "+0530 t["}, {"BBB3:30", "-0330 t["},
        {"CCC12:45", "-1245 t["}, {"DDD-14", "+1400 t["},   {"EEE0:15", "-0015 t["},
    };
    struct netio_log *log;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        setenv("TZ", table[i][0], 1);
        tzset();
        netio_log_open(&log, path, "t", NULL);
        netio_log(log, LOG_INFO, "line");
        netio_log_free(log);
        const char *text = slurp(path);
        ok(count(text, table[i][1]) == 1 && text[4] == '-' && text[10] == 'T' && text[16] == ':',
           "a time in zone %s", table[i][0]);
        unlink(path);
    }
    unsetenv("TZ");
    tzset();
}

/* ---- hand-over ---- */

static int is_closed(int fd)
{
    return fcntl(fd, F_GETFD) == -1 && errno == EBADF;
}

static void test_take(void)
{
    static const struct {
        int flags, code;
        const char *name;
    } table[] = {
        {O_RDONLY, -EBADF, "that is to read"},
        {O_RDONLY | O_APPEND, -EBADF, "that is to read, though it says append"},
        {O_WRONLY, -EBADF, "that is not to append"},
        {O_PATH, -EBADF, "that is a name"},
    };
    struct netio_log *log, *other;

    is_int(netio_log_fd(NULL), -1, "no log has no descriptor");
    netio_log_open(&log, path, "t", NULL);
    ok(netio_log_fd(log) > 2, "a file has one");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int before = netio_log_fd(log), fd = open(path, table[i].flags | O_CLOEXEC);
        is_int(netio_log_replace_take(log, fd), table[i].code, "one %s", table[i].name);
        ok(is_closed(fd) && netio_log_fd(log) == before, "is closed, and not taken");
    }
    is_int(netio_log_replace_take(log, -1), -EBADF, "none at all");
    int fd = open(moved, O_WRONLY | O_APPEND | O_CREAT, 0600); /* not close-on-exec */
    int before = netio_log_fd(log);
    is_int(netio_log_replace_take(log, fd), 0, "one to append is taken");
    ok(is_closed(before) && netio_log_fd(log) == fd, "for the one before, which is closed");
    is_int(fcntl(fd, F_GETFD), FD_CLOEXEC, "and is close-on-exec");
    netio_log(log, LOG_INFO, "in the new");
    ok(count(slurp(moved), "]: in the new\n") == 1 && *slurp(path) == '\0', "it is written");
    netio_log_open(&other, "stderr", "t", NULL);
    is_int(netio_log_fd(other), 2, "stderr has one");
    is_int(netio_log_replace_take(other, dup(fd)), -EINVAL, "and takes none");
    netio_log_free(other);
    is_int(netio_log_replace_take(NULL, dup(fd)), -EINVAL, "nor does no log");
    netio_log_free(log);
    ok(is_closed(fd), "what was taken is closed with the log");
    unlink(path);
    unlink(moved);
}

static int send_descriptor(int socket, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
    } control = {.bytes = ""};
    struct iovec part = {"x", 1};
    struct msghdr message = {NULL, 0, &part, 1, &control, sizeof control, 0};

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {NULL, 0, &part, 1, control, sizeof control, 0};
    int fd;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
        return -1;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* A worker without privileges: it can open nothing, and goes on in what it is given. */
static int work(struct netio_log *log, int socket)
{
    if (setgroups(0, NULL) == -1 || setgid(65534) == -1 || setuid(65534) == -1)
        return UNABLE;
    netio_log(log, LOG_INFO, "worker: before");
    int fd = receive_descriptor(socket);
    if (netio_log_reopen(log, NULL) != -EACCES)
        return 1;
    netio_log(log, LOG_INFO, "worker: still before");
    if (fd == -1 || netio_log_replace_take(log, fd) != 0)
        return 2;
    netio_log(log, LOG_INFO, "worker: after");
    return GOOD;
}

static void test_workers(void)
{
    struct netio_log *log;
    int pair[2], status;

    netio_log_open(&log, path, "t", NULL);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    pid_t pid = fork();
    if (pid == 0)
        _exit(work(log, pair[1]));
    ok(rename(path, moved) == 0 && netio_log_reopen(log, NULL) == 0, "a supervisor's file rotates");
    ok(send_descriptor(pair[0], netio_log_fd(log)) == 0, "and is handed to its worker");
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == UNABLE) {
        skip(3, "a worker of another user needs root");
    } else {
        is_int(status, 0, "which may not open it by itself");
        is_int(count(slurp(moved), "]: worker: "), 2, "and had written to the old one");
        is_int(count(slurp(path), "]: worker: after\n"), 1, "and now writes to the new one");
    }
    netio_log_free(log);
    close(pair[0]);
    close(pair[1]);
    unlink(path);
    unlink(moved);
}

/* ---- places that do not take it; each in a process of its own ---- */

static int as_nobody(void)
{
    struct netio_error error;
    struct netio_log *log;
    char text[640], want[128];

    if (setgroups(0, NULL) == -1 || setgid(65534) == -1 || setuid(65534) == -1)
        return UNABLE;
    snprintf(want, sizeof want, "option %s: Permission denied", path);
    if (netio_log_open(&log, path, "t", &error) != -EACCES || log)
        return 1;
    return strcmp(netio_error_str(&error, text, sizeof text), want) == 0 ? GOOD : 2;
}

/* A mount of its own over the folder of the tests. */
static int mount_small(void)
{
    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1)
        return -1;
    return mount("none", dir, "tmpfs", 0, "size=8k");
}

static int on_read_only(void)
{
    struct netio_log *log, *other;

    if (mount_small() == -1)
        return UNABLE;
    if (netio_log_open(&log, path, "t", NULL) < 0 || unlink(path) == -1)
        return 1;
    /* With a file that is open to write it cannot be read-only; another mount of it can. */
    if (mount(dir, dir, "none", MS_BIND, NULL) == -1 ||
        mount(dir, dir, "none", MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == -1)
        return UNABLE;
    if (netio_log_open(&other, path, "t", NULL) != -EROFS || netio_log_reopen(log, NULL) != -EROFS)
        return 2;
    int fd = netio_log_fd(log);
    netio_log(log, LOG_INFO, "goes on");
    struct stat st;
    int grown = fstat(fd, &st) == 0 && st.st_size > 0;
    netio_log_free(log);
    return grown ? GOOD : 3;
}

/* A disk that is full, not a limit: what is there stays whole, what fits again is written. */
static int on_full_disk(void)
{
    struct netio_log *log;
    const char *text;

    if (mount_small() == -1)
        return UNABLE;
    if (netio_log_open(&log, path, "t", NULL) < 0)
        return 1;
    for (int i = 0; i < 100; i++)
        netio_log(log, LOG_INFO, "%0900d", i);
    if (truncate(path, 0) == -1)
        return 2;
    netio_log(log, LOG_INFO, "room again");
    netio_log_free(log);
    text = slurp(path);
    return count(text, "]: lines lost before this one: ") == 1 &&
                   count(text, "]: room again\n") == 1
               ? GOOD
               : 3;
}

/* valgrind, which keeps descriptors for itself, keeps limits from us. */
static int without_descriptors(void)
{
    struct rlimit none = {0, 0};
    struct netio_log *log, *other;
    struct stat st;

    if (netio_log_open(&log, path, "t", NULL) < 0)
        return 1;
    int limited = setrlimit(RLIMIT_NOFILE, &none) == 0;
    int again = netio_log_reopen(log, NULL), more = netio_log_open(&other, path, "t", NULL);
    netio_log(log, LOG_INFO, "goes on");
    int grown = fstat(netio_log_fd(log), &st) == 0 && st.st_size > 0;
    netio_log_free(other);
    netio_log_free(log);
    if (!limited)
        return UNABLE;
    return again == -EMFILE && more == -EMFILE && grown ? GOOD : 2;
}

/* A root without a time zone: the one from before is used on. */
static int behind_chroot(void)
{
    struct netio_log *log;

    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("none", "/etc", "tmpfs", 0, NULL) == -1)
        return UNABLE;
    /* tzfile(5): one zone, nine hours east. */
    static const char bytes[54] = {
        [0] = 'T',         'Z',        'i', 'f', [39] = 1, [43] = 4, [46] = 0x7e,
        [47] = (char)0x90, [50] = 'J', 'S', 'T'};
    int fd = open("/etc/localtime", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    unsetenv("TZ");
    if (write(fd, bytes, sizeof bytes) != sizeof bytes)
        return UNABLE;
    tzset();
    if (netio_log_open(&log, path, "t", NULL) < 0)
        return 1;
    int there = open(path, O_RDONLY | O_CLOEXEC);
    if (chroot(dir) == -1)
        return UNABLE;
    netio_log(log, LOG_INFO, "line");
    netio_log_free(log);
    return count(read_all(there), "+0900 t[") == 1 ? GOOD : 2;
}

static void is_good(int (*run)(void), const char *name)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(run());
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == UNABLE)
        skip(1, "%s: cannot be had here", name);
    else
        is_int(status, GOOD, "%s", name);
    unlink(path);
}

int main(void)
{
    if (!mkdtemp(dir))
        return fail("a temporary folder");
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(moved, sizeof moved, "%s/log.1", dir);
    int before = open_descriptors();
    test_journal();
    test_settled();
    test_journal_stuck();
    test_zones();
    test_take();
    test_workers();
    is_good(as_nobody, "a folder that is not ours is an error that names the file");
    is_good(on_read_only, "a read-only file system, too; a log that is open goes on");
    is_good(on_full_disk, "a full disk, and room again");
    is_good(behind_chroot, "a root without a time zone");
    is_good(without_descriptors, "no descriptor to be had: a log that is open goes on");
    is_int(open_descriptors(), before, "no descriptor is left");
    ok(rmdir(dir) == 0, "nothing is left behind");
    return tap_done();
}
