/* netiod: what an upgrade hands over beside the listeners: the processes that run, how much of its
 * rate each service has spent (of all clients together: those of single sources begin anew), and
 * what rpcbind has been told (rpc.h).
 *
 * The predecessor stays until they have ended, reaps them and logs their ends; the successor counts
 * them (service->running, ->adopted, limits) by their pidfds, which are passed to it, and leaves
 * the sockets of "wait" services alone until their process has ended.  A successor that is upgraded
 * in its turn hands on what it has adopted, and waits for its own alone.
 *
 * Called by upgrade.c and by kinds with processes.
 */
#ifndef NETIOD_HANDOVER_H
#define NETIOD_HANDOVER_H

#include "service.h"

struct handover_child {
    pid_t pid;
    int pidfd;              /* in adopt: the receiver's to close */
    struct netio_addr peer; /* len 0: none, or on a unix socket */
    ino_t socket;           /* of a "wait" service: the inode of the one that it has, which is the
                               same in all processes; 0: none */
};

/* The predecessor, once nothing starts any more: a parcel (netio/parcel.h) with all of them in it,
 * for netio_upgrade; or -errno. */
int handover_write(const struct house *house);
/* The successor, once its services are there: gives each to the service of its name, kind and
 * address (adopt of its kind); those of services that are gone are forgotten.  0 or -errno; parcel
 * is closed in any case. */
int handover_read_take(struct house *house, int parcel);

#endif
