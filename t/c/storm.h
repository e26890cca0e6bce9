/* t/c/storm.h: a storm of signals, for tests and drivers of what must not mind one (A15). */
#ifndef STORM_H
#define STORM_H

#include "tap.h"

#include <signal.h>
#include <sys/time.h>

static volatile sig_atomic_t storm_signals; /* how many have come */

static void storm_signal(int number)
{
    (void)number;
    storm_signals++;
}

/* One every so many microseconds, each of which ends a system call with EINTR.  It takes the
 * alarm of the test for itself. */
static void storm_begin(long microseconds)
{
    const struct itimerval storm = {{0, microseconds}, {0, microseconds}};
    struct sigaction action = {.sa_handler = storm_signal};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &storm, NULL);
}

/* The test has its alarm again. */
__attribute__((unused)) static void storm_end(void)
{
    const struct itimerval calm = {{0, 0}, {0, 0}};

    setitimer(ITIMER_REAL, &calm, NULL);
    signal(SIGALRM, SIG_IGN); /* one that is on its way is dropped; valgrind gives them late */
    signal(SIGALRM, SIG_DFL);
    alarm(TAP_SECONDS);
}

#endif
