/* Ends a program, under LD_PRELOAD, in which a signal handler calls a function that is not
 * async-signal-safe (signal-safety(7)): memory, standard I/O, syslog, exit.  t/29-handlers.t
 * compiles it, and reads
 *
 *     struct report, in the file that $NETIO_HANDLERS names
 *
 * Handlers that are set by sigaction(2) or signal(2) are run by one of ours, which knows. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void vsyslog(int priority, const char *format, va_list list); /* not <syslog.h>: syslog is ours */

enum { SIGNALS = 65, UNSAFE = 99 };

struct report {
    uint64_t handled; /* signals, in all processes */
    char unsafe[56];  /* what the first handler called that should not */
};

static struct report none, *report = &none;
static __thread int inside __attribute__((tls_model("initial-exec")));
static struct sigaction wanted[SIGNALS];
static int (*real_sigaction)(int, const struct sigaction *, struct sigaction *);

extern void *__libc_malloc(size_t size), *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *data);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("NETIO_HANDLERS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *shared = fd == -1 ? MAP_FAILED
                            : mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (shared != MAP_FAILED)
        report = shared;
    if (fd != -1)
        close(fd);
}

static void check(const char *name)
{
    if (!inside)
        return;
    for (size_t i = 0; name[i] && i < sizeof report->unsafe - 1; i++)
        report->unsafe[i] = name[i];
    _exit(UNSAFE);
}

static void run(int number, siginfo_t *info, void *context)
{
    struct sigaction *action = &wanted[number];

    __atomic_fetch_add(&report->handled, 1, __ATOMIC_RELAXED);
    inside++;
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(number, info, context);
    else
        action->sa_handler(number);
    inside--;
}

/* The program gets back what it had set, not ours. */
int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    if (!real_sigaction)
        real_sigaction = (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(
            RTLD_NEXT, "sigaction");
    if (number <= 0 || number >= SIGNALS)
        return real_sigaction(number, action, before);
    struct sigaction had = wanted[number], real, given;
    if (action) {
        given = *action;
        if (given.sa_handler != SIG_DFL && given.sa_handler != SIG_IGN) {
            wanted[number] = *action;
            given.sa_sigaction = run;
            given.sa_flags |= SA_SIGINFO;
        }
    }
    int code = real_sigaction(number, action ? &given : NULL, &real);
    if (code == -1)
        wanted[number] = had;
    else if (before)
        *before = real.sa_sigaction == run ? had : real;
    return code;
}

void (*signal(int number, void (*handler)(int)))(int)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;

    return sigaction(number, &action, &before) == -1 ? SIG_ERR : before.sa_handler;
}

void *malloc(size_t size)
{
    check("malloc");
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    check("calloc");
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    check("realloc");
    return __libc_realloc(old, size);
}

void free(void *data)
{
    check("free");
    __libc_free(data);
}

/* What was built with _FORTIFY_SOURCE calls the second name, with a flag in between. */
#define PRINTS(name, chk, parameters, chk_parameters, vname, ...)                                  \
    int name parameters                                                                            \
    {                                                                                              \
        va_list list;                                                                              \
        check(#name);                                                                              \
        va_start(list, format);                                                                    \
        int result = vname(__VA_ARGS__, list);                                                     \
        va_end(list);                                                                              \
        return result;                                                                             \
    }                                                                                              \
    int chk chk_parameters                                                                         \
    {                                                                                              \
        va_list list;                                                                              \
        (void)flag;                                                                                \
        check(#name);                                                                              \
        va_start(list, format);                                                                    \
        int result = vname(__VA_ARGS__, list);                                                     \
        va_end(list);                                                                              \
        return result;                                                                             \
    }

#define F const char *format, ...
PRINTS(printf, __printf_chk, (F), (int flag, F), vprintf, format)
PRINTS(fprintf, __fprintf_chk, (FILE * file, F), (FILE * file, int flag, F), vfprintf, file, format)
PRINTS(dprintf, __dprintf_chk, (int fd, F), (int fd, int flag, F), vdprintf, fd, format)

static int log_list(int priority, const char *format, va_list list)
{
    vsyslog(priority, format, list);
    return 0;
}
PRINTS(syslog, __syslog_chk, (int priority, F), (int priority, int flag, F), log_list, priority,
       format)

int puts(const char *text)
{
    check("puts");
    return fputs(text, stdout) == EOF || putc('\n', stdout) == EOF ? EOF : 0;
}

void exit(int code)
{
    void (*real)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");

    check("exit");
    real(code);
    abort();
}
