/* Ring 2.  Pid files as others see them: opening one, and finding, signalling and stopping who runs
 * by it; see netio/pidfile.h.  Called by pidfile.c and by programs that stop, reload or ask for a
 * daemon; it changes no file. */
#include "proc/pidfile.h"
#include "proc/pidlock.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KILL_SECONDS   1
#define HALTED_SECONDS 0.1 /* a SIGSTOP of the moment before takes effect later */

/* ---- opening -------------------------------------------------------------------------------- */

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

int netio__pidfile_folder(const char *path, const char **name)
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

/* It is looked at before it is opened, because to open a FIFO or a device can have effects. */
int netio__pidfile_open(int *opened, int folder, const char *name, int flags, struct stat *file)
{
    struct stat now;

    if (fstatat(folder, name, file, AT_SYMLINK_NOFOLLOW) == -1)
        return -errno;
    int code = check_file(file);
    if (!code && netio__pidfile_own(file))
        code = NETIO_ERUNNING;
    if (code)
        return code;
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT ? NETIO__PIDFILE_AGAIN : -errno;
    if (fstat(fd, &now) == -1)
        code = -errno;
    else if (!netio__is_same_file(file, &now))
        code = NETIO__PIDFILE_AGAIN;
    if (code)
        netio_fd_close(fd);
    else
        *opened = fd;
    return code;
}

/* ---- finding -------------------------------------------------------------------------------- */

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
    int fd = -1, code = NETIO__PIDFILE_AGAIN;
    int folder = netio__pidfile_folder(path, &name);

    if (folder < 0)
        return folder == -ENOENT ? NETIO_ENOTRUNNING : folder;
    for (int try = 0; code == NETIO__PIDFILE_AGAIN && try < NETIO__PIDFILE_TRIES; try++)
        code = netio__pidfile_open(&fd, folder, name, O_RDONLY, &file);
    netio_fd_close(folder);
    if (code == NETIO_ERUNNING)
        return find_by_own(netio__pidfile_own(&file), pid, pidfd);
    if (code == NETIO__PIDFILE_AGAIN || code == -ENOENT)
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
int netio_pidfile_wait(pid_t pid, int pidfd, netio_deadline deadline)
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
        code = netio_pidfile_wait(pid, pidfd, deadline);
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
