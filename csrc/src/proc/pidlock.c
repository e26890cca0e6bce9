/* Ring 2.  The locks of a pid file; see pidlock.h.  Called by pidfile.c; it touches the locks of
 * the descriptor it is given, and reads two files of /proc. */
#define _FILE_OFFSET_BITS 64 /* the place of a mark takes 62 bits */

#include "proc/pidlock.h"

#include <netio/error.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIFE   0
#define WRITER 1
#define MARK   2

#define PID_BITS 22   /* the kernel has no larger ones: PID_MAX_LIMIT */
#define TRIES    1000 /* at each that is in vain, another process has got the lock */

/* A process: its number, and when it began, in ticks since the machine did; -1: not asked, the
 * number is the kernel's and of now. */
struct who {
    pid_t pid;
    int64_t began;
};

static struct flock lock_at(short type, off_t start, off_t size)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = size};
}

static int take(int fd, int command, off_t byte)
{
    struct flock lock = lock_at(F_WRLCK, byte, 1);

    if (fcntl(fd, command, &lock) == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

/* size 0: to the end. */
static void give(int fd, int command, off_t start, off_t size)
{
    struct flock lock = lock_at(F_UNLCK, start, size);

    (void)fcntl(fd, command, &lock);
}

/* Who has one of those bytes, the calling process excepted: l_type is F_UNLCK when nobody has. */
static int look(int fd, off_t start, off_t size, struct flock *lock)
{
    *lock = lock_at(F_WRLCK, start, size);
    return fcntl(fd, F_GETLK, lock) == -1 ? -errno : 0;
}

/* ---- when a process began ------------------------------------------------------------------ */

/* Up to size - 1 bytes of a file; 0 or -errno. */
static int read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return -errno;
    ssize_t n = netio_fd_read(fd, text, size - 1);
    netio_fd_close(fd);
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    return 0;
}

/* The number by which /proc knows a process: it may be mounted for another pid namespace. */
static int number_in_proc(int pidfd)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    int code = read_file(path, text, sizeof text);
    const char *line = code ? NULL : strstr(text, "\nPid:");
    int number = line ? atoi(line + strlen("\nPid:")) : 0;
    return code ? code : number > 0 ? number : -ESRCH;
}

/* Field 22 of proc_pid_stat(5), or -errno.  The name, field 2, may have anything in it. */
static int64_t read_beginning(const char *path)
{
    char text[1024];
    int code = read_file(path, text, sizeof text);

    if (code)
        return code;
    const char *field = strrchr(text, ')');
    for (int n = 2; field && n < 22; n++)
        field = strchr(field + 1, ' ');
    long long value = field ? strtoll(field, NULL, 10) : 0;
    return value > 0 && value < 1LL << (62 - PID_BITS) ? value : -ERANGE;
}

static int64_t began(int pidfd)
{
    char path[64];
    int number = number_in_proc(pidfd);

    if (number < 0)
        return number;
    snprintf(path, sizeof path, "/proc/%d/stat", number);
    return read_beginning(path);
}

/* ---- the mark ------------------------------------------------------------------------------ */

/* Without /proc or pidfds there is none, nor would it be of use. */
static void set_mark(int fd)
{
    int process = netio__pidlock_process(getpid());
    int64_t since = process < 0 ? process : read_beginning("/proc/self/stat");

    netio_fd_close(process);
    give(fd, F_OFD_SETLK, MARK, 0);
    if (since >= 0)
        (void)take(fd, F_OFD_SETLK, MARK + (off_t)(since << PID_BITS | getpid()));
}

static struct who read_mark(off_t place)
{
    int64_t value = place - MARK;

    return (struct who){.pid = (pid_t)(value & ((1 << PID_BITS) - 1)), .began = value >> PID_BITS};
}

/* ---- who runs ------------------------------------------------------------------------------ */

/* A lock for reading is not of a daemon, but of somebody who may read the file, and so could keep
 * daemons from starting. */
static int look_all(int fd, struct who *who)
{
    struct flock life, writer, mark;
    int code = look(fd, WRITER, 1, &writer);

    code = code ? code : look(fd, LIFE, 1, &life);
    code = code ? code : look(fd, MARK, 0, &mark);
    if (code)
        return code;
    if (writer.l_type == F_RDLCK || life.l_type == F_RDLCK || mark.l_type == F_RDLCK)
        return NETIO_EUNSAFE;
    *who = (struct who){.pid = writer.l_pid, .began = -1};
    if (writer.l_type != F_UNLCK)
        /* The kernel says 0 for a pid that has no number here, less for another machine's. */
        return who->pid <= 0 ? -EREMOTE : 0;
    if (life.l_type == F_UNLCK)
        return NETIO_ENOTRUNNING;
    if (mark.l_type == F_UNLCK)
        return NETIO_ESTARTING;
    *who = read_mark(mark.l_start);
    return who->pid > 0 ? 0 : NETIO_EUNSAFE;
}

/* Whether that process, a pidfd or why there is none, is who is meant, and has not ended: 0 or a
 * code.  He who has WRITER need not be looked at. */
static int check(const struct who *who, int process)
{
    if (who->began == -1)
        return process >= 0 || process == -ESRCH ? 0 : process;
    if (process < 0)
        return process == -ESRCH ? NETIO_ELEFT : process;
    int64_t since = began(process);
    if (since < 0 && since != -ENOENT && since != -ESRCH)
        return (int)since;
    int ended = netio_fd_poll(process, NETIO_READ, NETIO_NOW) != -ETIMEDOUT;
    return !ended && since == who->began ? 0 : NETIO_ELEFT;
}

/* A pidfd is of the process that has the lock if that has it before and after it was opened. */
static int open_writer(int fd, struct who *who, int *pidfd)
{
    int code = look_all(fd, who);

    for (int try = 0; !code && try < TRIES; try++) {
        struct who before = *who;
        int process = netio__pidlock_process(before.pid);
        int known = check(&before, process);
        code = look_all(fd, who);
        int same = !code && who->pid == before.pid && who->began == before.began;
        if (same && known == 0 && process >= 0) {
            *pidfd = process;
            return 0;
        }
        netio_fd_close(process);
        if (same && known)
            return known;
    }
    return code ? code : -ESRCH;
}

int netio__pidlock_who(int fd, pid_t *pid, int *pidfd)
{
    struct who who;
    int process = -1;
    int code = look_all(fd, &who);

    if (!code && (pidfd || who.began != -1))
        code = open_writer(fd, &who, &process);
    if (!code)
        *pid = who.pid;
    if (!code && pidfd)
        *pidfd = process;
    else
        netio_fd_close(process);
    return code;
}

int netio__pidlock_process(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);

    return fd == -1 ? -errno : (int)fd;
}

/* ---- taking and giving --------------------------------------------------------------------- */

int netio__pidlock_life(int fd)
{
    return take(fd, F_OFD_SETLK, LIFE);
}

int netio__pidlock_write(int fd)
{
    int code = take(fd, F_SETLK, WRITER);

    if (!code)
        set_mark(fd);
    return code;
}

void netio__pidlock_unwrite(int fd)
{
    give(fd, F_OFD_SETLK, MARK, 0);
    give(fd, F_SETLK, WRITER, 1);
}
