/* netiod: what a pool is told when it is started: the command line of netiod-pool(8).
 *
 * Called by pool.c; reads the service and its configuration.
 */
#ifndef NETIOD_POOL_ARGUMENTS_H
#define NETIOD_POOL_ARGUMENTS_H

#include "service.h"

/* Of the sockets, in the pool; then come the pipe by which it is ready, and its rules, if there are
 * any. */
#define POOL_FIRST_FD          3
#define POOL_READY_FD(service) (POOL_FIRST_FD + (service)->fds_count)
#define POOL_RULES_FD(service) (POOL_READY_FD(service) + 1)

struct pool_arguments {
    char **list; /* NULL-ended */
    size_t count;
    int failed;
};

/* 0, or -ENOMEM and there is nothing to free. */
int pool_arguments_make(struct pool_arguments *arguments, const struct service *service);
void pool_arguments_free(struct pool_arguments *arguments);

#endif
