/* csrc/cmd/common: opening a connection; see opening.h. */
#include "opening.h"
#include "report.h"

#include <errno.h>

static int finish(struct netio_open *machine, struct netio_error *error)
{
    struct netio_want want;
    int code;

    while ((code = netio_open_step(machine, error)) == -EAGAIN) {
        netio_open_want(machine, &want);
        int waited = netio_want_poll(&want);
        if (waited != 0 && waited != -EINTR)
            return netio_error_set(error, NETIO_STAGE_CONNECT, waited, NULL, NULL);
    }
    return code;
}

/* Of a peer that has reset the connection already, the socket does not know the address any
 * more.  Attempts with another code are those that failed, or were too slow. */
static void find_peer(int fd, const struct netio_attempt *attempts, size_t count,
                      struct netio_addr *peer)
{
    if (netio_addr_peer(peer, fd) == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (attempts[i].code == 0)
            *peer = attempts[i].address;
}

int opening_finish(struct netio_open *machine, const char *label, int *fd, struct netio_addr *peer)
{
    const struct netio_attempt *attempts = NULL;
    struct netio_error error = {0};
    int status = GO_ON;

    *fd = finish(machine, &error);
    size_t count = netio_open_attempts(machine, &attempts);
    if (*fd < 0)
        status = report_error(label, &error, attempts, count);
    else
        find_peer(*fd, attempts, count, peer);
    netio_open_free(machine);
    return status;
}
