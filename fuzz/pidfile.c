/* fuzz/pidfile.c: what may be in a pid file that nobody holds: it is taken over, or refused and
 * left as it is; and nobody is found by it. */
#include "scratch.h"

#include <netio/pidfile.h>

/* Whether the file holds just that. */
static int holds(const void *data, size_t size)
{
    char text[4096];
    ssize_t n = pread(scratch_fd, text, sizeof text, 0);

    return n == (ssize_t)(size < sizeof text ? size : sizeof text) &&
           memcmp(text, data, (size_t)n) == 0;
}

static int is_foreign(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] > '9' || (data[i] < '0' && data[i] != ' ' && data[i] != '\n' && data[i]))
            return 1;
    return size > 64;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netio_pidfile *file = NULL;
    pid_t pid = -1;
    char own[16];

    scratch_write(data, size);
    must(netio_pidfile_find(scratch_path, &pid, NULL, NULL) == NETIO_ENOTRUNNING && pid == -1);
    must(netio_pidfile_stop(scratch_path, NETIO_NOW, 1, NULL) == 0);
    int code = netio_pidfile_lock(&file, scratch_path, NULL);
    must(code == (is_foreign(data, size) ? NETIO_EBADPIDFILE : 0));
    must(holds(data, size));
    if (code)
        return 0;
    must(netio_pidfile_write(file, NULL) == 0);
    must(holds(own, (size_t)snprintf(own, sizeof own, "%d\n", (int)getpid())));
    must(netio_pidfile_find(scratch_path, &pid, NULL, NULL) == 0 && pid == getpid());
    netio_pidfile_forget(file);
    return 0;
}
