/* Ring 0, private.  What signals.c knows of its own process; proc/become.c alone calls this. */
#ifndef NETIO_BASE_SIGNALS_H
#define NETIO_BASE_SIGNALS_H

/* netio_signals_reset in a child that is about to execute a program, and whose parent ignores
 * nothing but what netio_signals_begin was told to: those signals and the mask, since handlers end
 * with exec.  All of them where that was never called.  It writes to no memory, which may be the
 * parent's. */
int netio__signals_reset_begun(void);

#endif
