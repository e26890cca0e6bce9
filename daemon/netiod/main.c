/* netiod: an inetd that can be trusted.
 * Parse, start. */
#include "options.h"
#include "start.h"

#include "common/entry.h"

#include <sysexits.h>

int main(int argc, char **argv)
{
    char fault[OPTIONS_FAULT_MAX];
    struct options options;
    struct report report;
    int code = entry_begin(&report, "netiod");

    if (code != EX_OK)
        return code;
    switch (options_parse(&options, argc, argv, fault)) {
    case OPTIONS_DONE:
        code = entry_printed(&report);
        break;
    case OPTIONS_WRONG:
        code = entry_wrong("netiod", fault, options_usage);
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
