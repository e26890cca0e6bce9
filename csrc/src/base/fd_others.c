/* Ring 0.  All descriptors but some; see netio/fd.h.  Called where a process begins, also between
 * fork and exec: it allocates nothing.
 *
 * close_range(2) does it in one call for each gap between those that are kept.  Where it is missing
 * (before Linux 5.9; for marking, 5.11), forbidden, or claims to have worked and has not (a seccomp
 * filter can make it so), /proc/self/fd says which there are. */
#include <netio/error.h>
#include <netio/fd.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <string.h>
#include <unistd.h>

#define FIRST (STDERR_FILENO + 1)

enum what { CLOSE, MARK };

struct others {
    enum what what;
    const int *keep; /* not these */
    size_t count;
};

static int is_kept(const struct others *others, int fd)
{
    for (size_t i = 0; i < others->count; i++)
        if (others->keep[i] == fd)
            return 1;
    return 0;
}

/* The lowest that is kept and not below first; INT_MAX when there is none. */
static int next_kept(const struct others *others, int first)
{
    int next = INT_MAX;

    for (size_t i = 0; i < others->count; i++)
        if (others->keep[i] >= first && others->keep[i] < next)
            next = others->keep[i];
    return next;
}

static int is_done(enum what what, int fd)
{
    int flags = fcntl(fd, F_GETFD);

    return flags == -1 || (what == MARK && flags & FD_CLOEXEC);
}

/* A descriptor from first to last for the call to be tried on: a copy of one of 0 to 2.  -1 when
 * they are all taken, or none of the three is open. */
static int plant(int first, int last)
{
    int fd = -1;

    for (int source = 0; fd == -1 && source < FIRST; source++)
        fd = fcntl(source, F_DUPFD, first);
    if (fd < first)
        return -1;
    if (fd <= last)
        return fd;
    netio_fd_close(fd);
    return -1;
}

/* Whether what was planted is as it should be; it is gone after that. */
static int harvest(enum what what, int planted)
{
    int done = is_done(what, planted);

    if (!done || what == MARK)
        netio_fd_close(planted);
    return done;
}

static int do_range(enum what what, int first, int last)
{
    int planted = plant(first, last);
    /* To the very end: a limit may have been lowered below what is open. */
    int result = close_range((unsigned)first, last == INT_MAX ? ~0u : (unsigned)last,
                             what == MARK ? CLOSE_RANGE_CLOEXEC : 0);
    int done = planted == -1 ? is_done(what, first) : harvest(what, planted);

    return result == 0 && done;
}

static int do_ranges(const struct others *others)
{
    int first = FIRST, next;

    for (; (next = next_kept(others, first)) != INT_MAX; first = next + 1)
        if (next > first && !do_range(others->what, first, next - 1))
            return 0;
    return do_range(others->what, first, INT_MAX);
}

/* -1: a name that is no number, "." and "..". */
static int number_of(const char *name)
{
    int number = 0;

    for (; *name >= '0' && *name <= '9'; name++)
        number = number * 10 + (*name - '0');
    return *name || number < FIRST ? -1 : number;
}

static int do_one(const struct others *others, int fd)
{
    if (others->what == MARK)
        return netio_fd_cloexec(fd, 1);
    netio_fd_close(fd);
    return 0;
}

/* readdir(3) would allocate.  The kernel goes through the folder by number: closing disturbs
 * nothing. */
static int do_listed(const struct others *others, int folder)
{
    char entries[4096] __attribute__((aligned(__alignof__(struct dirent64))));
    ssize_t n;

    while ((n = getdents64(folder, entries, sizeof entries)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
            int fd = number_of(entry->d_name);
            at += entry->d_reclen;
            if (fd == -1 || fd == folder || is_kept(others, fd))
                continue;
            int code = do_one(others, fd);
            if (code)
                return code;
            if (!is_done(others->what, fd))
                return NETIO_ELIED;
        }
    return n == -1 ? -errno : 0;
}

static int do_folder(const struct others *others)
{
    int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder == -1)
        return -errno;
    int planted = plant(FIRST, INT_MAX);
    if (is_kept(others, planted)) { /* one to be kept is not open: then its number is free */
        netio_fd_close(planted);
        planted = -1;
    }
    int code = do_listed(others, folder);
    int done = planted == -1 || harvest(others->what, planted);
    netio_fd_close(folder);
    return code || done ? code : NETIO_ELIED;
}

static int do_others(enum what what, const int *keep, size_t count)
{
    const struct others others = {what, keep, count};

    return do_ranges(&others) ? 0 : do_folder(&others);
}

int netio_fd_close_others(const int *keep, size_t count)
{
    return do_others(CLOSE, keep, count);
}

int netio_fd_cloexec_others(const int *keep, size_t count)
{
    return do_others(MARK, keep, count);
}
