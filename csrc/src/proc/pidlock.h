/* Ring 2, private.  The locks of a pid file, and who they say runs; see netio/pidfile.h for what
 * each is about.  pidfile.c alone calls these.
 *
 *      byte 0          LIFE: of the open file
 *      byte 1          WRITER: of the process
 *      one from 2 on   MARK: of the open file; where it is says which process wrote the file, by
 *                      its pid and the moment at which it began
 *
 * The mark is for a daemon that has lost WRITER.  No file is believed, this lock is the kernel's
 * word: it was set by who had the file, and ends with the last who has it. */
#ifndef NETIO_PROC_PIDLOCK_H
#define NETIO_PROC_PIDLOCK_H

#include <sys/types.h>

/* 0; -EAGAIN when somebody else has it, or -errno. */
int netio__pidlock_life(int fd);
/* The same, and marks the calling process. */
int netio__pidlock_write(int fd);
void netio__pidlock_unwrite(int fd);
/* Who wrote, and lives: 0, *pid, and *pidfd if that is not NULL, which is of that process whatever
 * happens meanwhile.  NETIO_ENOTRUNNING when there is no lock; NETIO_ESTARTING; NETIO_ELEFT;
 * -EREMOTE; NETIO_EUNSAFE for a lock of who may only read; or -errno. */
int netio__pidlock_who(int fd, pid_t *pid, int *pidfd);
/* A pidfd or -errno. */
int netio__pidlock_process(pid_t pid);

#endif
