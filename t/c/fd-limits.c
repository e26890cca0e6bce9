/* Tests of netio/fd.h that use up all descriptors. */
#include "birth.h"
#include <netio/fd.h>

#include <sys/resource.h>

/* A table that is full has no room for the one that it would try the call on. */
static int full_table(void)
{
    struct rlimit limit = {1000, 1000};

    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (dup(0) != -1)
        ;
    NEED(netio_fd_cloexec_others((const int[]){900}, 1) == 0);
    NEED(fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(999, F_GETFD) == FD_CLOEXEC);
    NEED(netio_fd_close_others((const int[]){900}, 1) == 0);
    NEED(fcntl(3, F_GETFD) == -1 && fcntl(999, F_GETFD) == -1 && fcntl(900, F_GETFD) != -1);
    return 0;
}

int main(void)
{
    is_int(in_child(full_table), 0, "C9: all others, where no descriptor is free");
    return tap_done();
}
