/* daemon/common: what the main of each daemon begins with; see entry.h.
 * Called by the main.c of each daemon; touches what standard.c does. */
#include "entry.h"
#include "standard.h"

#include <netio/error.h>

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

int entry_begin(struct report *report, const char *name)
{
    int code = standard_begin();

    if (code < 0)
        fprintf(stderr, "%s: /dev/null: %s\n", name, netio_error_text(code));
    return code == 0 && report_open(report, name) == 0 ? EX_OK : EX_OSERR;
}

int entry_wrong(const char *name, const char *fault, const char *usage)
{
    if (*fault)
        fprintf(stderr, "%s: %s\n", name, fault);
    fputs(usage, stderr);
    return EX_USAGE;
}

int entry_printed(const struct report *report)
{
    int code = fflush(stdout) == 0 ? 0 : -errno;

    if (code == 0 && ferror(stdout)) /* earlier: what errno was then is gone */
        code = -EIO;
    return code == 0 ? EX_OK : report_output(report, code);
}
