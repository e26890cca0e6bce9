/* Ring 1, private: hosts(5). */
#ifndef NETIO_SRC_NET_HOSTS_H
#define NETIO_SRC_NET_HOSTS_H

#include "addrs.h"

#include <stdio.h>

/* Appends every address that the file gives a name, which has no final dot, in that family
 * (AF_UNSPEC: both).  0, or -ENOMEM.  Lines that make no sense are passed over. */
int netio__hosts_read(FILE *file, const char *name, int family, struct netio__addrs *addrs);
/* The same with /etc/hosts; a missing or unreadable one is empty.  0, -EMFILE, -ENFILE or
 * -ENOMEM. */
int netio__hosts_find(const char *name, int family, struct netio__addrs *addrs);

#endif
