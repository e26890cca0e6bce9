/* Ring 2.  Sockets passed by a service manager, sd_listen_fds(3); see netio/activation.h.  Called
 * by daemons; it touches three variables of the environment and the descriptors they tell of. */
#include "proc/number.h"

#include <netio/activation.h>
#include <netio/fd.h>
#include <netio/text.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void take_names(struct netio_activation *activation, const char *text)
{
    for (size_t i = 0; i < activation->count; i++) {
        char *name = activation->names[i];
        size_t n = text ? strcspn(text, ":") : 0;
        if (n > 0)
            netio_text_safe(text, n, name, sizeof activation->names[i]);
        else
            strcpy(name, "unknown");
        text = text && text[n] == ':' ? text + n + 1 : NULL;
    }
}

static int take_descriptors(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int fd = NETIO_ACTIVATION_FIRST + (int)i;
        int code = netio_fd_cloexec(fd, 1);
        if (code == 0)
            code = netio_fd_nonblock(fd, 1);
        if (code)
            return code;
    }
    return 0;
}

static int read_variables(struct netio_activation *activation, const char **wrong)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

    *wrong = "LISTEN_PID";
    if (!pid || !fds)
        return 0;
    int64_t owner = netio__number(pid);
    if (owner < 0)
        return NETIO_EBADOPTION;
    if (owner != getpid())
        return 0;
    *wrong = "LISTEN_FDS";
    int64_t count = netio__number(fds);
    if (count < 0 || count > NETIO_ACTIVATION_MAX)
        return NETIO_EBADOPTION;
    int code = take_descriptors((size_t)count);
    if (code)
        return code;
    activation->count = (size_t)count;
    take_names(activation, getenv("LISTEN_FDNAMES"));
    return 0;
}

int netio_activation_take(struct netio_activation *activation, struct netio_error *error)
{
    const char *wrong;

    memset(activation, 0, sizeof *activation);
    int code = read_variables(activation, &wrong);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return code ? netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, wrong) : 0;
}

static int option_of(int fd, int name, int *value)
{
    socklen_t len = sizeof *value;

    return getsockopt(fd, SOL_SOCKET, name, value, &len) == -1 ? -errno : 0;
}

int netio_activation_check(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int type, listens;
    int code = option_of(fd, SO_TYPE, &type);

    if (code == 0)
        code = option_of(fd, SO_ACCEPTCONN, &listens);
    if (code)
        return code;
    if (type != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    if (listens)
        return 0;
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 ? -EISCONN : -EINVAL;
}

static int same_file(int fd, const struct stat *other)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_dev == other->st_dev && st.st_ino == other->st_ino;
}

int netio_activation_input_take(void)
{
    struct stat st;
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    if (fd == -1)
        return -errno;
    int null = netio_fd_null();
    if (null < 0 || fstat(fd, &st) == -1) {
        netio_fd_close(fd);
        netio_fd_close(null);
        return null < 0 ? null : -errno;
    }
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (same_file(i, &st))
            dup2(null, i);
    netio_fd_close(null);
    return fd;
}
