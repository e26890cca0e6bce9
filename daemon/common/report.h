/* daemon/common: what a daemon has to say about itself.
 *
 * Called by the main.c of each daemon and what it calls.  Until the log is open, and whenever a
 * start fails, somebody may be looking at stderr; later there is only the log.
 */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include <netio/log.h>

struct report {
    struct netio_log *screen; /* stderr */
    struct netio_log *log;    /* NULL until report_log, or when it is stderr too */
};

/* 0 or a negative code (no memory). */
int report_open(struct report *report, const char *program);
/* Opens the log; target as netio_log_open has it.  0, or a code with *error. */
int report_log(struct report *report, const char *target, const char *program,
               struct netio_error *error);
void report_close(struct report *report);
/* What netio_log_reopen has returned for that log: if it is an error the log says so. */
void report_reopened(struct netio_log *log, const char *target, int code);
/* The log to write to from now on: report->log, or the screen. */
struct netio_log *report_to(const struct report *report);
/* Says why the daemon ends, on stderr and in the log, and returns exit_code. */
int report_fail(const struct report *report, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What a program that prints has come to: says why standard output took no more, unless the
 * reader has seen enough (-EPIPE, "| head").  Returns EX_IOERR. */
int report_output(const struct report *report, int code);
/* report_fail of what a call of the library said; the exit code is the one for such an error. */
int report_error(const struct report *report, const struct netio_error *error);

#endif
