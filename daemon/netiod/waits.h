/* netiod: whether clients of a service wait, for the log.
 *
 * Called by service.c and seat.c, who say each time that a client is there and may not be let in
 * yet.  The first time begins an episode, and is logged; it is over, and logged, when for five
 * seconds nobody has waited: so there is at most one such pair in five seconds, for each reason.
 */
#ifndef NETIOD_WAITS_H
#define NETIOD_WAITS_H

#include <netio/loop.h>

#include <stdint.h>

struct service;

enum waits_reason { WAITS_FULL, WAITS_RATE, WAITS_SHARED, WAITS_SCARCE, WAITS_REASONS };

struct waits { /* of a service; zero: nobody has waited yet */
    struct netio_timer timer;
    struct waits_episode {
        int64_t since, last; /* netio_clock_now; since 0: there is none */
        uint64_t accepted;   /* of the service, when it began */
    } episodes[WAITS_REASONS];
};

/* what: for the first line, if that is to say more than the reason; NULL. */
void waits_note(struct service *service, enum waits_reason why, const char *what);
/* No client will be let in any more: nothing more is said. */
void waits_close(struct service *service);

#endif
