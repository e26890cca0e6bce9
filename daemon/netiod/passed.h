/* netiod: sockets that a service manager has passed (sd_listen_fds(3)), and whose they are.
 *
 * A socket is of the service whose name it has in LISTEN_FDNAMES ("finger" or "finger.socket"),
 * which then listens there and nowhere else.  One without such a name is of the service that
 * listens on its address.  All others are an error: clients would wait there for nobody.
 *
 * A successor has the sockets from its predecessor (netio/upgrade.h), and their names by a
 * variable.
 *
 * Called by start.c, reload_sockets.c, upgrade.c and house.c; NULL, for none, is legal
 * everywhere. */
#ifndef NETIOD_PASSED_H
#define NETIOD_PASSED_H

#include "config.h"

#include <netio/listeners.h>

#define PASSED_VARIABLE "NETIOD_PASSED"

struct passed;

/* Takes them, before netio_daemonize, which is told to keep them: *passed is NULL when there are
 * none; it is to be freed on error, too.  0 or a code with *error. */
int passed_take(struct passed **passed, struct netio_error *error);
const int *passed_fds(const struct passed *passed, size_t *count);
void passed_free(struct passed *passed);
/* Gives them to the set, which has those of a predecessor already.  0 or a code with *error. */
int passed_give(struct passed *passed, struct netio_listeners *set, struct netio_error *error);
/* "NETIOD_PASSED=..." for a successor's environment, the caller's to free; NULL: none, or no
 * memory. */
char *passed_variable(const struct passed *passed);

/* ---- one configuration ---- */

/* A new look: nobody has any. */
void passed_begin(struct passed *passed);
/* The next socket that is this service's by its name, from *place = 0 on; -1: no more. */
int passed_named(struct passed *passed, const struct config_service *service, size_t *place);
/* The socket that has this listen address, alone or with others; -1: none. */
int passed_at(struct passed *passed, const char *listen);
/* 0 when every socket has its service; or NETIO_EBADOPTION, and fault says which one has not. */
int passed_check(const struct passed *passed, char *fault, size_t size);

#endif
