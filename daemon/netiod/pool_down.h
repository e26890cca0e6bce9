/* netiod: the clients of a pool that cannot be started.
 *
 * Called by pool.c; has the service's sockets from when a start has been in vain until the next one
 * begins, and lets all go who come, as a service of kind exec does without its program.  It never
 * has them together with a pool that may be ready at any moment: of a client only one of the two is
 * told (NETIO_EXCLUSIVE), and that may be the one that has just given up.
 *
 *      serves, or begins  --a start in vain: begin-->  down: clients are let go
 *      down    --a try: pause-->  clients wait for how it ends  --in vain: begin-->  down
 *                                                              --ready: end-->      serves
 */
#ifndef NETIOD_POOL_DOWN_H
#define NETIOD_POOL_DOWN_H

#include "service.h"

struct pool_down {
    struct netio_server *server;
    char why[128]; /* service->failing, while it is */
};

/* 0 or a code. */
int pool_down_open(struct pool_down *down, struct service *service);
/* why: what has become of the start; copied. */
void pool_down_begin(struct pool_down *down, struct service *service, const char *why);
void pool_down_pause(struct pool_down *down, const struct service *service);
void pool_down_ignore(struct pool_down *down, int fd); /* one socket less */
void pool_down_end(struct pool_down *down, struct service *service);
void pool_down_free(struct pool_down *down);

#endif
