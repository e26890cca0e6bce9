/* Ring 1.  Binding a unix socket to a path that may be there already; called by listener.c
 * only.  It touches the path, and locks the folder that holds it.
 *
 * A path stays behind when its server is killed, and bind refuses it for ever.  It is
 * removed when connecting says ECONNREFUSED: nobody listens.  Two servers that start at once
 * could harm each other:
 *
 *      A: connect, refused: stale            B: connect, refused: stale
 *      A: unlink, bind, listen: serves
 *                                            B: unlink (A's path!), bind, listen
 *
 * and so could a B that asks between A's bind and listen.  So all of it happens under a lock
 * on the folder. */
#include "net/listener.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_FCHMODAT2 452 /* the same number on every machine; its name is not in all headers */
#define LOCK_SECONDS  1.0
#define LOCK_PAUSE    5 /* milliseconds between two tries */

static void folder_of(char *folder, const char *path)
{
    size_t len = (size_t)(strrchr(path, '/') - path);

    memcpy(folder, path, len ? len : 1);
    folder[len ? len : 1] = '\0';
}

/* The descriptor that holds the lock.  -1: the folder cannot be read (bind will say what is
 * wrong with it, or nothing is), or a stranger sits on its lock; a start must not hang on
 * that, and then the race above is all that is left. */
static int lock_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    netio_deadline deadline = netio_deadline_in(LOCK_SECONDS);

    folder_of(folder, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || netio_deadline_passed(deadline)) {
            netio_fd_close(fd);
            return -1;
        }
        (void)poll(NULL, 0, LOCK_PAUSE);
    }
    return fd;
}

/* Whether a socket is there that nobody serves.  Anything but a refusal, a full queue
 * (EAGAIN) included, may be a living server. */
static int is_stale(const struct netio_addr *addr)
{
    struct stat st;

    if (lstat(addr->u.un.sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
        return 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return 0;
    int stale = connect(fd, &addr->u.sa, addr->len) == -1 && errno == ECONNREFUSED;
    netio_fd_close(fd);
    return stale;
}

static int bind_path(int fd, const struct netio_addr *addr)
{
    if (bind(fd, &addr->u.sa, addr->len) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -errno;
    if (!is_stale(addr))
        return -EADDRINUSE;
    if (unlink(addr->u.un.sun_path) == -1 && errno != ENOENT)
        return -errno;
    return bind(fd, &addr->u.sa, addr->len) == -1 ? -errno : 0;
}

/* The C library needs /proc for it; kernels since 6.6 do not. */
static int change_mode(const char *path, mode_t mode)
{
    if (fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    int code = -errno;
    if (code != -EOPNOTSUPP && code != -ENOSYS)
        return code;
    return syscall(SYS_FCHMODAT2, AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : code;
}

int netio__unix_dress(const char *path, const struct netio__listen *what)
{
    if ((what->uid != (uid_t)-1 || what->gid != (gid_t)-1) &&
        lchown(path, what->uid, what->gid) == -1)
        return -errno;
    return what->has_mode ? change_mode(path, what->mode) : 0;
}

/* The kernel knows, by the umask, the folder's own group and its ACL: of a file without a name. */
int netio__unix_undressed(const char *path, struct stat *st)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];

    folder_of(folder, path);
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0777);
    int code = fd == -1 || fstat(fd, st) == -1 ? -errno : 0;
    netio_fd_close(fd);
    return code;
}

/* The path comes to be with the mode that the socket has before (less the umask), so nobody: a
 * datagram socket can be reached as soon as it has a path, and the umask, the other way to this, is
 * that of all threads. */
static int bind_dressed(int fd, const struct netio__listen *what)
{
    const struct netio_addr *addr = &what->addrs[0];

    if (what->has_mode && fchmod(fd, 0) == -1)
        return -errno;
    int code = bind_path(fd, addr);
    if (code)
        return code;
    code = netio__unix_dress(addr->u.un.sun_path, what);
    if (code)
        (void)unlink(addr->u.un.sun_path);
    return code;
}

int netio__unix_listen(int fd, const struct netio__listen *what, int backlog,
                       enum netio_stage *stage)
{
    const char *path = what->addrs[0].u.un.sun_path;
    int lock = lock_folder(path);

    *stage = NETIO_STAGE_BIND;
    int code = bind_dressed(fd, what);
    if (!code && what->type == SOCK_STREAM) {
        *stage = NETIO_STAGE_LISTEN;
        if (listen(fd, backlog) == -1) {
            code = -errno;
            (void)unlink(path);
        }
    }
    netio_fd_close(lock);
    return code;
}
