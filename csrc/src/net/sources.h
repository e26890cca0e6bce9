/* Ring 1, private.  Where clients come from, counted by several processes at once; netio_limit
 * asks.
 *
 * A table in shared memory: a source has a slot in one of the two buckets that its hash names, and
 * in each column, one for each process, a count of what that process has open.
 *
 *      tags   [slot]            whose it is: 48 bits of the hash, a version, and whether it lives
 *      due    [slot]            until when its rate is used up (limit.c)
 *      open   [column][slot]    only the process of the column writes there
 *
 * Why nobody needs a lock.  Who counts first adds to the column and then looks whether the tag is
 * still the source's (a pin).  Who wants the slot of another source first marks the tag as dying,
 * then looks whether anything is open, and only then makes it its own.  All that is sequentially
 * consistent, so one of the two sees the other: either the count is there, and the slot stays; or
 * the mark is, and who counts takes it away again, or goes elsewhere.  The version keeps a mark
 * from being taken for an older one.  Death at any instruction leaves at most a mark, which the
 * next one to come removes, and counts in a column, which netio__sources_clear removes.
 *
 * Two processes that meet a new source at the same time can, if a slot becomes free in between,
 * give it two: so what is open is added up over all slots with its tag. */
#ifndef NETIO_SRC_NET_SOURCES_H
#define NETIO_SRC_NET_SOURCES_H

#include <netio/limit.h>
#include <stddef.h>
#include <stdint.h>

#define NETIO__SOURCES_MAX (1u << 24)
#define NETIO__NO_SLOT     UINT32_MAX

struct netio__sources {
    uint32_t *columns; /* that were ever in use; first in the mapping */
    uint64_t *tags;
    int64_t *due;
    uint32_t *open;
    size_t slots; /* that sources can have; the one behind them is that of all together */
    size_t bytes; /* of the mapping */
};

/* Room for so many sources at least; 0 or -ENOMEM. */
int netio__sources_new(struct netio__sources *sources, size_t count);
void netio__sources_free(struct netio__sources *sources);
/* The slot of a source, or NETIO__NO_SLOT when it is not known: to look, not to count. */
uint32_t netio__sources_find(const struct netio__sources *sources, uint64_t hash);
/* Counts one more of it in this column, and knows it from now on; NETIO__NO_SLOT when all slots
 * that it could have are those of sources that have something open. */
uint32_t netio__sources_pin(struct netio__sources *sources, unsigned column, uint64_t hash,
                            int64_t now);
void netio__sources_unpin(struct netio__sources *sources, unsigned column, uint32_t slot);
/* What it has open, in all columns. */
unsigned netio__sources_open(const struct netio__sources *sources, uint64_t hash);
/* The same of one slot. */
unsigned netio__slot_open(const struct netio__sources *sources, uint32_t slot);
/* Counts one more in a slot that is nobody's to take, as that of all together. */
void netio__slot_add(struct netio__sources *sources, unsigned column, uint32_t slot);
/* From now on the column may be in use. */
void netio__sources_use(struct netio__sources *sources, unsigned column);
/* Nothing is open in this column. */
void netio__sources_clear(struct netio__sources *sources, unsigned column);

#endif
