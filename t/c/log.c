/* Tests of netio/log.h. */
#include "tap.h"
#include <netio/log.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
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
    struct netio_log *log;
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
    ok(strlen(text) < 4300 && strchr(text, '\n') == text + strlen(text) - 1,
       "a giant message is one line of bounded length");
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
    test_stderr();
    test_errors();
    ok(rmdir(dir) == 0, "nothing is left behind");
    return tap_done();
}
