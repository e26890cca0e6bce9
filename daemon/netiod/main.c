/* netiod: an inetd that can be trusted.
 * Parse, start. */
#include "options.h"
#include "start.h"

#include "common/standard.h"

#include <netio/error.h>

#include <stdio.h>
#include <sysexits.h>

static int wrong(const char *fault)
{
    if (*fault)
        fprintf(stderr, "netiod: %s\n", fault);
    fputs(options_usage, stderr);
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    char fault[OPTIONS_FAULT_MAX];
    struct options options;
    struct report report;
    int code = standard_begin();

    if (code < 0) {
        fprintf(stderr, "netiod: /dev/null: %s\n", netio_error_text(code));
        return EX_OSERR;
    }
    if (report_open(&report, "netiod") != 0)
        return EX_OSERR;
    switch (options_parse(&options, argc, argv, fault)) {
    case OPTIONS_DONE:
        code = fflush(stdout) == 0 ? EX_OK : EX_IOERR;
        break;
    case OPTIONS_WRONG:
        code = wrong(fault);
        break;
    case OPTIONS_BROKEN:
        code = report_fail(&report, EX_OSERR, "%s", fault);
        break;
    default:
        code = start(&options, &report);
        break;
    }
    options_free(&options);
    report_close(&report);
    return code;
}
