/* whoisd: the engine "sqlite:PATH", and how it changes over from one file to the next.
 * Called through directory.c and by the loop; see directory.h.
 *
 *                 another file at PATH
 *     [SERVING] ------------------------> [CHECKING]  a slice at each turn of the loop; from the
 *         ^                                 |    |    start when PATH shows yet another file
 *         |  good: served from now on       |    |
 *         +---------------------------------+    |
 *         |  bad: logged, the old one kept       |
 *         +--------------------------------------+
 *
 * The change happens in a timer's handler, a query runs within a handler of its own: no answer
 * is made of two files.  A bad file is not looked at again until PATH shows another.  A file
 * that somebody edited in place, against all rules, is no longer what was checked: once the
 * check has found it bad there is nothing to serve, and whoisd says so. */
#include "directory.h"
#include "directory_file.h"
#include "directory_reader.h"

#include "common/path.h"

#include <netio/error.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>

#define SLICE (1024 * 1024) /* bytes checked at one turn of the loop: about a millisecond */

struct sqlite {
    struct directory base;
    struct directory_reader *reader;   /* NULL: nothing to serve */
    struct directory_file candidate;   /* open while it is being checked */
    struct directory_identity refused; /* the last bad one, or all zero for a missing file */
    struct directory_fault fault;      /* and what was wrong with it */
    int has_refused;
    int asked;                          /* somebody sent HUP and wants to hear the outcome */
    struct directory_follower follower; /* loop NULL: none */
    struct netio_timer slice;
    struct netio_watch folder; /* inotify; stopped: only searches look */
};

static struct sqlite *sqlite_of(struct directory *directory)
{
    return (struct sqlite *)directory;
}

static int same_inode(const struct directory_identity *a, const struct directory_identity *b)
{
    return a->device == b->device && a->inode == b->inode;
}

static void drop_candidate(struct sqlite *sqlite)
{
    netio_timer_stop(&sqlite->slice);
    directory_file_close(&sqlite->candidate);
}

/* There was nothing to look at the file with, which says nothing of the file: it is not held
 * against it, and the next search looks again. */
static int is_passing(const struct directory_fault *fault)
{
    return fault->code == -EMFILE || fault->code == -ENFILE || fault->code == -ENOMEM;
}

/* What was read of the file is not what it should be.  That its name may not be opened any more,
 * or leads nowhere, takes nothing from the descriptor that is served. */
static int has_gone_bad(const struct directory_fault *fault)
{
    return fault->code == -EBADMSG || fault->code == -EIO;
}

static void settle(struct sqlite *sqlite)
{
    if (sqlite->follower.settled)
        sqlite->follower.settled(sqlite->follower.data);
}

/* Keeps what is served, unless that is the very file which has gone bad.  A file that is being
 * copied to its place is bad at every look, and worth one line; the number of its inode alone
 * does not tell, since a file that is gone hands its number on. */
static void refuse(struct sqlite *sqlite, const struct directory_identity *identity,
                   const struct directory_fault *fault)
{
    int known = sqlite->has_refused && same_inode(identity, &sqlite->refused) && !sqlite->asked &&
                strcmp(fault->text, sqlite->fault.text) == 0;

    drop_candidate(sqlite);
    sqlite->refused = *identity;
    sqlite->fault = *fault;
    sqlite->has_refused = 1;
    sqlite->asked = 0;
    if (sqlite->reader && has_gone_bad(fault) &&
        same_inode(identity, directory_reader_identity(sqlite->reader))) {
        directory_reader_close(sqlite->reader);
        sqlite->reader = NULL;
        known = 0;
    }
    if (!known)
        netio_log(sqlite->follower.log, LOG_ERR, "directory %s: %s; %s", sqlite->base.place,
                  fault->text,
                  sqlite->reader ? "the one before stays in use" : "there is none to serve");
    settle(sqlite);
}

/* The candidate has passed: from the next query on it answers. */
static void change_over(struct sqlite *sqlite)
{
    struct directory_identity identity = sqlite->candidate.identity;
    struct directory_reader *reader;
    struct directory_fault fault;

    if (directory_reader_open_take(&reader, &sqlite->candidate, &fault) != 0) {
        refuse(sqlite, &identity, &fault);
        return;
    }
    directory_reader_close(sqlite->reader);
    sqlite->reader = reader;
    sqlite->has_refused = 0;
    sqlite->asked = 0;
    netio_log(sqlite->follower.log, LOG_NOTICE, "directory %s: in use now, %llu entries",
              sqlite->base.place, (unsigned long long)directory_reader_entries(reader));
    settle(sqlite);
}

static void check_slice(struct netio_timer *timer)
{
    struct sqlite *sqlite = timer->data;
    struct directory_identity identity = sqlite->candidate.identity;
    struct directory_fault fault;

    switch (directory_file_check(&sqlite->candidate, SLICE, &fault)) {
    case 0:
        netio_timer_start(sqlite->follower.loop, timer, NETIO_NOW);
        break;
    case 1:
        change_over(sqlite);
        break;
    default:
        refuse(sqlite, &identity, &fault);
    }
}

static void begin_check(struct sqlite *sqlite, const struct directory_identity *seen)
{
    struct directory_fault fault;

    drop_candidate(sqlite);
    if (directory_file_open(&sqlite->candidate, sqlite->base.place, &fault) != 0)
        refuse(sqlite, seen, &fault);
    else if (netio_timer_start(sqlite->follower.loop, &sqlite->slice, NETIO_NOW) != 0) {
        directory_file_close(&sqlite->candidate); /* no memory: the next look tries again */
        settle(sqlite);
    }
}

/* One lstat when nothing has changed. */
static void look(struct sqlite *sqlite)
{
    struct directory_identity now;

    directory_identity_get(&now, sqlite->base.place);
    if (sqlite->reader &&
        directory_identity_same(&now, directory_reader_identity(sqlite->reader))) {
        if (!sqlite->asked)
            drop_candidate(sqlite);
        sqlite->has_refused = 0;
        return;
    }
    if (sqlite->has_refused && !is_passing(&sqlite->fault) &&
        directory_identity_untouched(&now, &sqlite->refused))
        return;
    if (sqlite->candidate.fd >= 0 && directory_identity_same(&now, &sqlite->candidate.identity))
        return;
    begin_check(sqlite, &now);
}

static void sqlite_recheck(struct directory *directory)
{
    struct sqlite *sqlite = sqlite_of(directory);
    struct directory_identity now;

    directory_identity_get(&now, sqlite->base.place);
    sqlite->asked = 1;
    begin_check(sqlite, &now);
}

/* Something happened in the folder: what exactly does not matter. */
static void folder_ready(struct netio_watch *watch, unsigned events)
{
    char data[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    (void)events;
    while (netio_fd_read(watch->fd, data, sizeof data) > 0)
        ;
    look(watch->data);
}

/* Watches the folder, because a rename happens to it and not to the file. */
static int watch_folder(struct sqlite *sqlite)
{
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR;
    char *folder = path_folder(sqlite->base.place);
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), code = 0;

    if (!folder || fd == -1)
        code = -errno;
    else if (inotify_add_watch(fd, folder, events) == -1)
        code = -errno;
    else
        code = netio_watch_start(sqlite->follower.loop, &sqlite->folder, fd, NETIO_READ);
    if (code != 0)
        netio_fd_close(fd);
    free(folder);
    return code;
}

static void unfollow(struct sqlite *sqlite)
{
    int fd = sqlite->folder.fd;

    drop_candidate(sqlite);
    if (sqlite->folder.loop) {
        netio_watch_stop(&sqlite->folder);
        netio_fd_close(fd);
    }
    sqlite->follower = (struct directory_follower){.loop = NULL};
}

static int sqlite_follow(struct directory *directory, const struct directory_follower *follower)
{
    struct sqlite *sqlite = sqlite_of(directory);

    unfollow(sqlite);
    if (!follower)
        return 0;
    sqlite->follower = *follower;
    sqlite->slice = (struct netio_timer){.fire = check_slice, .data = sqlite};
    sqlite->folder = (struct netio_watch){.ready = folder_ready, .data = sqlite};
    return watch_folder(sqlite);
}

static void sqlite_close(struct directory *directory)
{
    struct sqlite *sqlite = sqlite_of(directory);

    unfollow(sqlite);
    directory_reader_close(sqlite->reader);
    free(sqlite->base.place);
    free(sqlite);
}

static int sqlite_open(struct directory **directory, const char *place,
                       struct directory_fault *fault)
{
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);
    struct directory_file file = DIRECTORY_FILE_CLOSED;

    if (!sqlite || !(sqlite->base.place = strdup(place))) {
        free(sqlite);
        return directory_fault_set(fault, -ENOMEM, "%s", netio_error_text(-ENOMEM));
    }
    sqlite->base.engine = &directory_sqlite;
    sqlite->candidate.fd = -1;
    int code = directory_file_open(&file, place, fault);
    while (code == 0)
        code = directory_file_check(&file, SLICE, fault);
    if (code == 1)
        code = directory_reader_open_take(&sqlite->reader, &file, fault);
    directory_file_close(&file);
    if (code != 0) {
        sqlite_close(&sqlite->base);
        return code;
    }
    *directory = &sqlite->base;
    return 0;
}

static uint64_t sqlite_entries(const struct directory *directory)
{
    const struct sqlite *sqlite = (const struct sqlite *)directory;

    return sqlite->reader ? directory_reader_entries(sqlite->reader) : 0;
}

/* A file that was good and cannot be read any more: the next turns of the loop find out why. */
static int troubled(struct sqlite *sqlite, int code)
{
    struct directory_identity identity;

    if (code != -EIO)
        return code;
    identity = *directory_reader_identity(sqlite->reader);
    netio_log(sqlite->follower.log, LOG_ERR, "directory %s: %s", sqlite->base.place,
              directory_reader_trouble(sqlite->reader));
    if (sqlite->follower.loop && sqlite->candidate.fd < 0)
        begin_check(sqlite, &identity);
    return code;
}

static int sqlite_find(struct directory *directory, const struct query *query, size_t max,
                       const struct directory_hearer *hearer, netio_deadline deadline)
{
    struct sqlite *sqlite = sqlite_of(directory);

    if (sqlite->follower.loop)
        look(sqlite);
    if (!sqlite->reader)
        return -EIO;
    return troubled(sqlite, directory_reader_find(sqlite->reader, query, max, hearer, deadline));
}

static int sqlite_read(struct directory *directory, int64_t id, const char **fields,
                       netio_deadline deadline)
{
    struct sqlite *sqlite = sqlite_of(directory);

    if (!sqlite->reader)
        return -EIO;
    return troubled(sqlite, directory_reader_read(sqlite->reader, id, fields, deadline));
}

const struct directory_engine directory_sqlite = {
    .scheme = "sqlite:",
    .open = sqlite_open,
    .close = sqlite_close,
    .entries = sqlite_entries,
    .follow = sqlite_follow,
    .recheck = sqlite_recheck,
    .find = sqlite_find,
    .read = sqlite_read,
};
