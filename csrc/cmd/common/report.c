/* csrc/cmd/common: what a program says and how it exits; see report.h. */
#include "report.h"

#include <netio/buf.h>
#include <netio/text.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const char *report_safe(const char *text)
{
    static char out[300];

    netio_text_safe(text, strlen(text), out, sizeof out);
    return out;
}

int report_wrong(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EX_USAGE;
}

int report_seconds(const char *option, const char *text, double *seconds)
{
    char *end;

    *seconds = strtod(text, &end);
    if (end == text || *end || !isfinite(*seconds) || *seconds <= 0)
        return report_wrong("%s %s: not a number of seconds", option, report_safe(text));
    return GO_ON;
}

static int exit_code(const struct netio_error *error)
{
    switch (error->code) {
    case -ETIMEDOUT:
    case NETIO_ERESOLVER:
    case NETIO_ERESERVED:
        return EX_TEMPFAIL;
    case NETIO_EBADHOST:
    case NETIO_ENONAME:
    case NETIO_ENOADDRESS:
        return EX_NOHOST;
    case NETIO_EBADSERVICE:
        return EX_USAGE;
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE:
        return EX_OSERR;
    case NETIO_EPRIVILEGE:
        return EX_NOPERM;
    case -ECONNREFUSED: /* of a datagram it is learnt later */
        return EX_UNAVAILABLE;
    default:
        return error->stage == NETIO_STAGE_READ || error->stage == NETIO_STAGE_WRITE
                   ? EX_IOERR
                   : EX_UNAVAILABLE;
    }
}

/* In one write: lines of several programs do not mix. */
int report_error(const char *label, const struct netio_error *error,
                 const struct netio_attempt *attempts, size_t count)
{
    char text[640], address[NETIO_ADDR_STRLEN];
    struct netio_buf line = {0};

    netio_buf_addf(&line, "%s: %s%s", program_name, label ? label : "", label ? ": " : "");
    for (size_t i = 0; count > 1 && i < count; i++)
        netio_buf_addf(&line, "%s%s %s: %s", i ? "; " : "", netio_stage_str(attempts[i].stage),
                       netio_addr_str(&attempts[i].address, address, sizeof address),
                       netio_error_text(attempts[i].code));
    if (count <= 1)
        netio_buf_addf(&line, "%s", netio_error_str(error, text, sizeof text));
    netio_buf_addf(&line, "\n");
    fwrite(netio_buf_head(&line), 1, netio_buf_len(&line), stderr);
    netio_buf_free(&line);
    return exit_code(error);
}

int report_output(int code)
{
    if (code != -EPIPE)
        fprintf(stderr, "%s: standard output: %s\n", program_name, netio_error_text(code));
    return EX_IOERR;
}
