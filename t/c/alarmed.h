/* t/c/alarmed.h: functions under a deadline (netio/alarm.h), and the caller's own SIGALRM.  No
 * upper limit of time but tap.h's, which is an alarm(2) of its own: pending under all of these. */
#ifndef ALARMED_H
#define ALARMED_H

#include "tap.h"

#include <netio/alarm.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/time.h>
#include <sys/wait.h>

#define ALARMED __attribute__((unused)) static

#define MS 0.001
#define FOREVER 1000.0

ALARMED int silent[2]; /* a pipe that nobody writes into */
ALARMED volatile sig_atomic_t handled;

ALARMED void make_silent(void)
{
    if (pipe2(silent, O_CLOEXEC) == -1)
        abort();
}

ALARMED int call(double seconds, int (*function)(void *), void *data, int *result)
{
    const struct netio_alarm_options options = {.deadline = netio_deadline_in(seconds)};

    return netio_alarm_call(function, data, &options, result);
}

ALARMED void count(int number)
{
    (void)number;
    handled++;
}

ALARMED void set_handler(void (*function)(int), int flags)
{
    struct sigaction action = {.sa_handler = function, .sa_flags = flags};

    sigaction(SIGALRM, &action, NULL);
    handled = 0;
}

ALARMED void set_timer(double seconds, double interval)
{
    const struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)seconds, .tv_usec = (long)(seconds * 1e6) % 1000000},
        .it_interval = {.tv_usec = (long)(interval * 1e6)},
    };

    setitimer(ITIMER_REAL, &timer, NULL);
}

/* The state of before, and tap.h's alarm again. */
ALARMED void reset(void)
{
    set_timer(0, 0);
    set_handler(SIG_IGN, 0); /* one that is on its way is dropped */
    set_handler(SIG_DFL, 0);
    alarm(TAP_SECONDS);
}

ALARMED int status_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return status;
}

/* Functions to call. */

ALARMED int seven(void *data)
{
    (void)data;
    return 7;
}

ALARMED int read_once(void *data)
{
    char c;

    return read(*(int *)data, &c, 1) == -1 ? -errno : 0;
}

ALARMED void spin(double seconds)
{
    netio_deadline until = netio_deadline_in(seconds);

    while (!netio_deadline_passed(until))
        ;
}

/* The first signals come before there is anything to interrupt. */
ALARMED int compute_then_read(void *data)
{
    spin(25 * MS);
    return read_once(data);
}

struct nest {
    double seconds;
    int (*function)(void *);
    void *data;
    int code, result;
};

ALARMED int nested(void *data)
{
    struct nest *nest = data;

    nest->code = call(nest->seconds, nest->function, nest->data, &nest->result);
    return 1;
}

#endif
