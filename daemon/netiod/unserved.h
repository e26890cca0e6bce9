/* netiod: why a client is not served, in the log.
 *
 * Called by exec.c and pool_down.c: their on_spawn has it written why there is no program for a
 * client; on_refused, which comes at once or not at all, logs it.  A stranger may come as often as
 * he likes, so that only the engine knows what is to be logged.
 */
#ifndef NETIOD_UNSERVED_H
#define NETIOD_UNSERVED_H

#include "launch.h"

/* Where it is to be written for that peer: LAUNCH_FAULT bytes, for launch.fault. */
char *unserved_why(const struct netio_addr *peer);
/* As on_refused; the server's data is the service. */
void unserved_log(struct netio_server *server, const struct netio_addr *peer,
                  enum netio_refused why, unsigned long count);

#endif
