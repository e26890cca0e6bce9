/* netiod: a socket that comes back from a program ("wait").
 * Used by seat.c and pool.c. */
#ifndef NETIOD_RETURNED_H
#define NETIOD_RETURNED_H

/* The socket is netiod's and its programs' together, so what one of them has done to it would stay:
 * connected to one peer, it hears no other; with errors queued, or an offset to peek at, it is
 * readable and nothing can be seen; a TCP listener that was shut down listens no more.
 * Undoes all of that.  backlog: of a stream; 0: what the system has.  Returns whether the kernel
 * has left something: a socket of IPv6 datagrams that was connected hears that host alone. */
int returned_mend(int fd, int type, int backlog);
/* Whether it is shut down, and stays so: it is readable for ever, and nobody comes. */
int returned_is_shut(int fd);

#endif
