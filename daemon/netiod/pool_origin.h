/* netiod: the sockets that a pool was started with, so that it is known when there are others.
 *
 * Called by pool.c; looks at the service's sockets.
 */
#ifndef NETIOD_POOL_ORIGIN_H
#define NETIOD_POOL_ORIGIN_H

#include "service.h"

#include <sys/types.h>

struct pool_origin { /* zero: nothing yet */
    ino_t *sockets;
    size_t sockets_count;
};

/* As it is now.  0, or -ENOMEM and nothing has changed. */
int pool_origin_remember(struct pool_origin *origin, const struct service *service);
int pool_origin_is_other(const struct pool_origin *origin, const struct service *service);
void pool_origin_free(struct pool_origin *origin);

#endif
