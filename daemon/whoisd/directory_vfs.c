/* whoisd: lets SQLite read a descriptor that is open already; see directory_vfs.h.
 * Called by directory_reader.c, and by SQLite; reads with pread(2) and does nothing else. */
#include "directory_vfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME           "netio-fd"
#define ALLOCATION_MAX (256 * 1024 * 1024) /* bytes at once: more than any search needs */

struct fd_file {
    sqlite3_file base;
    int fd;
    sqlite3_int64 size;
};

/* SQLite asks for bytes behind the end as well; it wants zeros there and a special code. */
static int fd_read(sqlite3_file *base, void *data, int amount, sqlite3_int64 at)
{
    struct fd_file *file = (struct fd_file *)base;
    sqlite3_int64 left = at < file->size ? file->size - at : 0;
    size_t want = amount < left ? (size_t)amount : (size_t)left, got = 0;

    while (got < want) {
        ssize_t n = pread(file->fd, (char *)data + got, want - got, (off_t)(at + (off_t)got));
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return SQLITE_IOERR_READ;
        if (n == 0)
            return SQLITE_IOERR_READ; /* cut short since it was checked */
        got += (size_t)n;
    }
    memset((char *)data + got, 0, (size_t)amount - got);
    return got < (size_t)amount ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int fd_close(sqlite3_file *base)
{
    (void)base; /* the descriptor is the caller's */
    return SQLITE_OK;
}

static int fd_write(sqlite3_file *base, const void *data, int amount, sqlite3_int64 at)
{
    (void)base, (void)data, (void)amount, (void)at;
    return SQLITE_READONLY;
}

static int fd_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    (void)base, (void)size;
    return SQLITE_READONLY;
}

static int fd_sync(sqlite3_file *base, int flags)
{
    (void)base, (void)flags;
    return SQLITE_OK;
}

static int fd_size(sqlite3_file *base, sqlite3_int64 *size)
{
    *size = ((struct fd_file *)base)->size;
    return SQLITE_OK;
}

static int fd_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int fd_check_lock(sqlite3_file *base, int *reserved)
{
    (void)base;
    *reserved = 0;
    return SQLITE_OK;
}

static int fd_control(sqlite3_file *base, int op, void *arg)
{
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int fd_sector(sqlite3_file *base)
{
    (void)base;
    return 4096;
}

static int fd_character(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_IMMUTABLE;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                    int *flags_out)
{
    static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = fd_close,
        .xRead = fd_read,
        .xWrite = fd_write,
        .xTruncate = fd_truncate,
        .xSync = fd_sync,
        .xFileSize = fd_size,
        .xLock = fd_lock,
        .xUnlock = fd_lock,
        .xCheckReservedLock = fd_check_lock,
        .xFileControl = fd_control,
        .xSectorSize = fd_sector,
        .xDeviceCharacteristics = fd_character,
    };
    struct fd_file *file = (struct fd_file *)base;

    (void)vfs;
    base->pMethods = NULL;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return SQLITE_CANTOPEN; /* journals and temporary files do not occur */
    file->fd = (int)sqlite3_uri_int64(name, "fd", -1);
    file->size = sqlite3_uri_int64(name, "size", 0);
    base->pMethods = &methods;
    if (flags_out)
        *flags_out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs, (void)name, (void)sync;
    return SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *exists)
{
    (void)vfs, (void)name, (void)flags;
    *exists = 0;
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static sqlite3_mem_methods memory;

static void *allocate(int size)
{
    return size <= ALLOCATION_MAX ? memory.xMalloc(size) : NULL;
}

static void *reallocate(void *old, int size)
{
    return size <= ALLOCATION_MAX ? memory.xRealloc(old, size) : NULL;
}

/* An index that somebody made up may speak of a gigabyte in its few bytes, and FTS5 asks for room
 * before it looks for them.  (SQLite's own limit of its heap needs its statistics.) */
static void limit_allocations(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK)
        return;
    sqlite3_mem_methods limited = memory;
    limited.xMalloc = allocate;
    limited.xRealloc = reallocate;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &limited);
}

/* Time, randomness and sleep come from the default VFS. */
static int register_vfs(void)
{
    static sqlite3_vfs vfs;

    /* One thread, and nobody asks for statistics: no locks and no counting at each allocation.
     * Refused once SQLite is at work, which is as well. */
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    limit_allocations();
    if (sqlite3_vfs_find(NAME))
        return SQLITE_OK;
    sqlite3_vfs *standard = sqlite3_vfs_find(NULL);
    if (!standard)
        return SQLITE_ERROR;
    vfs = *standard;
    vfs.zName = NAME;
    vfs.szOsFile = sizeof(struct fd_file);
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_name;
    return sqlite3_vfs_register(&vfs, 0);
}

int directory_vfs_open(sqlite3 **db, int fd, off_t size)
{
    char uri[96];

    *db = NULL;
    int code = register_vfs();
    if (code != SQLITE_OK)
        return code;
    snprintf(uri, sizeof uri, "file:directory?mode=ro&immutable=1&vfs=" NAME "&fd=%d&size=%lld", fd,
             (long long)size);
    return sqlite3_open_v2(uri, db,
                           SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
}
