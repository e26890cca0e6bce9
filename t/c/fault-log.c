/* A25, A26: every call that netio/log.h makes fails: a log that cannot be had is none, one that is
 * there goes on, and says how many lines are missing. */
#include "fault.h"

#include <netio/fd.h>
#include <netio/log.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

static char dir[] = "/tmp/netio-log-XXXXXX";
static char path[64];

/* 0 when each of the lines is in the file, or is counted by one that is. */
static int is_complete(long lines)
{
    char text[4000];
    long known = 0, number;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);

    close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (char *line = text; (line = strstr(line, "]: ")); line++)
        known += sscanf(line, "]: lines lost before this one: %ld", &number) == 1 ? number : 1;
    return known == lines;
}

static int use_file(void)
{
    struct netio_error error = {0};
    struct netio_log *log;

    int code = netio_log_open(&log, path, "t", &error);
    if (code < 0)
        return log == NULL && error.code == code ? 0 : 1;
    netio_log(log, LOG_INFO, "one");
    code = netio_log_reopen(log, NULL);
    netio_log(log, LOG_INFO, "two");
    fault_off();
    int taken = netio_log_replace_take(log, open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
    netio_log(log, LOG_INFO, "three");
    netio_log_free(log);
    int complete = is_complete(3);
    unlink(path);
    fault_on();
    return taken == 0 && complete ? 0 : 2;
}

/* A pipe at a time, which somebody reads. */
static int use_fifo(void)
{
    struct netio_log *log;

    fault_off();
    mkfifo(path, 0600);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    fault_on();
    int code = netio_log_open(&log, path, "t", NULL);
    netio_log(log, LOG_INFO, "one");
    netio_log(log, LOG_INFO, "two");
    fault_off();
    netio_log(log, LOG_INFO, "three");
    char text[400];
    ssize_t n = code < 0 ? 0 : read(reader, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    netio_log_free(log);
    close(reader);
    unlink(path);
    fault_on();
    return code < 0 || strstr(text, "]: three\n") ? 0 : 1;
}

static int logger = -1;

/* One at /dev/log that only this process sees; where that cannot be had, there is none. */
static void begin_logger(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("none", "/dev", "tmpfs", 0, NULL) == -1)
        return;
    logger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(logger, (struct sockaddr *)&un, sizeof un) == -1)
        fail("a logger");
}

/* Of three lines, the last of which nothing happens to. */
static int use_syslog(void)
{
    struct netio_log *log;
    char line[400] = "";

    if (netio_log_open(&log, "syslog", "t", NULL) < 0)
        return log == NULL ? 0 : 1;
    netio_log(log, LOG_INFO, "one");
    netio_log(log, LOG_INFO, "two");
    fault_off();
    netio_log(log, LOG_INFO, "three");
    netio_log_free(log);
    while (recv(logger, line, sizeof line - 1, 0) > 0)
        ;
    fault_on();
    return logger == -1 || strstr(line, "]: three") ? 0 : 2;
}

int main(void)
{
    if (!mkdtemp(dir))
        return fail("a temporary folder");
    snprintf(path, sizeof path, "%s/log", dir);
    begin_logger();
    fault_walk("a file", use_file);
    fault_walk("a FIFO", use_fifo);
    fault_walk("syslog", use_syslog);
    ok(rmdir(dir) == 0, "nothing is left behind");
    return tap_done();
}
