/* netio-daemon: what the command line asks for.
 *
 * plan_read fills it from the words, plan_prepare makes true what can be before the fork: paths
 * absolute, the user looked up, the program found, the environment built.  Called by
 * netio-daemon.c; prints what is wrong.
 */
#ifndef NETIO_DAEMON_PLAN_H
#define NETIO_DAEMON_PLAN_H

#include "machine.h"

#include <netio/world.h>

/* For whom an option is. */
#define PLAN_START 1u /* start and run */
#define PLAN_STOP  2u
#define PLAN_OTHER 4u
#define PLAN_ALL   7u

struct plan {
    const char *name;
    int foreground; /* run */
    char *pidfile;  /* absolute */
    char *log;      /* "syslog", "stderr" or an absolute path */
    const char *user;
    struct netio_user found; /* of user */
    struct machine_rules rules;
    char **program; /* and its arguments; at NULL: none */
    char *path;     /* where the program is */
    char *directory, *root;
    const char **names; /* --env, NULL-ended, behind the default ones */
    size_t names_count;
    char **environment; /* of the program, all of it NAME=VALUE */
    struct netio_rlimit *limits;
    struct netio_world world; /* of the program; points to what is above */
};

/* The options and words after the subcommand, which is argv[0]; audience: PLAN_START, ...
 * GO_ON, or how to exit: --help and --version, too, are done. */
int plan_read(struct plan *plan, unsigned audience, int argc, char **argv);
/* The pid file alone: what all subcommands need.  GO_ON or how to exit. */
int plan_prepare_pidfile(struct plan *plan);
/* All the rest. */
int plan_prepare(struct plan *plan);
void plan_free(struct plan *plan);

/* How to exit after that; as report_error, which prints it. */
int plan_fault(const struct plan *plan, const struct netio_error *error);
int plan_exit_code(const struct netio_error *error);

/* "usage: ...", of the subcommands; netio-daemon.c has it. */
int plan_usage(void);
void plan_help(void);

#endif
