/* Ring 2, private.  A process that executes its program anew, and the one that this becomes: what
 * passes between them below the listeners (netio/upgrade.h).  In the environment of the successor
 * there is
 *
 *      NETIO_UPGRADE=PREDECESSOR:CONTROL:PIDFILE:DETACHED
 *
 * the predecessor's pid; the descriptor of a socket between the two; that of the pid file, or
 * nothing; and 1 when the predecessor has no starter and no terminal, else 0.  It is believed only
 * if the kernel says that this predecessor has made that socket: who has the variable from a parent
 * that has not cleaned up is no successor.
 *
 * The pid file's byte 0 (netio/pidfile.h) passes with its descriptor, so that nobody can start
 * beside the two.  Byte 1, which says who runs, is the predecessor's until it leaves, and the
 * successor's as soon as that is ready. */
#ifndef NETIO_PROC_SUCCESSION_H
#define NETIO_PROC_SUCCESSION_H

#include <netio/daemonize.h>
#include <netio/pidfile.h>
#include <sys/types.h>

/* ---- in the successor ----------------------------------------------------------------------- */

struct netio__succession {
    pid_t predecessor;
    int control; /* whoever takes it sets -1 */
    int pidfile; /* the same; -1: there is none */
    int detached;
};

/* What was left to this process; NULL: it is no successor, nor are its children.  The first call
 * takes the variable out of the environment. */
struct netio__succession *netio__succession(void);

/* pidfile.c: the file of that path, which a predecessor has locked, and is left to remove it until
 * this process has written it.  fd is owned, also on error: -ESTALE when that is another file. */
int netio__pidfile_inherit_take(struct netio_pidfile **pidfile, const char *path, int fd);

/* ---- in the predecessor --------------------------------------------------------------------- */

#define NETIO__SUCCESSION_STRLEN 96

/* The variable. */
void netio__succession_str(char *out, size_t size, const struct netio__succession *succession);

/* daemon.c: the descriptor of the pid file; -1: none. */
int netio__daemon_pidfile_fd(const struct netio_daemon *daemon);
/* The successor may write the pid file now: byte 1 is free.  Nothing is told or removed any more.
 * A manager hears that the successor is the one to watch. */
void netio__daemon_hand_over(struct netio_daemon *daemon, pid_t successor);
/* The successor has failed, and is dead: as before.  0 or a code of the pid file. */
int netio__daemon_take_back(struct netio_daemon *daemon, struct netio_error *error);
/* The successor serves: the pid file is closed; removed, if the successor has not taken it. */
void netio__daemon_over(struct netio_daemon *daemon);

/* pidfile.c: gives up byte 1. */
void netio__pidfile_give(struct netio_pidfile *pidfile);

/* notify.c: MAINPID, as the others of netio/notify.h. */
int netio__notify_mainpid(struct netio_notify *notify, pid_t pid);
/* NOTIFY_SOCKET=... and WATCHDOG_USEC=..., for the successor's environment: how many. */
size_t netio__notify_pass(const struct netio_notify *notify, char variables[2][128]);

#endif
