/* Makes calls of NetIO.so and of c-ares below it fail, and only theirs, in a program that runs
 * under LD_PRELOAD; t/56-faults-memory.t compiles it and says by a shared file which call fails:
 *
 *     struct plan, in the file that $NETIO_FAULTS names
 *
 * The program's own calls, Perl's too, go through untouched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RANGES = 4, POINTERS = 1 << 14 };

struct plan {
    int64_t call;              /* number in the list below, from 1; 0: none fails */
    int64_t left;              /* so many of them succeed before */
    int64_t error;
    int64_t forever;           /* those behind it fail as well */
    int64_t hits;              /* so many have failed */
    int64_t live;              /* allocations of theirs that are not freed */
    uint64_t code[RANGES][2];  /* where the code is whose calls count */
};

static struct plan none, *plan = &none;
static void *live[POINTERS]; /* hashed; ours, and not freed */

extern void *__libc_malloc(size_t size), *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *data);

__attribute__((constructor)) static void read_plan(void)
{
    const char *path = getenv("NETIO_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *shared = fd == -1 ? MAP_FAILED
                            : mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (shared != MAP_FAILED)
        plan = shared;
    if (fd != -1)
        close(fd);
}

static int is_ours(void *caller)
{
    for (int i = 0; i < RANGES; i++)
        if ((uint64_t)caller >= plan->code[i][0] && (uint64_t)caller < plan->code[i][1])
            return 1;
    return 0;
}

static int fails(int call, void *caller)
{
    if (plan->call != call || !is_ours(caller) || plan->left-- > 0)
        return 0;
    plan->left = 0;
    plan->hits++;
    if (!plan->forever)
        plan->call = 0;
    errno = (int)plan->error;
    return 1;
}

static size_t place_of(const void *data)
{
    return ((uintptr_t)data >> 4) * 2654435761U % POINTERS;
}

/* Linear probing; one that is gone leaves a mark, so that those behind it are found. */
static void *const GONE = (void *)1;

static void *note(void *data, void *caller)
{
    size_t at = place_of(data);

    if (!data || !is_ours(caller))
        return data;
    while (live[at] && live[at] != GONE)
        at = (at + 1) % POINTERS;
    live[at] = data;
    plan->live++;
    return data;
}

static int forget(const void *data)
{
    for (size_t at = place_of(data), n = 0; data && live[at] && n < POINTERS;
         at = (at + 1) % POINTERS, n++)
        if (live[at] == data) {
            live[at] = GONE;
            plan->live--;
            return 1;
        }
    return 0;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
    return fails(1, CALLER) ? NULL : note(__libc_malloc(size), CALLER);
}

void *calloc(size_t n, size_t size)
{
    return fails(2, CALLER) ? NULL : note(__libc_calloc(n, size), CALLER);
}

void *realloc(void *old, size_t size)
{
    if (fails(3, CALLER))
        return NULL;
    forget(old);
    return note(__libc_realloc(old, size), CALLER);
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fails(4, CALLER) ? NULL : note(__libc_malloc(size), CALLER);

    return copy ? memcpy(copy, text, size) : NULL;
}

void free(void *data)
{
    forget(data);
    __libc_free(data);
}

/* The rest fails with -1 (NULL) or is what it is. */
#define CALL(number, bad, type, name, parameters, arguments)                                       \
    type name parameters                                                                           \
    {                                                                                              \
        static type (*real) parameters;                                                            \
        if (!real)                                                                                 \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                    \
        return fails(number, CALLER) ? bad : real arguments;                                       \
    }
CALL(5, -1, int, socket, (int family, int type, int protocol), (family, type, protocol))
CALL(6, -1, int, connect, (int fd, const struct sockaddr *sa, socklen_t len), (fd, sa, len))
CALL(7, -1, int, bind, (int fd, const struct sockaddr *sa, socklen_t len), (fd, sa, len))
CALL(8, -1, int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len))
CALL(9, -1, int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len),
     (fd, level, name, value, len))
CALL(10, -1, int, getsockname, (int fd, struct sockaddr *sa, socklen_t *len), (fd, sa, len))
CALL(11, -1, int, getpeername, (int fd, struct sockaddr *sa, socklen_t *len), (fd, sa, len))
CALL(12, -1, int, epoll_create1, (int flags), (flags))
CALL(13, -1, int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event),
     (epoll, operation, fd, event))
CALL(14, -1, int, epoll_wait, (int epoll, struct epoll_event *events, int max, int timeout),
     (epoll, events, max, timeout))
CALL(15, -1, int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout))
CALL(16, -1, int, ppoll,
     (struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *mask),
     (fds, n, time, mask))
CALL(17, -1, ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
CALL(18, -1, ssize_t, recvfrom,
     (int fd, void *data, size_t size, int flags, struct sockaddr *sa, socklen_t *len),
     (fd, data, size, flags, sa, len))
CALL(19, -1, ssize_t, send, (int fd, const void *data, size_t size, int flags),
     (fd, data, size, flags))
CALL(20, -1, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
CALL(21, NULL, FILE *, fopen, (const char *path, const char *mode), (path, mode))
CALL(22, -1, ssize_t, __getdelim, (char **line, size_t *size, int end, FILE *file),
     (line, size, end, file))
CALL(23, -1, int, gethostname, (char *name, size_t size), (name, size))
