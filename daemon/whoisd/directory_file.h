/* whoisd: the file of a SQLite directory, checked before a byte of it is believed.
 *
 * Called by directory_sqlite.c and directory_reader.c.  whois-load ends each file with a trailer
 * that holds size and checksum of all that stands before it, and never edits a file in place; so
 * a descriptor that has passed the check stays good for ever, whatever happens to its name.
 */
#ifndef WHOISD_DIRECTORY_FILE_H
#define WHOISD_DIRECTORY_FILE_H

#include "directory.h"

#include <sys/types.h>
#include <time.h>

/* Which file stands at a path; all zero: none. */
struct directory_identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    struct timespec status; /* when its owner, mode or names changed last */
};

struct directory_file {
    int fd;      /* -1: closed */
    off_t size;  /* of the SQLite part */
    off_t done;  /* how much of it has gone into crc */
    uint32_t crc;
    uint32_t trailer_crc;
    struct directory_identity identity;
};

#define DIRECTORY_FILE_CLOSED {.fd = -1}

/* What stands at path now; 0 or -errno (and *identity all zero). */
int directory_identity_get(struct directory_identity *identity, const char *path);
int directory_identity_same(const struct directory_identity *a, const struct directory_identity *b);
/* The same, and nobody has changed its owner or mode, which decide whether it is refused. */
int directory_identity_untouched(const struct directory_identity *a,
                                 const struct directory_identity *b);

/* Opens the file and looks at kind, owner, mode, header and trailer.  0 or a code with *fault. */
int directory_file_open(struct directory_file *file, const char *path,
                        struct directory_fault *fault);
/* Reads up to max bytes more into the checksum.  1 when all of it is right, 0 to go on, or a
 * code with *fault. */
int directory_file_check(struct directory_file *file, size_t max, struct directory_fault *fault);
void directory_file_close(struct directory_file *file);

#endif
