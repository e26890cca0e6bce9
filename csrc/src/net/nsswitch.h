/* Ring 1, private: nsswitch.conf(5), as far as it concerns hosts. */
#ifndef NETIO_SRC_NET_NSSWITCH_H
#define NETIO_SRC_NET_NSSWITCH_H

#include <stdio.h>

/* Which sources its line "hosts:" names. */
struct netio__nsswitch {
    int dns;
    int other; /* any but files and dns: they are known to the C library only */
};

/* Reads a file; one without such a line (NULL: an empty one) means files and dns.  Of several
 * lines the last one counts. */
void netio__nsswitch_read(struct netio__nsswitch *sources, FILE *file);
/* The same with /etc/nsswitch.conf.  0, -EMFILE, -ENFILE or -ENOMEM. */
int netio__nsswitch_load(struct netio__nsswitch *sources);

#endif
