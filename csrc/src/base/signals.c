/* Ring 0.  Signals as a descriptor, for programs that own their process; see
 * netio/signals.h. */
#include "signals.h"

#include <netio/error.h>
#include <netio/fd.h>
#include <netio/signals.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SET_SIZE (NSIG / 8) /* bytes of the kernel's sigset_t; the C library's is larger */

/* What rt_sigaction(2) takes: the C library's sigaction(2) keeps two signals to itself, and fills
 * in an answer that the kernel may not have given. */
struct kernel_action {
#ifdef __mips__
    unsigned flags;
#endif
    void (*handler)(int);
    unsigned long rest[32];
};

int netio_signals_open(const int *signals)
{
    sigset_t set;

    sigemptyset(&set);
    for (; *signals; signals++)
        if (sigaddset(&set, *signals) == -1)
            return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd == -1)
        return -errno;
    /* Blocked only once the descriptor stands: a failure leaves the program as it was. */
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1) {
        int code = -errno;
        netio_fd_close(fd);
        return code;
    }
    return fd;
}

int netio_signals_next(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n = netio_fd_read(fd, &info, sizeof info);

    if (n == -EAGAIN)
        return 0;
    if (n < 0)
        return (int)n;
    return n == (ssize_t)sizeof info ? (int)info.ssi_signo : -EIO;
}

void netio_signals_close(int fd, const int *signals)
{
    sigset_t set;

    netio_fd_close(fd);
    sigemptyset(&set);
    for (; *signals; signals++)
        (void)sigaddset(&set, *signals);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* 0 or a code.  An answer of "no error" that fills in nothing is no answer. */
static int get_handler(int number, void (**handler)(int))
{
    struct kernel_action now, poison;

    memset(&poison, 0x5a, sizeof poison);
    now = poison;
    if (syscall(SYS_rt_sigaction, number, NULL, &now, SET_SIZE) == -1)
        return -errno;
    *handler = now.handler;
    return now.handler == poison.handler ? NETIO_ELIED : 0;
}

/* The two between SIGSYS and SIGRTMIN are the C library's.  A handler of its own there is left to
 * it, and ends with the program; that somebody's parent ignores them would not. */
static int is_librarys(int number)
{
    return number > SIGSYS && number < SIGRTMIN;
}

static int set_disposition(int number, void (*wanted)(int), int keep_handlers)
{
    const struct kernel_action action = {.handler = wanted};
    void (*handler)(int);
    int code = get_handler(number, &handler);

    if (code || handler == wanted)
        return code;
    if ((keep_handlers || is_librarys(number)) && handler != SIG_DFL && handler != SIG_IGN)
        return 0;
    if (syscall(SYS_rt_sigaction, number, &action, NULL, SET_SIZE) == -1)
        return -errno;
    code = get_handler(number, &handler);
    return code || handler == wanted ? code : NETIO_ELIED;
}

/* No mask has SIGKILL in it: who has said what there was before has done what it was told. */
static int reset_mask(void)
{
    unsigned char none[SET_SIZE] = {0}, before[SET_SIZE], poison[SET_SIZE];

    memset(poison, 0xff, sizeof poison);
    memcpy(before, poison, sizeof before);
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, before, SET_SIZE) == -1)
        return -errno;
    return memcmp(before, poison, sizeof before) != 0 ? 0 : NETIO_ELIED;
}

static int is_among(int number, const int *numbers)
{
    while (*numbers && *numbers != number)
        numbers++;
    return *numbers != 0;
}

static int set_all(const int *ignore, int keep_handlers)
{
    for (int number = 1; number <= SET_SIZE * 8; number++) {
        int code =
            set_disposition(number, is_among(number, ignore) ? SIG_IGN : SIG_DFL, keep_handlers);
        if (code)
            return code;
    }
    return reset_mask();
}

/* What begin has set last, and is not held: with 0 at its end, and known. */
static int begun[SET_SIZE * 8 + 1], is_begun;

int netio_signals_begin(const int *ignore, int keep_handlers)
{
    size_t count = 0;

    is_begun = 0;
    int code = set_all(ignore, keep_handlers);
    if (code)
        return code;
    for (int number = 1; number <= SET_SIZE * 8; number++)
        if (is_among(number, ignore))
            begun[count++] = number;
    begun[count] = 0;
    is_begun = 1;
    return 0;
}

int netio_signals_hold(void)
{
    sigset_t held, now;

    (void)sigemptyset(&held);
    for (const int *number = begun; *number; number++)
        (void)sigaddset(&held, *number);
    if (sigprocmask(SIG_BLOCK, &held, NULL) == -1)
        return -errno;
    (void)sigemptyset(&now);
    if (sigprocmask(SIG_BLOCK, NULL, &now) == -1)
        return -errno;
    for (const int *number = begun; *number; number++) {
        int code = sigismember(&now, *number) ? set_disposition(*number, SIG_DFL, 0) : NETIO_ELIED;
        if (code)
            return code;
    }
    begun[0] = 0;
    return 0;
}

int netio_signals_reset(void)
{
    return set_all(&(const int){0}, 0);
}

int netio__signals_reset_begun(void)
{
    const struct kernel_action action = {.handler = SIG_DFL};
    void (*handler)(int);

    if (!is_begun)
        return netio_signals_reset();
    for (const int *number = begun; *number; number++) {
        if (syscall(SYS_rt_sigaction, *number, &action, NULL, SET_SIZE) == -1)
            return -errno;
        int code = get_handler(*number, &handler);
        if (code || handler != SIG_DFL)
            return code ? code : NETIO_ELIED;
    }
    return reset_mask();
}
