/* Ring 3, private.  What an upgrade does with a set of listeners (netio/listeners.h).  Called by
 * upgrade.c and successor.c. */
#ifndef NETIO_SRC_SERVER_LISTENERS_H
#define NETIO_SRC_SERVER_LISTENERS_H

#include <netio/listeners.h>

/* One of this process's listeners for a successor. */
struct netio__legacy {
    int fd;
    const char *text; /* of its listen address; NULL: passed by a manager */
    dev_t device;     /* of its path; 0 and 0: none that is ours */
    ino_t inode;
};
/* Legacy i of the present configuration: 1, or 0 beyond the last.  text is the set's.  What the
 * successor does to modes of paths is undone by cancel. */
int netio__listeners_legacy(struct netio_listeners *set, size_t i, struct netio__legacy *legacy);
/* In the successor: legacy is there to be found by prepare; its fd is owned, also on error. */
int netio__listeners_left(struct netio_listeners *set, const struct netio__legacy *legacy);
/* Paths are this process's to remove from now on, or (0) its successor's. */
void netio__listeners_own(struct netio_listeners *set, int own);

#endif
