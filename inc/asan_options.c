/* inc/asan_options.c: loaded with libasan into every process of "make asan" (inc/asan.sh).
 *
 * NetIO's own programs look for leaks when they end.  perl, sh and the rest of the machine, into
 * which libasan is loaded only because a child inherits LD_PRELOAD, do not: they leave their
 * memory to the kernel on purpose.  Nor does a program that strace watches: the search for leaks
 * would need to be the tracer itself; nor one in a sandbox (netio/sandbox.h), which may trace
 * nobody.
 *
 * This library comes before libasan, which minds (a web server hands LD_PRELOAD on to its programs,
 * and ASAN_OPTIONS it does not).
 *
 * Plain system calls, because libasan's own readlink and read are not ready yet when it asks. */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *__asan_default_options(void);
int __lsan_is_turned_off(void);

static int is_ours(void)
{
    static const char *const folders[] = {"/csrc/build/", "/daemon/build/", "/fuzz/build/",
                                          "/blib/script/"};
    char path[4096];
    long len = syscall(SYS_readlink, "/proc/self/exe", path, sizeof path - 1);

    path[len > 0 ? len : 0] = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (strstr(path, folders[i]) != NULL)
            return 1;
    return 0;
}

static int is_traced(void)
{
    char status[4096];
    long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
    long len = fd >= 0 ? syscall(SYS_read, fd, status, sizeof status - 1) : 0;

    if (fd >= 0)
        syscall(SYS_close, fd);
    status[len > 0 ? len : 0] = '\0';
    return strstr(status, "\nTracerPid:\t0\n") == NULL;
}

const char *__asan_default_options(void)
{
    return is_ours() && !is_traced() ? "verify_asan_link_order=0:detect_leaks=1"
                                     : "verify_asan_link_order=0:detect_leaks=0";
}

/* Asked at the end.  2: there is a filter of system calls; without one, files may be out of reach.
 */
int __lsan_is_turned_off(void)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        syscall(SYS_close, fd);
    return fd < 0 || prctl(PR_GET_SECCOMP) == 2;
}
