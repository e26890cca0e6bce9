/* netio/pidfile.h: one daemon, and a way to find it (ring 2).
 *
 * The file holds the pid in decimal and a newline.  Not the number says whether the daemon lives, but
 * two locks of fcntl(2) (F_OFD_SETLK) that end with it: byte 0 is its life, taken before anything is
 * written; byte 1 says that the number in the file is the pid of him who holds byte 0.  So a file of
 * the dead is simply taken over, and what a file of the dead or of a starter says is never signalled.
 *
 *      no lock         stale: nobody runs
 *      byte 0          somebody is starting; the number may be that of a dead one
 *      bytes 0 and 1   the number is the pid
 *
 * Mode 0600: whoever could open it could hold a lock that keeps the daemon from starting.
 *
 * Fork: the locks belong to the open file, so a child that goes on without exec holds them, too:
 * netio_pidfile_forget there.  Not async-signal-safe.
 */
#ifndef NETIO_PIDFILE_H
#define NETIO_PIDFILE_H

#include <netio/clock.h>
#include <netio/error.h>
#include <sys/types.h>

struct netio_pidfile;

/* Makes the file or takes over a stale one, and takes byte 0.  path: absolute.  Never waits.  0 and
 * *pidfile; NETIO_ERUNNING or NETIO_ESTARTING; -ELOOP for a symbolic link; NETIO_EBADPIDFILE for
 * what is no regular file or has several links; NETIO_EUNSAFE for a file or folder of somebody else's,
 * or that others may write (a sticky folder such as /tmp is well); or -errno.  Stage pid file. */
int netio_pidfile_lock(struct netio_pidfile **pidfile, const char *path, struct netio_error *error);
/* Writes pid and takes byte 1.  0 or a code: -ENOSPC, ...; then the file is as before the lock, or
 * gone if there was none.  May be called again with another pid. */
int netio_pidfile_write(struct netio_pidfile *pidfile, pid_t pid, struct netio_error *error);
/* Removes the file if it is still the one that was locked, then unlocks and frees. */
void netio_pidfile_remove(struct netio_pidfile *pidfile);
/* Frees without removing; the locks end with the last process that has the file open. */
void netio_pidfile_forget(struct netio_pidfile *pidfile);
int netio_pidfile_fd(const struct netio_pidfile *pidfile); /* its own: to be kept open over a fork */

/* Who runs by this file: *pid and *pidfd (the caller's; may be NULL when it is not wanted), which
 * cannot be another process, whatever happens meanwhile.  0, NETIO_ENOTRUNNING (no file, or a stale
 * one), NETIO_ESTARTING, NETIO_EBADPIDFILE, NETIO_EUNSAFE, or -errno. */
int netio_pidfile_find(const char *path, pid_t *pid, int *pidfd, struct netio_error *error);
/* Sends signal to who runs by this file.  0 or a code of find's. */
int netio_pidfile_signal(const char *path, int signal, struct netio_error *error);
/* Sends SIGTERM and waits until that process has ended; 0 as well when nobody ran.  -ETIMEDOUT at
 * the deadline: it runs on, unless kill is set: then it gets SIGKILL, and has ended. */
int netio_pidfile_stop(const char *path, netio_deadline deadline, int kill,
                       struct netio_error *error);

#endif
