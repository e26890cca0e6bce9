/* whoisd: answers whois queries from a directory.
 * Parse, start. */
#include "options.h"
#include "start.h"

#include "common/standard.h"

#include <netio/error.h>

#include <stdio.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
    struct options options;
    struct report report;
    int code = standard_begin();

    if (code < 0) {
        fprintf(stderr, "whoisd: /dev/null: %s\n", netio_error_text(code));
        return EX_OSERR;
    }
    switch (options_parse(&options, argc, argv)) {
    case OPTIONS_DONE:
        return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
    case OPTIONS_WRONG:
        return EX_USAGE;
    default:
        break;
    }
    if (report_open(&report, "whoisd") != 0)
        return EX_OSERR;
    code = start(&options, &report);
    report_close(&report);
    return code;
}
