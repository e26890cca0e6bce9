/* inc/asan_options.c: loaded with libasan into every process of "make asan" (inc/asan.sh).
 *
 * NetIO's own programs look for leaks when they end.  perl, sh and the rest of the machine, into
 * which libasan is loaded only because a child inherits LD_PRELOAD, do not: they leave their
 * memory to the kernel on purpose. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    static const char *const ours[] = {"/csrc/build/", "/daemon/build/", "/fuzz/build/",
                                       "/blib/script/"};
    char path[4096];
    long len;

    /* The plain system call: libasan's own readlink is not ready yet when this is called. */
    len = syscall(SYS_readlink, "/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strstr(path, ours[i]) != NULL)
            return "detect_leaks=1";
    return "detect_leaks=0";
}
