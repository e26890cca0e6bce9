/* Ring 0.  Log lines for programs; see netio/log.h.
 * Called by daemons only.  It touches the one descriptor it holds: stderr, a file, or a
 * datagram socket to /dev/log. */
#include <netio/fd.h>
#include <netio/log.h>
#include <netio/text.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4000 /* its end included: below PIPE_BUF, so whole in a pipe as well */

enum sink { SINK_SYSLOG, SINK_STDERR, SINK_FILE };

struct netio_log {
    enum sink sink;
    int fd;             /* SINK_SYSLOG: -1 while there is no /dev/log */
    char *path;         /* SINK_FILE only */
    int torn;           /* the last line was cut short, by a disk that is full: it has no end yet */
    unsigned long lost; /* lines that could not be written since the last that could */
    mode_t kind;        /* of file that fd is; 0 is not known.  A regular one takes every line */
    int journal;        /* SINK_STDERR: journald is at the other end */
    int settled;        /* what fd is does not change any more */
    dev_t journal_dev;  /* what fd is then; 0: journald is not there */
    ino_t journal_ino;
    time_t stamp_time; /* the second that stamp is about */
    char stamp[96];    /* as the sink has it; empty when there is none */
    char ident[64];
};

static int open_file(const char *path, struct netio_error *error)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

    if (fd == -1)
        return netio_error_set(error, NETIO_STAGE_OPTION, -errno, NULL, path);
    return fd;
}

static int connect_syslog(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd == -1)
        return -errno;
    if (connect(fd, (struct sockaddr *)&un, sizeof un) == -1) {
        int code = -errno;
        netio_fd_close(fd);
        return code;
    }
    return fd;
}

/* What it writes to.  What descriptor 2 is may change at any time, and a child may be given the
 * variable of journald and another stderr: so at each line, with stderr, unless it is settled. */
static void look(struct netio_log *log)
{
    struct stat st;

    log->kind = fstat(log->fd, &st) == 0 ? st.st_mode & S_IFMT : 0;
    log->journal = log->journal_ino != 0 && log->kind != 0 && st.st_dev == log->journal_dev &&
                   st.st_ino == log->journal_ino;
}

/* What descriptor 2 of a service is, says systemd.exec(5). */
static void read_journal_stream(struct netio_log *log)
{
    const char *text = getenv("JOURNAL_STREAM");
    uintmax_t dev, ino;

    if (text && sscanf(text, "%ju:%ju", &dev, &ino) == 2) {
        log->journal_dev = (dev_t)dev;
        log->journal_ino = (ino_t)ino;
    }
}

static int sink_of(const char *target)
{
    if (strcmp(target, "syslog") == 0)
        return SINK_SYSLOG;
    if (strcmp(target, "stderr") == 0)
        return SINK_STDERR;
    return target[0] == '/' || target[0] == '.' ? SINK_FILE : NETIO_EBADOPTION;
}

int netio_log_open(struct netio_log **log, const char *target, const char *ident,
                   struct netio_error *error)
{
    int sink = sink_of(target);

    *log = NULL;
    if (sink < 0)
        return netio_error_set(error, NETIO_STAGE_OPTION, sink, NULL, target);
    struct netio_log *made = calloc(1, sizeof *made);
    if (!made)
        return netio_error_set(error, NETIO_STAGE_OPTION, -ENOMEM, NULL, target);
    made->sink = (enum sink)sink;
    made->fd = STDERR_FILENO;
    snprintf(made->ident, sizeof made->ident, "%s", ident);
    if (sink == SINK_STDERR)
        read_journal_stream(made);
    if (sink == SINK_SYSLOG)
        made->fd = connect_syslog();
    if (sink == SINK_FILE) {
        made->path = strdup(target);
        made->fd = made->path ? open_file(target, error)
                              : netio_error_set(error, NETIO_STAGE_OPTION, -ENOMEM, NULL, target);
        if (made->fd < 0) {
            int code = made->fd;
            netio_log_free(made);
            return code;
        }
    }
    look(made);
    *log = made;
    return 0;
}

void netio_log_settle(struct netio_log *log)
{
    if (!log)
        return;
    look(log);
    log->settled = 1;
}

static void replace(struct netio_log *log, int fd)
{
    netio_fd_close(log->fd);
    log->fd = fd;
    look(log);
    log->torn = 0;
}

int netio_log_reopen(struct netio_log *log, struct netio_error *error)
{
    if (!log || log->sink != SINK_FILE)
        return 0;
    int fd = open_file(log->path, error);
    if (fd < 0)
        return fd;
    replace(log, fd);
    return 0;
}

int netio_log_fd(const struct netio_log *log)
{
    return log ? log->fd : -1;
}

int netio_log_replace_take(struct netio_log *log, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    int code = flags == -1 ? -errno : 0;

    if (code == 0 && (!log || log->sink != SINK_FILE))
        code = -EINVAL;
    /* Without O_APPEND, the lines of two processes would lie over each other. */
    if (code == 0 && (!(flags & O_APPEND) || (flags & O_ACCMODE) == O_RDONLY))
        code = -EBADF;
    if (code == 0)
        code = netio_fd_cloexec(fd, 1);
    if (code < 0)
        netio_fd_close(fd);
    else
        replace(log, fd);
    return code;
}

void netio_log_free(struct netio_log *log)
{
    if (!log)
        return;
    if (log->sink != SINK_STDERR)
        netio_fd_close(log->fd);
    free(log->path);
    free(log);
}

/* The time as the sink has it, made anew once a second. */
static const char *stamp_of(struct netio_log *log)
{
    static const char month[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm when;

    if (now == log->stamp_time)
        return log->stamp;
    log->stamp_time = now;
    log->stamp[0] = '\0';
    if (localtime_r(&now, &when) == NULL)
        return log->stamp;
    /* Not strftime(3), which reads the zone again: behind a chroot(2) there may be none. */
    long east = when.tm_gmtoff / 60, minutes = labs(east);
    if (log->sink == SINK_FILE)
        snprintf(log->stamp, sizeof log->stamp, "%04d-%02d-%02dT%02d:%02d:%02d%c%02ld%02ld ",
                 when.tm_year + 1900, when.tm_mon + 1, when.tm_mday, when.tm_hour, when.tm_min,
                 when.tm_sec, east < 0 ? '-' : '+', minutes / 60, minutes % 60);
    else
        snprintf(log->stamp, sizeof log->stamp, "%s %2d %02d:%02d:%02d ", month[when.tm_mon],
                 when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec);
    return log->stamp;
}

/* RFC 3164 section 4.1, as /dev/log takes it: <PRI>TIMESTAMP TAG[PID]: MESSAGE; journald takes a
 * level alone from stderr, and knows the rest. */
static size_t put_head(struct netio_log *log, int priority, char *out, size_t size)
{
    int n;

    if (log->sink == SINK_STDERR && log->journal)
        n = snprintf(out, size, "<%d>%s: ", LOG_PRI(priority), log->ident);
    else if (log->sink == SINK_STDERR)
        n = (int)(stpcpy(stpcpy(out, log->ident), ": ") - out); /* of 64 bytes at most */
    else if (log->sink == SINK_FILE)
        n = snprintf(out, size, "%s%s[%ld]: ", stamp_of(log), log->ident, (long)getpid());
    else
        n = snprintf(out, size, "<%d>%s%s[%ld]: ", LOG_DAEMON | priority, stamp_of(log), log->ident,
                     (long)getpid());
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

/* Bytes that are already printable stay as they are: a caller's own quotes and
 * backslashes (of netio_text_safe) are not escaped a second time. */
static size_t put_clean(const char *text, size_t n, char *out, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < n; i++) {
        if (length + 1 < size && text[i] >= 0x20 && text[i] <= 0x7e) {
            out[length++] = text[i];
            continue;
        }
        char piece[8];
        size_t len = netio_text_safe(text + i, 1, piece, sizeof piece);
        if (len >= size - length)
            break;
        memcpy(out + length, piece, len);
        length += len;
    }
    return length;
}

static int send_syslog(struct netio_log *log, const char *line, size_t len)
{
    for (int tries = 0; tries < 2; tries++) {
        if (log->fd < 0)
            log->fd = connect_syslog();
        if (log->fd < 0)
            return 0;
        ssize_t n = netio_fd_send(log->fd, line, len);
        if (n >= 0)
            return 1;
        if (n == -EAGAIN || n == -ENOBUFS || n == -EMSGSIZE)
            return 0;
        /* The logger was restarted: its socket is another one now. */
        netio_fd_close(log->fd);
        log->fd = -1;
    }
    return 0;
}

static ssize_t send_now(int fd, const char *line, size_t len)
{
    ssize_t n;

    do
        n = send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n;
}

/* A write that does not wait, to what is neither a regular file nor a socket and may be anybody's,
 * so that O_NONBLOCK is not ours to set.  A pipe with room has room for a line, which is below
 * PIPE_BUF.  Kernels before 6.4 cannot be told so of a pipe, nor any of a terminal: there poll(2)
 * is asked, and between the two another process could fill it. */
static ssize_t write_now(int fd, const char *line, size_t len)
{
    struct iovec part = {(char *)line, len};
    ssize_t n;

    do
        n = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
    while (n == -1 && errno == EINTR);
    if (n >= 0 || errno == EAGAIN)
        return n;
    /* poll(2) itself fails where RLIMIT_NOFILE is 0: then the write must tell. */
    return netio_fd_poll(fd, NETIO_WRITE, NETIO_NOW) == -ETIMEDOUT ? -1
                                                                   : netio_fd_write(fd, line, len);
}

/* stderr, or a file, that takes nothing now (a pipe nobody reads) does without the line: the
 * program goes on. */
static int write_line(struct netio_log *log, const char *line, size_t len)
{
    ssize_t n = S_ISREG(log->kind)    ? netio_fd_write(log->fd, line, len)
                : S_ISSOCK(log->kind) ? send_now(log->fd, line, len)
                                      : write_now(log->fd, line, len);

    if (n <= 0)
        return 0;
    log->torn = (size_t)n < len;
    return 1;
}

/* Whether it went out. */
static int send_line(struct netio_log *log, int priority, const char *text, size_t n)
{
    char line[LINE_MAX_BYTES];
    size_t len = 0;

    if (log->sink == SINK_STDERR && !log->settled)
        look(log);
    if (log->torn)
        line[len++] = '\n';
    len += put_head(log, priority, line + len, sizeof line - 1 - len);
    len += put_clean(text, n, line + len, sizeof line - 1 - len);
    if (log->sink == SINK_SYSLOG)
        return send_syslog(log, line, len);
    line[len++] = '\n';
    return write_line(log, line, len);
}

/* Says how many lines are missing here, if any and if that goes out. */
static int own_up(struct netio_log *log)
{
    char text[64];

    if (log->lost == 0)
        return 1;
    int n = snprintf(text, sizeof text, "lines lost before this one: %lu", log->lost);
    if (!send_line(log, LOG_WARNING, text, (size_t)n))
        return 0;
    log->lost = 0;
    return 1;
}

void netio_log_text(struct netio_log *log, int priority, const char *text)
{
    if (!log)
        return;
    int saved = errno;
    if (!own_up(log) || !send_line(log, priority, text, strlen(text)))
        log->lost++;
    errno = saved;
}

void netio_vlog(struct netio_log *log, int priority, const char *format, va_list args)
{
    char text[LINE_MAX_BYTES];
    int saved = errno;

    if (log && vsnprintf(text, sizeof text, format, args) >= 0)
        netio_log_text(log, priority, text);
    errno = saved;
}

void netio_log(struct netio_log *log, int priority, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    netio_vlog(log, priority, format, args);
    va_end(args);
}
