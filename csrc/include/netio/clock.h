/* netio/clock.h: time and deadlines (ring 0).
 *
 * A netio_deadline is an absolute point of CLOCK_MONOTONIC in nanoseconds, so
 * that setting the wall clock changes nothing.  0 is "no deadline".  Seconds
 * become a deadline once, where they come in (netio_deadline_in); everything
 * below passes the deadline on, so a slow drip of bytes cannot extend it.
 *
 * Fork and signals: no state; all calls are async-signal-safe.
 */
#ifndef NETIO_CLOCK_H
#define NETIO_CLOCK_H

#include <stdint.h>

typedef int64_t netio_deadline;

#define NETIO_NEVER ((netio_deadline)0) /* wait as long as it takes */
#define NETIO_NOW   ((netio_deadline)1) /* long past: do not wait at all */

/* Nanoseconds: of spans, and of differences of times. */
#define NETIO_SECOND ((int64_t)1000000000)

/* Nanoseconds of CLOCK_MONOTONIC, always above NETIO_NOW.  The only place where
 * the library reads the clock: tests link a fake one in its place. */
int64_t netio_clock_now(void);

/* The deadline that many seconds from now.  0 or less, and NaN: NETIO_NOW.  More
 * than 100 years, infinity included: NETIO_NEVER. */
netio_deadline netio_deadline_in(double seconds);

/* Whether the deadline has passed. */
int netio_deadline_passed(netio_deadline deadline);
/* What is left as a timeout for poll(2): milliseconds rounded up, -1 for
 * NETIO_NEVER, 0 when passed. */
int netio_deadline_ms(netio_deadline deadline);
/* What is left, in seconds; infinity for NETIO_NEVER, 0 when passed. */
double netio_deadline_left(netio_deadline deadline);
/* The earlier of two, NETIO_NEVER being the latest of all. */
netio_deadline netio_deadline_sooner(netio_deadline a, netio_deadline b);

#endif
