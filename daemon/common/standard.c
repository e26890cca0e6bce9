/* daemon/common: what a daemon was given at birth; see standard.h.
 * Called by entry.c and the start of each daemon; touches descriptors 0 to 2 and signals. */
#include "standard.h"

#include <netio/fd.h>
#include <netio/signals.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int standard_begin(void)
{
    static const int ignored[] = {SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, 0};

    umask(027);
    int code = netio_signals_begin(ignored, 0);
    return code ? code : netio_fd_standard();
}

static int socket_option(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == -1 ? -1 : value;
}

enum standard_input standard_input_kind(void)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    struct stat st;

    if (fstat(STDIN_FILENO, &st) == -1)
        return STANDARD_INPUT_OTHER;
    if (S_ISFIFO(st.st_mode))
        return STANDARD_INPUT_PIPE;
    if (!S_ISSOCK(st.st_mode))
        return STANDARD_INPUT_OTHER;
    if (socket_option(STDIN_FILENO, SO_TYPE) != SOCK_STREAM)
        return STANDARD_INPUT_DATAGRAM;
    if (socket_option(STDIN_FILENO, SO_ACCEPTCONN) == 1)
        return STANDARD_INPUT_LISTENING;
    if (getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &len) == -1)
        return STANDARD_INPUT_GONE;
    return STANDARD_INPUT_CONNECTED;
}

size_t standard_descriptors(size_t max)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return 256;
    limit.rlim_cur = limit.rlim_max < max ? limit.rlim_max : max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < max ? (size_t)limit.rlim_cur : max;
}
