/* t/c/fault.h: makes the Nth call of the library into the system fail, for every N.
 *
 *      static int serve_one(void) { ... }       what to try; 0 when all is well after it
 *
 *      int main(void)
 *      {
 *          fault_walk("one client", serve_one);
 *          return tap_done();
 *      }
 *
 * runs serve_one() again and again, each time with another call that fails in another way:
 * every call of the lists below, the first, the second, ... until there are no more, with
 * each of its errors, once and from then on.  Whatever fails, there may be no crash and no
 * hang, and at the end no descriptor and no allocation left; serve_one() says what else must
 * hold.  fault_off() and fault_on() put the test's own calls out of reach.
 *
 * For files named t/c/fault-*.c: csrc/Makefile links those with --wrap for every name of the
 * lists, so that their calls and the library's go through the functions below.  Those of processes
 * that the library makes do, too, until they exec.
 */
#ifndef FAULT_H
#define FAULT_H

#include "descriptors.h"
#include "tap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

/* X(call, type of its value, parameters, arguments, errors); csrc/Makefile reads the names.
 * Left out are calls that cannot fail, and close, which frees its descriptor whatever it says.
 * So are kill and waitpid of one's own child, but for a signal.  EIO and EPERM stand for errors
 * that no manual lists but security modules give. */
#define FAULT_SYSTEM(X)                                                                            \
    X(socket, int, (int family, int type, int protocol), (family, type, protocol),                 \
      EMFILE, ENFILE, ENOBUFS, EACCES)                                                             \
    X(bind, int, (int fd, const struct sockaddr *sa, socklen_t len), (fd, sa, len),                \
      EADDRINUSE, EACCES, ENOMEM)                                                                  \
    X(listen, int, (int fd, int backlog), (fd, backlog),                                           \
      EADDRINUSE, EPERM)                                                                           \
    X(accept4, int, (int fd, struct sockaddr *sa, socklen_t *len, int flags),                      \
      (fd, sa, len, flags),                                                                        \
      EAGAIN, EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, EMFILE, ENFILE, ENOBUFS, ENOMEM,       \
      EINVAL, EIO)                                                                                 \
    X(connect, int, (int fd, const struct sockaddr *sa, socklen_t len), (fd, sa, len),             \
      ECONNREFUSED, ENETUNREACH, EAGAIN, EACCES, EIO)                                              \
    X(recv, ssize_t, (int fd, void *data, size_t size, int flags), (fd, data, size, flags),        \
      EAGAIN, EINTR, ECONNRESET, ENOMEM, EIO)                                                      \
    X(recvfrom, ssize_t,                                                                           \
      (int fd, void *data, size_t size, int flags, struct sockaddr *sa, socklen_t *len),           \
      (fd, data, size, flags, sa, len),                                                            \
      EAGAIN, EINTR, ECONNREFUSED, ENOMEM, EIO)                                                    \
    X(sendmsg, ssize_t, (int fd, const struct msghdr *message, int flags), (fd, message, flags),   \
      EAGAIN, EINTR, EPIPE, ECONNREFUSED, ENOBUFS, EPERM, EIO)                                     \
    X(writev, ssize_t, (int fd, const struct iovec *parts, int count), (fd, parts, count),         \
      EAGAIN, EINTR, EPIPE, EIO)                                                                   \
    X(send, ssize_t, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags),  \
      EAGAIN, EINTR, EPIPE, ECONNRESET, ENOBUFS, EIO)                                              \
    X(shutdown, int, (int fd, int how), (fd, how),                                                 \
      ENOTCONN, ENOBUFS)                                                                           \
    X(setsockopt, int, (int fd, int level, int name, const void *value, socklen_t len),            \
      (fd, level, name, value, len),                                                               \
      ENOMEM, ENOPROTOOPT, EPERM)                                                                  \
    X(getsockopt, int, (int fd, int level, int name, void *value, socklen_t *len),                 \
      (fd, level, name, value, len),                                                               \
      ENOPROTOOPT, EIO)                                                                            \
    X(getsockname, int, (int fd, struct sockaddr *sa, socklen_t *len), (fd, sa, len),              \
      ENOBUFS)                                                                                     \
    X(getpeername, int, (int fd, struct sockaddr *sa, socklen_t *len), (fd, sa, len),              \
      ENOTCONN, ENOBUFS)                                                                           \
    X(fcntl, int, (int fd, int command, long argument), (fd, command, argument),                   \
      EBADF, EACCES)                                                                               \
    X(epoll_create1, int, (int flags), (flags),                                                    \
      EMFILE, ENFILE, ENOMEM)                                                                      \
    X(epoll_ctl, int, (int epoll, int operation, int fd, struct epoll_event *event),               \
      (epoll, operation, fd, event),                                                               \
      ENOMEM, ENOSPC, EPERM, EAGAIN)                                                               \
    X(epoll_wait, int, (int epoll, struct epoll_event *events, int max, int timeout),              \
      (epoll, events, max, timeout),                                                               \
      EINTR, EIO)                                                                                  \
    X(timerfd_create, int, (int clock, int flags), (clock, flags),                                 \
      EMFILE, ENOMEM)                                                                              \
    X(timerfd_settime, int,                                                                        \
      (int fd, int flags, const struct itimerspec *spec, struct itimerspec *old),                  \
      (fd, flags, spec, old),                                                                      \
      ECANCELED)                                                                                   \
    X(timer_create, int, (clockid_t clock, struct sigevent *event, timer_t *timer),                \
      (clock, event, timer),                                                                       \
      EAGAIN, ENOMEM)                                                                              \
    X(timer_settime, int,                                                                          \
      (timer_t timer, int flags, const struct itimerspec *spec, struct itimerspec *old),           \
      (timer, flags, spec, old),                                                                   \
      EINVAL)                                                                                      \
    X(ioctl, int, (int fd, unsigned long request, void *argument), (fd, request, argument),        \
      EBADF, EPERM)                                                                                \
    X(sigaction, int, (int number, const struct sigaction *action, struct sigaction *old),         \
      (number, action, old),                                                                       \
      EINVAL)                                                                                      \
    X(poll, int, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout),                   \
      EINTR, ENOMEM)                                                                               \
    X(read, ssize_t, (int fd, void *data, size_t size), (fd, data, size),                          \
      EINTR, EIO)                                                                                  \
    X(pwritev2, ssize_t,                                                                           \
      (int fd, const struct iovec *parts, int count, off_t at, int flags),                         \
      (fd, parts, count, at, flags),                                                               \
      EAGAIN, EINTR, EOPNOTSUPP, ENOSYS, EPIPE, EIO)                                               \
    X(open, int, (const char *path, int flags, mode_t mode), (path, flags, mode),                  \
      EMFILE, ENFILE, ENOENT)                                                                      \
    X(dup2, int, (int from, int to), (from, to),                                                   \
      EBUSY, EMFILE)                                                                               \
    X(socketpair, int, (int family, int type, int protocol, int ends[2]),                          \
      (family, type, protocol, ends),                                                              \
      EMFILE, ENFILE, ENOBUFS)                                                                     \
    X(recvmsg, ssize_t, (int fd, struct msghdr *message, int flags), (fd, message, flags),         \
      EAGAIN, ECONNRESET, ENOMEM, EIO)                                                             \
    X(write, ssize_t, (int fd, const void *data, size_t size), (fd, data, size),                   \
      EINTR, EIO)                                                                                  \
    X(fork, pid_t, (void), (),                                                                     \
      EAGAIN, ENOMEM)                                                                              \
    X(pidfd_open, int, (pid_t pid, unsigned flags), (pid, flags),                                  \
      EMFILE, ENFILE, ENOSYS)                                                                      \
    X(waitid, int, (idtype_t type, id_t id, siginfo_t *info, int options),                         \
      (type, id, info, options),                                                                   \
      EINTR)                                                                                       \
    X(pipe2, int, (int ends[2], int flags), (ends, flags),                                         \
      EMFILE, ENFILE)                                                                              \
    X(clone, int,                                                                                  \
      (int (*run)(void *), void *stack, int flags, void *data, int *parent, void *tls,             \
       int *child),                                                                                \
      (run, stack, flags, data, parent, tls, child),                                               \
      EAGAIN, ENOMEM, EPERM)                                                                       \
    X(execve, int, (const char *path, char *const *argv, char *const *environment),                \
      (path, argv, environment),                                                                   \
      ENOENT, EACCES, ENOMEM)                                                                      \
    X(prctl, int,                                                                                  \
      (int what, unsigned long a, unsigned long b, unsigned long c, unsigned long d),              \
      (what, a, b, c, d),                                                                          \
      EINVAL)                                                                                      \
    X(setgroups, int, (size_t count, const gid_t *groups), (count, groups),                        \
      EPERM, ENOMEM)                                                                               \
    X(setresgid, int, (gid_t real, gid_t effective, gid_t saved), (real, effective, saved),        \
      EPERM, EINVAL)                                                                               \
    X(setresuid, int, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved),        \
      EPERM, EAGAIN)                                                                               \
    X(chroot, int, (const char *path), (path),                                                     \
      EPERM, ENOENT)                                                                               \
    X(setrlimit, int, (__rlimit_resource_t resource, const struct rlimit *value),                  \
      (resource, value),                                                                           \
      EPERM, EINVAL)                                                                               \
    X(close_range, int, (unsigned first, unsigned last, int flags), (first, last, flags),          \
      ENOSYS, EPERM)                                                                               \
    X(chdir, int, (const char *path), (path),                                                      \
      EACCES)                                                                                      \
    X(setsid, pid_t, (void), (),                                                                   \
      EPERM)                                                                                       \
    X(signalfd, int, (int fd, const sigset_t *set, int flags), (fd, set, flags),                   \
      EMFILE, ENFILE, ENOMEM)                                                                      \
    X(waitpid, pid_t, (pid_t pid, int *status, int options), (pid, status, options),               \
      EINTR)                                                                                       \
    X(openat, int, (int folder, const char *path, int flags, mode_t mode),                         \
      (folder, path, flags, mode),                                                                 \
      EMFILE, ENFILE, EACCES, EROFS, ENOSPC, EDQUOT)                                               \
    X(fstat, int, (int fd, struct stat *file), (fd, file),                                         \
      EIO)                                                                                         \
    X(fstatat, int, (int folder, const char *path, struct stat *file, int flags),                  \
      (folder, path, file, flags),                                                                 \
      EACCES, EIO)                                                                                 \
    X(lstat, int, (const char *path, struct stat *file), (path, file),                             \
      EACCES, EIO)                                                                                 \
    X(fchmodat, int, (int folder, const char *path, mode_t mode, int flags),                       \
      (folder, path, mode, flags),                                                                 \
      EPERM, EOPNOTSUPP, EROFS)                                                                    \
    X(lchown, int, (const char *path, uid_t uid, gid_t gid), (path, uid, gid),                     \
      EPERM, EROFS)                                                                                \
    X(fchmod, int, (int fd, mode_t mode), (fd, mode),                                              \
      EPERM, EROFS)                                                                                \
    X(pread, ssize_t, (int fd, void *data, size_t size, off_t at), (fd, data, size, at),           \
      EIO)                                                                                         \
    X(pwrite, ssize_t, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at),    \
      EINTR, ENOSPC, EDQUOT, EIO)                                                                  \
    X(ftruncate, int, (int fd, off_t size), (fd, size),                                            \
      EPERM, EIO)                                                                                  \
    X(unlink, int, (const char *path), (path),                                                     \
      EACCES, EROFS)                                                                               \
    X(getrandom, ssize_t, (void *data, size_t size, unsigned flags), (data, size, flags),          \
      ENOSYS, EINTR)                                                                               \
    X(memfd_create, int, (const char *name, unsigned flags), (name, flags),                        \
      EMFILE, ENOMEM)                                                                              \
    X(mmap, void *, (void *at, size_t size, int protection, int flags, int fd, off_t from),        \
      (at, size, protection, flags, fd, from),                                                     \
      ENOMEM, EPERM)                                                                               \
    X(syscall, long, (long number, long a, long b, long c, long d), (number, a, b, c, d),          \
      ENOSYS, EPERM, EMFILE, ESRCH)

#define FAULT_MEMORY(X)                                                                            \
    X(malloc, void *, (size_t size), (size), ENOMEM)                                               \
    X(calloc, void *, (size_t n, size_t size), (n, size), ENOMEM)                                  \
    X(realloc, void *, (void *old, size_t size), (old, size), ENOMEM)                              \
    X(strdup, char *, (const char *text), (text), ENOMEM)                                          \
    X(fopen, FILE *, (const char *path, const char *mode), (path, mode), EMFILE, ENFILE, EACCES)   \
    X(getline, ssize_t, (char **line, size_t *size, FILE *file), (line, size, file), ENOMEM, EIO)  \
    X(__getdelim, ssize_t, (char **line, size_t *size, int end, FILE *file),                       \
      (line, size, end, file), ENOMEM, EIO) /* getline, where the header inlines it */             \
    X(free, void, (void *data), (data), 0) /* counted only */

enum fault_call {
#define FAULT_X(call, ...) FAULT_##call,
    FAULT_SYSTEM(FAULT_X) FAULT_MEMORY(FAULT_X)
#undef FAULT_X
    FAULT_NONE
};

static const struct {
    const char *name;
    int errors[16]; /* up to the first 0 */
} fault_calls[FAULT_NONE] = {
#define FAULT_X(call, type, parameters, arguments, ...) {#call, {__VA_ARGS__}},
    FAULT_SYSTEM(FAULT_X) FAULT_MEMORY(FAULT_X)
#undef FAULT_X
};

static struct {
    enum fault_call call; /* the one that fails, ... */
    long left;            /* ... after so many that do not */
    int error;
    int forever;          /* and so do those behind it */
    int off;
    long live;            /* allocations that were not freed */
} fault = {.call = FAULT_NONE};

static volatile long *fault_hits; /* processes that the library makes share it */

__attribute__((constructor)) static void fault_begin(void)
{
    void *shared =
        mmap(NULL, sizeof *fault_hits, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        abort();
    fault_hits = shared;
}

static int fault_now(enum fault_call call)
{
    if (fault.off || call != fault.call || fault.left-- > 0)
        return 0;
    fault.left = 0;
    ++*fault_hits;
    errno = fault.error;
    if (!fault.forever)
        fault.call = FAULT_NONE;
    return 1;
}

__attribute__((unused)) static void fault_off(void)
{
    fault.off++;
}

__attribute__((unused)) static void fault_on(void)
{
    fault.off--;
}

/* The call of this name that comes after nth others of it fails. */
static void fault_set(enum fault_call call, long nth, int error, int forever)
{
    fault.call = call;
    fault.left = nth;
    fault.error = error;
    fault.forever = forever;
    *fault_hits = 0;
}

static void fault_clear(void)
{
    fault.call = FAULT_NONE;
}

#define FAULT_X(call, type, parameters, arguments, ...)                                            \
    type __real_##call parameters;                                                                 \
    type __wrap_##call parameters;                                                                 \
    type __wrap_##call parameters                                                                  \
    {                                                                                              \
        return fault_now(FAULT_##call) ? (type)-1 : __real_##call arguments;                             \
    }
FAULT_SYSTEM(FAULT_X)
#undef FAULT_X

#define FAULT_X(call, type, parameters, arguments, ...)                                            \
    type __real_##call parameters;                                                                 \
    type __wrap_##call parameters;
FAULT_MEMORY(FAULT_X)
#undef FAULT_X

static void *fault_counted(void *data)
{
    fault.live += data != NULL;
    return data;
}

void *__wrap_malloc(size_t size)
{
    return fault_now(FAULT_malloc) ? NULL : fault_counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fault_now(FAULT_calloc) ? NULL : fault_counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (fault_now(FAULT_realloc))
        return NULL;
    return old ? __real_realloc(old, size) : fault_counted(__real_realloc(old, size));
}

char *__wrap_strdup(const char *text)
{
    return fault_now(FAULT_strdup) ? NULL : fault_counted(__real_strdup(text));
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return fault_now(FAULT_fopen) ? NULL : __real_fopen(path, mode);
}

/* Allocates a line unless it is given one. */
ssize_t __wrap___getdelim(char **line, size_t *size, int end, FILE *file)
{
    int fresh = *line == NULL;

    if (fault_now(FAULT___getdelim))
        return -1;
    ssize_t length = __real___getdelim(line, size, end, file);
    fault.live += fresh && *line != NULL;
    return length;
}

ssize_t __wrap_getline(char **line, size_t *size, FILE *file)
{
    return fault_now(FAULT_getline) ? -1 : __wrap___getdelim(line, size, '\n', file);
}

void __wrap_free(void *data)
{
    fault.live -= data != NULL;
    __real_free(data);
}

/* One run with a fault; says what is wrong after it.  Whether the fault was reached. */
static int fault_run(const char *name, int (*run)(void), enum fault_call call, long nth, int error,
                     int forever, int *wrong)
{
    long live = fault.live;
    int descriptors = open_descriptors();

    fault_set(call, nth, error, forever);
    int code = run();
    fault_clear();
    if (code || fault.live != live || open_descriptors() != descriptors) {
        diag("%s: %s number %ld, %s%s: result %d, %d descriptors and %ld allocations left", name,
             fault_calls[call].name, nth + 1, strerrorname_np(error), forever ? " for ever" : "",
             code, open_descriptors() - descriptors, fault.live - live);
        ++*wrong;
    }
    return *fault_hits > 0;
}

/* One test for each call that run() makes. */
__attribute__((unused)) static void fault_walk(const char *name, int (*run)(void))
{
    int wrong = 0;

    fault_run(name, run, FAULT_NONE - 1, 1L << 40, 0, 0, &wrong);
    is_int(wrong, 0, "%s: nothing fails", name);
    for (int call = 0; call < FAULT_NONE; call++) {
        long runs = 0;
        wrong = 0;
        for (const int *error = fault_calls[call].errors; *error; error++)
            /* A signal interrupts once: a call that is repeated then would never end. */
            for (int forever = 0; forever < 2 && !(forever && *error == EINTR); forever++)
                for (long nth = 0; fault_run(name, run, call, nth, *error, forever, &wrong); nth++)
                    runs++;
        if (runs)
            is_int(wrong, 0, "A25, A26: %s: %s fails in %ld ways", name, fault_calls[call].name,
                   runs);
    }
}

#endif
