/* Perl face.  What becomes of %SIG when a program becomes a daemon.
 *
 * netio_daemonize leaves handlers alone, of Perl code or C, and gives every other signal a new
 * disposition.  What the program ignores itself, and has not only inherited so, is ignored again.
 */
#ifndef XS_SIGNALS_H
#define XS_SIGNALS_H

#include "perlapi.h"

#include <signal.h>

struct xs_signals {
    struct sigaction before[NSIG];
};

/* Before netio_daemonize: remembers all.  Perl code never runs in the starter, which only waits:
 * INT, QUIT, TERM and HUP end it, though they have a handler. */
void xs_signals_before(struct xs_signals *signals);
/* Where nothing has become of it: all as before. */
void xs_signals_undo(const struct xs_signals *signals);
/* In the daemon: the program's own again, and %SIG says what is.  A signal that waits for its
 * handler since before the fork has it run here: the starter never runs one. */
void xs_signals_after(pTHX_ const struct xs_signals *signals);

#endif
