/* t/c/hurry.h: a clock that the test need not wait for.
 *
 * The network of a test on the loopback is real, and what is to come is there at once; so poll(2),
 * here in place of the C library's, moves the clock to where a wait would have ended, and a little
 * even when it need not wait, so that whoever spins gets to his deadline.  Nothing sleeps.  A wait
 * that nothing would end aborts the test.
 */
#ifndef HURRY_H
#define HURRY_H

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HURRY_MS 1000000LL

static int64_t hurry_now = 1000000 * HURRY_MS;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    now->tv_sec = hurry_now / (1000 * HURRY_MS);
    now->tv_nsec = hurry_now % (1000 * HURRY_MS);
    return 0;
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    int ready = (int)syscall(SYS_poll, fds, n, 0);

    if (ready == 0 && timeout < 0)
        abort();
    hurry_now += ready == 0 && timeout > 0 ? timeout * HURRY_MS : HURRY_MS / 10;
    return ready;
}

#endif
