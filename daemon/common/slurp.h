/* daemon/common: a whole file at once.
 *
 * Called by what reads a configuration.
 */
#ifndef DAEMON_SLURP_H
#define DAEMON_SLURP_H

#include <stddef.h>
#include <sys/stat.h>

/* All of a regular file, with a NUL behind it, the caller's to free, its size, and what it was (st
 * may be NULL).  NULL with errno: EINVAL for what is no regular file (a FIFO would be waited for),
 * EFBIG for more than max bytes. */
char *slurp(const char *path, size_t max, size_t *size, struct stat *st);

#endif
