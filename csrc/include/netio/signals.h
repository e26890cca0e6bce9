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

#endif
