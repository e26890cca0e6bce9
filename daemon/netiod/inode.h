/* netiod: by what a socket is known, whichever descriptor of whichever process it is.
 *
 * Used by passed.c, pool_origin.c and status.c.
 */
#ifndef NETIOD_INODE_H
#define NETIOD_INODE_H

#include <sys/types.h>

/* Its inode; 0, which no socket has: it is not open. */
ino_t inode_of(int fd);

#endif
