/* Ring 1.  How many connections, in all and from one source; see netio/limit.h.
 * Called by the server's admission; it counts in memory that processes share (sources.c).
 *
 * Rates are kept as one time (the generic cell rate algorithm, ITU-T I.371): each connection moves
 * the time at which all is recovered by its share of the span, and nobody may move it beyond the
 * span from now.  One word for each source, which an exchange changes, and no window whose edge
 * would let twice the number through. */
#include <netio/limit.h>

#include "base/siphash.h"
#include "net/prefix.h"
#include "net/sources.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

#define SOURCES_DEFAULT 65536
#define SECONDS_MAX     1e9
#define TOTAL_ONLY      1 /* of a hold; a source's slot is above it */
#define SLOT_BASE       2
#define PATIENCE        64

struct rate {
    int64_t step, span; /* nanoseconds of one connection and of all at once; span 0: no limit */
};

struct netio_limit {
    struct netio__sources sources;
    uint64_t key[2];
    unsigned column;
    unsigned total, per_source;
    unsigned ipv4_bits, ipv6_bits;
    struct rate rate, source_rate;
};

static const char *const words[] = {
#define NETIO_X(name, word) [NETIO_REFUSED_##name] = word,
    NETIO_REFUSED_LIST(NETIO_X)
#undef NETIO_X
};

const char *netio_refused_str(enum netio_refused why)
{
    return (size_t)why < sizeof words / sizeof *words ? words[why] : "unknown";
}

static int set_rate(struct rate *rate, const struct netio_rate *option)
{
    double seconds = option->seconds == 0 ? 1 : option->seconds;

    if (!(seconds > 0 && seconds <= SECONDS_MAX))
        return -EINVAL;
    *rate = (struct rate){0, 0};
    if (option->count == 0)
        return 0;
    rate->step = (int64_t)ceil(seconds * 1e9 / option->count);
    rate->span = rate->step * option->count;
    return 0;
}

static int set_options(struct netio_limit *limit, const struct netio_limit_options *options)
{
    struct rate rate, source_rate;

    if (set_rate(&rate, &options->rate) < 0 || set_rate(&source_rate, &options->source_rate) < 0 ||
        options->ipv4_bits > 32 || options->ipv6_bits > 128)
        return -EINVAL;
    limit->rate = rate;
    limit->source_rate = source_rate;
    limit->total = options->total;
    limit->per_source = options->per_source;
    limit->ipv4_bits = options->ipv4_bits ? options->ipv4_bits : 32;
    limit->ipv6_bits = options->ipv6_bits ? options->ipv6_bits : 64;
    return 0;
}

int netio_limit_new(struct netio_limit **out, const struct netio_limit_options *options)
{
    size_t count = options->sources ? options->sources : SOURCES_DEFAULT;
    struct netio_limit *limit = calloc(1, sizeof *limit);
    int code = limit ? set_options(limit, options) : -ENOMEM;

    *out = NULL;
    if (code == 0 && count > NETIO__SOURCES_MAX)
        code = -EINVAL;
    if (code == 0 && getrandom(limit->key, sizeof limit->key, 0) != sizeof limit->key)
        code = -errno;
    if (code == 0)
        code = netio__sources_new(&limit->sources, count);
    if (code == 0)
        *out = limit;
    else
        free(limit);
    return code;
}

void netio_limit_free(struct netio_limit *limit)
{
    if (!limit)
        return;
    netio__sources_free(&limit->sources);
    free(limit);
}

int netio_limit_change(struct netio_limit *limit, const struct netio_limit_options *options)
{
    return set_options(limit, options);
}

void netio_limit_use_column(struct netio_limit *limit, unsigned column)
{
    limit->column = column;
    netio__sources_use(&limit->sources, column);
}

void netio_limit_clear_column(struct netio_limit *limit, unsigned column)
{
    netio__sources_clear(&limit->sources, column);
}

/* The slot behind those of the sources counts all together. */
static uint32_t slot_of_all(const struct netio_limit *limit)
{
    return (uint32_t)limit->sources.slots;
}

/* The furthest that a rate can have moved a time from now: its span, and once more of what several
 * processes add at the same time (charge, owing). */
static int64_t debt_max(const struct netio_limit *limit, const struct rate *rate)
{
    int64_t crowd = *limit->sources.columns, most = INT64_MAX / 4 / crowd;

    crowd *= rate->step < most ? rate->step : most;
    return rate->span + (crowd > rate->span ? crowd : rate->span);
}

/* When all is recovered.  What is further away was owed to another rate, before netio_limit_change:
 * that is cut to what this one has in all, lest a number mistyped be paid for until it has passed.
 */
static int64_t due_at(const struct netio_limit *limit, const struct rate *rate, uint32_t slot,
                      int64_t now)
{
    int64_t *place = &limit->sources.due[slot];
    int64_t due = __atomic_load_n(place, __ATOMIC_SEQ_CST);

    if (!rate->span || due - now <= debt_max(limit, rate))
        return due;
    /* Else another process has changed it, and due is what it says now. */
    if (__atomic_compare_exchange_n(place, &due, now + rate->span, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        due = now + rate->span;
    return due;
}

/* Whether one more would be too many now. */
static int is_fast(const struct netio_limit *limit, const struct rate *rate, uint32_t slot,
                   int64_t now)
{
    return rate->span && due_at(limit, rate, slot, now) + rate->step - now > rate->span;
}

/* One more; whether it was not too many.  owing: it counts all the same. */
static int charge(struct netio_limit *limit, const struct rate *rate, uint32_t slot, int64_t now,
                  int owing)
{
    int64_t old, due;

    if (!rate->span)
        return 1;
    old = due_at(limit, rate, slot, now);
    do {
        due = (old > now ? old : now) + rate->step;
        if (due - now > rate->span && !owing)
            return 0;
    } while (!__atomic_compare_exchange_n(&limit->sources.due[slot], &old, due, 0, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return 1;
}

/* The source of a peer; 0 if it has none. */
static int hash_of(const struct netio_limit *limit, const struct netio_addr *peer, uint64_t *hash)
{
    struct netio__prefix prefix;

    if (!netio__prefix_of(&prefix, peer, limit->ipv4_bits, limit->ipv6_bits))
        return 0;
    *hash = netio__siphash(limit->key, &prefix, sizeof prefix);
    return 1;
}

/* What a source that is over its limits has done; 0 if it is not.  Only looks, so that a flood of
 * those who are refused is never counted, not even for a moment. */
static int is_over(const struct netio_limit *limit, uint64_t hash, int64_t now,
                   enum netio_refused *why)
{
    uint32_t slot = netio__sources_find(&limit->sources, hash);

    if (slot == NETIO__NO_SLOT)
        return 0;
    *why = NETIO_REFUSED_SOURCE;
    if (limit->per_source && netio__sources_open(&limit->sources, hash) >= limit->per_source)
        return 1;
    *why = NETIO_REFUSED_RATE;
    return is_fast(limit, &limit->source_rate, slot, now);
}

static unsigned open_of_source(const struct netio_limit *limit, uint64_t hash)
{
    return netio__sources_open(&limit->sources, hash);
}

static unsigned open_of_all(const struct netio_limit *limit, uint64_t hash)
{
    (void)hash;
    return netio__slot_open(&limit->sources, slot_of_all(limit));
}

/* Whether what was counted already may stay.  Two who count at the last place both see one too
 * many: the one in the higher column gives up later, so that one of them has it. */
static int fits(const struct netio_limit *limit, unsigned most, uint64_t hash,
                unsigned (*open)(const struct netio_limit *limit, uint64_t hash))
{
    for (unsigned tries = 0; most && open(limit, hash) > most; tries++)
        if (tries == PATIENCE * (limit->column + 1))
            return 0;
    return 1;
}

/* Everything is counted; whether it may be. */
static int settle(struct netio_limit *limit, uint32_t slot, uint64_t hash, int64_t now,
                  enum netio_refused *why)
{
    *why = NETIO_REFUSED_FULL;
    if (!fits(limit, limit->total, hash, open_of_all))
        return 0;
    if (slot != NETIO__NO_SLOT) {
        *why = NETIO_REFUSED_SOURCE;
        if (!fits(limit, limit->per_source, hash, open_of_source))
            return 0;
        *why = NETIO_REFUSED_RATE;
        if (!charge(limit, &limit->source_rate, slot, now, 0))
            return 0;
    }
    return charge(limit, &limit->rate, slot_of_all(limit), now, 1);
}

/* The slot, if any, is pinned. */
static void count_open(struct netio_limit *limit, struct netio_hold *hold, uint32_t slot)
{
    netio__slot_add(&limit->sources, limit->column, slot_of_all(limit));
    hold->place = slot == NETIO__NO_SLOT ? TOTAL_ONLY : slot + SLOT_BASE;
}

int netio_limit_take(struct netio_limit *limit, struct netio_hold *hold,
                     const struct netio_addr *peer, int exempt, int64_t now,
                     enum netio_refused *why)
{
    uint32_t slot = NETIO__NO_SLOT;
    uint64_t hash = 0;
    int has_source = !exempt && hash_of(limit, peer, &hash);

    hold->place = 0;
    if (has_source && is_over(limit, hash, now, why))
        return -1;
    *why = NETIO_REFUSED_FULL;
    if (limit->total && open_of_all(limit, 0) >= limit->total)
        return -1;
    if (has_source) {
        slot = netio__sources_pin(&limit->sources, limit->column, hash, now);
        if (slot == NETIO__NO_SLOT && (limit->per_source || limit->source_rate.span))
            return -1;
    }
    count_open(limit, hold, slot);
    if (settle(limit, slot, hash, now, why))
        return 0;
    netio_limit_give(limit, hold);
    return -1;
}

void netio_limit_adopt(struct netio_limit *limit, struct netio_hold *hold,
                       const struct netio_addr *peer, int64_t now)
{
    uint32_t slot = NETIO__NO_SLOT;
    uint64_t hash;

    if (hash_of(limit, peer, &hash))
        slot = netio__sources_pin(&limit->sources, limit->column, hash, now);
    count_open(limit, hold, slot);
}

void netio_limit_give(struct netio_limit *limit, struct netio_hold *hold)
{
    if (hold->place == 0)
        return;
    netio__sources_unpin(&limit->sources, limit->column, slot_of_all(limit));
    if (hold->place != TOTAL_ONLY)
        netio__sources_unpin(&limit->sources, limit->column, hold->place - SLOT_BASE);
    hold->place = 0;
}

int netio_limit_pass(struct netio_limit *limit, const struct netio_addr *peer, int exempt,
                     int64_t now, enum netio_refused *why)
{
    uint64_t hash;

    *why = NETIO_REFUSED_RATE;
    if (is_fast(limit, &limit->rate, slot_of_all(limit), now))
        return -1;
    if (limit->source_rate.span && !exempt && hash_of(limit, peer, &hash)) {
        uint32_t slot = netio__sources_find(&limit->sources, hash);
        if (slot != NETIO__NO_SLOT && is_fast(limit, &limit->source_rate, slot, now))
            return -1;
        /* Counted while its rate is, so that the slot stays its own. */
        slot = netio__sources_pin(&limit->sources, limit->column, hash, now);
        if (slot == NETIO__NO_SLOT)
            return -1;
        int passed = charge(limit, &limit->source_rate, slot, now, 0);
        netio__sources_unpin(&limit->sources, limit->column, slot);
        if (!passed)
            return -1;
    }
    return charge(limit, &limit->rate, slot_of_all(limit), now, 0) ? 0 : -1;
}

netio_deadline netio_limit_next(const struct netio_limit *limit, int64_t now)
{
    if (!limit->rate.span)
        return now;
    return due_at(limit, &limit->rate, slot_of_all(limit), now) + limit->rate.step -
           limit->rate.span;
}

netio_deadline netio_limit_due(const struct netio_limit *limit)
{
    return __atomic_load_n(&limit->sources.due[slot_of_all(limit)], __ATOMIC_SEQ_CST);
}

/* One that is too far away is cut when it is looked at (due_at). */
void netio_limit_set_due(struct netio_limit *limit, netio_deadline due)
{
    __atomic_store_n(&limit->sources.due[slot_of_all(limit)], due, __ATOMIC_SEQ_CST);
}

unsigned netio_limit_open(const struct netio_limit *limit)
{
    return open_of_all(limit, 0);
}
