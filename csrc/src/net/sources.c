/* Ring 1.  Sources, counted by several processes at once; see sources.h, which says why it holds.
 * Called by limit.c; it touches its shared memory only. */
#include "net/sources.h"

#include <errno.h>
#include <sys/mman.h>

#define WAYS      8u /* slots of a bucket: their tags are one cache line */
#define HEAD      64 /* bytes before the tags */
#define SLOTS_MIN (4 * WAYS)

#define LIVE     1u      /* of a tag; without it, it is dying */
#define VERSION  2u      /* added at each change */
#define LOW_BITS 0xffffu /* the version and LIVE; the others are the hash */

/* Counts of one column begin on a cache line of their own. */
static size_t stride(const struct netio__sources *sources)
{
    return sources->slots + HEAD / sizeof *sources->open;
}

static uint32_t *open_at(const struct netio__sources *sources, unsigned column, uint32_t slot)
{
    return &sources->open[column * stride(sources) + slot];
}

int netio__sources_new(struct netio__sources *sources, size_t count)
{
    size_t slots = SLOTS_MIN;

    /* Half of them empty: that both buckets of a source are full is as good as impossible. */
    while (slots < 2 * count)
        slots *= 2;
    sources->slots = slots;
    size_t row = slots + HEAD / sizeof *sources->due;
    sources->bytes = HEAD + row * (sizeof *sources->tags + sizeof *sources->due) +
                     NETIO_LIMIT_COLUMNS * stride(sources) * sizeof *sources->open;
    char *memory = mmap(NULL, sources->bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    sources->columns = (uint32_t *)memory;
    sources->tags = (uint64_t *)(memory + HEAD);
    sources->due = (int64_t *)(sources->tags + row);
    sources->open = (uint32_t *)(sources->due + row);
    *sources->columns = 1;
    return 0;
}

void netio__sources_free(struct netio__sources *sources)
{
    (void)munmap(sources->columns, sources->bytes);
}

void netio__sources_use(struct netio__sources *sources, unsigned column)
{
    uint32_t seen = __atomic_load_n(sources->columns, __ATOMIC_SEQ_CST);

    while (seen <= column && !__atomic_compare_exchange_n(sources->columns, &seen, column + 1, 0,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
}

unsigned netio__slot_open(const struct netio__sources *sources, uint32_t slot)
{
    unsigned columns = __atomic_load_n(sources->columns, __ATOMIC_SEQ_CST), sum = 0;

    for (unsigned column = 0; column < columns; column++)
        sum += __atomic_load_n(open_at(sources, column, slot), __ATOMIC_SEQ_CST);
    return sum;
}

void netio__slot_add(struct netio__sources *sources, unsigned column, uint32_t slot)
{
    (void)__atomic_fetch_add(open_at(sources, column, slot), 1, __ATOMIC_SEQ_CST);
}

void netio__sources_unpin(struct netio__sources *sources, unsigned column, uint32_t slot)
{
    uint32_t *open = open_at(sources, column, slot);

    /* Only this process writes there, unless somebody took it for dead and cleared it. */
    if (__atomic_load_n(open, __ATOMIC_SEQ_CST) > 0)
        (void)__atomic_fetch_sub(open, 1, __ATOMIC_SEQ_CST);
}

void netio__sources_clear(struct netio__sources *sources, unsigned column)
{
    for (uint32_t slot = 0; slot <= sources->slots; slot++)
        if (__atomic_load_n(open_at(sources, column, slot), __ATOMIC_RELAXED) != 0)
            __atomic_store_n(open_at(sources, column, slot), 0, __ATOMIC_SEQ_CST);
}

static uint64_t tag_of(const struct netio__sources *sources, uint32_t slot)
{
    return __atomic_load_n(&sources->tags[slot], __ATOMIC_SEQ_CST);
}

/* Free slots have tag 0, which is dying and so nobody's. */
static int is_of(uint64_t tag, uint64_t hash)
{
    return tag != 0 && (tag ^ hash) <= LOW_BITS;
}

/* The same owner or another, and the next version. */
static uint64_t next_tag(uint64_t tag, uint64_t owner, unsigned live)
{
    return (owner & ~(uint64_t)LOW_BITS) | ((tag + VERSION) & LOW_BITS & ~(uint64_t)LIVE) | live;
}

static int swap_tag(struct netio__sources *sources, uint32_t slot, uint64_t old, uint64_t new)
{
    return __atomic_compare_exchange_n(&sources->tags[slot], &old, new, 0, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* The first slots of the two buckets, never the same. */
static void buckets_of(const struct netio__sources *sources, uint64_t hash, uint32_t at[2])
{
    uint32_t mask = (uint32_t)(sources->slots / WAYS) - 1;
    uint32_t first = (uint32_t)hash & mask, second = (uint32_t)(hash >> 24) & mask;

    at[0] = first * WAYS;
    at[1] = (second == first ? first ^ 1 : second) * WAYS;
}

uint32_t netio__sources_find(const struct netio__sources *sources, uint64_t hash)
{
    uint32_t at[2];

    buckets_of(sources, hash, at);
    for (unsigned i = 0; i < 2 * WAYS; i++) {
        uint32_t slot = at[i / WAYS] + i % WAYS;
        if (is_of(tag_of(sources, slot), hash))
            return slot;
    }
    return NETIO__NO_SLOT;
}

unsigned netio__sources_open(const struct netio__sources *sources, uint64_t hash)
{
    unsigned sum = 0;
    uint32_t at[2];

    buckets_of(sources, hash, at);
    for (unsigned i = 0; i < 2 * WAYS; i++) {
        uint32_t slot = at[i / WAYS] + i % WAYS;
        if (is_of(tag_of(sources, slot), hash))
            sum += netio__slot_open(sources, slot);
    }
    return sum;
}

/* When the slot can be another's: 0 for now, later the worse; -1 while something is open. */
static int64_t free_at(const struct netio__sources *sources, uint32_t slot, int64_t now)
{
    int64_t due = __atomic_load_n(&sources->due[slot], __ATOMIC_SEQ_CST);

    if (tag_of(sources, slot) == 0)
        return 0;
    if (netio__slot_open(sources, slot) > 0)
        return -1;
    return due <= now ? 0 : due;
}

/* The slot for a new source: in the emptier bucket, or, when neither has a free one, that of the
 * source whose rate recovers first.  Processes that see the same choose the same. */
static uint32_t choose(const struct netio__sources *sources, const uint32_t at[2], int64_t now)
{
    uint32_t best[2] = {NETIO__NO_SLOT, NETIO__NO_SLOT};
    int64_t when[2] = {INT64_MAX, INT64_MAX};
    unsigned free_ones[2] = {0, 0};

    for (unsigned i = 0; i < 2 * WAYS; i++) {
        uint32_t slot = at[i / WAYS] + i % WAYS;
        int64_t then = free_at(sources, slot, now);
        free_ones[i / WAYS] += then == 0;
        if (then >= 0 && then < when[i / WAYS]) {
            when[i / WAYS] = then;
            best[i / WAYS] = slot;
        }
    }
    if (when[0] == when[1])
        return best[free_ones[1] > free_ones[0]];
    return best[when[1] < when[0]];
}

/* Makes a slot the source's, if it is still as it was; what may change is in sources.h. */
static void take_over(struct netio__sources *sources, uint32_t slot, uint64_t hash)
{
    uint64_t tag = tag_of(sources, slot), dying = next_tag(tag, tag, 0);
    int64_t due = __atomic_load_n(&sources->due[slot], __ATOMIC_SEQ_CST);

    if (!swap_tag(sources, slot, tag, dying) || netio__slot_open(sources, slot) > 0)
        return;
    /* A debt of the one before; or nothing, if it has recovered. */
    (void)__atomic_compare_exchange_n(&sources->due[slot], &due, 0, 0, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST);
    (void)swap_tag(sources, slot, dying, next_tag(dying, hash, LIVE));
}

/* Counts one more there, if the slot is the source's and stays it. */
static int pin(struct netio__sources *sources, unsigned column, uint32_t slot, uint64_t hash)
{
    netio__slot_add(sources, column, slot);
    for (;;) {
        uint64_t tag = tag_of(sources, slot);
        if (!is_of(tag, hash))
            break;
        if (tag & LIVE || swap_tag(sources, slot, tag, next_tag(tag, hash, LIVE)))
            return 1;
    }
    netio__sources_unpin(sources, column, slot);
    return 0;
}

uint32_t netio__sources_pin(struct netio__sources *sources, unsigned column, uint64_t hash,
                            int64_t now)
{
    uint32_t at[2];

    buckets_of(sources, hash, at);
    /* Another turn means that another process has done something in these buckets. */
    for (;;) {
        uint32_t slot = netio__sources_find(sources, hash);
        if (slot != NETIO__NO_SLOT && pin(sources, column, slot, hash))
            return slot;
        if (slot != NETIO__NO_SLOT)
            continue;
        slot = choose(sources, at, now);
        if (slot == NETIO__NO_SLOT)
            return slot;
        take_over(sources, slot, hash);
    }
}
