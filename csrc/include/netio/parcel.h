/* netio/parcel.h: texts, each with a descriptor or none, for another process (ring 0).
 *
 * However many they are they travel as one descriptor, which a message over a unix socket, a fork
 * or an exec takes along, and which nobody needs to read before the other one has ended: an upgrade
 * passes listeners so (netio/upgrade.h), and what a daemon has besides.
 *
 *      netio_parcel_new(&parcel);
 *      netio_parcel_add(parcel, fd, "lamp %d", 1);   ...
 *      sealed = netio_parcel_seal(parcel);           to be sent, then closed
 *      netio_parcel_free(parcel);
 *
 *      netio_parcel_open_take(&parcel, sealed);      over there
 *      while (netio_parcel_next(parcel, &text, &fd))
 *          ...
 *      netio_parcel_free(parcel);
 *
 * Nothing here waits.  Who opens a parcel trusts who has sent it: a stranger could fill the table
 * of descriptors.  One sealed parcel takes three descriptors while it is made, and then one; unless
 * the process is privileged (CAP_SYS_RESOURCE), no more of them than RLIMIT_NOFILE can be on their
 * way (-ETOOMANYREFS).
 *
 * Fork: a child may free its copy.  One thread; not async-signal-safe.
 */
#ifndef NETIO_PARCEL_H
#define NETIO_PARCEL_H

struct netio_parcel;

/* 0 or -ENOMEM. */
int netio_parcel_new(struct netio_parcel **parcel);
/* fd is borrowed until seal; -1: none.  0, -ENOMEM, or -EINVAL for a parcel that was opened. */
int netio_parcel_add(struct netio_parcel *parcel, int fd, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A new descriptor, close-on-exec, with copies of all of them in it; or -errno. */
int netio_parcel_seal(const struct netio_parcel *parcel);

/* Takes everything out of it: 0; -EBADMSG: it is no parcel, -EMFILE: there were no numbers for all
 * of its descriptors, -ENOMEM, ...; then nothing of it is open.  sealed is closed in any case. */
int netio_parcel_open_take(struct netio_parcel **parcel, int sealed);
/* The next: 1; *text is the parcel's, until it is freed; *fd is the caller's, close-on-exec, or -1.
 * 0 beyond the last. */
int netio_parcel_next(struct netio_parcel *parcel, const char **text, int *fd);
/* Closes what next has not given. */
void netio_parcel_free(struct netio_parcel *parcel);

#endif
