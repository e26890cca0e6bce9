/* netio-daemon: what can be done to a daemon that runs, by its pid file.  Called by netio-daemon.c;
 * print what there is to say, and return how to exit. */
#ifndef NETIO_DAEMON_CONTROL_H
#define NETIO_DAEMON_CONTROL_H

#include "plan.h"

int control_stop(const struct plan *plan);
int control_reload(const struct plan *plan);
int control_reopen(const struct plan *plan);
int control_status(const struct plan *plan); /* exits as LSB has it: 0, 1, 3, 4 */

#endif
