/* netio-daemon: what a signal would do to a program.  Called by supervisor.c; reads /proc. */
#ifndef NETIO_DAEMON_DISPOSITION_H
#define NETIO_DAEMON_DISPOSITION_H

#include <sys/types.h>

/* Whether process pid catches, ignores or blocks (as for signalfd(2)) the signal, which would end
 * it otherwise.  1 as well where /proc does not say.  For one that blocks it, this takes 20 ms.
 * pid: of a child that is not reaped. */
int disposition_survives(pid_t pid, int signal);

#endif
