/* netio/upgrade.h: a program executes itself anew, and the new process gets all it has (ring 3):
 * listeners, unix paths, pid file, service manager, and one more descriptor, if it likes.
 *
 *      predecessor                                  successor
 *      netio_upgrade_start
 *        executes the program; NETIO_UPGRADE in
 *        its environment names a socket and the
 *        pid file
 *        ───── listeners ───────────────────────►  netio_successor_new: the listeners that were
 *                                                   left; netio_listeners_prepare finds them
 *                                                   netio_listeners_commit is yet to come: nothing
 *                                                   is closed, no path removed
 *                                                   ... does all that can fail ...
 *        ◄──── ready ─────────────────────────────  netio_successor_ready
 *        hand_over: stops to serve; gives up the
 *        pid file and the paths, tells the
 *        manager MAINPID
 *        ───── go, the descriptor ──────────────►  netio_successor_step is 0: it has committed,
 *                                                   owns the paths; netio_successor_extra; serves;
 *                                                   netio_daemon_ready
 *        ◄──── done ──────────────────────────────  netio_successor_done
 *      netio_upgrade_step is 0: drains, ends
 *
 * Before done anything may go wrong: the successor ends, says why it cannot
 * (netio_successor_fail), or is not in time.  It is killed, the predecessor takes back what it gave
 * up, and step says why.  A predecessor that dies before go has left its listeners: the successor
 * goes on as after go, without the descriptor, as soon as it is ready.
 *
 * What is passed stays as it is, also where other processes have it: a listener that blocks, since
 * a program works with it, still does in the successor.
 *
 * Who serves between ready and done is the program's to say: listeners keep their queues, so that
 * a client waits at most.  netio_supervisor does all this by itself.
 *
 * What is watched only wakes the loop: call step after each netio_loop_step.  Nothing here waits
 * longer than it takes to start a program, or to end one.  Fork: a child may free both, which
 * closes, and touches nothing else.  One thread; not async-signal-safe.
 */
#ifndef NETIO_UPGRADE_H
#define NETIO_UPGRADE_H

#include <netio/child.h>
#include <netio/daemonize.h>
#include <netio/listeners.h>
#include <netio/log.h>
#include <netio/loop.h>

/* ---- the predecessor ------------------------------------------------------------------------ */

struct netio_upgrade;

struct netio_upgrade_plan {            /* zero: the defaults */
    const char *program;               /* with a slash */
    char *const *argv;                 /* NULL-ended */
    const char *directory;             /* NULL: / */
    const char *const *environment;    /* of the new process, as netio_environ_new has it */
    struct netio_daemon *daemon;       /* NULL: no pid file, no manager */
    struct netio_log *log;             /* of a detached daemon: the successor's standard error */
    struct netio_listeners *listeners; /* the present ones go; borrowed until the end */
    double ready_seconds;              /* from start to ready, and from go to done; 0: 60 */
    /* The successor is ready: what runs here shall change no more until step is not -EAGAIN.  A
     * descriptor for netio_successor_extra, which is closed here, or -errno: then the upgrade
     * fails.  NULL: there is none to pass. */
    int (*hand_over)(void *data);
    void *data;
};

/* 0 once the program runs; or a code with *error: those of netio_child_start, NETIO_EINIT in
 * process 1 (of a container, say), ...; then nothing has changed.  The plan is not needed any more
 * afterwards, but for daemon, listeners and data. */
int netio_upgrade_start(struct netio_upgrade **upgrade, struct netio_loop *loop,
                        const struct netio_upgrade_plan *plan, struct netio_error *error);
/* 0: the successor serves, and this process should drain and end; its netio_daemon has nothing more
 * to say or to remove.  -EAGAIN: not yet.  Or a code with *error: it is gone, all is as before, but
 * what it says on standard error; -ETIMEDOUT, NETIO_EDIED (subject: what it said, or how it ended).
 * Once it is not -EAGAIN: free. */
int netio_upgrade_step(struct netio_upgrade *upgrade, struct netio_error *error);
pid_t netio_upgrade_pid(const struct netio_upgrade *upgrade);
/* After 0: the successor, which is a child of this process all the same, for who goes on for so
 * long that it has to reap it (netio_child_ended). */
void netio_upgrade_child_take(struct netio_upgrade *upgrade, struct netio_child *child);
/* Before its end: kills the successor, and takes back what was given up. */
void netio_upgrade_free(struct netio_upgrade *upgrade);

/* ---- the successor -------------------------------------------------------------------------- */

struct netio_successor;

/* Whether this process is one; the same before and after netio_successor_new. */
int netio_successor_is(void);
/* Takes the listeners into the set.  0; *successor is NULL in a process that is no successor.  Or a
 * code with *error: -EBADMSG, -EMFILE, ... */
int netio_successor_new(struct netio_successor **successor, struct netio_loop *loop,
                        struct netio_listeners *listeners, struct netio_error *error);
/* What can fail has been done; then step. */
void netio_successor_ready(struct netio_successor *successor);
/* 0: all is this process's now (the paths, too), and the pid file can be written.  -EAGAIN: not
 * yet.  A predecessor that has given it up kills this process. */
int netio_successor_step(struct netio_successor *successor);
/* After that, once: the descriptor that the predecessor's hand_over has returned, close-on-exec and
 * the caller's to close; -1: there is none. */
int netio_successor_extra(struct netio_successor *successor);
/* It serves, and has said netio_daemon_ready. */
void netio_successor_done(struct netio_successor *successor);
/* Why it cannot get ready; then end. */
void netio_successor_fail(struct netio_successor *successor, const struct netio_error *error);
void netio_successor_free(struct netio_successor *successor);

#endif
