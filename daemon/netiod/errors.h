/* netiod: what programs say on standard error, in the log.
 *
 * One pipe for all programs of a service, made when the first of them is started.  Each line of
 * theirs is one of the log, behind the service's name.  Who says more than a log can bear loses
 * lines, which are counted, so that no disk is filled; only one that says more than netiod should
 * have to read is kept waiting.
 *
 * Called by launch.c and service.c.
 */
#ifndef NETIOD_ERRORS_H
#define NETIOD_ERRORS_H

#include "service.h"

/* The descriptor that becomes a program's standard error, the service's own; or -errno. */
int errors_open(struct service *service);
/* Logs what has been said so far, a last line without an end, too: one of them has ended. */
void errors_flush(struct service *service);
/* The same, and closes the pipe: programs that go on are not heard any more. */
void errors_close(struct service *service);

#endif
