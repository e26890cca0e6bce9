/* netiod: a socket of a "wait" service: who has it, and when the next program gets it.
 *
 *      idle      watched: somebody comes            --> held; or resting, when nothing can
 *                                                      be started
 *      held      a program has the socket, nobody watches it; it ends --> idle, or resting
 *      resting   not watched until a timer fires    --> idle
 *
 * A program that ends without having read leaves the socket as readable as it was, and would be
 * started again at once, for ever (R17).  So the socket rests longer each time, and in the end the
 * datagram that no program wants is thrown away.  Whether it was read: what is first in the queue
 * is still the same.  (Clients repeat themselves: a copy of what a program has read is taken for
 * the same, so it costs such a service nothing but that rest.)  Of a stream's queue nothing can be
 * seen but that it is not empty; nobody in it is ever sent away.
 *
 * Called by wait.c, whose service has them. */
#ifndef NETIOD_SEAT_H
#define NETIOD_SEAT_H

#include "head.h"
#include "process.h"

struct seats { /* of one service */
    struct seat *first;
    struct process *processes; /* that have them, or had */
};

/* One socket.  It stays in the list while a program has it, also when the house has taken it back,
 * which may be for a moment only (house_rest). */
struct seat {
    struct seat *next;
    struct seats *seats; /* whose list it is in */
    struct service *service;
    int fd;                   /* the house's; -1: taken back */
    ino_t inode;              /* by which it is known when it comes again */
    struct process *process;  /* who has it; NULL */
    struct netio_watch watch; /* idle */
    struct netio_timer timer; /* resting */
    unsigned futile;          /* programs in a row that have ended without having read */
    struct head head;         /* what was first when the last one was started */
};

/* NULL: there is none. */
struct seat *seat_find(const struct seats *seats, ino_t inode);
/* One without a socket, first in the list; NULL: no memory. */
struct seat *seat_make(struct seats *seats, struct service *service, ino_t inode);
void seat_drop(struct seat *seat);
/* It is watched from now on: 0 or -errno; or looked at again in a second. */
int seat_idle(struct seat *seat);
void seat_idle_or_rest(struct seat *seat);
/* Neither watched nor resting any more. */
void seat_still(struct seat *seat);
/* The program that has it has ended, as process_watch has it. */
void seat_over(struct process *process, int status);

#endif
