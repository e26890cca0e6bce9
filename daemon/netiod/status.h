/* netiod: what its services do, for who connects to --status: a line of text for each.
 *
 *      service=finger protocol=tcp kind=exec state=serving running=2 connections=2 accepted=17
 *      ended=15 failed=0 refused-access=3 ... uptime=3600.0
 *
 * Its socket is one of the house's listeners, so that an upgrade loses nobody here either. Called
 * by start.c and house.c. */
#ifndef NETIOD_STATUS_H
#define NETIOD_STATUS_H

#include "house.h"

/* With a socket of the house's listeners, or several.  0 or a code with *error. */
int status_open(struct house *house, struct netio_error *error);
void status_close(struct house *house);

#endif
