/* netio-daemon: what happens to a supervisor, and what it does about it.
 *
 * supervisor.c builds one and calls these; machine.c says what is to be done.
 */
#ifndef NETIO_DAEMON_STEPS_H
#define NETIO_DAEMON_STEPS_H

#include "lines.h"
#include "plan.h"

#include <netio/child.h>
#include <netio/daemonize.h>
#include <netio/loop.h>

struct supervisor {
    const struct plan *plan;
    struct netio_daemon *daemon;
    struct machine machine;
    struct diary diary;
    struct lines lines;
    struct netio_loop *loop;
    struct netio_watch signals, output, notify, end;
    struct netio_timer timer;
    struct netio_child child; /* pid 0: none */
    const char **environment; /* of the program */
    char notify_name[128];    /* NOTIFY_SOCKET=@... */
    int64_t ready_at;         /* of the program that runs */
    int refused;              /* a message of somebody else, since the last start */
    int fault;                /* 0; or how to exit, whatever the program did */
    int done;
};

/* The first start.  When the loop runs, the rest follows. */
void steps_begin(struct supervisor *supervisor);
/* SIGKILL for whoever runs: the supervisor cannot go on. */
void steps_abandon(struct supervisor *supervisor);

/* Handlers of the watches of these names, and of the timer. */
void steps_signals(struct netio_watch *watch, unsigned events);
void steps_output(struct netio_watch *watch, unsigned events);
void steps_notify(struct netio_watch *watch, unsigned events);
void steps_timer(struct netio_timer *timer);

#endif
