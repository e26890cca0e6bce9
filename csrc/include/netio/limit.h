/* netio/limit.h: how many connections, in all and from one source (ring 1).
 *
 * A source is an IPv4 address or the /64 of an IPv6 one, unless the options say another length;
 * v4-mapped addresses are IPv4.  Peers on unix sockets, and addresses that are not known, have no
 * source: only the total counts for them.
 *
 * The counters are in memory that processes share: made once, before the workers are forked, they
 * hold for all of them together.  There is no lock in it.  Each process counts in a column of its
 * own, and who wants to know adds the columns up: one that is killed at any instruction harms
 * nothing, and whoever is told of its death clears its column.  No limit of what is open is ever
 * passed, however many ask at once; when several ask for the last place in the same microsecond, it
 * can happen that none of them gets it.
 *
 * Capacity is fixed at the start; keys are hashed with a secret of the process, so that nobody can
 * choose addresses that collide.  A source that has nothing open and whose rate has recovered is
 * forgotten; when there is no other place, so is the one among those with nothing open whose rate
 * recovers first.  Sources are counted also while no limit asks for it, so that one that is set
 * later finds them.  Time is CLOCK_MONOTONIC, passed in.
 *
 * Fork: that is what it is for; a child sets its own column.  Threads: one column a thread.
 */
#ifndef NETIO_LIMIT_H
#define NETIO_LIMIT_H

#include <netio/addr.h>
#include <netio/clock.h>
#include <stdint.h>

#define NETIO_LIMIT_COLUMNS 64

struct netio_limit;

struct netio_rate {
    unsigned count; /* at once, and on average in seconds; 0: no limit */
    double seconds; /* 0: 1 */
};

struct netio_limit_options { /* zero: no limit, defaults in brackets */
    unsigned total;          /* connections open at once */
    unsigned per_source;
    struct netio_rate rate; /* new connections, of all sources together */
    struct netio_rate source_rate;
    unsigned ipv4_bits; /* [32] */
    unsigned ipv6_bits; /* [64] */
    unsigned sources;   /* how many can be known at once [65,536] */
};

/* X(name, word): why a peer was not served.  The engine uses all of them, limit only the three in
 * the middle. */
#define NETIO_REFUSED_LIST(X)                                                                      \
    X(ACCESS, "access") /* a rule, or the lack of one that allows */                               \
    X(FULL, "full")     /* total, or no place in this process */                                   \
    X(SOURCE, "source") /* too many of its source are open */                                      \
    X(RATE, "rate")     /* too many of its source have come lately */                              \
    X(PROXY, "proxy")   /* no PROXY header where one is due, or a wrong one */                     \
    X(FORK, "fork")     /* no process for it */

enum netio_refused {
#define NETIO_X(name, word) NETIO_REFUSED_##name,
    NETIO_REFUSED_LIST(NETIO_X)
#undef NETIO_X
        NETIO_REFUSED_REASONS
};
const char *netio_refused_str(enum netio_refused why);

/* 0 and *limit (column 0); -ENOMEM; -EINVAL for bits or seconds (above 1e9, negative, not a number)
 * that make no sense and for more than 16,777,216 sources; -errno of getrandom(2). */
int netio_limit_new(struct netio_limit **limit, const struct netio_limit_options *options);
void netio_limit_free(struct netio_limit *limit);
/* Other limits from now on, in this process and in those forked later; sources stays.  What is owed
 * to an earlier rate and more than the new one has in all is forgiven.  0 or -EINVAL. */
int netio_limit_change(struct netio_limit *limit, const struct netio_limit_options *options);
/* This process counts in column [0, NETIO_LIMIT_COLUMNS) from now on. */
void netio_limit_use_column(struct netio_limit *limit, unsigned column);
/* Nothing is open any more of what the owner of this column had. */
void netio_limit_clear_column(struct netio_limit *limit, unsigned column);

/* What one connection holds: keep it as long as the connection.  Zero: nothing. */
struct netio_hold {
    uint32_t place; /* limit's */
};

/* Counts one more from this peer.  0; or -1 and *why, and nothing is counted: FULL beyond the
 * total, or when the sources that are known leave no place for a new one; SOURCE; RATE beyond the
 * source's. The rate of all refuses nobody here: who was accepted is served, and the next one waits
 * so much longer (netio_limit_next).  exempt: only the total is asked.  now: netio_clock_now. */
int netio_limit_take(struct netio_limit *limit, struct netio_hold *hold,
                     const struct netio_addr *peer, int exempt, int64_t now,
                     enum netio_refused *why);
/* What is open already, elsewhere so far: it is counted, whatever that comes to, and no rate has it
 * as new. */
void netio_limit_adopt(struct netio_limit *limit, struct netio_hold *hold,
                       const struct netio_addr *peer, int64_t now);
/* Nothing is kept open (datagrams): only the rates, and that of all refuses, too.  *why is RATE. */
int netio_limit_pass(struct netio_limit *limit, const struct netio_addr *peer, int exempt,
                     int64_t now, enum netio_refused *why);
/* The connection has ended. */
void netio_limit_give(struct netio_limit *limit, struct netio_hold *hold);
/* When the total rate allows the next one, absolute; now or earlier: at once.  A server asks this
 * before it accepts, and leaves clients in the backlog until then. */
netio_deadline netio_limit_next(const struct netio_limit *limit, int64_t now);
/* When all of the total rate has been recovered, for another process of this machine, which goes on
 * from there by its own rate; 0: nothing was ever owed.  Not while others count. */
netio_deadline netio_limit_due(const struct netio_limit *limit);
void netio_limit_set_due(struct netio_limit *limit, netio_deadline due);
unsigned netio_limit_open(const struct netio_limit *limit); /* open now, of all columns */

#endif
