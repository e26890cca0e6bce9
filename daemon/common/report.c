/* daemon/common: what a daemon has to say about itself; see report.h.
 * Called by daemons; writes to stderr or the log. */
#include "report.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

int report_open(struct report *report, const char *program)
{
    report->log = NULL;
    return netio_log_open(&report->screen, "stderr", program, NULL);
}

int report_log(struct report *report, const char *target, const char *program,
               struct netio_error *error)
{
    if (strcmp(target, "stderr") == 0) {
        netio_log_settle(report->screen);
        return 0;
    }
    return netio_log_open(&report->log, target, program, error);
}

void report_reopened(struct netio_log *log, const char *target, int code)
{
    if (code != 0)
        netio_log(log, LOG_ERR, "log %s: %s; the one before stays in use", target,
                  netio_error_text(code));
}

void report_close(struct report *report)
{
    netio_log_free(report->log);
    netio_log_free(report->screen);
    report->log = report->screen = NULL;
}

struct netio_log *report_to(const struct report *report)
{
    return report->log ? report->log : report->screen;
}

int report_fail(const struct report *report, int exit_code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    netio_vlog(report->screen, LOG_ERR, format, args);
    va_end(args);
    va_start(args, format);
    netio_vlog(report->log, LOG_ERR, format, args);
    va_end(args);
    return exit_code;
}

int report_output(const struct report *report, int code)
{
    return code == -EPIPE
               ? EX_IOERR
               : report_fail(report, EX_IOERR, "standard output: %s", netio_error_text(code));
}

static int exit_code_of(const struct netio_error *error)
{
    switch (error->code) {
    case NETIO_ENOUSER:
    case NETIO_ENOGROUP:
        return EX_NOUSER;
    case NETIO_ERUNNING:
    case NETIO_ESTARTING:
        return EX_UNAVAILABLE;
    case NETIO_EBADOPTION:
        return EX_USAGE;
    default:
        break;
    }
    switch (error->stage) {
    case NETIO_STAGE_PRIVILEGES:
        return EX_NOPERM;
    case NETIO_STAGE_PIDFILE:
        return EX_CANTCREAT;
    default:
        return EX_OSERR;
    }
}

int report_error(const struct report *report, const struct netio_error *error)
{
    char text[640];

    return report_fail(report, exit_code_of(error), "%s",
                       netio_error_str(error, text, sizeof text));
}
