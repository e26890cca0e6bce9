/* netio/pidfile.h: one daemon, and a way to find it (ring 2).
 *
 * The file holds the pid in decimal and a newline, for people and other programs.  NetIO never
 * believes it: two locks of fcntl(2) say who lives, and end with him.
 *
 *      no lock         stale: nobody runs
 *      byte 0          somebody is starting
 *      bytes 0 and 1   the daemon runs
 *
 * Byte 0 belongs to the open file (F_OFD_SETLK): it is taken before anything is written, and passes
 * from the starter to the daemon through fork.  Byte 1 belongs to the process (F_SETLK), so that
 * the kernel itself says which one: no number that was left behind or forged, no pid that is
 * another's by now, and no child that inherited the file can have a stranger signalled.
 *
 * The hazard of the second kind: a process that closes any descriptor of the file loses it, as a
 * daemon does that reads its own pid file.  So a third lock, of the open file again, is set at a
 * place that says who wrote: his pid, and when he began.  He is found by that as well, where there
 * is a /proc.  A process that has the file from a daemon that has ended is NETIO_ELEFT: no daemon
 * starts beside it, and it is not signalled.
 *
 * Mode 0600: whoever could open it could hold a lock that keeps the daemon from starting.
 *
 * Fork: a child that goes on without exec would keep byte 0: netio_pidfile_forget there.  Threads:
 * one at a time.  Not async-signal-safe.
 */
#ifndef NETIO_PIDFILE_H
#define NETIO_PIDFILE_H

#include <netio/clock.h>
#include <netio/error.h>
#include <sys/types.h>

struct netio_pidfile;

/* Makes the file or takes over a stale one, and takes byte 0.  path: absolute.  Never waits.  0 and
 * *pidfile; NETIO_ERUNNING, NETIO_ESTARTING or NETIO_ELEFT; -ELOOP for a symbolic link;
 * NETIO_EBADPIDFILE for what is no regular file, has several links or holds anything but a number;
 * NETIO_EUNSAFE for a file or folder of somebody else's, or that others may write (a sticky folder
 * such as /tmp is well); or -errno.  What it refuses it has not touched.  Stage pid file. */
int netio_pidfile_lock(struct netio_pidfile **pidfile, const char *path, struct netio_error *error);
/* Writes the pid of the calling process and takes byte 1 for it.  0 or a code: -ENOSPC, ...,
 * NETIO_ERUNNING when another process has byte 1; then the file holds what it held before.  May be
 * called again, in another process. */
int netio_pidfile_write(struct netio_pidfile *pidfile, struct netio_error *error);
/* Removes the file if it is still the one that was locked, and no other process has byte 1; then as
 * netio_pidfile_forget.  Where it may not be removed (any more), it is left empty. */
void netio_pidfile_remove(struct netio_pidfile *pidfile);
/* Frees without removing.  Byte 1 is free if it was this process's, byte 0 with the last process
 * that has the file open. */
void netio_pidfile_forget(struct netio_pidfile *pidfile);
int netio_pidfile_fd(
    const struct netio_pidfile *pidfile); /* its own: to be kept open over a fork */

/* Who runs by this file: *pid and *pidfd (the caller's; both may be NULL), which cannot be another
 * process, whatever happens meanwhile.  0, NETIO_ENOTRUNNING (no file, or a stale one),
 * NETIO_ESTARTING, NETIO_ELEFT, -EREMOTE (another machine, or pid namespace), NETIO_EBADPIDFILE,
 * NETIO_EUNSAFE, or -errno. */
int netio_pidfile_find(const char *path, pid_t *pid, int *pidfd, struct netio_error *error);
/* Sends signal to who runs by this file.  0 or a code of find's; -EPERM for process 1, which is the
 * init of a machine or container. */
int netio_pidfile_signal(const char *path, int signal, struct netio_error *error);
/* Sends SIGTERM (and SIGCONT, should it be halted) and waits until that process has ended; 0 as
 * well when nobody ran.  -ETIMEDOUT at the deadline: it runs on, unless kill is set: then it gets
 * SIGKILL, and a second to end by it.  -EINTR after a signal handler ran: go on with _wait, for
 * many daemons take a second SIGTERM for "at once". */
int netio_pidfile_stop(const char *path, netio_deadline deadline, int kill,
                       struct netio_error *error);
/* Waits for the end of whom netio_pidfile_find has found, and wakes it up should it be halted.  0,
 * -ETIMEDOUT or -EINTR. */
int netio_pidfile_wait(pid_t pid, int pidfd, netio_deadline deadline);

#endif
