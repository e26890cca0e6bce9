/* Ring 2.  The filter of system calls, by libseccomp; see seccomp.h.
 * Called by sandbox.c; it loads libseccomp when it is first asked for a filter, and keeps it.
 *
 * Not linked, and its header not needed, as net/idn.c has it with libidn2: programs that enter no
 * sandbox do not pay for it.
 *
 * Calls are refused but those of the table.  What is known to be asked for is refused with EPERM.
 * All others, those that are not invented yet among them, are answered with ENOSYS, as by a kernel
 * that does not have them: then C libraries fall back to an older call.  clone3(2) is one of these:
 * its flags are in memory, where no filter sees them, those of clone(2) are not.
 *
 * So are all calls by another way into the kernel: those of 32-bit code on a 64-bit machine. */
#include "seccomp.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define LIBRARY "libseccomp.so.2"

/* Of its interface, seccomp.h. */
#define ALLOW         0x7fff0000u
#define REFUSE(error) (0x00050000u | (error))
#define UNKNOWN       (-1) /* the number of a call that it knows no name of */
enum {
    ATTRIBUTE_OTHER_WAY = 2,
    ATTRIBUTE_ALL_THREADS = 4,
    ATTRIBUTE_TREE = 8,
    ATTRIBUTE_RAW_CODES = 9
};
enum { NOT_EQUAL = 1, EQUAL = 4, MASKED_EQUAL = 7 };

struct condition {
    unsigned argument;
    int compare;
    uint64_t a, b; /* MASKED_EQUAL: the mask, and what is to be left of the argument */
};

typedef void *init_function(uint32_t otherwise);
typedef int attribute_function(void *filter, int attribute, uint32_t value);
typedef int number_function(const char *name);
typedef int add_function(void *filter, uint32_t action, int number, unsigned count,
                         const struct condition *conditions);
typedef int load_function(const void *filter);
typedef void release_function(void *filter);

struct library {
    init_function *init;
    attribute_function *attribute;
    number_function *number;
    add_function *add;
    load_function *load;
    release_function *release;
};

/* What servers do: with descriptors, files (where Landlock lets them), memory, time, signals,
 * threads, children without a program, sockets that are there. */
static const char *const allowed[] = {
    /* descriptors */
    "arm_fadvise64_64", "arm_sync_file_range", "close", "close_range", "copy_file_range", "dup",
    "dup2", "dup3", "eventfd", "eventfd2", "fadvise64", "fadvise64_64", "fallocate", "fcntl",
    "fcntl64", "fdatasync", "flock", "fsync", "ftruncate", "ftruncate64", "lseek", "_llseek",
    "pipe", "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
    "readahead", "readv", "sendfile", "sendfile64", "splice", "sync_file_range", "sync_file_range2",
    "tee", "write", "writev",
    /* waiting */
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "_newselect", "pause",
    "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "select", "signalfd",
    "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
    "timerfd_settime64",
    /* files */
    "access", "chdir", "creat", "faccessat", "faccessat2", "fchdir", "fchmod", "fstat", "fstat64",
    "fstatat64", "fstatfs", "fstatfs64", "getcwd", "getdents", "getdents64", "link", "linkat",
    "lstat", "lstat64", "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2", "readlink",
    "readlinkat", "rename", "renameat", "renameat2", "rmdir", "stat", "stat64", "statfs",
    "statfs64", "statx", "truncate", "truncate64", "umask", "unlink", "unlinkat",
    /* memory */
    "brk", "madvise", "memfd_create", "mmap", "mmap2", "mprotect", "mremap", "msync", "munmap",
    /* processes and threads */
    "arch_prctl", "cacheflush", "exit", "exit_group", "fork", "futex", "futex_time64",
    "futex_waitv", "get_robust_list", "get_thread_area", "getcpu", "getegid", "getegid32",
    "geteuid", "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32", "getpgid", "getpgrp",
    "getpid", "getppid", "getpriority", "getresgid", "getresgid32", "getresuid", "getresuid32",
    "getrlimit", "getrusage", "getsid", "gettid", "getuid", "getuid32", "membarrier", "pidfd_open",
    "rseq", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "sched_yield", "set_robust_list", "set_thread_area",
    "set_tid_address", "set_tls", "setpgid", "setrlimit", "setsid", "ugetrlimit", "vfork", "wait4",
    "waitid", "waitpid",
    /* signals; Landlock says whose */
    "kill", "pidfd_send_signal", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
    "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
    "rt_tgsigqueueinfo", "sigaltstack", "sigreturn", "tgkill", "tkill",
    /* time */
    "alarm", "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
    "clock_nanosleep", "clock_nanosleep_time64", "getitimer", "gettimeofday", "nanosleep",
    "restart_syscall", "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun",
    "timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64", "times",
    /* sockets */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "setsockopt", "shutdown",
    "socketpair",
    /* the system, and more of this sandbox within it */
    "getrandom", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
    "seccomp", "sysinfo", "uname",
};

/* Those that a program may ask for in good faith, or that who has taken it over would. */
static const char *const refused[] = {
    "acct", "add_key", "adjtimex", "bpf", "capset", "chmod", "chown", "chown32", "chroot",
    "clock_adjtime", "clock_settime", "delete_module", "execve", "execveat", "fanotify_init",
    "fchmodat", "fchown", "fchown32", "fchownat", "finit_module", "fremovexattr", "fsetxattr",
    "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
    "ioprio_set", "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lchown", "lchown32",
    "lremovexattr", "lsetxattr", "mknod", "mknodat", "mlockall", "modify_ldt", "mount",
    "move_mount", "name_to_handle_at", "open_by_handle_at", "perf_event_open", "personality",
    "pidfd_getfd", "pivot_root", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl",
    "reboot", "removexattr", "request_key", "sched_setaffinity", "sched_setparam",
    "sched_setscheduler", "setdomainname", "setfsgid", "setfsuid", "setgid", "setgid32",
    "setgroups", "setgroups32", "sethostname", "setns", "setpriority", "setregid", "setregid32",
    "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32",
    "settimeofday", "setuid", "setuid32", "setxattr", "swapoff", "swapon", "symlink", "symlinkat",
    "syslog", "umount", "umount2", "unshare", "userfaultfd", "utime", "utimensat", "utimes",
    "vhangup", "vmsplice",
};

/* Those that depend on an argument.  Which is compared in 64 bits, of which the kernel may take 32:
 * so no condition is one that more bits would pass. */
#ifdef __s390x__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif
#define NAMESPACES                                                                                 \
    (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER |  \
     CLONE_NEWUTS)
#define TYPE 0xf /* the part of the second argument of socket(2) that is no flag */

static const struct rule {
    const char *name;
    uint32_t action;
    unsigned count;
    struct condition conditions[2];
} rules[] = {
    {"clone", ALLOW, 1, {{CLONE_FLAGS, MASKED_EQUAL, NAMESPACES, 0}}},
    /* For syslog(3) and sd_notify(3).  Buses and managers of the system listen on streams. */
    {"socket", ALLOW, 2, {{0, EQUAL, AF_UNIX, 0}, {1, MASKED_EQUAL, TYPE, SOCK_DGRAM}}},
    {"socket", REFUSE(EPERM), 2, {{0, EQUAL, AF_UNIX, 0}, {1, MASKED_EQUAL, TYPE, SOCK_STREAM}}},
    {"socket", REFUSE(EPERM), 2, {{0, EQUAL, AF_UNIX, 0}, {1, MASKED_EQUAL, TYPE, SOCK_SEQPACKET}}},
    {"socket", REFUSE(EPERM), 1, {{0, NOT_EQUAL, AF_UNIX, 0}}},
    /* TCP Fast Open connects where Landlock does not look: an accepted connection, dissolved by
     * connect(2) to AF_UNSPEC, would do. */
    {"sendto", ALLOW, 1, {{3, MASKED_EQUAL, MSG_FASTOPEN, 0}}},
    {"sendmsg", ALLOW, 1, {{2, MASKED_EQUAL, MSG_FASTOPEN, 0}}},
    {"sendmmsg", ALLOW, 1, {{3, MASKED_EQUAL, MSG_FASTOPEN, 0}}},
    /* Not TIOCSTI, which types into a terminal, nor what drivers have. */
    {"ioctl", ALLOW, 1, {{1, EQUAL, FIOCLEX, 0}}},
    {"ioctl", ALLOW, 1, {{1, EQUAL, FIONBIO, 0}}},
    {"ioctl", ALLOW, 1, {{1, EQUAL, FIONCLEX, 0}}},
    {"ioctl", ALLOW, 1, {{1, EQUAL, FIONREAD, 0}}},
    {"ioctl", ALLOW, 1, {{1, EQUAL, TCGETS, 0}}},
    {"ioctl", ALLOW, 1, {{1, EQUAL, TIOCGWINSZ, 0}}},
    {"ioctl", ALLOW, 1, {{1, EQUAL, TIOCOUTQ, 0}}},
    /* What reads, or concerns the process alone. */
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_CAPBSET_READ, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_GET_DUMPABLE, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_GET_NAME, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_GET_NO_NEW_PRIVS, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_GET_SECCOMP, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_SET_CHILD_SUBREAPER, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_SET_DUMPABLE, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_SET_NAME, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_SET_NO_NEW_PRIVS, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_SET_PDEATHSIG, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_SET_SECCOMP, 0}}},
    {"prctl", ALLOW, 1, {{0, EQUAL, PR_SET_VMA, 0}}},
    /* One's own limits. */
    {"prlimit64", ALLOW, 1, {{0, EQUAL, 0, 0}}},
};

/* A function of the library, NULL for none.  Asked for again, it is there at once. */
static void *find(const char *name)
{
    static _Atomic(void *) handle;

    if (!handle)
        handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    return handle ? dlsym(handle, name) : NULL;
}

static int find_all(struct library *library)
{
    library->init = (init_function *)find("seccomp_init");
    library->attribute = (attribute_function *)find("seccomp_attr_set");
    library->number = (number_function *)find("seccomp_syscall_resolve_name");
    library->add = (add_function *)find("seccomp_rule_add_array");
    library->load = (load_function *)find("seccomp_load");
    library->release = (release_function *)find("seccomp_release");
    return library->init && library->attribute && library->number && library->add &&
                   library->load && library->release
               ? 0
               : -ELIBACC;
}

/* A call that the library, or the machine, does not have needs no rule. */
static int add(const struct library *library, void *filter, const struct rule *rule)
{
    int number = library->number(rule->name);

    if (number == UNKNOWN)
        return 0;
    return library->add(filter, rule->action, number, rule->count, rule->conditions);
}

static int add_all(const struct library *library, void *filter)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < sizeof allowed / sizeof *allowed; i++)
        code = add(library, filter, &(struct rule){.name = allowed[i], .action = ALLOW});
    for (size_t i = 0; code == 0 && i < sizeof refused / sizeof *refused; i++)
        code = add(library, filter, &(struct rule){.name = refused[i], .action = REFUSE(EPERM)});
    for (size_t i = 0; code == 0 && i < sizeof rules / sizeof *rules; i++)
        code = add(library, filter, &rules[i]);
    return code;
}

int netio__seccomp_prepare(void **filter, const char **step)
{
    struct library library;

    *filter = NULL;
    *step = LIBRARY;
    int code = find_all(&library);
    if (code < 0)
        return code;
    *step = "seccomp";
    void *made = library.init(REFUSE(ENOSYS));
    if (!made)
        return -ENOMEM;
    /* An older library has no binary tree, and other codes: it will do. */
    library.attribute(made, ATTRIBUTE_TREE, 2);
    library.attribute(made, ATTRIBUTE_RAW_CODES, 1);
    code = library.attribute(made, ATTRIBUTE_ALL_THREADS, 1);
    if (code == 0)
        code = library.attribute(made, ATTRIBUTE_OTHER_WAY, REFUSE(ENOSYS));
    if (code == 0)
        code = add_all(&library, made);
    if (code == 0)
        *filter = made;
    else
        library.release(made);
    return code == -EOPNOTSUPP ? NETIO_ENOSANDBOX : code;
}

/* By personality(2): all ones only ask. */
static int is_in_force(void)
{
    return syscall(SYS_personality, 0xffffffffUL) == -1;
}

int netio__seccomp_enforce(void *filter)
{
    struct library library;
    int code = find_all(&library);

    if (code < 0)
        return code;
    code = library.load(filter);
    if (code == 0)
        return is_in_force() ? 0 : NETIO_ELIED;
    return code == -ENOSYS || code == -EINVAL ? NETIO_ENOSANDBOX : code < 0 ? code : -EBUSY;
}

void netio__seccomp_done(void *filter)
{
    struct library library;

    if (filter && find_all(&library) == 0)
        library.release(filter);
}
