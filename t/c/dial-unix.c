/* Connections to unix sockets: by a path, relative or abstract, what is said of those that nobody
 * can have, and the wait for one whose queue is full. */
#include "dialling.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char folder[] = "/tmp/netio-dial-XXXXXX";

static int unix_here(const char *name, int type, struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)sizeof *un;

    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (name[0] == '@') {
        strcpy(un->sun_path + 1, name + 1);
        len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    } else
        snprintf(un->sun_path, sizeof un->sun_path, "%s/%s", folder, name);
    if (bind(fd, (struct sockaddr *)un, len) || (type == SOCK_STREAM && listen(fd, 1)))
        abort();
    return fd;
}

static void remove_path(const char *path)
{
    if (unlink(path) == -1)
        abort();
}

static const char *unix_opened(const char *path, const struct netio_open_options *options, int *fd)
{
    struct netio_error error = {0};

    *fd = netio_unixopen(path, options, &error);
    return said(*fd, &error);
}

static void check_unix(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(10)};
    struct sockaddr_un un;
    char name[64];
    int fd, cwd = open(".", O_PATH | O_CLOEXEC), listener = unix_here("s", SOCK_STREAM, &un);

    is_str(unix_opened(un.sun_path, &options, &fd), "opened", "a unix socket");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK,
       "close-on-exec and non-blocking");
    close(fd);
    is_int(chdir(folder), 0, "in its folder");
    is_str(unix_opened("s", NULL, &fd), "opened", "by a relative path");
    close(fd);
    is_int(fchdir(cwd), 0, "and back");
    close(cwd);
    close(listener);
    remove_path(un.sun_path);
    snprintf(name, sizeof name, "@netio-dial-%d", getpid());
    listener = unix_here(name, SOCK_STREAM, &un);
    is_str(unix_opened(name, NULL, &fd), "opened", "an abstract one");
    close(fd);
    close(listener);
}

static void check_forbidden(void)
{
    struct sockaddr_un un;
    int fd, listener = unix_here("forbidden", SOCK_STREAM, &un);

    if (chmod(un.sun_path, 0) == -1 || (geteuid() == 0 && seteuid(65534) == -1))
        abort();
    is_int((unix_opened(un.sun_path, NULL, &fd), fd), -EACCES, "no permission");
    if (getuid() == 0 && seteuid(0) == -1)
        abort();
    close(listener);
    remove_path(un.sun_path);
}

static void check_unix_failures(void)
{
    static const struct netio_open_options odd[] = {
        {.family = AF_INET}, {.source = "127.0.0.1"}, {.source_port = 1}, {.reserved = 1}};
    char path[128], expected[256], giant[10001];
    struct sockaddr_un un;
    int fd, there, listener = unix_here("gone", SOCK_STREAM, &un);

    close(listener);
    snprintf(expected, sizeof expected, "connect unix:%s: Connection refused", un.sun_path);
    is_str(unix_opened(un.sun_path, NULL, &fd), expected, "nobody listens");
    remove_path(un.sun_path);
    listener = unix_here("datagrams", SOCK_DGRAM, &un);
    is_int((unix_opened(un.sun_path, NULL, &fd), fd), -EPROTOTYPE, "a datagram socket");
    close(listener);
    remove_path(un.sun_path);
    snprintf(path, sizeof path, "%s/none", folder);
    snprintf(expected, sizeof expected, "connect unix:%s: No such file or directory", path);
    is_str(unix_opened(path, NULL, &fd), expected, "nothing there");
    there = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    is_int((unix_opened(path, NULL, &fd), fd), -ECONNREFUSED, "no socket");
    close(there);
    remove_path(path);
    check_forbidden();
    memset(giant, 'x', sizeof giant - 1);
    giant[sizeof giant - 1] = '\0';
    is_int((unix_opened(giant, NULL, &fd), fd), -ENAMETOOLONG, "a path too long");
    giant[108] = '\0';
    ok(strstr(unix_opened(giant, NULL, &fd), "xxx: File name too long"), "which is said");
    giant[107] = '\0';
    is_int((unix_opened(giant, NULL, &fd), fd), -ENOENT, "107 bytes fit");
    is_str(unix_opened("", NULL, &fd), "connect: not a valid address", "an empty path");
    is_str(unix_opened("@", NULL, &fd), "connect @: not a valid address", "an empty name");
    for (size_t i = 0; i < 4; i++)
        is_int((unix_opened("/x", &odd[i], &fd), fd), NETIO_EBADOPTION, "option %zu", i);
}

/* Fills a listener's queue; the descriptors that do. */
static int fill(const char *path, int filling[8])
{
    struct netio_open_options options = {0};
    struct netio_open *machine;
    int count = 0, fd = 0;

    while (fd >= 0 && count < 8) {
        netio_unixopen_start(&machine, path, NULL, NULL);
        fd = netio_open_step(machine, NULL);
        netio_open_free(machine);
        if (fd >= 0)
            filling[count++] = fd;
    }
    options.deadline = netio_deadline_in(0.05);
    is_int(netio_unixopen(path, &options, NULL), -ETIMEDOUT,
           "a queue that is full after %d: the deadline", count);
    return count;
}

static void check_unix_full(void)
{
    struct netio_open *machine;
    struct netio_want want;
    struct sockaddr_un un;
    int filling[8], listener = unix_here("full", SOCK_STREAM, &un);
    int count = fill(un.sun_path, filling);

    netio_unixopen_start(&machine, un.sun_path, NULL, NULL);
    is_int(netio_open_step(machine, NULL), -EAGAIN, "the next one waits");
    netio_open_want(machine, &want);
    ok(want.fd == -1 && want.deadline > NETIO_NOW, "for nothing but the time");
    is_int(netio_open_step(machine, NULL), -EAGAIN, "stepping early does no harm");
    close(accept(listener, NULL, NULL));
    int fd, wrong = 0;
    while ((fd = netio_open_step(machine, NULL)) == -EAGAIN) {
        netio_open_want(machine, &want);
        wrong += netio_want_poll(&want) != 0;
    }
    is_int(wrong, 0, "a while passes");
    ok(fd >= 0, "and is served when there is room");
    netio_open_free(machine);
    close(fd);
    while (count > 0)
        close(filling[--count]);
    close(listener);
    remove_path(un.sun_path);
}

int main(void)
{
    int before = open_descriptors();

    if (!mkdtemp(folder))
        abort();
    check_unix();
    check_unix_failures();
    check_unix_full();
    is_int(rmdir(folder), 0, "nor in the folder");
    is_int(open_descriptors(), before, "and nothing is left open");
    return tap_done();
}
