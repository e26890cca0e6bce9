/* whoisd: the storage interface.  Entries are found by handle or by words, and read one by
 * one; which engine keeps them is the business of the URI.
 *
 * Called by start.c, service.c, once.c, session.c and answer.c.  One thread; an open directory
 * does not cross a fork.
 */
#ifndef WHOISD_DIRECTORY_H
#define WHOISD_DIRECTORY_H

#include "query.h"

#include <netio/clock.h>
#include <netio/log.h>
#include <netio/loop.h>
#include <stddef.h>
#include <stdint.h>

struct directory;

/* What a listing shows of an entry.  Text that is not there is empty. */
struct directory_entry {
    int64_t id; /* good until control returns to the loop */
    const char *handle;
    const char *name;
    const char *summary;
};

/* Hears of the entries that a search finds, in the order of listing; entry is valid until it
 * returns.  Any code but 0 ends the search, which returns that code. */
struct directory_hearer {
    int (*entry)(void *data, const struct directory_entry *entry);
    void *data;
};

/* Why a directory cannot serve.  -errno: it cannot be read; NETIO_EBADOPTION: the URI is wrong;
 * -EBADMSG: it can be read, but is not what it should be. */
struct directory_fault {
    int code;
    char text[256];
};

/* Fills *fault and returns code; what an engine says its faults with. */
int directory_fault_set(struct directory_fault *fault, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* *absolute becomes the URI, the caller's to free, with its place as it is to be named whatever
 * folder one works in.  0 or a code with *fault. */
int directory_locate(char **absolute, const char *uri, struct directory_fault *fault);
/* "sqlite:PATH".  Reads and checks all of it, which takes about a second for a gigabyte.  0 and
 * *directory, or a code with *fault. */
int directory_open(struct directory **directory, const char *uri, struct directory_fault *fault);
void directory_close(struct directory *directory);
/* The place to name in messages: the path of its file. */
const char *directory_place(const struct directory *directory);
/* How many entries it holds. */
uint64_t directory_entries(const struct directory *directory);

/* Who hears of successors. */
struct directory_follower {
    struct netio_loop *loop;
    struct netio_log *log;
    void (*settled)(void *data); /* one has been checked: it is in use now, or has been refused */
    void *data;
};

/* From now on looks for a successor at every search and whenever the loop sees a change, and
 * changes over between two queries once it has been checked.  A bad successor is logged once,
 * and the directory stays what it was.  The follower is copied; before its loop is freed, say so
 * with a follower of NULL.  0; or -errno, when the loop cannot be told of changes: then only
 * searches see them. */
int directory_follow(struct directory *directory, const struct directory_follower *follower);
/* Checks again at once what stands there, logs the outcome and calls settled. */
void directory_recheck(struct directory *directory);

/* Tells the hearer of the first max entries that have the query's words (QUERY_WORDS) or its
 * handle (QUERY_HANDLE).  0; -ETIMEDOUT when the deadline came first; -EIO when the directory
 * cannot be read (logged); or the hearer's code. */
int directory_find(struct directory *directory, const struct query *query, size_t max,
                   const struct directory_hearer *hearer, netio_deadline deadline);
/* The record of an entry: "Label<TAB>value<LF>" lines, valid until the next call on the
 * directory.  0, -ETIMEDOUT or -EIO. */
int directory_read(struct directory *directory, int64_t id, const char **fields,
                   netio_deadline deadline);

/* An engine: its own struct begins with a struct directory. */
struct directory_engine {
    const char *scheme; /* what the URI begins with, colon included */
    int (*open)(struct directory **directory, const char *place, struct directory_fault *fault);
    void (*close)(struct directory *directory);
    uint64_t (*entries)(const struct directory *directory);
    int (*follow)(struct directory *directory, const struct directory_follower *follower);
    void (*recheck)(struct directory *directory);
    int (*find)(struct directory *directory, const struct query *query, size_t max,
                const struct directory_hearer *hearer, netio_deadline deadline);
    int (*read)(struct directory *directory, int64_t id, const char **fields,
                netio_deadline deadline);
};

struct directory {
    const struct directory_engine *engine;
    char *place;
};

extern const struct directory_engine directory_sqlite;

#endif
