/* netio-daemon: a program as a daemon: started, watched, started again, stopped.
 *
 * Called by netio-daemon.c; owns the process's signals, its loop and the daemon.  It keeps the
 * rights that it was started with: it needs them to start the program again as its user, to signal
 * it, to open the log again and to remove the pid file.  The program has none of them.
 */
#ifndef NETIO_DAEMON_SUPERVISOR_H
#define NETIO_DAEMON_SUPERVISOR_H

#include "plan.h"

/* Returns how to exit: in the starter, too, who is told by then how it went. */
int supervisor_run(const struct plan *plan);

#endif
