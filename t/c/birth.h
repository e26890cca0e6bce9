/* t/c/birth.h: what can be tried only once in a process is tried in a child.
 *
 *      static int forbidden(void) { NEED(open("/x", O_RDONLY) == -1); return 0; }
 *
 *      is_int(in_child(forbidden), 0, "...");
 *
 * The value is what the function returned, the line of the NEED that did not hold, or minus the
 * signal that ended it. */
#ifndef BIRTH_H
#define BIRTH_H

#include "tap.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NEED(condition)                                                                            \
    do                                                                                             \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    while (0)

/* Not by _exit: AddressSanitizer would look for leaks, which takes privileges. */
static int in_child(int (*run)(void))
{
    int result[2], value = 0, status = 0;

    if (pipe(result) != 0)
        return __LINE__;
    pid_t pid = fork();
    if (pid == 0) {
        int report = fcntl(result[1], F_DUPFD, 900); /* out of the way of what it looks at */
        value = run();
        syscall(SYS_exit_group, write(report, &value, sizeof value) == sizeof value ? 0 : 1);
    }
    close(result[1]);
    if (pid == -1 || read(result[0], &value, sizeof value) != sizeof value)
        value = __LINE__;
    close(result[0]);
    if (pid != -1 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
        value = -WTERMSIG(status);
    return value;
}

#endif
