/* Tests of netio/log.h. */
#include "tap.h"
#include <netio/log.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>

static char dir[] = "/tmp/netio-log-XXXXXX";

/* What the file holds, in a static block. */
static const char *slurp(const char *path)
{
    static char text[20000];
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;

    if (file)
        fclose(file);
    text[n] = '\0';
    return text;
}

static const char *after_pid(const char *line)
{
    const char *colon = strstr(line, "]: ");

    return colon ? colon + 3 : line;
}

static void test_file(void)
{
    char path[64], moved[64];
    struct netio_error error = {0};
    struct netio_log *log, *other;
    struct stat st;

    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(moved, sizeof moved, "%s/log.1", dir);
    umask(022);
    is_int(netio_log_open(&log, path, "whoisd", &error), 0, "a file");
    ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640, "its mode is 0640");
    errno = EXDEV;
    netio_log(log, LOG_INFO, "%s", "one\ntwo\r\x1b[2J\x9b\x7f \"quoted\\\" \xe2\x80\xa8");
    is_int(errno, EXDEV, "errno survives");
    is_str(after_pid(slurp(path)),
           "one\\x0atwo\\x0d\\x1b[2J\\x9b\\x7f \"quoted\\\" \\xe2\\x80\\xa8\n",
           "D3 D4: one event is one line, escaped");
    ok(strstr(slurp(path), " whoisd["), "with program and pid");
    ok(rename(path, moved) == 0, "rotation moves it away");
    netio_log(log, LOG_INFO, "late");
    ok(strstr(slurp(moved), "late"), "it is still written");
    is_int(netio_log_reopen(log, &error), 0, "until reopened");
    netio_log(log, LOG_INFO, "fresh");
    is_str(after_pid(slurp(path)), "fresh\n", "then a new one is");
    is_int(netio_log_open(&other, path, "other", NULL), 0, "two may write to one file");
    netio_log(other, LOG_INFO, "second");
    netio_log(log, LOG_INFO, "third");
    netio_log_free(other);
    ok(strstr(slurp(path), "fresh\n") && strstr(slurp(path), "second\n") &&
           strstr(slurp(path), "third\n"),
       "each behind what is there");
    ok(unlink(path) == 0 && mkdir(path, 0700) == 0, "something else is in the way");
    is_int(netio_log_reopen(log, &error), -EISDIR, "reopen fails");
    char text[640];
    char want[128];
    snprintf(want, sizeof want, "option %s: Is a directory", path);
    is_str(netio_error_str(&error, text, sizeof text), want, "and says why");
    netio_log(log, LOG_INFO, "nowhere else");
    netio_log_free(log);
    rmdir(path);
    unlink(moved);
}

static void test_long(void)
{
    char path[64], big[9000];
    struct netio_log *log;

    snprintf(path, sizeof path, "%s/long", dir);
    memset(big, '\n', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    is_int(netio_log_open(&log, path, "t", NULL), 0, "a file");
    netio_log(log, LOG_INFO, "%s", big);
    const char *text = slurp(path);
    ok(strchr(text, '\n') == text + strlen(text) - 1, "a giant message is one line");
    ok(strlen(text) <= 4000 && strlen(text) > 3990, "of 4000 bytes at most: %zu", strlen(text));
    netio_log_free(log);
    unlink(path);
}

/* D25: a disk that is full in the middle of a line, and is not later on. */
static void test_full(void)
{
    char path[64];
    struct rlimit before, small;
    struct netio_log *log;

    snprintf(path, sizeof path, "%s/full", dir);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    is_int(netio_log_open(&log, path, "t", NULL), 0, "a file");
    small = before;
    small.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &small);
    netio_log(log, LOG_INFO, "%0200d", 0);
    netio_log(log, LOG_INFO, "gone");
    setrlimit(RLIMIT_FSIZE, &before);
    is_int(strlen(slurp(path)), 100, "D25: a full disk takes half a line");
    netio_log(log, LOG_INFO, "whole");
    netio_log(log, LOG_INFO, "again");
    const char *text = slurp(path), *line = text + 100;
    static const char *const want[] = {"lines lost before this one: 1\n", "whole\n", "again\n"};
    ok(*line == '\n' && !strstr(text, "gone"), "D25: the next one begins a line");
    for (int i = 0; i < 3; i++) {
        line = after_pid(line + 1);
        ok(strncmp(line, want[i], strlen(want[i])) == 0, "D25: and is whole: line %d", i);
        line = strchr(line, '\n');
    }
    netio_log_free(log);
    signal(SIGXFSZ, SIG_DFL);
    unlink(path);
}

static void test_fifo(void)
{
    char path[64], byte;
    struct netio_log *log;

    snprintf(path, sizeof path, "%s/fifo", dir);
    ok(mkfifo(path, 0600) == 0, "a FIFO");
    is_int(netio_log_open(&log, path, "t", NULL), -ENXIO, "that nobody reads is refused at once");
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    is_int(netio_log_open(&log, path, "t", NULL), 0, "with a reader it is a log");
    for (int i = 0; i < 100; i++)
        netio_log(log, LOG_INFO, "%03000d", i);
    pass("a reader that does not read keeps nobody waiting");
    long size = 0, lines = 0;
    for (; read(fd, &byte, 1) == 1; size++)
        lines += byte == '\n';
    ok(lines > 1 && byte == '\n' && size > lines * 3000, "and gets whole lines: %ld", lines);
    close(fd);
    signal(SIGPIPE, SIG_IGN);
    netio_log(log, LOG_INFO, "nobody");
    signal(SIGPIPE, SIG_DFL);
    netio_log_free(log);
    unlink(path);
}

static void test_stderr(void)
{
    char path[64];
    struct netio_log *log;
    int saved = dup(2);

    snprintf(path, sizeof path, "%s/stderr", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(fd, 2);
    is_int(netio_log_open(&log, "stderr", "whoisd", NULL), 0, "stderr");
    netio_log(log, LOG_ERR, "directory: %s", "gone");
    netio_log_free(log);
    netio_log(NULL, LOG_ERR, "no log takes everything");
    dup2(saved, 2);
    is_str(slurp(path), "whoisd: directory: gone\n", "program and message");
    close(fd);
    close(saved);
    unlink(path);
}

/* A logger of our own at /dev/log, where only this process and its children see it. */
static int logger(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    unlink(un.sun_path);
    return bind(fd, (struct sockaddr *)&un, sizeof un) == -1 ? -1 : fd;
}

/* Whether the logger's next line is "<PRI>Mmm dd hh:mm:ss t[PID]: " and then begins so. */
static int logged(int fd, const char *priority, const char *message)
{
    char line[5000] = "";

    if (recv(fd, line, sizeof line - 1, 0) == -1)
        return 0;
    return strncmp(line, priority, strlen(priority)) == 0 &&
           strncmp(after_pid(line), message, strlen(message)) == 0;
}

enum { SYSLOG_GOOD, SYSLOG_SHUT, SYSLOG_MISSING, SYSLOG_FULL, SYSLOG_AGAIN, SYSLOG_UNABLE };

/* In a child: logs to a logger that comes, is stuck, and is restarted.  What went wrong. */
static int use_syslog(void)
{
    struct netio_log *log;
    char byte;

    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("none", "/dev", "tmpfs", 0, NULL) == -1)
        return SYSLOG_UNABLE;
    if (netio_log_open(&log, "syslog", "t", NULL) < 0)
        return SYSLOG_SHUT;
    netio_log(log, LOG_INFO, "dropped");
    int fd = logger();
    netio_log(log, LOG_ERR, "one\ntwo");
    if (!logged(fd, "<28>", "lines lost before this one: 1") ||
        !logged(fd, "<27>", "one\\x0atwo"))
        return SYSLOG_MISSING;
    for (int i = 0; i < 2000; i++)
        netio_log(log, LOG_INFO, "%01000d", i);
    if (recv(fd, &byte, 1, 0) != 1)
        return SYSLOG_FULL;
    close(fd);
    fd = logger();
    netio_log(log, LOG_INFO, "again");
    int again =
        logged(fd, "<28>", "lines lost before this one: 1") && logged(fd, "<30>", "again");
    netio_log_free(log);
    return again ? SYSLOG_GOOD : SYSLOG_AGAIN;
}

static void test_syslog(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(use_syslog());
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SYSLOG_UNABLE)
        skip(1, "no mount namespaces here");
    else
        is_int(status, SYSLOG_GOOD << 8, "syslog: missing, there, stuck, and another one");
}

/* Reads what waits in a pipe: counts the lines of 500 blanks and digits, adds up what others say is
 * missing.  The number of all others. */
static int take_lines(int fd, long *kept, long *lost)
{
    char text[20000], *line = text;
    ssize_t n = read(fd, text, sizeof text - 1);
    int others = 0;

    text[n > 0 ? n : 0] = '\0';
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        long number;
        if (end - line == 503 && strncmp(line, "t:  ", 4) == 0)
            ++*kept;
        else if (sscanf(line, "t: lines lost before this one: %ld", &number) == 1)
            *lost += number;
        else
            others++;
    }
    return others + (*line != '\0');
}

/* A supervisor that has stopped reading: the daemon goes on without its log. */
static void test_stuck_reader(void)
{
    struct netio_log *log;
    char path[64];
    int pair[2], saved = dup(2);

    ok(pipe2(pair, O_CLOEXEC) == 0 && fcntl(pair[1], F_SETPIPE_SZ, 8192) == 8192, "a small pipe");
    snprintf(path, sizeof path, "%s/stderr", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(fd, 2);
    close(fd);
    unlink(path);
    is_int(netio_log_open(&log, "stderr", "t", NULL), 0, "stderr is a file");
    dup2(pair[1], 2); /* and a pipe now: whoever has the process may do that */
    for (int i = 0; i < 1000; i++)
        netio_log(log, LOG_INFO, "%500d", i);
    pass("nobody reads, and a thousand lines do not block");
    long kept = 0, lost = 0;
    is_int(take_lines(pair[0], &kept, &lost), 0, "no line is cut");
    netio_log(log, LOG_INFO, "%500d", 0);
    netio_log(log, LOG_INFO, "again");
    is_int(take_lines(pair[0], &kept, &lost), 1, "one of another kind");
    is_int(kept + lost, 1001, "then it says how many are missing");
    ok(kept > 5 && lost > 900, "which are most: %ld", lost);
    netio_log_free(log);
    dup2(saved, 2);
    close(saved);
    close(pair[0]);
    close(pair[1]);
}

static void test_errors(void)
{
    struct netio_log *log;
    struct netio_error error;
    char text[640];

    is_int(netio_log_open(&log, "sislog", "t", &error), NETIO_EBADOPTION, "no such target");
    ok(log == NULL, "leaves none");
    is_str(netio_error_str(&error, text, sizeof text), "option sislog: not a valid option",
           "and says which");
    is_int(netio_log_open(&log, "/nonexistent/log", "t", &error), -ENOENT, "no such folder");
    is_str(netio_error_str(&error, text, sizeof text),
           "option /nonexistent/log: No such file or directory", "and says which");
    is_int(netio_log_open(&log, "syslog", "t", &error), 0, "syslog, with or without /dev/log");
    netio_log_reopen(log, NULL);
    netio_log_free(log);
    netio_log_free(NULL);
}

int main(void)
{
    if (!mkdtemp(dir))
        return fail("a temporary folder");
    test_file();
    test_long();
    test_full();
    test_fifo();
    test_stderr();
    test_stuck_reader();
    test_syslog();
    test_errors();
    ok(rmdir(dir) == 0, "nothing is left behind");
    return tap_done();
}
