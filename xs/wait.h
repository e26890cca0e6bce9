/* Perl face.  Waiting for a descriptor without losing a Perl signal. */
#ifndef XS_WAIT_H
#define XS_WAIT_H

#include "perlapi.h"

#include <netio/fd.h>

/* Whether a signal waits for its %SIG handler; not where there is no Perl left to run it. */
bool xs_signal_waits(pTHX);

/* Waits as netio_fd_poll does (fd -1: for the deadline alone).  Returns the events that
 * are ready, -ETIMEDOUT, another -errno, or -EINTR when a signal waits for its %SIG
 * handler: the caller runs PERL_ASYNC_CHECK() where a die is safe, and waits again. */
int xs_wait(pTHX_ int fd, unsigned events, netio_deadline deadline);
/* Waits for what a machine wants, and runs the handlers of signals that came: whoever calls it
 * has the clean-up registered.  0 to step on, or -errno: there is no waiting, and to step on would
 * be to spin. */
int xs_wait_want(pTHX_ const struct netio_want *want);

#endif
