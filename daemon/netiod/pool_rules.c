/* netiod: the rules of access of a pool; see pool_rules.h.
 * Called by pool.c; makes one descriptor. */
#include "pool_rules.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

int pool_rules_open(const struct config_service *config, int *fd)
{
    *fd = -1;
    if (!config->access)
        return 0;
    *fd = memfd_create("netiod-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd == -1)
        return -errno;
    int code = netio_access_write(config->access, *fd);
    if (code == 0 && fcntl(*fd, F_ADD_SEALS, SEALS) == -1)
        code = -errno;
    if (code) {
        netio_fd_close(*fd);
        *fd = -1;
    }
    return code;
}
