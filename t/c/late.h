/* t/c/late.h: how late a call ended, for drivers that NetIO::Test::OnTime starts. */
#ifndef LATE_H
#define LATE_H

#include <netio/clock.h>

#include <poll.h>
#include <stdio.h>

/* Microseconds from a moment and so many seconds to now. */
static long long late(int64_t started, double seconds)
{
    return (netio_clock_now() - started - (int64_t)(seconds * 1e9)) / 1000;
}

/* The same of a bare poll(2), which a signal does not end sooner: what the machine can do. */
__attribute__((unused)) static void late_bare(double seconds)
{
    int64_t started = netio_clock_now();
    netio_deadline deadline = netio_deadline_in(seconds);

    while (poll(NULL, 0, netio_deadline_ms(deadline)) == -1)
        continue;
    printf("bare %lld\n", late(started, seconds));
}

#endif
