/* whoisd: a privileged supervisor opens files for its user as that one.
 * Called by start.c and workers.c, for the log: its folder may be the user's, who could have the
 * name lead anywhere. */
#ifndef WHOISD_GUISE_H
#define WHOISD_GUISE_H

#include <netio/user.h>

/* act's code, or that of a change that failed.  Files are reached with the user's ids, groups and
 * no capability; user NULL: as who it is.  For a process with one thread. */
int guise_act(const struct netio_user *user, int (*act)(void *data), void *data);

#endif
