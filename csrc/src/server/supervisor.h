/* Ring 3, private: the insides of a supervisor.
 *
 *      supervisor.c          its life: new, listen, reload, run, free; signals
 *      supervisor_options.c  what it was told at first
 *      supervisor_machine.c  what it does next, as a table
 *      supervisor_start.c    processes: start, and replace
 *      supervisor_workers.c  ... ready, drain, kill, end
 *      supervisor_heart.c    workers that do not go on
 *      supervisor_upgrade.c  a successor, or a predecessor
 *      supervisor_status.c   what they do, for who asks
 *      worker.c              the other side of a fork
 *
 * Handlers of the loop never fork: they change what is to be, and netio_supervisor_run starts who
 * is missing (netio__workers_fill), so that a worker returns from there with nothing else below it.
 */
#ifndef NETIO_SRC_SERVER_SUPERVISOR_H
#define NETIO_SRC_SERVER_SUPERVISOR_H

#include "proc/world.h"
#include "server/board.h"
#include "server/supervisor_machine.h"

#include <netio/child.h>
#include <netio/listeners.h>
#include <netio/supervisor.h>

#define NETIO__PLACES NETIO_LIMIT_COLUMNS /* for workers: a place is a column of the limit */

enum netio__worker_state {
    NETIO__WORKER_STARTING, /* timer: it has to be ready by then */
    NETIO__WORKER_SERVING,
    NETIO__WORKER_DRAINING, /* was told to; timer: killed then */
    NETIO__WORKER_KILLED    /* its end is still to come */
};

struct netio_upgrade;
struct netio_successor;

struct netio__place {
    struct netio_supervisor *supervisor;
    pid_t pid; /* 0: nobody is here */
    struct netio_child child;
    int control; /* see server/control.h */
    struct netio_watch said, ended;
    struct netio_timer timer;
    enum netio__worker_state state;
    unsigned number, generation;
    int64_t scarce;      /* when it last had no descriptor for who waits */
    int awake;           /* its heart is looked at */
    uint64_t beat;       /* of the last look ... */
    unsigned looks;      /* ... and how many found the same one in a handler */
    unsigned long waits; /* of a handler that may wait: how often it had, at the last look */
};

struct netio_supervisor {
    struct netio_supervisor_options options;
    pid_t pid; /* a worker has another */
    struct netio__machine machine;
    int begun;
    unsigned tells;                    /* NETIO__TELL_..., not told yet */
    struct netio_upgrade *upgrade;     /* UPGRADING */
    struct netio_successor *successor; /* this process is one, until it has told that it serves */
    int left;                          /* to a successor: the manager and the pid file are its */
    int watched;                       /* by the manager's watchdog, if there is one */
    int reopened; /* the program has reopened its log: workers get it with the next run */
    struct netio_error why;

    struct netio_listeners *listeners;
    struct netio__world world;
    struct netio__board *boards; /* one for each place, shared with workers */
    struct netio_loop *loop;
    int signals;
    struct netio_watch signal;
    struct netio_timer patience;     /* the machine's */
    struct netio_server *status;     /* of the status address; NULL: none */
    struct netio_timer status_again; /* it could not be opened again after an upgrade that failed */
    int status_lost;                 /* and the log has said so */

    struct netio__place places[NETIO__PLACES];
    size_t count;                 /* of them with somebody */
    unsigned workers, generation; /* of those that serve; generation 0: none yet */
    unsigned workers_next, next;  /* of those being started; next 0: none are */
    unsigned generations;         /* begun so far */

    struct netio_timer gate; /* workers are not replaced before */
    int64_t gate_opens, last_start;
    int64_t crashes, last_crash; /* a second for each, less those that have gone by since */
    int64_t pause;               /* between two starts */

    struct netio_timer look; /* at hearts; stopped when all sleep */
};

/* supervisor.c */
extern const int netio__supervisor_signals[]; /* that it takes */
/* This has happened. */
void netio__supervisor_step(struct netio_supervisor *supervisor, enum netio__happening happening);

/* supervisor_options.c: 0 or a code; free in either case. */
int netio__options_set(struct netio_supervisor *supervisor,
                       const struct netio_supervisor_options *options, struct netio_error *error);
void netio__options_free(struct netio_supervisor *supervisor);

static inline int netio__place_is_new(const struct netio__place *place)
{
    return place->supervisor->next && place->generation == place->supervisor->next;
}

static inline struct netio__board *netio__place_board(const struct netio__place *place)
{
    return &place->supervisor->boards[place - place->supervisor->places];
}

static inline unsigned netio__place_column(const struct netio__place *place)
{
    return (unsigned)(place - place->supervisor->places);
}

#define NETIO__SAY(place, priority, format, ...)                                                   \
    netio_log((place)->supervisor->options.log, priority,                                          \
              "worker %u (generation %u, pid %ld) " format, (place)->number, (place)->generation,  \
              (long)(place)->pid, ##__VA_ARGS__)

/* supervisor_start.c.  1 and *worker in a new worker; 0 otherwise: those who could not be started
 * come later, or the machine was told. */
int netio__workers_fill(struct netio_supervisor *supervisor, struct netio_worker **worker);
/* One of those that serve is gone, or as good as that: it is replaced, at once or after a pause. */
void netio__worker_lost(struct netio__place *place);
void netio__workers_gate(struct netio_timer *timer); /* of supervisor->gate */

/* supervisor_workers.c.  What a worker says, and its end; 0 or -errno. */
int netio__worker_watch(struct netio__place *place);
/* One of the new workers cannot start: none does. */
void netio__worker_fail_start(struct netio__place *place, int code, const char *how);
void netio__workers_commit(struct netio_supervisor *supervisor);
void netio__workers_abandon(struct netio_supervisor *supervisor);
void netio__workers_drain(struct netio_supervisor *supervisor, netio_deadline deadline);
void netio__workers_kill(struct netio_supervisor *supervisor);
/* The log goes on in fd. */
void netio__workers_log(struct netio_supervisor *supervisor, int fd);
/* It does not go on: killed and replaced. */
void netio__worker_stuck(struct netio__place *place);

/* supervisor_heart.c */
void netio__heart_begin(struct netio__place *place); /* of a worker that is to be started */
void netio__heart_awake(struct netio__place *place);
void netio__heart_look(struct netio_timer *timer); /* of supervisor->look */

/* supervisor_upgrade.c: a successor is to be started; is to be no more. */
void netio__upgrade_begin(struct netio_supervisor *supervisor);
void netio__upgrade_undo(struct netio_supervisor *supervisor);
/* All new workers are ready. */
void netio__upgrade_ready(struct netio_supervisor *supervisor);
/* The program is, too. */
void netio__upgrade_done(struct netio_supervisor *supervisor);
/* After each step of the loop. */
void netio__upgrade_look(struct netio_supervisor *supervisor);
/* In a worker, or at the end. */
void netio__upgrade_leave(struct netio_supervisor *supervisor);

/* supervisor_status.c: the status address.  0 or a code with *error. */
int netio__status_open(struct netio_supervisor *supervisor, struct netio_error *error);
void netio__status_close(struct netio_supervisor *supervisor);
/* The same, now or as soon as it can be; of supervisor->status_again. */
void netio__status_reopen(struct netio_supervisor *supervisor);
void netio__status_try(struct netio_timer *timer);
/* In a worker: those who are asking are the supervisor's. */
void netio__status_leave(struct netio_supervisor *supervisor);

/* worker.c.  Made before the fork, so that nothing is left to fail for want of memory. */
struct netio_worker *netio__worker_new(struct netio__place *place, int control);
void netio__worker_discard(struct netio_worker *worker); /* in the supervisor */
/* In the new process: leaves what is the supervisor's, and enters its world; or says why not and
 * exits. */
void netio__worker_begin(struct netio_worker *worker);

#endif
