/* whoisd: lets SQLite read a descriptor that is open already.
 *
 * Called by directory_reader.c.  SQLite opens files by name, and between the check of a file
 * and that opening another may have taken the name.  Through this VFS it reads the very bytes
 * that were checked, as a file that cannot change: no locks, no journal, no mmap (a truncated
 * map is SIGBUS, a truncated file an error).
 */
#ifndef WHOISD_DIRECTORY_VFS_H
#define WHOISD_DIRECTORY_VFS_H

#include <sqlite3.h>
#include <sys/types.h>

/* Opens the first size bytes of fd as a read-only database, for one thread.  fd stays the
 * caller's, and open until sqlite3_close.  A SQLite result code; *db must be closed in any case. */
int directory_vfs_open(sqlite3 **db, int fd, off_t size);

#endif
