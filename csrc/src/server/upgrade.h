/* Ring 3, private.  A supervisor executes its program anew and leaves it all that it has.
 *
 *      predecessor                                  successor
 *      netio__upgrade_start
 *        executes the program; NETIO_UPGRADE in
 *        its environment names a socket (and the
 *        pid file: proc/succession.h)
 *        ───── listeners, passed, end ───────────►  netio__successor_new: the listeners that were
 *                                                   left; netio__listeners_prepare finds them
 *                                                   netio__listeners_commit is yet to come: nothing
 *                                                   is closed, no path removed
 *                                                   ... starts its workers, they are ready ...
 *        ◄──── ready ─────────────────────────────  netio__successor_ready
 *        gives up the pid file and the paths,
 *        tells the manager MAINPID
 *        ───── go ───────────────────────────────►  netio__successor_step is 0: commits, owns the
 *                                                   paths; the supervisor returns
 *                                                   NETIO_SUPERVISOR_READY, and the program says
 *                                                   netio_daemon_ready
 *        ◄──── done ──────────────────────────────  netio__successor_done: in the next run
 *      netio__upgrade_step is 0: drains, ends
 *
 * Before done anything may go wrong: the successor ends, says why it cannot ("failed ..."), or is
 * not in time.  It is killed, the predecessor takes back what it gave up, and step says why.  A
 * predecessor that dies before go has left everything: the successor goes on as after go, as soon
 * as it is ready.
 *
 * Called by the supervisor alone, from its loop: what is watched only wakes the loop, and the
 * supervisor calls step after each of its steps.  In a worker (fork) free both: that closes, and
 * touches nothing else. */
#ifndef NETIO_SRC_SERVER_UPGRADE_H
#define NETIO_SRC_SERVER_UPGRADE_H

#include "server/listeners.h"

#include <netio/daemonize.h>
#include <netio/log.h>
#include <netio/loop.h>

/* ---- the predecessor ------------------------------------------------------------------------ */

struct netio__upgrade;

struct netio__upgrade_plan {            /* as netio/supervisor.h has them */
    const char *program;                /* with a slash */
    char *const *argv;                  /* NULL-ended */
    const char *directory;              /* NULL: / */
    const char *const *environment;     /* of the new process, as netio_environ_new has it */
    struct netio_daemon *daemon;        /* NULL: no pid file, no manager */
    struct netio_log *log;              /* of a detached daemon: the successor's standard error */
    struct netio__listeners *listeners; /* the present ones go; borrowed until the end */
    double ready_seconds;               /* from start to ready, and from go to done */
};

/* 0 once the program runs; or a code with *error: those of netio_child_start, ...; then nothing has
 * changed.  The plan is not needed any more afterwards, but for daemon and listeners. */
int netio__upgrade_start(struct netio__upgrade **upgrade, struct netio_loop *loop,
                         const struct netio__upgrade_plan *plan, struct netio_error *error);
/* 0: the successor serves, and this process should drain and end; its netio_daemon has nothing more
 * to say or to remove.  -EAGAIN: not yet.  Or a code with *error: it is gone, all is as before, but
 * what it says on standard error; -ETIMEDOUT, NETIO_EDIED (subject: what it said, or how it ended).
 * Once it is not -EAGAIN: free. */
int netio__upgrade_step(struct netio__upgrade *upgrade, struct netio_error *error);
pid_t netio__upgrade_pid(const struct netio__upgrade *upgrade);
/* Before its end: kills the successor, and takes back what was given up. */
void netio__upgrade_free(struct netio__upgrade *upgrade);

/* ---- the successor -------------------------------------------------------------------------- */

struct netio__successor;

/* Whether this process is one; the same before and after netio__successor_new. */
int netio__successor_is(void);
/* Takes the listeners into the set.  0; *successor is NULL in a process that is no successor.  Or a
 * code with *error: -EBADMSG, -EPIPE, -EMFILE, ... */
int netio__successor_new(struct netio__successor **successor, struct netio_loop *loop,
                         struct netio__listeners *listeners, struct netio_error *error);
/* All workers are ready; then step.  Never waits. */
void netio__successor_ready(struct netio__successor *successor);
/* 0: all is this process's now (the paths, too), and the pid file can be written.  -EAGAIN: not
 * yet.  Of a process that is asked to go on by nobody any more, since its predecessor has given it
 * up: it is killed. */
int netio__successor_step(struct netio__successor *successor);
/* After NETIO_SUPERVISOR_READY: the program has said netio_daemon_ready. */
void netio__successor_done(struct netio__successor *successor);
/* Why it cannot get ready; then end. */
void netio__successor_fail(struct netio__successor *successor, const struct netio_error *error);
void netio__successor_free(struct netio__successor *successor);

#endif
