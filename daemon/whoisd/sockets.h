/* whoisd: the sockets that whoever started it has passed to it: inetd on descriptor 0, a service
 * manager from 3 on.
 *
 * Called by start.c, before netio_daemonize. */
#ifndef WHOISD_SOCKETS_H
#define WHOISD_SOCKETS_H

#include "common/standard.h"

#include <netio/activation.h>

struct sockets {
    enum standard_input input; /* LISTENING, CONNECTED: fd has count of them; also a manager's */
    int manager;               /* they come from a service manager */
    size_t count;
    int fd[NETIO_ACTIVATION_MAX]; /* close-on-exec, above 2 */
    char fault[160];              /* why none could be taken: empty, or a line for the user */
};

/* Takes those of a service manager, or what descriptor 0 is.  own: it is to listen on addresses of
 * its own, whatever descriptor 0 may be; with a manager's sockets that makes no sense.  When fault
 * says something, the exit code to end with. */
int sockets_take(struct sockets *sockets, int own);

#endif
