/* Tests of netio/sandbox.h: which system calls can be made in it, and which cannot, beside those
 * for files and sockets: programs, other processes, privileges; children, threads, timers. */
#include "tries.h"

#include <netio/fd.h>

#include <grp.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static int try_execve(void)
{
    char *argv[] = {"sh", "-c", "exit 0", NULL};

    return of(execv("/bin/sh", argv));
}

static int try_execveat(void)
{
    char *argv[] = {"true", NULL};

    return of(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, argv + 1, 0));
}

static int try_ptrace(void)
{
    return of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_memory_of_parent(void)
{
    static char mine[8];
    struct iovec here = {mine, sizeof mine}, far = {mine, sizeof mine};

    return of(process_vm_readv(getppid(), &here, 1, &far, 1, 0));
}

static int try_mount(void)
{
    return of(mount("none", "/nonexistent", "tmpfs", 0, NULL));
}

static int try_unshare(void)
{
    return of(unshare(CLONE_NEWUSER));
}

static int try_clone_namespace(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return of(pid);
}

static int try_clone3(void)
{
    return of(syscall(SYS_clone3, NULL, 0));
}

static int try_io_uring(void)
{
    return of(syscall(SYS_io_uring_setup, 0, NULL));
}

static int try_setuid(void)
{
    return of(setuid(getuid()));
}

static int try_setgroups(void)
{
    return of(setgroups(0, NULL));
}

static int try_type(void)
{
    int fd = open(in(readable, "file"), O_RDONLY | O_CLOEXEC);

    return of(ioctl(fd, TIOCSTI, "x"));
}

static int try_limits_of_parent(void)
{
    struct rlimit limit;

    return of(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit));
}

static int try_signal_parent(void)
{
    return of(kill(getppid(), 0));
}

/* getpid(2) of 32-bit code, where the kernel has that. */
static int try_32_bits(void)
{
    long result = -ENOSYS;

#ifdef __x86_64__
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
#endif
    return (int)result < 0 ? -(int)result : 0;
}

/* The same of x32, which differs in the number alone. */
static int try_x32(void)
{
    return of(syscall(0x40000000 | SYS_getpid));
}

static int try_future(void)
{
    return of(syscall(99999));
}

static int try_child(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    if (pid == -1 || kill(pid, SIGTERM) == -1 || waitpid(pid, &status, 0) == -1)
        return errno;
    return WTERMSIG(status) == SIGTERM ? 0 : 99;
}

static int try_limits(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == -1 ? errno : of(setrlimit(RLIMIT_NOFILE, &limit));
}

static void *thread(void *data)
{
    return data;
}

static int try_thread(void)
{
    pthread_t id;
    int code = pthread_create(&id, NULL, thread, NULL);

    return code ? code : pthread_join(id, NULL);
}

static int try_loop(void)
{
    struct itimerspec soon = {.it_value.tv_nsec = 1000};
    uint64_t ticks;
    sigset_t term;
    int pair[2];

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (timerfd_settime(timer, 0, &soon, NULL) == -1 ||
        read(timer, &ticks, sizeof ticks) != sizeof ticks)
        return errno;
    if (signalfd(-1, &term, SFD_CLOEXEC) == -1 || eventfd(0, EFD_CLOEXEC) == -1)
        return errno;
    if (pipe2(pair, O_CLOEXEC) == -1 || netio_fd_poll(pair[1], NETIO_WRITE, NETIO_NOW) < 0)
        return errno;
    return of(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
}

static int try_random(void)
{
    char bytes[8];

    return of(getrandom(bytes, sizeof bytes, 0));
}

static int try_raise(void)
{
    int pair[2];

    signal(SIGUSR1, SIG_IGN);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
        return errno;
    return raise(SIGUSR1) == 0 && isatty(pair[0]) == 0 ? 0 : 99;
}

static const struct row table[] = {
    {"execve", try_execve, 0, EPERM, SYSCALLS},
    {"execveat", try_execveat, 0, EPERM, SYSCALLS},
    {"ptrace", try_ptrace, ANY, EPERM, SYSCALLS},
    {"the memory of another process", try_memory_of_parent, ANY, EPERM, SYSCALLS},
    {"mount", try_mount, ANY, EPERM, SYSCALLS},
    {"unshare", try_unshare, ANY, EPERM, SYSCALLS},
    {"clone into a namespace", try_clone_namespace, ANY, ENOSYS, SYSCALLS},
    {"clone3, whose flags are not seen", try_clone3, ANY, ENOSYS, SYSCALLS},
    {"io_uring", try_io_uring, ANY, EPERM, SYSCALLS},
    {"setuid, even to oneself", try_setuid, 0, EPERM, SYSCALLS},
    {"setgroups", try_setgroups, ANY, EPERM, SYSCALLS},
    {"to type into a terminal", try_type, ENOTTY, ENOSYS, SYSCALLS},
    {"the limits of another process", try_limits_of_parent, ANY, ENOSYS, SYSCALLS},
    {"a signal to a process outside", try_signal_parent, 0, EPERM, FILES_SINCE(6)},
    {"32-bit code", try_32_bits, ANY, ENOSYS, SYSCALLS},
    {"x32 code", try_x32, ANY, ENOSYS, SYSCALLS},
    {"a system call that is not invented yet", try_future, ENOSYS, ENOSYS, 0},
    {"a child, and a signal to it", try_child, 0, 0, 0},
    {"one's own limits", try_limits, 0, 0, 0},
    {"a thread", try_thread, 0, 0, 0},
    {"timers, signals, events, pipes", try_loop, 0, 0, 0},
    {"random numbers", try_random, 0, 0, 0},
    {"raise, isatty", try_raise, 0, 0, 0},
};

int main(void)
{
    return run_tries(table, sizeof table / sizeof *table, NULL);
}
