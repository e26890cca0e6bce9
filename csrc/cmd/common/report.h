/* csrc/cmd/common: what a program says on standard error, a line each time, and how it exits.
 * For the programs of csrc/cmd; each of them defines its program_name. */
#ifndef REPORT_H
#define REPORT_H

#include <netio/open.h>

extern const char program_name[];

#define GO_ON (-1) /* in place of an exit code: all is well so far */

/* text, fit to be printed; in a buffer that the next call takes again. */
const char *report_safe(const char *text);
/* "PROGRAM: ..."; EX_USAGE. */
__attribute__((format(printf, 1, 2))) int report_wrong(const char *format, ...);
/* What an option says, as a positive number of seconds; GO_ON or EX_USAGE. */
int report_seconds(const char *option, const char *text, double *seconds);
/* "PROGRAM: LABEL: error", or each address when several were tried; no LABEL when that is NULL.
 * How to exit: 75 for what may go better another time. */
int report_error(const char *label, const struct netio_error *error,
                 const struct netio_attempt *attempts, size_t count);
/* "PROGRAM: standard output: ..."; EX_IOERR.  Silent when nobody reads there any more: whoever
 * went away knows. */
int report_output(int code);

#endif
