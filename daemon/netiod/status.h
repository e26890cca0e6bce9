/* netiod: what its services do, for who connects to --status: a line of text for each.
 *
 *      service=finger protocol=tcp kind=exec state=serving running=2 started=17 ended=15 failed=0
 *      connections=2 accepted=17 refused-access=3 ...
 *
 * all of it one line; netiod(8) says what the words mean.  Its socket is a copy of one of the
 * house's listeners, so that an upgrade loses nobody here either, and who asks while netiod ends is
 * still answered.  Called by start.c, house.c and run.c. */
#ifndef NETIOD_STATUS_H
#define NETIOD_STATUS_H

#include "house.h"

/* With a socket of the house's listeners, or several.  0 or a code with *error. */
int status_open(struct house *house, struct netio_error *error);
/* At a reload: with another socket, if the listeners have another by now; who is being told then
 * hears no more.  0, or a code with *error, and all is as before. */
int status_renew(struct house *house, struct netio_error *error);
void status_close(struct house *house);

#endif
