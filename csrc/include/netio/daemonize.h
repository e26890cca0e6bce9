/* netio/daemonize.h: becoming a daemon, and telling the starter the truth (ring 2).
 *
 *      starter ──fork──► (setsid) ──fork──► daemon
 *         │   waits: ready, its exit code, or its death       │
 *         └────────────── socket pair ────────────────────────┘
 *
 *      int main(int argc, char **argv)
 *      {
 *          struct netio_daemon_options options = {.pidfile = "/run/my.pid"};
 *          struct netio_daemon *daemon;
 *          int status;
 *          ...                                          check options, configuration
 *          int code = netio_daemonize(&daemon, &options, &status, &error);
 *          if (code == NETIO_DAEMON_STARTER)
 *              return status;                           the daemon is ready, or has failed
 *          ...                                          listen, open files; errors to stderr
 *          code = netio_daemon_ready(daemon, &error);   privileges dropped, starter told
 *          ...                                          serve
 *          netio_daemon_free(daemon);                   pid file removed
 *      }
 *
 * Under a service manager there is no fork: with NOTIFY_SOCKET in the environment, or LISTEN_FDS
 * for this process, or NETIO_DAEMON_FOREGROUND, the same calls build the same world around the
 * process that is there, its session excepted, and speak sd_notify(3).  LISTEN_FDS, LISTEN_PID and
 * LISTEN_FDNAMES are left for netio_activation_take: call that afterwards.
 *
 * Nor in a program that a netio_supervisor executes anew, at an upgrade: detached or not, it is so as
 * its predecessor is, and has the locked pid file from it. 
 *
 * The daemon's world is that of netio/world.h, with SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP,
 * SIGTTIN, SIGTTOU and SIGXFSZ ignored until the program handles them.  Standard error, input and output are
 * those of the starter until ready; then, if detached, /dev/null.  In the foreground, input is
 * /dev/null, and the other two stay.  In the starter nothing changes, but that those of 0 to 2 that
 * are closed are opened on /dev/null.
 *
 * While the starter waits it is the reaper of orphans, and SIGCHLD is blocked.  It may be
 * interrupted otherwise: then netio_daemon_ready fails in the daemon.  When a start fails, whatever
 * the daemon has left in its process group gets SIGKILL, and its pid file is removed.
 *
 * Call it before there are threads, loops or children.  Fork: a child of the daemon only frees. Not
 * async-signal-safe.
 */
#ifndef NETIO_DAEMONIZE_H
#define NETIO_DAEMONIZE_H

#include <netio/clock.h>
#include <netio/notify.h>
#include <netio/world.h>

#define NETIO_DAEMON_STARTER 1 /* what netio_daemonize returns in the process that started it */

#define NETIO_DAEMON_FOREGROUND 1u /* no fork, no session */
/* Inside a host program (Perl): descriptors above 2 are not closed, but close-on-exec, those of
 * keep left as they are; handlers of signals stay, and only what was ignored is the default;
 * environ(7) is left to the caller, but for the variables that netio_notify_new takes. */
#define NETIO_DAEMON_HOST 2u

struct netio_daemon;

struct netio_daemon_options { /* zero: the defaults */
    const char *pidfile; /* a relative one is taken from the folder of the caller; NULL: none */
    const int *keep;     /* descriptors that stay open, LISTEN_FDS besides; those of 0 to 2 that
                            ready is to leave alone */
    size_t keep_count;
    double ready_seconds;     /* how long the starter waits before it ends the daemon; 0: 60 */
    struct netio_world world; /* its privileges: dropped by netio_daemon_drop or netio_daemon_ready;
                                 until then user and limits stay where they are */
    unsigned flags;
};

/* 0 in the daemon (also in the foreground); NETIO_DAEMON_STARTER, with *status to exit with at once
 * (by _exit in a host program); or a negative code, and nothing was started: NETIO_ERUNNING or
 * another of the pid file's, those of a world that could not be entered, -EAGAIN of fork(2), ...
 * *status: 0 ready; what the daemon exited with or gave netio_daemon_fail; 128 + n when a signal n
 * ended it; 70 (EX_SOFTWARE) when it exited with 0 without being ready, as a program does that goes
 * to the background by itself; 75 (EX_TEMPFAIL) when it was not ready in time, and was killed.  The
 * last three come with a line for the user in *error (its code is 0 otherwise: the daemon has
 * spoken). */
int netio_daemonize(struct netio_daemon **daemon, const struct netio_daemon_options *options,
                    int *status, struct netio_error *error);
/* Drops privileges now, if they have not been; 0 or a code of netio_privileges_drop: then only fail
 * or _exit, for it may be root still.  Who asks again, or for ready, gets the same code. */
int netio_daemon_drop(struct netio_daemon *daemon, struct netio_error *error);
/* Drops privileges, if they have not been, writes the pid file, detaches standard input, output and
 * error, and tells starter or manager.  0, or a code: -EPIPE when the starter is gone: nobody knows
 * of this daemon, and it should end; -EPERM in a child of the daemon.  A manager that could not be
 * told is no reason to fail: 0, and *error says why (its code is 0 otherwise).  Once: -EALREADY. */
int netio_daemon_ready(struct netio_daemon *daemon, struct netio_error *error);
/* Tells the starter how to exit: status (0 is 70), instead of what exit(3) would say.  The text for
 * the user goes to standard error, which is still the starter's.  The starter exits when this
 * process does. */
void netio_daemon_fail(struct netio_daemon *daemon, int status);
int netio_daemon_detached(const struct netio_daemon *daemon); /* 0 in the foreground */
/* The daemon's own; may be NULL. */
struct netio_notify *netio_daemon_notify(struct netio_daemon *daemon);
/* For hosts (NETIO_DAEMON_HOST): the environment that environ(7) is to become; the daemon's own.
 * NULL elsewhere, where it is so already. */
char *const *netio_daemon_environment(const struct netio_daemon *daemon);
/* Tells the manager STOPPING, if it was ready; removes the pid file if it is this process's.  Of a child of fork:
 * only frees. */
void netio_daemon_free(struct netio_daemon *daemon);

#endif
