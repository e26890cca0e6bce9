/* Every call of a parcel into the system fails in turn; see t/c/fault.h. */
#include "fault.h"

#include <netio/fd.h>
#include <netio/parcel.h>

/* 0 or a code; more than one message. */
static int seal(const int *fds, int *sealed)
{
    struct netio_parcel *parcel;
    int code = netio_parcel_new(&parcel);

    if (code)
        return code;
    for (int i = 0; i < 450 && !code; i++)
        code = netio_parcel_add(parcel, fds[i % 2], "item %d", i);
    *sealed = code ? code : netio_parcel_seal(parcel);
    netio_parcel_free(parcel);
    return *sealed < 0 ? *sealed : 0;
}

static int whole(void)
{
    struct netio_parcel *parcel;
    const char *text;
    int fds[2] = {-1, -1}, sealed = -1, count = 0, fd;

    fault_off();
    (void)!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    fault_on();
    int code = seal(fds, &sealed);
    if (!code)
        code = netio_parcel_open_take(&parcel, sealed);
    if (!code) {
        while (count < 449 && netio_parcel_next(parcel, &text, &fd)) {
            netio_fd_close(fd);
            count++;
        }
        netio_parcel_free(parcel);
    }
    fault_off();
    netio_fd_close(fds[0]);
    netio_fd_close(fds[1]);
    fault_on();
    return code > 0 || (!code && count != 449);
}

int main(void)
{
    fault_walk("a parcel", whole);
    return tap_done();
}
