/* csrc/cmd/common: standard input and output; see standard.h. */
#include "standard.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sysexits.h>
#include <unistd.h>

/* Closed ones are taken by the root folder, which is there where /dev/null is not. */
void standard_begin(void)
{
    int fd;

    do
        fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    netio_fd_close(fd);
}

/* To open the master of pseudo-terminals is to make a new one. */
static int can_open_again(int fd, int mode)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);

    if (flags == -1 || ((flags & O_ACCMODE) != mode && (flags & O_ACCMODE) != O_RDWR))
        return 0;
    if (fstat(fd, &st) == -1)
        return 0;
    return S_ISFIFO(st.st_mode) ||
           (S_ISCHR(st.st_mode) && st.st_rdev != makedev(5, 2) && isatty(fd));
}

int standard_own(int fd, int mode)
{
    char path[32];

    if (!can_open_again(fd, mode))
        return -ENOTSUP;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return own == -1 ? -errno : own;
}

int standard_end(int status)
{
    if (fflush(stdout) == 0 && close(STDOUT_FILENO) == 0)
        return status;
    return status == EX_OK ? report_output(-errno) : status;
}
