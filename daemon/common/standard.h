/* daemon/common: what a daemon was given at birth: descriptors 0, 1 and 2, signals, limits.
 *
 * Called by the main.c of each daemon, before anything else.
 */
#ifndef DAEMON_STANDARD_H
#define DAEMON_STANDARD_H

#include <stddef.h>

/* What descriptor 0 is. */
enum standard_input {
    STANDARD_INPUT_OTHER,     /* a terminal, a file, /dev/null */
    STANDARD_INPUT_PIPE,
    STANDARD_INPUT_CONNECTED, /* a stream socket with a peer: inetd's "nowait" */
    STANDARD_INPUT_LISTENING, /* one that listens: inetd's "wait", socket activation */
    STANDARD_INPUT_GONE,      /* it had a peer, who has left already */
    STANDARD_INPUT_DATAGRAM
};

/* Opens those of 0, 1 and 2 that are closed on /dev/null, so that no file or socket of the
 * daemon's can become one of them; undoes what a parent may have done to signals (blocked or
 * ignored), except that SIGPIPE is ignored, and so are SIGHUP, SIGUSR1 and SIGUSR2, which are for a
 * daemon that runs and do not end one that starts; lets new files be read by owner and group only.
 * 0 or -errno; -ENODEV when /dev/null is not what it should be. */
int standard_begin(void);
enum standard_input standard_input_kind(void);
/* Lets the process open as many descriptors as it may, but not more than max.  How many. */
size_t standard_descriptors(size_t max);

#endif
