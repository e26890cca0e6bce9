/* t/c/family.h: a test of netio_child and its children, which are the same program under another
 * argument.  In a program with one thread a child shares the memory of its parent until exec, in
 * another it is forked (netio/child.h). */
#ifndef FAMILY_H
#define FAMILY_H

#include "tap.h"

#include <netio/child.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/single_threaded.h>
#include <sys/wait.h>

#define FAMILY __attribute__((unused)) static

FAMILY char self[4096];

FAMILY void find_self(void)
{
    int pidfd = pidfd_open(getpid(), 0);

    if (pidfd == -1)
        skip_all("no pidfd_open(2) here: valgrind 3.19 knows none");
    close(pidfd);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n == -1)
        abort();
    self[n] = '\0';
}

/* What a child of every test can: exit, or wait until it is killed. */
FAMILY int exit_or_wait(char **argv)
{
    if (strcmp(argv[1], "exit") == 0)
        return atoi(argv[2]);
    for (;;)
        pause();
}

FAMILY char *const waiting[] = {self, "wait", NULL};

FAMILY struct netio_child_plan plan_of(char *const *argv)
{
    return (struct netio_child_plan){.path = argv[0], .argv = argv};
}

/* The status of a program that is started and ends by itself; -1 for trouble. */
FAMILY int status_of(const struct netio_child_plan *plan)
{
    struct netio_child child;
    struct netio_error error;
    char text[640];
    int status = -1;
    int code = netio_child_start(&child, plan, &error);

    if (code) {
        diag("%s", netio_error_str(&error, text, sizeof text));
        return -1;
    }
    code = netio_child_wait(&child, NETIO_NEVER, &status);
    return code == 1 ? status : -1;
}

FAMILY int has_no_child(void)
{
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

/* In a process of its own; what it exits with. */
FAMILY int in_child(int (*run)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(run());
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

FAMILY void nothing(int number)
{
    (void)number;
}

FAMILY void *in_thread(void *data)
{
    return data;
}

/* The whole test: all of it with children in shared memory, and then, since it has had a thread,
 * with forked ones. */
FAMILY int both_ways(void (*test_all)(void))
{
    pthread_t thread;

    find_self();
    if (!__libc_single_threaded)
        fail("not in shared memory");
    test_all();
    if (pthread_create(&thread, NULL, in_thread, NULL) != 0)
        abort();
    pthread_join(thread, NULL);
    if (__libc_single_threaded)
        fail("not by fork");
    test_all();
    if (!has_no_child())
        fail("a child is left");
    return tap_done();
}

#endif
