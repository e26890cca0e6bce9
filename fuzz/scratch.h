/* fuzz/scratch.h: a file for the targets whose parser wants a path.  There is one a process; each
 * input is written over the one before. */
#ifndef FUZZ_SCRATCH_H
#define FUZZ_SCRATCH_H

#include "target.h"

#include <unistd.h>

static char scratch_path[64];
static int scratch_fd = -1;

static void scratch_remove(void)
{
    unlink(scratch_path);
}

/* Writes size bytes to the beginning of the file, and makes it so long. */
static inline void scratch_write(const uint8_t *data, size_t size)
{
    if (scratch_fd == -1) {
        /* In memory where there is such a folder. */
        snprintf(scratch_path, sizeof scratch_path, "%s/netio-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        scratch_fd = mkstemp(scratch_path);
        must(scratch_fd != -1 && atexit(scratch_remove) == 0);
    }
    must(ftruncate(scratch_fd, (off_t)size) == 0);
    must(pwrite(scratch_fd, data, size, 0) == (ssize_t)size);
}

#endif
