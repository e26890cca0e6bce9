/* daemon/common: a whole file at once; see slurp.h.
 * Called by what reads a configuration. */
#include "common/slurp.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* Without O_NONBLOCK a FIFO would be waited for before it is seen to be one. */
static int open_regular(const char *path, size_t max, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd == -1)
        return -1;
    int code = fstat(fd, st) == -1         ? errno
               : !S_ISREG(st->st_mode)     ? EINVAL
               : (size_t)st->st_size > max ? EFBIG
                                           : 0;
    if (!code)
        return fd;
    netio_fd_close(fd);
    errno = code;
    return -1;
}

/* Room for a byte at least, and the NUL. */
static int make_room(char **text, size_t *room, size_t size)
{
    if (*room > size + 1)
        return 0;
    char *more = realloc(*text, *room = *room ? 2 * *room : 4096);
    if (!more)
        return -ENOMEM;
    *text = more;
    return 0;
}

/* It may grow meanwhile: max counts what was read. */
static char *read_all(int fd, size_t max, size_t *size)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t got = 1;

    for (*size = 0; got > 0;) {
        got = make_room(&text, &room, *size);
        if (got == 0)
            got = netio_fd_read(fd, text + *size, room - *size - 1);
        if (got > 0 && (*size += (size_t)got) > max)
            got = -EFBIG;
    }
    if (got == 0) {
        text[*size] = '\0';
        return text;
    }
    free(text);
    errno = (int)-got;
    return NULL;
}

char *slurp(const char *path, size_t max, size_t *size, struct stat *st)
{
    struct stat own;
    int fd = open_regular(path, max, st ? st : &own);

    if (fd == -1)
        return NULL;
    char *text = read_all(fd, max, size);
    netio_fd_close(fd);
    return text;
}
