/* netiod: one program that runs for a service, until it has ended or is made to.
 *
 * Called by exec.c, wait.c, seat.c and pool.c, for programs that they have started (launch.h) and
 * for those that an earlier netiod has left (handover.h).  A program that has to end gets SIGTERM,
 * and a second later SIGKILL, with all of its process group.
 */
#ifndef NETIOD_PROCESS_H
#define NETIOD_PROCESS_H

#include "launch.h"

struct handover_child;

struct process {
    struct process *next, **link;           /* in its owner's list */
    struct process *in_house, **house_link; /* in that of all: house->processes */
    struct service *service;
    struct netio_child child;
    struct netio_addr peer; /* len 0: none */
    uid_t uid;              /* launch_uid */
    int64_t since;          /* netio_clock_now at its start */
    netio_deadline longest; /* of its life: as the configuration had it, or sooner */
    struct netio_timer timer;
    struct netio_watch watch; /* of its pidfd, where the owner has asked for that */
    void (*ended)(struct process *process, int status);
    void *data;           /* the owner's */
    unsigned adopted : 1; /* an earlier netiod has started it, and reaps it */
    unsigned told : 1;    /* it has got SIGTERM */
};

/* Starts it, in front of the list.  0 and *process, or a code, as of launch. */
int process_start(struct process **process, struct process **list, const struct launch *how);
/* One of an earlier netiod, whose pidfd is owned, also on error: 0, or -errno. */
int process_adopt(struct process **process, struct process **list, struct service *service,
                  const struct handover_child *child);
/* Calls ended when it has ended: once, and that has to call process_over.  0; or -errno, and it has
 * been ended as by process_end: no program goes on unseen. */
int process_watch(struct process *process, void (*ended)(struct process *process, int status));
/* It may go on until then; called again the soonest counts. */
void process_until(struct process *process, netio_deadline deadline);
/* SIGKILL for its group, now. */
void process_kill(struct process *process);
/* It has ended: counted, logged, gone. */
void process_over(struct process *process, int status);
/* The end of a service: SIGKILL, and process_over once it has ended; or after a second, if it is
 * out of reach in the kernel.  One that is adopted goes on: the upgrade may have failed. */
void process_end(struct process *process);

/* Item index of a list, for the kind's child; NULL beyond the last. */
const struct process *process_describe(const struct process *list, size_t index,
                                       struct handover_child *child);

#endif
