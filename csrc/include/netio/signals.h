/* netio/signals.h: signals as a descriptor (ring 0).
 *
 * For programs that own their process.  A library inside somebody's Perl never
 * calls this: signals belong to the host.
 */
#ifndef NETIO_SIGNALS_H
#define NETIO_SIGNALS_H

/* Blocks the signals of the list (ended by 0) and returns a signalfd(2) that
 * tells of them, or -errno. */
int netio_signals_open(const int *signals);
/* The next signal's number, 0 when none is waiting, or -errno. */
int netio_signals_next(int fd);
/* Closes the descriptor and unblocks the signals of the list that it was opened with; one that
 * still waits then acts as its disposition says. */
void netio_signals_close(int fd, const int *signals);

/* Every disposition the default, none blocked, whatever the parent had: for a process that has
 * just begun.  0; -errno, or NETIO_ELIED when what was reset is read back as it was.
 * Async-signal-safe. */
int netio_signals_reset(void);
/* The same, but the signals of the list (ended by 0) are ignored; and, if wanted, whatever has a
 * handler keeps it, as inside a host program.  Block all of them before: one that waits would act
 * before it is ignored. */
int netio_signals_begin(const int *ignore, int keep_handlers);
/* What begin was told to ignore is blocked from now on, which has the same effect, and its
 * disposition is the default: children that it was ignored in would have to undo that, signal by
 * signal (NETIO_CHILD_SIGNALS_BEGUN).  For a program that starts many, and itself never unblocks
 * them.  0; -errno or NETIO_ELIED, and what was done stays. */
int netio_signals_hold(void);

#endif
