/* Ring 1, private: the attempts to connect to one of several addresses (race.c). */
#ifndef NETIO_SRC_NET_RACE_H
#define NETIO_SRC_NET_RACE_H

#include "net/bundle.h"
#include "net/dial.h"

/* What of an attempt is nobody else's business. */
struct netio__runner {
    int fd;          /* -1: not on its way, or no more */
    int64_t started; /* valid once begun */
};

/* Addresses 0 to begun - 1 have been tried, running of them are still on their way; those from
 * begun to count - 1 come next. */
struct netio__race {
    netio_deadline deadline; /* of the whole */
    netio_deadline next;     /* when the next one may begin */
    size_t count, begun, running;
    struct netio_attempt *attempts; /* one for each address: &only, or on the heap */
    struct netio__runner *runners;  /* the same: &runner, or on the heap */
    struct netio__bundle bundle;    /* what is under way */
    int besides;                    /* the descriptor in it that is not an attempt's, or -1 */
    int cramped;                    /* there was no descriptor for the next one */
    int64_t pause;                  /* a unix socket's listener was full, and is asked again ... */
    netio_deadline again;           /* ... at this moment, so long after the last time; or 0 */
    size_t blamed;                  /* the failure to report: which attempt (count: none), */
    enum netio_stage stage;         /* what it was at, */
    int code;                       /* and why */
    struct netio__runner runner;
    /* Filled in before they count, and so not emptied first. */
    struct netio__dial dial;
    struct netio_attempt only;
};

/* Empties it: no deadline, no addresses.  dial is the caller's to set. */
void netio__race_init(struct netio__race *race);
/* The address in only is the one that there is; this takes no memory. */
void netio__race_only(struct netio__race *race);
/* Takes the whole list of addresses as it is known now, at most NETIO_RESOLVE_MAX; port: that
 * of all of them, 0: each has its own.  Those that were begun stay as they are; the others
 * take the order of the list.  0 or -ENOMEM, and then nothing has changed. */
int netio__race_add(struct netio__race *race, const struct netio_addr *addrs, size_t count,
                    unsigned port);
/* Goes on without waiting.  more: what else the machine waits for, after which more addresses
 * may come; NULL: nothing.  0: *fd is connected, and the caller's; -EAGAIN; or the failure,
 * which code, stage and blamed describe. */
int netio__race_step(struct netio__race *race, const struct netio_want *more, int *fd);
/* After -EAGAIN, or before the first step. */
void netio__race_want(const struct netio__race *race, const struct netio_want *more,
                      struct netio_want *want);
/* How long those on their way have taken by now. */
void netio__race_update(const struct netio__race *race);
/* Closes and frees everything but the race itself. */
void netio__race_clear(struct netio__race *race);

#endif
