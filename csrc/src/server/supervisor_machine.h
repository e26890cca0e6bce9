/* Ring 3, private: what a supervisor does next, as a machine of states; see supervisor_machine.c
 * for them.
 *
 * It is told what has happened and says what is to be done.  Clock, processes, signals and log are
 * supervisor.c's, so a test can walk all of it (t/c/supervisor-machine.c). */
#ifndef NETIO_SRC_SERVER_SUPERVISOR_MACHINE_H
#define NETIO_SRC_SERVER_SUPERVISOR_MACHINE_H

enum netio__phase {
    NETIO__STARTING,  /* the first workers are not ready yet */
    NETIO__SERVING,   /* they are */
    NETIO__ASKING,    /* serving, and the program reads its configuration */
    NETIO__RELOADING, /* serving, and new workers start beside the old ones */
    NETIO__UPGRADING, /* serving, and a successor starts */
    NETIO__STOPPING,  /* workers drain; those that are late are told to end */
    NETIO__CUTTING,   /* they were told to end at once, and are killed at the timer */
    NETIO__KILLING,   /* they were killed, which the kernel may put off; given up at the timer */
    NETIO__ENDED,
    NETIO__PHASES
};

enum netio__happening {
    NETIO__READY,            /* all workers that were started together are ready */
    NETIO__FAILED,           /* one of them has ended, is late, or could not be started */
    NETIO__RELOAD,           /* the program has another configuration */
    NETIO__UNCHANGED,        /* it has none */
    NETIO__SUCCESSOR_READY,  /* ... and its workers serve */
    NETIO__SUCCESSOR_FAILED, /* it has ended or is late */
    NETIO__EMPTY,            /* no worker is left */
    NETIO__TIMER,
    NETIO__HUP,
    NETIO__USR1,
    NETIO__USR2,
    NETIO__TERM, /* or QUIT */
    NETIO__INT,
    NETIO__HAPPENINGS
};

/* What is to be done, in this order ... */
#define NETIO__DO_TIMER          1u /* machine->patience from now on; any other one is stopped */
#define NETIO__DO_ABANDON        2u /* kill those that were started, forget their listeners */
#define NETIO__DO_KILL_SUCCESSOR 4u
#define NETIO__DO_COMMIT         8u  /* who was started serves; old workers drain */
#define NETIO__DO_DRAIN          16u /* all drain */
#define NETIO__DO_CUT            32u /* all end at once */
#define NETIO__DO_KILL           64u
#define NETIO__DO_START          128u /* workers of the next generation */
#define NETIO__DO_UPGRADE        256u
/* ... and what the program is to hear, one after another. */
#define NETIO__TELL_REOPEN   512u
#define NETIO__TELL_READY    1024u
#define NETIO__TELL_RELOADED 2048u
#define NETIO__TELL_KEPT     4096u
#define NETIO__TELL_RELOAD   8192u
#define NETIO__TELL_FAILED   16384u
#define NETIO__TELL_DONE     32768u

/* What the timer is for. */
enum netio__patience {
    NETIO__NO_TIMER,
    NETIO__DRAIN_TIMER, /* as long as workers may drain */
    NETIO__CUT_TIMER,   /* as long as it takes to end */
    NETIO__KILL_TIMER   /* as long as the kernel may take */
};

struct netio__machine {
    enum netio__phase phase;
    enum netio__patience patience;
    int failed;      /* KILLING: since the first workers were not ready */
    int reload_next; /* HUP came when something else went on */
    int upgrade_next;
};

/* What is to be done first: NETIO__DO_START. */
unsigned netio__machine_begin(struct netio__machine *machine);
/* What is to be done now that this has happened; 0: nothing. */
unsigned netio__machine_step(struct netio__machine *machine, enum netio__happening happening);
const char *netio__phase_str(enum netio__phase phase);

#endif
