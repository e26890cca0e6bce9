/* netio/alarm.h: a deadline for code that has none (ring 2).
 *
 * For a blocking function that is not ours.  When the deadline passes, its thread gets
 * SIGALRM, and again every 10 ms until it returns: the system call that it waits in fails
 * with EINTR, and a signal that came just before such a call is followed by one that does
 * not.  The function always returns by itself; nothing jumps out of it.
 *
 * It cannot end what goes on after EINTR: a loop that repeats its system call, such as the
 * C library's own getaddrinfo(3), or a computation.  Where such a function waits for a
 * socket, name it: shutdown(2) at the deadline ends the waiting.
 *
 * Calls nest, to any depth and with deadlines in any order: each interrupts at its own.
 * Threads: each call interrupts the thread that made it, and no other.
 *
 * The caller's own alarm(2), setitimer(2) or timer goes on counting and fires when it is due,
 * in the caller's handler.  Only while a call lasts does SIGALRM have a handler of the
 * library, which passes on what is not its own, and no SA_RESTART.  Handler and mask are as
 * before when it returns; a SIGALRM that the caller has blocked is kept for afterwards.
 *
 * The function may set timers and alarms.  If it leaves a handler of its own behind, that
 * stays.  While it blocks or ignores SIGALRM it cannot be interrupted; setting it to SIG_DFL
 * lets the next signal end the process.  It must not be left by longjmp(3), nor its thread
 * by pthread_exit(3).
 *
 * Fork: a child that is born during the call goes on without the deadline.  Not
 * async-signal-safe.
 */
#ifndef NETIO_ALARM_H
#define NETIO_ALARM_H

#include <netio/clock.h>

struct netio_alarm_options { /* zero: all defaults */
    netio_deadline deadline; /* NETIO_NEVER: just call; a past one interrupts from the start */
    int cut;                 /* whether to shut down socket at the deadline */
    int socket;              /* open when the call begins; nobody else's, should it be closed */
};

/* Calls function(data) and stores what that returns in *result (which may be NULL).  Returns
 * 0, -ETIMEDOUT when the deadline came first, or another -errno: then the function was not
 * called (-EAGAIN: no timer left, RLIMIT_SIGPENDING; -EBADF: no such socket).  -ETIMEDOUT
 * does not say that the function failed: *result does, and may hold something to free. */
int netio_alarm_call(int (*function)(void *data), void *data,
                     const struct netio_alarm_options *options, int *result);

#endif
