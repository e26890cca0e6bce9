/* A clock that jumps at each look (A21): preloaded by t/56-faults-clock.t.  The time of day steps
 * by an hour, by a year, to 2038 and beyond, back and forth; the monotonic clock is left alone. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long jump(void)
{
    static const long long jumps[] = {0, 3600, -3600, 31536000, -31536000, 2147483647LL, -1000000000};
    static unsigned looks;

    return jumps[looks++ % (sizeof jumps / sizeof *jumps)];
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += jump();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec time;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return where ? *where = now.tv_sec : now.tv_sec;
}
