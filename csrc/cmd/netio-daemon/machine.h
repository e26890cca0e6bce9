/* netio-daemon: what its supervisor does next, as a machine of states; see machine.c for them.
 *
 * It is told what has happened and says what is to be done.  Clock, processes, signals and log are
 * those of supervisor.c, so a test can walk all of it (t/c/daemon-machine.c).
 */
#ifndef NETIO_DAEMON_MACHINE_H
#define NETIO_DAEMON_MACHINE_H

enum machine_state {
    MACHINE_STARTING, /* the program is being started, or runs and is not ready yet */
    MACHINE_RUNNING,  /* it is ready */
    MACHINE_WAITING,  /* it has ended, and is started again when the timer fires */
    MACHINE_STOPPING, /* it was asked to end; killed when the timer fires */
    MACHINE_KILLING,  /* it was killed, which the kernel may put off; given up at the timer */
    MACHINE_ENDED,    /* there is nothing left to do: status says how to exit */
    MACHINE_STATES
};

enum machine_event {
    MACHINE_EXECUTED, /* the program runs */
    MACHINE_READY,    /* it says that it is ready */
    MACHINE_EXITED,   /* it has ended, or could not be started: by machine_exited */
    MACHINE_TIMER,
    MACHINE_STOP,     /* TERM, QUIT */
    MACHINE_STOP_NOW, /* INT */
    MACHINE_RELOAD,   /* HUP */
    MACHINE_EVENTS
};

/* What is to be done, in this order. */
#define MACHINE_DO_TIMER 1u  /* machine->seconds from now on, 0: none; any other one is stopped */
#define MACHINE_DO_TERM  2u  /* SIGCONT and SIGTERM to the process group */
#define MACHINE_DO_KILL  4u  /* SIGKILL to it */
#define MACHINE_DO_TELL  8u  /* tell the starter and the manager that it is ready */
#define MACHINE_DO_HUP   16u /* SIGHUP to the program */
#define MACHINE_DO_START 32u
#define MACHINE_DO_END   64u

enum machine_restart { MACHINE_RESTART_NO, MACHINE_RESTART_ON_FAILURE, MACHINE_RESTART_ALWAYS };

/* When it is ready. */
enum machine_ready {
    MACHINE_READY_EXEC,   /* as soon as it runs */
    MACHINE_READY_NOTIFY, /* when it says so */
    MACHINE_READY_AFTER   /* when it has run for settle_seconds */
};

struct machine_rules {
    enum machine_restart restart;
    enum machine_ready ready;
    double settle_seconds;
    double ready_seconds; /* how long it may take to be ready */
    double stop_seconds;  /* from being asked to end until it is killed */
};

#define MACHINE_BACKOFF_FIRST 0.5  /* seconds; twice as many each time, */
#define MACHINE_BACKOFF_MAX   60.0 /* up to that; who has run for so long begins again */
#define MACHINE_KILL_SECONDS  5.0

struct machine {
    struct machine_rules rules;
    enum machine_state state;
    int told;       /* it was ready once: the starter has gone */
    int wanted;     /* STOPPING, KILLING: somebody asked for the end; else it was late */
    int reload;     /* STARTING: somebody asked for it, who must wait */
    double backoff; /* of the last WAITING; 0: none yet */
    double seconds; /* of the timer; 0: none */
    int status;     /* ENDED */
};

/* What is to be done first: MACHINE_DO_START. */
unsigned machine_begin(struct machine *machine, const struct machine_rules *rules);
/* What is to be done now that this has happened, as of MACHINE_DO_*; 0: nothing. */
unsigned machine_step(struct machine *machine, enum machine_event event);
/* For MACHINE_EXITED: with this exit status, 0 to 255, after having been ready for so long. */
unsigned machine_exited(struct machine *machine, int status, double seconds);
const char *machine_state_str(enum machine_state state);

#endif
