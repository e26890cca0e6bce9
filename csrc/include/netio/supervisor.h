/* netio/supervisor.h: one process that binds, and workers that serve (ring 3).
 *
 *      supervisor   binds, keeps the privileges, starts workers and replaces them; serves nobody
 *      workers      forked from it, with the listeners, in a netio_world without privileges
 *
 * There are no handlers: netio_supervisor_run returns when the program has something to do, as
 * fork(2) returns, and is called again afterwards.
 *
 *      netio_supervisor_new(&supervisor, &options, &error);
 *      netio_supervisor_listen(supervisor, addresses, count, &error);
 *      for (;;)
 *          switch (netio_supervisor_run(supervisor, &worker, &error)) {
 *          case NETIO_SUPERVISOR_WORKER:    in a new process
 *              ...                          open the directory, enter the sandbox, make a server
 *              netio_worker_serve(worker, server);   listeners, drain, log, heartbeat
 *              netio_worker_ready(worker);
 *              netio_server_run(server);
 *              exit(0);
 *          case NETIO_SUPERVISOR_READY:     the first workers are: netio_daemon_ready
 *          case NETIO_SUPERVISOR_RELOAD:    SIGHUP: read the configuration; if it is sound, say
 *                                           netio_supervisor_reload
 *          case NETIO_SUPERVISOR_RELOADED:  new workers serve, old ones drain: forget the old one
 *          case NETIO_SUPERVISOR_KEPT:      they did not get ready (*error says why): back to it
 *          case NETIO_SUPERVISOR_REOPEN:    SIGUSR1: reopen the log; workers get it with next run
 *          case NETIO_SUPERVISOR_DONE:      all workers have ended: exit(0)
 *          default:                         *error: the first workers did not get ready
 *          }
 *
 * Signals, which the supervisor takes as a descriptor (netio/signals.h) from new to free: HUP,
 * USR1, USR2, TERM and QUIT (drain, until the deadline), INT or a second TERM or QUIT (at once).  A
 * reload that is asked for during another comes after it, once.  To drain is to close the listeners
 * first: who comes then is refused by the kernel, and another server may have the address.
 *
 * A reload starts new workers beside the old ones; only when all of them are ready the old ones are
 * told to drain.  Listeners that both configurations have keep their descriptor and their queue: no
 * connection is lost.  What only the new one has is bound before anything else is done, what only
 * the old one has is closed when the new workers are ready.
 *
 * An upgrade (USR2) executes the program anew, as a child that gets the listeners, and drains and
 * ends when the child's workers are ready.  If they are not ready in time, or the program is gone,
 * wrong or dies, it is killed, and nothing has changed.  Process 1 has no upgrade (NETIO_EINIT).
 *
 * A worker that ends by itself is replaced: at once, and ever later if more of them do so than
 * there are workers in as many seconds, until it is one a second in all (one in 20 ms, if it had
 * served somebody).  So is one that runs a handler for heartbeat_seconds, but an on_serve only if
 * it has not waited for anything in all that time (which takes /proc to see), or if its
 * total_seconds are over.  While nobody is connected no process makes a system call.  Workers whose
 * supervisor is gone finish within two seconds, unless a handler does not return.
 *
 * A worker that must end but does not (it was told to, and a second ago it was late) gets SIGKILL
 * with its process group.  Where so many drain that there is no place for new ones (64 in all), a
 * reload waits for them.
 *
 * Processes: SIGCHLD is not touched, and no child but its own is waited for.  Workers lead process
 * groups of their own, so that a terminal's signals reach the supervisor alone.  Not
 * async-signal-safe.  One thread.
 */
#ifndef NETIO_SUPERVISOR_H
#define NETIO_SUPERVISOR_H

#include <netio/daemonize.h>
#include <netio/log.h>
#include <netio/server.h>

struct netio_supervisor;
struct netio_worker;

#define NETIO_WORKERS_MAX 32 /* half of NETIO_LIMIT_COLUMNS: a reload has twice as many */

struct netio_supervisor_options { /* zero: the defaults in brackets */
    unsigned workers;             /* [1] */
    const struct netio_world
        *world; /* that workers enter, but descriptors, environment and session, which
                   they have from the supervisor [umask, limits, folder: as here] */
    struct netio_daemon
        *daemon; /* told of ready, reloading, stopping; its pid file goes to a successor [none] */
    struct netio_log *log;     /* says what happens to workers; reopened by the caller [none] */
    struct netio_limit *limit; /* columns are given to workers, and cleared after them [none] */
    const char *status;        /* listen address that says netio_worker_status_str of each worker to
                                  who connects [none] */
    double ready_seconds;      /* from fork to netio_worker_ready [30] */
    double drain_seconds;      /* [30] */
    double heartbeat_seconds;  /* infinity: no heartbeat [30] */
    /* Upgrade: what is executed, and in which folder [NULL: USR2 is refused].  environment: as
     * netio_environ_new has it, of the new process. */
    const char *program;
    char *const *argv;
    const char *directory;
    const char *const *environment;
    pid_t (*fork)(void *data); /* instead of fork(2), for hosts */
    void *data;
    const volatile int *mark; /* of signal handlers that only mark, for hosts (netio_loop_mark): run
                                 returns -EINTR when it is not 0 */
};

/* Copies the options and their texts; world, daemon, log and limit must live as long as the
 * supervisor.  In a process that an upgrade has started, its listeners are taken from its
 * predecessor.  0 or a code.
 */
int netio_supervisor_new(struct netio_supervisor **supervisor,
                         const struct netio_supervisor_options *options, struct netio_error *error);
/* Whether this process is the successor of one that is being upgraded: it must not daemonize (it is
 * detached as its predecessor is), and its standard error is the predecessor's log until ready. */
int netio_supervisor_is_upgrade(void);
/* In a worker: frees, and leaves everything else alone. */
void netio_supervisor_free(struct netio_supervisor *supervisor);

/* The addresses to listen on, all of them, bound at once.  After the first run it is a reload.  0,
 * or a code with *error and nothing changed. */
int netio_supervisor_listen(struct netio_supervisor *supervisor, const char *const *addresses,
                            size_t count, struct netio_error *error);
/* A socket that a service manager passed; it stays through all reloads.  Owned from now on, on
 * error left alone (netio_listener_take). */
int netio_supervisor_listen_take(struct netio_supervisor *supervisor, int fd);
/* After NETIO_SUPERVISOR_RELOAD, or whenever else nothing is being started: new listeners, and as
 * many workers (0: as many as before), with the next run.  0, or a code with *error, and everything
 * stays as it is; -EBUSY when it cannot be now. */
int netio_supervisor_reload(struct netio_supervisor *supervisor, const char *const *addresses,
                            size_t count, unsigned workers, struct netio_error *error);
/* Address i as bound; NULL beyond the last. */
const struct netio_addr *netio_supervisor_address(const struct netio_supervisor *supervisor,
                                                  size_t i);

enum netio_supervisor_event {
    NETIO_SUPERVISOR_DONE,
    NETIO_SUPERVISOR_WORKER,
    NETIO_SUPERVISOR_READY,
    NETIO_SUPERVISOR_RELOAD,
    NETIO_SUPERVISOR_RELOADED,
    NETIO_SUPERVISOR_KEPT,
    NETIO_SUPERVISOR_REOPEN
};

/* Returns the next event; -EINTR after a signal (and now and then without): call it again; or the
 * code of why the first workers did not get ready: all have ended then.  *worker: in a worker only.
 */
int netio_supervisor_run(struct netio_supervisor *supervisor, struct netio_worker **worker,
                         struct netio_error *error);
/* As the signals TERM and INT do. */
void netio_supervisor_stop(struct netio_supervisor *supervisor, int at_once);

struct netio_worker_status {
    pid_t pid;
    unsigned number;     /* 1 to workers; of a generation */
    unsigned generation; /* 1, and one more with every reload */
    const char *state;   /* "starting", "serving", "draining", "killed" */
    struct netio_server_status server;
};
/* Worker i of all that live; 0 beyond the last. */
int netio_supervisor_worker(const struct netio_supervisor *supervisor, size_t i,
                            struct netio_worker_status *status);
/* One line, "worker=1 generation=3 pid=4242 state=serving connections=7 accepted=...", LF at its
 * end; returns its length as snprintf. */
int netio_worker_status_str(const struct netio_worker_status *status, char *out, size_t size);

/* ---- in a worker ---- */

/* Gives the server the listeners, and follows the supervisor's orders from the server's loop: drain
 * (netio_server_stop), new log.  The server counts in memory that the supervisor reads.  0 or
 * -errno. */
int netio_worker_serve(struct netio_worker *worker, struct netio_server *server);
/* The log that gets the descriptors which the supervisor reopens. */
void netio_worker_log(struct netio_worker *worker, struct netio_log *log);
/* It can serve.  Its standard error is still the starter's before that, and the text of a failure
 * goes there.  0 or -errno. */
int netio_worker_ready(struct netio_worker *worker);
/* Why it cannot get ready: the supervisor has it in *error of KEPT, or of the first run.  Then
 * exit. */
void netio_worker_fail(struct netio_worker *worker, const struct netio_error *error);
unsigned netio_worker_number(const struct netio_worker *worker);
unsigned netio_worker_generation(const struct netio_worker *worker);
/* Before the server is freed, which may go on without. */
void netio_worker_free(struct netio_worker *worker);

#endif
