/* Ring 2.  A daemon's own pid file: its locks are the truth, its number is for people; see
 * netio/pidfile.h.  Called by daemonize.c and daemon.c; it touches the file it is given.
 * pidfile_find.c opens it, and finds whose it is.
 *
 * Two starters and a stale file (both have it open, the lock is what they race for):
 *
 *      A: open(old)                    B: open(old)
 *      A: lock, write, serve, unlink, end
 *                                      B: lock(old) succeeds, but old is no longer in the folder
 *
 * So whoever has the lock looks whether the path still leads to his file, and else begins again.
 * Nobody unlinks a file without its lock, and no file is renamed over another. */
#include "proc/pidfile.h"
#include "proc/pidlock.h"
#include "proc/succession.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODE 0600

/* Those that this process has written: to open and close one of them would free byte WRITER.  A
 * child of fork inherits the list, but is not the writer. */
static struct netio_pidfile *written;

const struct netio_pidfile *netio__pidfile_own(const struct stat *file)
{
    const struct netio_pidfile *one = written;

    while (one && !(netio__is_same_file(&one->file, file) && one->writer == getpid()))
        one = one->next;
    return one;
}

/* Whether it is what a daemon may have left: a number, perhaps cut short, or with the rest of a
 * longer one behind it, or zeros that a file system brought back.  All else is somebody's data. */
static int is_number(const char *text, size_t n)
{
    for (; n > 0; n--, text++)
        if (!memchr("0123456789 \n", *text, sizeof "0123456789 \n"))
            return 0;
    return 1;
}

/* Until it is locked it may be another starter's as well. */
static int create_file(int *opened, int folder, const char *name)
{
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(folder, name, flags, MODE);

    if (fd == -1)
        return errno == EEXIST ? NETIO__PIDFILE_AGAIN : -errno;
    *opened = fd;
    return 0;
}

/* Why byte LIFE could not be had. */
static int why_not(int fd)
{
    pid_t pid;
    int code = netio__pidlock_who(fd, &pid, NULL);

    if (code == 0 || code == -EREMOTE)
        return NETIO_ERUNNING;
    return code == NETIO_ENOTRUNNING ? NETIO__PIDFILE_AGAIN : code;
}

/* With the lock: whether the file is ours to use. */
static int take_over(struct netio_pidfile *self, int folder, const char *name)
{
    struct stat now;

    if (fstat(self->fd, &self->file) == -1)
        return -errno;
    if (fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT ? NETIO__PIDFILE_AGAIN : -errno;
    if (!netio__is_same_file(&now, &self->file))
        return NETIO__PIDFILE_AGAIN;
    ssize_t n = pread(self->fd, self->before, sizeof self->before, 0);
    if (n == -1)
        return -errno;
    if (n > NETIO__PIDFILE_LONGEST || !is_number(self->before, (size_t)n))
        return NETIO_EBADPIDFILE;
    self->before_size = (size_t)n;
    /* The umask of a starter may be anything. */
    if ((now.st_mode & ALLPERMS) != MODE && fchmod(self->fd, MODE) == -1)
        return -errno;
    return 0;
}

static int lock_once(struct netio_pidfile *self, int folder, const char *name)
{
    int code = netio__pidfile_open(&self->fd, folder, name, O_RDWR, &self->file);

    self->made = code == -ENOENT;
    if (self->made)
        code = create_file(&self->fd, folder, name);
    if (code)
        return code;
    code = netio__pidlock_life(self->fd);
    int locked = code == 0;
    if (code == -EAGAIN)
        code = why_not(self->fd);
    if (locked)
        code = take_over(self, folder, name);
    if (!code)
        return 0;
    if (locked && self->made && code != NETIO__PIDFILE_AGAIN)
        (void)unlinkat(folder, name, 0);
    netio_fd_close(self->fd);
    self->fd = -1;
    return code;
}

static int lock_path(struct netio_pidfile *self)
{
    const char *name;
    int folder = netio__pidfile_folder(self->path, &name);
    int code = NETIO__PIDFILE_AGAIN;

    if (folder < 0)
        return folder;
    for (int try = 0; code == NETIO__PIDFILE_AGAIN && try < NETIO__PIDFILE_TRIES; try++)
        code = lock_once(self, folder, name);
    netio_fd_close(folder);
    return code == NETIO__PIDFILE_AGAIN ? NETIO_ESTARTING : code;
}

int netio_pidfile_lock(struct netio_pidfile **pidfile, const char *path, struct netio_error *error)
{
    size_t size = strlen(path) + 1;
    struct netio_pidfile *self = calloc(1, sizeof *self + size);
    int code = -ENOMEM;

    if (self) {
        memcpy(self->path, path, size);
        code = lock_path(self);
    }
    if (code) {
        free(self);
        return netio_error_set(error, NETIO_STAGE_PIDFILE, code, NULL, path);
    }
    *pidfile = self;
    return 0;
}

/* The lock is that of the open file, so the successor has it already: to take it again says that
 * it is there. */
static int inherit(struct netio_pidfile *self)
{
    const char *name;
    int folder = netio__pidfile_folder(self->path, &name);

    if (folder < 0)
        return folder;
    int code = take_over(self, folder, name);
    if (!code)
        code = netio__pidlock_life(self->fd);
    netio_fd_close(folder);
    return code == NETIO__PIDFILE_AGAIN ? -ESTALE : code == -EAGAIN ? NETIO_ERUNNING : code;
}

int netio__pidfile_inherit_take(struct netio_pidfile **pidfile, const char *path, int fd)
{
    size_t size = strlen(path) + 1;
    struct netio_pidfile *self = calloc(1, sizeof *self + size);
    int code = -ENOMEM;

    if (self) {
        memcpy(self->path, path, size);
        self->fd = fd;
        self->inherited = 1;
        code = inherit(self);
    }
    if (code) {
        netio_fd_close(fd);
        free(self);
        return code;
    }
    *pidfile = self;
    return 0;
}

/* Written over what is there and then cut, so that a full disk finds the old number whole. */
static int put(int fd, const char *text, size_t size)
{
    struct stat old;
    ssize_t n;

    if (fstat(fd, &old) == -1)
        return -errno;
    do
        n = pwrite(fd, text, size, 0);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -errno;
    if ((size_t)n < size)
        return -ENOSPC;
    return old.st_size > (off_t)size && ftruncate(fd, (off_t)size) == -1 ? -errno : 0;
}

static void enlist(struct netio_pidfile *self)
{
    if (!self->writer) {
        self->next = written;
        written = self;
    }
    self->writer = getpid();
}

static void delist(const struct netio_pidfile *self)
{
    struct netio_pidfile **one = &written;

    while (*one && *one != self)
        one = &(*one)->next;
    if (*one)
        *one = self->next;
}

int netio_pidfile_write(struct netio_pidfile *self, struct netio_error *error)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    int code = netio__pidlock_write(self->fd);

    if (code)
        return netio_error_set(error, NETIO_STAGE_PIDFILE, code == -EAGAIN ? NETIO_ERUNNING : code,
                               NULL, self->path);
    /* From here on find says that we run: so we do, and the number is for people. */
    code = put(self->fd, text, (size_t)n);
    if (!code) {
        enlist(self);
        return 0;
    }
    (void)put(self->fd, self->before, self->before_size);
    netio__pidlock_unwrite(self->fd);
    return netio_error_set(error, NETIO_STAGE_PIDFILE, code, NULL, self->path);
}

void netio__pidfile_give(struct netio_pidfile *self)
{
    if (self->writer != getpid())
        return;
    delist(self);
    self->writer = 0;
    netio__pidlock_unwrite(self->fd);
}

/* Not through a descriptor of the folder: kept over chroot(2), that would be a way out. */
static int unlink_own(const struct netio_pidfile *self)
{
    struct stat now;

    if (lstat(self->path, &now) == -1)
        return -errno;
    if (!netio__is_same_file(&now, &self->file))
        return -ESTALE;
    return unlink(self->path) == -1 ? -errno : 0;
}

/* Whether no other process has written it and lives. */
static int may_remove(const struct netio_pidfile *self)
{
    pid_t pid;
    int code = netio__pidlock_who(self->fd, &pid, NULL);

    if (self->inherited && self->writer != getpid())
        return 0;
    if (code == 0 || code == -EREMOTE)
        return code == 0 && pid == getpid();
    return code == NETIO_ENOTRUNNING || code == NETIO_ESTARTING || code == NETIO_ELEFT ||
           self->writer == getpid();
}

void netio_pidfile_remove(struct netio_pidfile *self)
{
    if (self && may_remove(self) && unlink_own(self) != 0)
        (void)put(self->fd, "", 0);
    netio_pidfile_forget(self);
}

void netio_pidfile_forget(struct netio_pidfile *self)
{
    if (!self)
        return;
    delist(self);
    netio_fd_close(self->fd);
    free(self);
}

int netio_pidfile_fd(const struct netio_pidfile *self)
{
    return self->fd;
}
