/* netiod: who has an address that is in use.
 * Used by reload_sockets.c. */
#ifndef NETIOD_HOLDER_H
#define NETIOD_HOLDER_H

#include <netio/addr.h>

#include <sys/types.h>

/* A process, not this one, that has a socket of that type there, or where it is in the way: of a
 * stream, one that listens.  0: none can be seen, which takes root's rights, or it is no address of
 * IPv4 or IPv6.  Reads all of /proc. */
pid_t holder_of(const struct netio_addr *address, int type);

#endif
