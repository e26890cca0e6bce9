/* Ring 2.  Landlock (landlock(7)): rules on folders, none on TCP; see landlock.h.
 * Called by sandbox.c; it opens the folders it is given and those of the time zone, by O_PATH, and
 * restricts the calling thread.
 *
 * What is called handled is refused but where a rule allows it.  A kernel handles what it knew at
 * its time, by the number of its interface; a bit that is not known yet is an error, so each is
 * asked for from its number on.
 *
 *      1  Linux 5.13  files            4  Linux 6.7   TCP
 *      2  Linux 5.19  rename between   5  Linux 6.10  ioctl of devices
 *         folders                      6  Linux 6.12  signals to processes outside
 *      3  Linux 6.2   truncate
 *
 * The interface is written down here, so that older headers will do to build. */
#include "landlock.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GET_VERSION  1u /* a flag of landlock_create_ruleset */
#define PATH_BENEATH 1  /* a kind of rule */

#define WRITE_FILE  (1u << 1)
#define READ_FILE   (1u << 2)
#define READ_DIR    (1u << 3)
#define REMOVE_DIR  (1u << 4)
#define REMOVE_FILE (1u << 5)
#define MAKE_DIR    (1u << 7)
#define MAKE_REG    (1u << 8)
#define REFER       (1u << 13)
#define TRUNCATE    (1u << 14)

#define BITS_OF_1 0x1fffu /* execute, and all kinds of make, among them */
#define IOCTL_DEV (1u << 15)

#define READABLE (READ_FILE | READ_DIR)
/* No links, sockets, FIFOs: what another program falls over is not made here. */
#define WRITABLE                                                                                   \
    (READABLE | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE)

#define TCP_BIND     1u
#define TCP_CONNECT  2u
#define SCOPE_SIGNAL 2u

struct attributes {
    uint64_t files, network, scope;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static struct attributes attributes_of(long version)
{
    struct attributes all = {.files = BITS_OF_1};

    if (version >= 2)
        all.files |= REFER;
    if (version >= 3)
        all.files |= TRUNCATE;
    if (version >= 4)
        all.network = TCP_BIND | TCP_CONNECT;
    if (version >= 5)
        all.files |= IOCTL_DEV;
    if (version >= 6)
        all.scope = SCOPE_SIGNAL;
    return all;
}

static void without(struct netio__landlock *landlock, const char *step, int code)
{
    landlock->code = code == -ENOSYS || code == -EOPNOTSUPP ? NETIO_ENOSANDBOX : code;
    landlock->step = step;
}

/* The rules, with no folder among them yet. */
static struct attributes make_rules(struct netio__landlock *landlock)
{
    struct attributes all = {0};

    landlock->rules = -1;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, GET_VERSION);
    if (version < 1) {
        without(landlock, "landlock", version == -1 ? -errno : -ENOSYS);
        return all;
    }
    all = attributes_of(version);
    landlock->rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (landlock->rules == -1) {
        without(landlock, "landlock", -errno);
        return all;
    }
    landlock->covers = NETIO_SANDBOX_FILES;
    if (all.network)
        landlock->covers |= NETIO_SANDBOX_NETWORK;
    else
        without(landlock, "landlock on TCP", -ENOSYS);
    return all;
}

static int is_root(int fd)
{
    struct stat st, root;

    return fstat(fd, &st) == 0 && stat("/", &root) == 0 && st.st_dev == root.st_dev &&
           st.st_ino == root.st_ino;
}

/* 0 or -errno of landlock_add_rule(2). */
static int add_rule(const struct netio__landlock *landlock, int fd, uint64_t allowed)
{
    struct path_rule rule = {.allowed = allowed, .parent = fd};

    if (landlock->rules == -1)
        return 0;
    return syscall(SYS_landlock_add_rule, landlock->rules, PATH_BENEATH, &rule, 0) == -1 ? -errno
                                                                                         : 0;
}

/* A folder that is missing is the caller's mistake; a rule that is not taken is the kernel's. */
static int add_folder(struct netio__landlock *landlock, const char *path, uint64_t allowed)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1)
        return -errno;
    if (is_root(fd))
        landlock->whole = 1;
    int code = add_rule(landlock, fd, allowed);
    if (code < 0) {
        without(landlock, "landlock", code);
        netio__landlock_done(landlock);
    }
    netio_fd_close(fd);
    return 0;
}

static int add_folders(struct netio__landlock *landlock, const char *const *paths, uint64_t allowed,
                       struct netio_error *error)
{
    for (; paths && *paths; paths++) {
        int code = add_folder(landlock, *paths, allowed);
        if (code < 0) {
            netio__landlock_done(landlock);
            return netio_error_set(error, NETIO_STAGE_SANDBOX, code, NULL, *paths);
        }
    }
    return 0;
}

/* localtime(3) and strftime(3) read the time zone again and again, and take UTC for one that they
 * cannot read.  There is nothing in it that is not for everyone.  Where it is missing, it may be.
 */
static void add_time_zone(const struct netio__landlock *landlock)
{
    static const char *const paths[] = {"/etc/localtime", "/usr/share/zoneinfo"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct stat st;
        int fd = open(paths[i], O_PATH | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &st) == 0)
            add_rule(landlock, fd, S_ISDIR(st.st_mode) ? READABLE : READ_FILE);
        netio_fd_close(fd);
    }
}

int netio__landlock_prepare(struct netio__landlock *landlock, const struct netio_sandbox *sandbox,
                            struct netio_error *error)
{
    *landlock = (struct netio__landlock){.rules = -1};
    struct attributes all = make_rules(landlock);
    int code = add_folders(landlock, sandbox->readable, all.files & READABLE, error);
    if (code == 0)
        code = add_folders(landlock, sandbox->writable, all.files & WRITABLE, error);
    if (code == 0)
        add_time_zone(landlock);
    return code;
}

/* Whether the root can still be listed.  Where rules allow that there is nothing to see. */
static int files_are_open(const struct netio__landlock *landlock)
{
    if (landlock->whole)
        return 0;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    netio_fd_close(fd);
    return fd >= 0;
}

/* Whether a port can still be bound to: any one, on no address, so that it cannot fail for another
 * reason; for a moment, and without listening. */
static int network_is_open(const struct netio__landlock *landlock)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};

    if (!(landlock->covers & NETIO_SANDBOX_NETWORK))
        return 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return 0;
    int bound = bind(fd, (struct sockaddr *)&sin, sizeof sin);
    netio_fd_close(fd);
    return bound == 0;
}

int netio__landlock_enforce(const struct netio__landlock *landlock)
{
    if (syscall(SYS_landlock_restrict_self, landlock->rules, 0) == -1)
        return -errno;
    return files_are_open(landlock) || network_is_open(landlock) ? NETIO_ELIED : 0;
}

void netio__landlock_done(struct netio__landlock *landlock)
{
    netio_fd_close(landlock->rules);
    landlock->rules = -1;
    landlock->covers = 0;
}
