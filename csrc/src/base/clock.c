/* Ring 0.  The monotonic clock and deadlines; see netio/clock.h.
 * Everything that waits calls this; it touches nothing but the clock. */
#include <netio/clock.h>

#include <limits.h>
#include <math.h>
#include <time.h>

#define FOREVER_SECONDS (100.0 * 365.25 * 86400.0)

int64_t netio_clock_now(void)
{
    struct timespec now;

    /* CLOCK_MONOTONIC with a valid pointer cannot fail (clock_gettime(2)). */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = now.tv_sec * NETIO_SECOND + now.tv_nsec;
    return ns > NETIO_NOW ? ns : NETIO_NOW + 1;
}

netio_deadline netio_deadline_in(double seconds)
{
    if (!(seconds > 0.0)) /* NaN too */
        return NETIO_NOW;
    if (seconds > FOREVER_SECONDS)
        return NETIO_NEVER;
    return netio_clock_now() + (int64_t)(seconds * (double)NETIO_SECOND) + 1; /* rounded up */
}

int netio_deadline_passed(netio_deadline deadline)
{
    return deadline != NETIO_NEVER && (deadline <= NETIO_NOW || deadline <= netio_clock_now());
}

static int64_t left_ns(netio_deadline deadline)
{
    if (deadline <= NETIO_NOW)
        return 0;
    int64_t left = deadline - netio_clock_now();
    return left > 0 ? left : 0;
}

int netio_deadline_ms(netio_deadline deadline)
{
    if (deadline == NETIO_NEVER)
        return -1;
    int64_t left = left_ns(deadline);
    int64_t ms = left / 1000000 + (left % 1000000 != 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

double netio_deadline_left(netio_deadline deadline)
{
    if (deadline == NETIO_NEVER)
        return INFINITY;
    return (double)left_ns(deadline) / (double)NETIO_SECOND;
}

netio_deadline netio_deadline_sooner(netio_deadline a, netio_deadline b)
{
    if (a == NETIO_NEVER)
        return b;
    if (b == NETIO_NEVER)
        return a;
    return a < b ? a : b;
}
