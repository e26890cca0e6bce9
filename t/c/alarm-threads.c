/* Tests of netio/alarm.h: calls of many threads at once, and children of a function or of a program
 * that makes calls.  F6 and F7 for C. */
#include "alarmed.h"

#include <poll.h>
#include <stdint.h>

static void *in_thread(void *data)
{
    int failures = 0;

    (void)data;
    for (int i = 0; i < 20; i++) {
        struct nest inner = {.seconds = FOREVER, .function = read_once, .data = &silent[0]};
        int result;
        failures += call(2 * MS, read_once, &silent[0], &result) != -ETIMEDOUT;
        failures += result != -EINTR;
        failures += call(2 * MS, nested, &inner, &result) != -ETIMEDOUT;
        failures += inner.code != 0 || inner.result != -EINTR;
    }
    return (void *)(intptr_t)failures;
}

static void *wait_uninterrupted(void *data)
{
    struct pollfd poller = {.fd = *(int *)data, .events = POLLIN};

    return (void *)(intptr_t)(poll(&poller, 1, -1) == 1 ? 0 : errno);
}

static void test_threads(void)
{
    struct sigaction now;
    pthread_t waiter, threads[8];
    void *failures;
    long sum = 0;
    int ends[2];

    set_handler(count, 0);
    if (pipe(ends) == -1)
        return;
    pthread_create(&waiter, NULL, wait_uninterrupted, &ends[0]);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, in_thread, NULL);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &failures);
        sum += (long)failures;
    }
    is_int(sum, 0, "F7 eight threads with calls of their own");
    close(ends[1]);
    pthread_join(waiter, &failures);
    is_int((intptr_t)failures, 0, "F7 a thread that makes none is not interrupted");
    close(ends[0]);
    sigaction(SIGALRM, NULL, &now);
    ok(now.sa_handler == count, "F7 the handler is as before");
    is_int(handled, 0, "F7 and was not called");
    reset();
}

/* Forks. */

static int fork_inside(void *data)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct pollfd poller = {.fd = silent[0], .events = POLLIN};
        struct nest inner = {.seconds = 5 * MS, .function = read_once, .data = &silent[0]};
        int unbound = poll(&poller, 1, 220) == 0;
        nested(&inner);
        return unbound && inner.code == -ETIMEDOUT ? -1000 : -2000;
    }
    *(pid_t *)data = pid;
    return read_once(&silent[0]);
}

static void test_fork(void)
{
    struct sigaction now;
    pid_t owner = getpid(), child;
    int result = 0;

    set_handler(count, 0);
    int code = call(200 * MS, fork_inside, &child, &result);
    sigaction(SIGALRM, NULL, &now);
    if (getpid() != owner)
        _exit(code == 0 && result == -1000 && now.sa_handler == count ? 0 : 1);
    is_int(code, -ETIMEDOUT, "F6 the parent's deadline");
    is_int(result, -EINTR, "F6 and its interruption");
    is_int(status_of(child), 0, "F6 the child has none, but may set its own");
    reset();
}

/* A thread forks while others come and go: the child must not find the lock taken. */
static void *churn(void *data)
{
    while (!*(volatile int *)data)
        call(FOREVER, seven, NULL, NULL);
    return NULL;
}

static void test_fork_in_thread(void)
{
    pthread_t thread;
    volatile int stop = 0;
    int wrong = 0;

    pthread_create(&thread, NULL, churn, (void *)&stop);
    for (int i = 0; i < 100; i++) {
        struct sigaction now;
        pid_t pid = fork();
        if (pid == 0) {
            int code = call(FOREVER, seven, NULL, NULL);
            sigaction(SIGALRM, NULL, &now);
            _exit(code == 0 && now.sa_handler == SIG_DFL ? 0 : 1);
        }
        wrong += status_of(pid) != 0;
    }
    stop = 1;
    pthread_join(thread, NULL);
    is_int(wrong, 0, "F6 100 forks beside a thread that makes calls");
}

int main(void)
{
    make_silent();
    test_threads();
    test_fork();
    test_fork_in_thread();
    return tap_done();
}
