/* netiod: what an upgrade hands over beside the listeners: the processes that run.
 *
 * The predecessor stays until they have ended, reaps them and logs their ends; the successor counts
 * them (service->running, limits) by their pidfds, which are passed to it, and leaves the sockets of
 * "wait" services alone until their process has ended.  Called by start.c and by kinds with
 * processes.
 */
#ifndef NETIOD_HANDOVER_H
#define NETIOD_HANDOVER_H

#include "service.h"

struct handover_child {
    const char *service; /* its name */
    pid_t pid;
    int pidfd; /* of a successor: the receiver's to close */
    struct netio_addr peer; /* len 0: none */
    int waits;   /* has a "wait" service's socket: listen says which one */
    char listen[160]; /* its listen address as the configuration has it; empty: none */
};

/* The predecessor: a socket with all of them in it, for netio_upgrade; or -errno. */
int handover_write(const struct house *house);
/* The successor, once its services are open: gives each to the service of its name (adopt of its
 * kind); those of services that are gone are forgotten.  0 or -errno. */
int handover_read(struct house *house, int fd);

#endif
