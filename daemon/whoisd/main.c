/* whoisd: answers whois queries from a directory.
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
    int code = entry_begin(&report, "whoisd");

    if (code != EX_OK)
        return code;
    switch (options_parse(&options, argc, argv, fault)) {
    case OPTIONS_DONE:
        code = entry_printed(&report);
        break;
    case OPTIONS_WRONG:
        code = entry_wrong("whoisd", fault, options_usage);
        break;
    case OPTIONS_BROKEN:
        code = report_fail(&report, EX_CONFIG, "%s", fault);
        break;
    default:
        code = start(&options, &report);
        break;
    }
    options_free(&options);
    report_close(&report);
    return code;
}
