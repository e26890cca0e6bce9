/* Tests of netio/sandbox.h: what can be done in it, and what cannot.  Each try has a process of its
 * own, once outside, to see that it is one, and once inside. */
#include "tap.h"

#include <netio/fd.h>
#include <netio/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char dir[] = "/tmp/netio-sandbox-XXXXXX";
static char readable[64], writable[64], outside[64];

/* A path in one of the folders; three of them last. */
static const char *in(const char *folder, const char *name)
{
    static char paths[3][128];
    static int next;
    char *path = paths[next++ % 3];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd == -1 || write(fd, "text\n", 5) != 5)
        return -1;
    return close(fd);
}

static int enter(enum netio_sandbox_mode mode, unsigned *in_force, struct netio_error *error)
{
    const char *const reads[] = {readable, NULL}, *const writes[] = {writable, NULL};
    struct netio_sandbox sandbox = {.mode = mode, .readable = reads, .writable = writes};

    return netio_sandbox_enter(&sandbox, in_force, error);
}

/* ---- the tries: 0, or errno ---- */

static int of(long result)
{
    return result == -1 ? errno : 0;
}

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

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    netio_fd_close(fd);
    return of(fd);
}

static int try_shadow(void)
{
    return try_open("/etc/shadow", O_RDONLY);
}

static int try_read(void)
{
    return try_open(in(readable, "file"), O_RDONLY);
}

static int try_read_outside(void)
{
    return try_open(in(outside, "file"), O_RDONLY);
}

static int try_read_dots(void)
{
    return try_open(in(readable, "../outside/file"), O_RDONLY);
}

static int try_read_link(void)
{
    return try_open(in(readable, "link"), O_RDONLY);
}

static int try_list_root(void)
{
    return try_open("/", O_RDONLY | O_DIRECTORY);
}

static int try_write_readable(void)
{
    return try_open(in(readable, "file"), O_WRONLY);
}

static int try_create_readable(void)
{
    return try_open(in(readable, "new"), O_WRONLY | O_CREAT);
}

static int try_unlink_readable(void)
{
    return of(unlink(in(readable, "spare")));
}

static int try_truncate_readable(void)
{
    return of(truncate(in(readable, "spare"), 0));
}

static int try_empty_readable(void)
{
    return try_open(in(readable, "spare"), O_RDONLY | O_TRUNC);
}

static int try_unlink_outside(void)
{
    return of(unlink(in(outside, "file")));
}

static int try_mkdir_outside(void)
{
    int code = of(mkdir(in(outside, "new"), 0700));

    rmdir(in(outside, "new"));
    return code;
}

static int try_rename_outside(void)
{
    return of(rename(in(outside, "file"), in(outside, "spare")));
}

static int try_rename_from_outside(void)
{
    return of(rename(in(outside, "file"), in(writable, "file")));
}

/* All that a loader or a log does. */
static int try_writable(void)
{
    const char *a = in(writable, "a"), *b = in(writable, "b");

    if (make_file(a) == -1 || rename(a, b) == -1 || truncate(b, 1) == -1 || unlink(b) == -1)
        return errno;
    return of(mkdir(a, 0700)) ? errno : of(rmdir(a));
}

static int try_symlink(void)
{
    int code = of(symlink("/etc/shadow", in(writable, "link")));

    unlink(in(writable, "link"));
    return code;
}

static int try_fifo(void)
{
    int code = of(mkfifo(in(writable, "fifo"), 0600));

    unlink(in(writable, "fifo"));
    return code;
}

static int try_link_from_outside(void)
{
    int code = of(link(in(outside, "file"), in(writable, "link")));

    unlink(in(writable, "link"));
    return code;
}

static int try_chmod(void)
{
    return of(chmod(in(outside, "file"), 0600));
}

static int try_socket(int family, int type)
{
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    netio_fd_close(fd);
    return of(fd);
}

static int try_tcp(void)
{
    return try_socket(AF_INET, SOCK_STREAM);
}

static int try_udp6(void)
{
    return try_socket(AF_INET6, SOCK_DGRAM);
}

static int try_netlink(void)
{
    return try_socket(AF_NETLINK, SOCK_RAW);
}

static int try_unix_stream(void)
{
    return try_socket(AF_UNIX, SOCK_STREAM);
}

static int try_unix_packets(void)
{
    return try_socket(AF_UNIX, SOCK_SEQPACKET);
}

static int try_unix_datagrams(void)
{
    return try_socket(AF_UNIX, SOCK_DGRAM);
}

/* A listener and a client of it, made before the sandbox. */
static int listener, client;
static struct sockaddr_in there;

static void make_sockets(void)
{
    socklen_t len = sizeof there;

    there = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&there, sizeof there) == -1 ||
        setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, sizeof(int)) == -1 ||
        listen(listener, 5) == -1 || getsockname(listener, (struct sockaddr *)&there, &len) == -1 ||
        connect(client, (struct sockaddr *)&there, sizeof there) == -1)
        fail("a listener and a client");
}

/* An accepted connection, dissolved: a TCP socket without socket(2). */
static int dissolve(void)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    return fd == -1 || connect(fd, &none, sizeof none) == -1 ? -1 : fd;
}

static int try_connect_again(void)
{
    int fd = dissolve();

    return fd == -1 ? 99 : of(connect(fd, (struct sockaddr *)&there, sizeof there));
}

static int try_fast_open(void)
{
    int fd = dissolve();

    return fd == -1 ? 99
                    : of(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&there, sizeof there));
}

static int try_fast_open_message(void)
{
    struct iovec part = {"x", 1};
    struct msghdr message = {&there, sizeof there, &part, 1, NULL, 0, 0};
    int fd = dissolve();

    return fd == -1 ? 99 : of(sendmsg(fd, &message, MSG_FASTOPEN));
}

static int try_bind_again(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = dissolve();

    return fd == -1 ? 99 : of(bind(fd, (struct sockaddr *)&any, sizeof any));
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

static int echo(int fd)
{
    char data[8];

    if (send(client, "hello", 5, MSG_NOSIGNAL) != 5 || recv(fd, data, sizeof data, 0) != 5 ||
        send(fd, data, 5, MSG_NOSIGNAL) != 5 || recv(client, data, sizeof data, 0) != 5)
        return errno;
    return of(shutdown(fd, SHUT_WR));
}

static int try_serve(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int loop = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) == -1 ||
        epoll_wait(loop, &event, 1, 1000) != 1)
        return errno;
    int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
    if (fd == -1 || getpeername(fd, (struct sockaddr *)&peer, &len) == -1)
        return errno;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == -1)
        return errno;
    return echo(fd);
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

static int try_sendfile(void)
{
    int file = open(in(readable, "file"), O_RDONLY | O_CLOEXEC);

    return file == -1 ? errno : of(sendfile(client, file, NULL, 5));
}

static int try_random(void)
{
    char bytes[8];

    return of(getrandom(bytes, sizeof bytes, 0));
}

static int try_raise(void)
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1) == 0 && isatty(client) == 0 ? 0 : 99;
}

/* ---- the table ---- */

#define ANY (-1) /* depends on who runs it, and where */

static const struct row {
    const char *name;
    int (*run)(void);
    int out; /* what comes of it outside, and inside */
    int inside;
    unsigned needs;
} table[] = {
#define FILES    NETIO_SANDBOX_FILES
#define NETWORK  NETIO_SANDBOX_NETWORK
#define SYSCALLS NETIO_SANDBOX_SYSCALLS
    {"execve", try_execve, 0, EPERM, SYSCALLS},
    {"execveat", try_execveat, 0, EPERM, SYSCALLS},
    {"/etc/shadow", try_shadow, ANY, EACCES, FILES},
    {"to read a readable file", try_read, 0, 0, 0},
    {"to read another", try_read_outside, 0, EACCES, FILES},
    {"the same by ..", try_read_dots, 0, EACCES, FILES},
    {"the same by a symbolic link", try_read_link, 0, EACCES, FILES},
    {"to list the root", try_list_root, 0, EACCES, FILES},
    {"to write a readable file", try_write_readable, 0, EACCES, FILES},
    {"to make one there", try_create_readable, 0, EACCES, FILES},
    {"to remove one there", try_unlink_readable, 0, EACCES, FILES},
    {"to cut one there", try_truncate_readable, 0, EACCES, FILES},
    {"to empty one by opening it", try_empty_readable, 0, EACCES, FILES},
    {"to remove a file elsewhere", try_unlink_outside, 0, EACCES, FILES},
    {"to make a folder there", try_mkdir_outside, 0, EACCES, FILES},
    {"to rename a file there", try_rename_outside, 0, EACCES, FILES},
    {"to rename it to where that is allowed", try_rename_from_outside, 0, EACCES, FILES},
    {"to make, cut, rename, remove files where they are writable", try_writable, 0, 0, 0},
    {"a symbolic link", try_symlink, 0, EPERM, SYSCALLS},
    {"a FIFO", try_fifo, 0, EPERM, SYSCALLS},
    {"a link to a file outside", try_link_from_outside, 0, EXDEV, FILES},
    {"chmod of a file outside", try_chmod, 0, EPERM, SYSCALLS},
    {"a TCP socket", try_tcp, 0, EPERM, SYSCALLS},
    {"a UDP socket", try_udp6, ANY, EPERM, SYSCALLS},
    {"a netlink socket", try_netlink, 0, EPERM, SYSCALLS},
    {"a stream of AF_UNIX", try_unix_stream, 0, EPERM, SYSCALLS},
    {"packets of AF_UNIX", try_unix_packets, 0, EPERM, SYSCALLS},
    {"datagrams of AF_UNIX", try_unix_datagrams, 0, 0, 0},
    {"to connect an accepted socket to elsewhere", try_connect_again, 0, EACCES, NETWORK},
    {"the same by TCP Fast Open", try_fast_open, 0, ENOSYS, SYSCALLS},
    {"the same in a message", try_fast_open_message, 0, ENOSYS, SYSCALLS},
    {"to bind an accepted socket", try_bind_again, 0, EACCES, NETWORK},
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
    {"a signal to a process outside", try_signal_parent, 0, EPERM, FILES},
    {"32-bit code", try_32_bits, ANY, ENOSYS, SYSCALLS},
    {"x32 code", try_x32, ANY, ENOSYS, SYSCALLS},
    {"a system call that is not invented yet", try_future, ENOSYS, ENOSYS, 0},
    {"a child, and a signal to it", try_child, 0, 0, 0},
    {"one's own limits", try_limits, 0, 0, 0},
    {"a thread", try_thread, 0, 0, 0},
    {"to accept, and to serve", try_serve, 0, 0, 0},
    {"timers, signals, events, pipes", try_loop, 0, 0, 0},
    {"sendfile", try_sendfile, 0, 0, 0},
    {"random numbers", try_random, 0, 0, 0},
    {"raise, isatty", try_raise, 0, 0, 0},
};

/* Runs one in a process of its own; 98: there was no entering. */
static int run(const struct row *row, enum netio_sandbox_mode mode)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        make_sockets();
        _exit(enter(mode, NULL, NULL) ? 98 : row->run());
    }
    if (waitpid(pid, &status, 0) == -1)
        return 97;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* What a kernel before Linux 6.2 and one before 6.12 do not have. */
static int is_too_old(const struct row *row)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

    return ((row->run == try_truncate_readable || row->run == try_empty_readable) && version < 3) ||
           (row->run == try_signal_parent && version < 6);
}

static void make_folders(void)
{
    unlink(in(readable, "new"));
    unlink(in(outside, "spare"));
    unlink(in(writable, "file"));
    make_file(in(readable, "file"));
    make_file(in(readable, "spare"));
    make_file(in(outside, "file"));
}

static void test_table(unsigned offered)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct row *row = &table[i];
        make_folders();
        int code = run(row, NETIO_SANDBOX_OFF);
        if (row->out != ANY)
            is_int(code, row->out, "outside: %s: %s", row->name, strerrorname_np(row->out));
        make_folders();
        if ((row->needs & offered) != row->needs || is_too_old(row))
            skip(1, "%s: the kernel is too old", row->name);
        else
            is_int(run(row, NETIO_SANDBOX_TRY), row->inside, "inside: %s: %s", row->name,
                   strerrorname_np(row->inside));
    }
}

static void clean_up(void)
{
    unlink(in(readable, "file"));
    unlink(in(readable, "spare"));
    unlink(in(readable, "link"));
    unlink(in(readable, "new"));
    unlink(in(outside, "file"));
    unlink(in(outside, "spare"));
    unlink(in(writable, "file"));
    ok(rmdir(readable) == 0 && rmdir(writable) == 0 && rmdir(outside) == 0 && rmdir(dir) == 0,
       "nothing is left behind");
}

int main(void)
{
    unsigned offered = 0;
    int status;

    if (!mkdtemp(dir))
        return fail("a temporary folder");
    snprintf(readable, sizeof readable, "%s/readable", dir);
    snprintf(writable, sizeof writable, "%s/writable", dir);
    snprintf(outside, sizeof outside, "%s/outside", dir);
    ok(mkdir(readable, 0700) == 0 && mkdir(writable, 0700) == 0 && mkdir(outside, 0700) == 0 &&
           symlink(in(outside, "file"), in(readable, "link")) == 0,
       "three folders");
    pid_t pid = fork();
    if (pid == 0) {
        int code = enter(NETIO_SANDBOX_TRY, &offered, NULL);
        _exit(code ? 98 : (int)offered);
    }
    waitpid(pid, &status, 0);
    offered = (unsigned)WEXITSTATUS(status);
    ok(offered < 8, "in force here: %s", netio_sandbox_str(offered));
    test_table(offered);
    clean_up();
    return tap_done();
}
