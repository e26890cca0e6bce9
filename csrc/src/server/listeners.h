/* Ring 3, private.  The insides of a set of listeners (netio/listeners.h), and what an upgrade does
 * with them.
 *
 *      listeners.c          the set: entries, addresses, what becomes of them
 *      listeners_prepare.c  from one configuration to the next
 *      bequest.c, upgrade.c, successor.c  from one process to the next
 *
 * An entry is a socket: in the present configuration, in the next, in both, or (left by a
 * predecessor) in none yet:
 *
 *                     present next fresh
 *      left              -     -     -     --prepare finds it-->  next
 *      opened            -     x     x     --cancel--> closed     --commit--> present
 *      kept              x     x     -
 *      going             x     -     -     --cancel--> kept       --commit--> closed
 *
 * A name is an address as a configuration has it, with the entries that it means there. */
#ifndef NETIO_SRC_SERVER_LISTENERS_H
#define NETIO_SRC_SERVER_LISTENERS_H

#include <netio/listeners.h>

struct netio__entry {
    struct netio_listener listener;
    char *text; /* the listen address that it was opened for; NULL: passed by a manager */
    unsigned present : 1, next : 1, fresh : 1;
    unsigned dressed : 1; /* its path may have got another mode, owner or group ... */
    mode_t mode;          /* ... than these, which cancel brings back */
    uid_t uid;
    gid_t gid;
};

struct netio__name {
    char *text;
    struct netio__entry *entries[2][NETIO_LISTENER_MAX]; /* by enum netio_listeners_which; of the
                                                            present one or left; NULL: no more */
};

struct netio__list {
    void **at;
    size_t count, room;
};

struct netio_listeners {
    struct netio__list entries; /* in the order in which they came */
    struct netio__list sorted;  /* the same by type and address, of two the last that came first */
    struct netio__list names;   /* by text */
};

/* ---- listeners.c ---------------------------------------------------------------------------- */

/* One more; the listener is the set's from here, also on error: -ENOMEM. */
int netio__listeners_add(struct netio_listeners *set, const struct netio_listener *listener,
                         const char *text, struct netio__entry **added);
/* NULL: none. */
struct netio__entry *netio__listeners_by_address(const struct netio_listeners *set, int type,
                                                 const struct netio_addr *addr);
struct netio__name *netio__listeners_by_text(const struct netio_listeners *set, const char *text);
/* The same, made if it is not there; NULL: no memory. */
struct netio__name *netio__listeners_name(struct netio_listeners *set, const char *text);
/* The next name by which the present configuration has the entry, from *at = 0 on; NULL: none. */
const struct netio__name *netio__listeners_name_of(const struct netio_listeners *set,
                                                   const struct netio__entry *entry, size_t *at);
/* What the name means there from now on, beside what it does already. */
void netio__name_add(struct netio__name *name, enum netio_listeners_which which,
                     struct netio__entry *entry);

/* ---- listeners_prepare.c -------------------------------------------------------------------- */

/* Remembers how its path is, for undress; whether that is still our socket. */
int netio__entry_remember(struct netio__entry *entry);
/* Its path as it was. */
void netio__entry_undress(struct netio__entry *entry);

/* ---- for upgrade.c and successor.c ---------------------------------------------------------- */

/* One of this process's listeners for a successor. */
struct netio__legacy {
    int fd;
    const char *text; /* of its listen address; NULL: passed by a manager */
    dev_t device;     /* of its path; 0 and 0: none that is ours */
    ino_t inode;
};
/* The next legacy of the present configuration; *at is 0 at first: 1, or 0 beyond the last.  text
 * is the set's.  What the successor does to modes of paths is undone by cancel. */
int netio__listeners_legacy(struct netio_listeners *set, size_t *at, struct netio__legacy *legacy);
/* In the successor: legacy is there to be found by prepare; its fd is owned, also on error. */
int netio__listeners_left(struct netio_listeners *set, const struct netio__legacy *legacy);
/* Paths are this process's to remove from now on, or (0) its successor's. */
void netio__listeners_own(struct netio_listeners *set, int own);

#endif
