/* Perl face.  The options of daemonize: names and values from Perl's stack, checked, in one
 * table. */
#ifndef XS_DAEMON_OPTIONS_H
#define XS_DAEMON_OPTIONS_H

#include "perlapi.h"

#include <netio/daemonize.h>

struct xs_daemon_options {
    struct netio_daemon_options options; /* for netio_daemonize; but for the user of its world */
    const char *user;                    /* "user" or "user:group"; NULL: not given */
    const char *log;                     /* as netio_log_open has it, absolute; NULL: not given */
    const char *name;                    /* for messages and the log; never NULL */
    AV *held;                            /* owns all that is pointed to */
};

/* Reads the items of the stack at ax from first on.  given->held is mortal: who keeps what was read
 * keeps a reference to it.  Throws a NetIO::Error that names the option.  May run Perl code.
 * Descriptors 0 to 2 that do not belong to STDIN, STDOUT and STDERR are kept without being
 * named. */
void xs_daemon_options_read(pTHX_ struct xs_daemon_options *given, I32 ax, I32 first, I32 items);

#endif
