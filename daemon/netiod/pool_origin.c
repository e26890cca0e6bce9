/* netiod: what a pool was started with; see pool_origin.h.
 * Called by pool.c. */
#include "pool_origin.h"
#include "inode.h"

#include <errno.h>
#include <stdlib.h>

static int has_socket(const struct pool_origin *origin, ino_t inode)
{
    for (size_t i = 0; i < origin->sockets_count; i++)
        if (origin->sockets[i] == inode)
            return 1;
    return 0;
}

int pool_origin_is_other(const struct pool_origin *origin, const struct service *service)
{
    if (origin->sockets_count != service->fds_count)
        return 1;
    for (size_t i = 0; i < service->fds_count; i++)
        if (!has_socket(origin, inode_of(service->fds[i])))
            return 1;
    return 0;
}

int pool_origin_remember(struct pool_origin *origin, const struct service *service)
{
    ino_t *sockets = realloc(origin->sockets, service->fds_count * sizeof *sockets);

    if (!sockets)
        return -ENOMEM;
    for (size_t i = 0; i < service->fds_count; i++)
        sockets[i] = inode_of(service->fds[i]);
    origin->sockets = sockets;
    origin->sockets_count = service->fds_count;
    return 0;
}

void pool_origin_free(struct pool_origin *origin)
{
    free(origin->sockets);
    *origin = (struct pool_origin){.sockets = NULL};
}
