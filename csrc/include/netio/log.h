/* netio/log.h: log lines for programs (ring 0; the library itself never logs).
 *
 * A log is syslog (/dev/log, RFC 3164, sent without waiting: a daemon never
 * stands still for a stuck logger), stderr, or a file opened for appending.  One
 * call is one line, one write; control characters in it become \xHH.  What a full
 * disk has no room for is lost; if that cuts a line short, the next one still begins a line.
 *
 * A log that takes nothing at the moment (a pipe that nobody reads, a terminal that is held, a
 * logger that is stuck or not there) loses the line, too; the first line that goes out again
 * comes behind one that says how many are missing.  Where it is a pipe, whose reader may end, the
 * program ignores SIGPIPE.  Opening a FIFO without a reader is ENXIO.
 *
 * Where stderr is journald's, lines begin with "<n>", their level (sd-daemon(3)).  JOURNAL_STREAM
 * says so when the log is opened: before netio_daemonize, which makes a new environment.
 *
 * Fork: a child may go on using the log.  Signals: not async-signal-safe.
 */
#ifndef NETIO_LOG_H
#define NETIO_LOG_H

#include <netio/error.h>
#include <stdarg.h>

struct netio_log;

/* target: "syslog", "stderr", or a path that begins with "/" or "."; anything else
 * is NETIO_EBADOPTION.  ident: the program's name, copied.  Returns 0 and *log, or
 * a negative code with *error.  A missing /dev/log is no error: lines are dropped
 * until it appears.  A file is made with mode 0640. */
int netio_log_open(struct netio_log **log, const char *target, const char *ident,
                   struct netio_error *error);
/* Opens the file again by its name (after rotation); on failure the old one stays. */
int netio_log_reopen(struct netio_log *log, struct netio_error *error);
void netio_log_free(struct netio_log *log);
/* Its descriptor, to be kept where others are closed (it stays the log's), or handed to workers;
 * -1 when there is none at the moment. */
int netio_log_fd(const struct netio_log *log);
/* Has the log go on in fd, a file that whoever may opened again (netio_log_fd of its log): for
 * workers whose privileges do not reach it.  0; or, with fd closed and the log as it was, -EINVAL
 * for a log that is no file, -EBADF for a descriptor that is not to append. */
int netio_log_replace_take(struct netio_log *log, int fd);

/* priority: LOG_ERR, LOG_WARNING, LOG_INFO, ... of <syslog.h>.  Lines are cut at
 * 4000 bytes, their end and what stands before the message included.  A log that is
 * NULL drops them. */
void netio_log(struct netio_log *log, int priority, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void netio_vlog(struct netio_log *log, int priority, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* For programs that own their process: what descriptor 2 is will not change any more, and need not
 * be looked at for each line. */
void netio_log_settle(struct netio_log *log);
/* A line that is made already. */
void netio_log_text(struct netio_log *log, int priority, const char *text);

#endif
