/* Ring 2.  The pid file: its locks are the truth, its number is for people; see netio/pidfile.h.
 * Called by daemonize.c and by programs that stop, reload or ask for a daemon; it touches the file
 * it is given.
 *
 * Two starters and a stale file (both have it open, the lock is what they race for):
 *
 *      A: open(old)                    B: open(old)
 *      A: lock, write, serve, unlink, end
 *                                      B: lock(old) succeeds, but old is no longer in the folder
 *
 * So whoever has the lock looks whether the path still leads to his file, and else begins again.
 * Nobody unlinks a file without its lock, and no file is renamed over another. */
#include "proc/pidlock.h"

#include <netio/fd.h>
#include <netio/pidfile.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODE           0600
#define LONGEST        64   /* of what may be in a pid file: other programs fill with blanks */
#define AGAIN          1    /* the file was replaced under our hands; no code is positive */
#define TRIES          1000 /* at each that is in vain, somebody else came on */
#define KILL_SECONDS   1
#define HALTED_SECONDS 0.1 /* a SIGSTOP of the moment before takes effect later */

struct netio_pidfile {
    struct netio_pidfile *next; /* in the list of those written */
    pid_t writer; /* the process that has byte WRITER, if it is this one; 0: not written */
    int fd;
    int made; /* there was no file before */
    struct stat file;
    char before[LONGEST + 1]; /* what was in it */
    size_t before_size;
    char path[];
};

/* Those that this process has written: to open and close one of them would free byte WRITER.  A
 * child of fork inherits the list, but is not the writer. */
static struct netio_pidfile *written;

static int is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static const struct netio_pidfile *find_own(const struct stat *file)
{
    const struct netio_pidfile *one = written;

    while (one && !(is_same(&one->file, file) && one->writer == getpid()))
        one = one->next;
    return one;
}

static int is_somebody_elses(const struct stat *file)
{
    return file->st_uid != 0 && file->st_uid != geteuid();
}

static int check_folder(const struct stat *folder)
{
    int is_open = folder->st_mode & (S_IWGRP | S_IWOTH) && !(folder->st_mode & S_ISVTX);

    return is_open || is_somebody_elses(folder) ? NETIO_EUNSAFE : 0;
}

static int check_file(const struct stat *file)
{
    if (S_ISLNK(file->st_mode))
        return -ELOOP;
    if (!S_ISREG(file->st_mode) || file->st_nlink > 1)
        return NETIO_EBADPIDFILE;
    if (is_somebody_elses(file) || file->st_mode & (S_IWGRP | S_IWOTH))
        return NETIO_EUNSAFE;
    return 0;
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

/* The folder of an absolute path, for the *at calls, and the name in it. */
static int open_folder(const char *path, const char **name)
{
    char folder[PATH_MAX];
    struct stat found;
    const char *slash = strrchr(path, '/');

    if (*path != '/')
        return -EINVAL;
    if (!slash[1])
        return -EISDIR;
    size_t n = (size_t)(slash + 1 - path);
    if (n >= sizeof folder)
        return -ENAMETOOLONG;
    memcpy(folder, path, n);
    folder[n] = '\0';
    *name = slash + 1;
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return -errno;
    int code = fstat(fd, &found) == -1 ? -errno : check_folder(&found);
    if (!code)
        return fd;
    netio_fd_close(fd);
    return code;
}

/* The file that is there: a descriptor, a code, or AGAIN; NETIO_ERUNNING for one's own.  It is
 * looked at before it is opened, because to open a FIFO or a device can have effects. */
static int open_file(int *opened, int folder, const char *name, int flags, struct stat *file)
{
    struct stat now;

    if (fstatat(folder, name, file, AT_SYMLINK_NOFOLLOW) == -1)
        return -errno;
    int code = check_file(file);
    if (!code && find_own(file))
        code = NETIO_ERUNNING;
    if (code)
        return code;
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT ? AGAIN : -errno;
    if (fstat(fd, &now) == -1)
        code = -errno;
    else if (!is_same(file, &now))
        code = AGAIN;
    if (code)
        netio_fd_close(fd);
    else
        *opened = fd;
    return code;
}

/* Until it is locked it may be another starter's as well. */
static int create_file(int *opened, int folder, const char *name)
{
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(folder, name, flags, MODE);

    if (fd == -1)
        return errno == EEXIST ? AGAIN : -errno;
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
    return code == NETIO_ENOTRUNNING ? AGAIN : code;
}

/* With the lock: whether the file is ours to use. */
static int take_over(struct netio_pidfile *self, int folder, const char *name)
{
    struct stat now;

    if (fstat(self->fd, &self->file) == -1)
        return -errno;
    if (fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT ? AGAIN : -errno;
    if (!is_same(&now, &self->file))
        return AGAIN;
    ssize_t n = pread(self->fd, self->before, sizeof self->before, 0);
    if (n == -1)
        return -errno;
    if (n > LONGEST || !is_number(self->before, (size_t)n))
        return NETIO_EBADPIDFILE;
    self->before_size = (size_t)n;
    /* The umask of a starter may be anything. */
    if ((now.st_mode & ALLPERMS) != MODE && fchmod(self->fd, MODE) == -1)
        return -errno;
    return 0;
}

static int lock_once(struct netio_pidfile *self, int folder, const char *name)
{
    int code = open_file(&self->fd, folder, name, O_RDWR, &self->file);

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
    if (locked && self->made && code != AGAIN)
        (void)unlinkat(folder, name, 0);
    netio_fd_close(self->fd);
    self->fd = -1;
    return code;
}

static int lock_path(struct netio_pidfile *self)
{
    const char *name;
    int folder = open_folder(self->path, &name);
    int code = AGAIN;

    if (folder < 0)
        return folder;
    for (int try = 0; code == AGAIN && try < TRIES; try++)
        code = lock_once(self, folder, name);
    netio_fd_close(folder);
    return code == AGAIN ? NETIO_ESTARTING : code;
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

/* Not through a descriptor of the folder: kept over chroot(2), that would be a way out. */
static int unlink_own(const struct netio_pidfile *self)
{
    struct stat now;

    if (lstat(self->path, &now) == -1)
        return -errno;
    if (!is_same(&now, &self->file))
        return -ESTALE;
    return unlink(self->path) == -1 ? -errno : 0;
}

/* Whether no other process has written it and lives. */
static int may_remove(const struct netio_pidfile *self)
{
    pid_t pid;
    int code = netio__pidlock_who(self->fd, &pid, NULL);

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

/* A process does not see its own byte WRITER; but after it another may have written. */
static int find_by_own(const struct netio_pidfile *own, pid_t *pid, int *pidfd)
{
    if (netio__pidlock_who(own->fd, pid, pidfd) == 0)
        return 0;
    *pid = getpid();
    int process = pidfd ? netio__pidlock_process(*pid) : 0;
    if (process < 0)
        return process;
    if (pidfd)
        *pidfd = process;
    return 0;
}

static int find(const char *path, pid_t *pid, int *pidfd)
{
    struct stat file;
    const char *name;
    int fd = -1, code = AGAIN;
    int folder = open_folder(path, &name);

    if (folder < 0)
        return folder == -ENOENT ? NETIO_ENOTRUNNING : folder;
    for (int try = 0; code == AGAIN && try < TRIES; try++)
        code = open_file(&fd, folder, name, O_RDONLY, &file);
    netio_fd_close(folder);
    if (code == NETIO_ERUNNING)
        return find_by_own(find_own(&file), pid, pidfd);
    if (code == AGAIN || code == -ENOENT)
        return NETIO_ENOTRUNNING;
    if (code)
        return code;
    code = netio__pidlock_who(fd, pid, pidfd);
    netio_fd_close(fd);
    return code;
}

int netio_pidfile_find(const char *path, pid_t *pid, int *pidfd, struct netio_error *error)
{
    pid_t found;
    int code = find(path, &found, pidfd);

    if (code)
        return netio_error_set(error, NETIO_STAGE_PIDFILE, code, NULL, path);
    if (pid)
        *pid = found;
    return 0;
}

static int send_signal(int pidfd, int number)
{
    if (syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) == 0)
        return 0;
    return errno == ESRCH ? NETIO_ENOTRUNNING : -errno;
}

/* As find, and refuses process 1, which is never what a user means to end. */
static int find_other(const char *path, pid_t *pid, int *pidfd)
{
    int code = find(path, pid, pidfd);

    if (code || *pid > 1)
        return code;
    netio_fd_close(*pidfd);
    return -EPERM;
}

int netio_pidfile_signal(const char *path, int number, struct netio_error *error)
{
    pid_t pid;
    int pidfd = -1;
    int code = find_other(path, &pid, &pidfd);

    if (!code) {
        code = send_signal(pidfd, number);
        netio_fd_close(pidfd);
    }
    return code ? netio_error_set(error, NETIO_STAGE_PIDFILE, code, NULL, path) : 0;
}

static int wait_end(int pidfd, netio_deadline deadline)
{
    int events = netio_fd_poll(pidfd, NETIO_READ, deadline);

    return events > 0 ? 0 : events;
}

/* Whether somebody has halted it, as SIGSTOP does; 1 as well where /proc does not say. */
static int is_halted(pid_t pid)
{
    char path[40], text[512] = "";

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return 1;
    ssize_t n = read(fd, text, sizeof text - 1);
    netio_fd_close(fd);
    const char *name_end = n > 0 ? strrchr(text, ')') : NULL;
    return !name_end || strncmp(name_end, ") T", 3) == 0;
}

/* SIGCONT only for one that is halted: it takes away, too, the stops by which a tracer gets hold of
 * a process, such as LeakSanitizer's of one that exits, which then waits for ever. */
static int wait_going(pid_t pid, int pidfd, netio_deadline deadline)
{
    for (;;) {
        netio_deadline soon = netio_deadline_sooner(deadline, netio_deadline_in(HALTED_SECONDS));
        if (is_halted(pid))
            (void)send_signal(pidfd, SIGCONT);
        int code = wait_end(pidfd, soon);
        if (code != -ETIMEDOUT || soon == deadline)
            return code;
    }
}

static int stop_process(pid_t pid, int pidfd, netio_deadline deadline, int kill)
{
    int code = send_signal(pidfd, SIGTERM);

    if (!code)
        code = wait_going(pid, pidfd, deadline);
    if (code != -ETIMEDOUT || !kill)
        return code;
    code = send_signal(pidfd, SIGKILL);
    return code ? code : wait_end(pidfd, netio_deadline_in(KILL_SECONDS));
}

int netio_pidfile_stop(const char *path, netio_deadline deadline, int kill,
                       struct netio_error *error)
{
    pid_t pid;
    int pidfd = -1;
    int code = find_other(path, &pid, &pidfd);

    if (!code) {
        code = stop_process(pid, pidfd, deadline, kill);
        netio_fd_close(pidfd);
    }
    if (code == 0 || code == NETIO_ENOTRUNNING)
        return 0;
    return netio_error_set(error, NETIO_STAGE_PIDFILE, code, NULL, path);
}
