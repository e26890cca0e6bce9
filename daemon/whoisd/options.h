/* whoisd: its command line, and its configuration file.  Called by main.c, and at a reload by
 * workers.c and service.c. */
#ifndef WHOISD_OPTIONS_H
#define WHOISD_OPTIONS_H

#include <netio/access.h>
#include <netio/limit.h>
#include <netio/sandbox.h>

#include <stddef.h>

#define OPTIONS_LISTEN_MAX 8   /* addresses; each can mean two sockets */
#define OPTIONS_ACCESS_MAX 8   /* files of rules */
#define OPTIONS_FAULT_MAX  640 /* bytes of a text that says what is wrong */

struct options {
    const char *listen[OPTIONS_LISTEN_MAX];
    size_t listens; /* 0: none was given */
    const char *directory;
    const char *log;     /* NULL: none was given */
    const char *pidfile; /* NULL: none */
    const char *user;    /* NAME[:GROUP]; NULL: whoever started it */
    enum netio_sandbox_mode sandbox;
    unsigned workers;   /* 0: one process does it all */
    const char *status; /* NULL: none */
    struct netio_access *access;
    const char *rules[OPTIONS_ACCESS_MAX]; /* files that access was read from */
    size_t rules_count;
    struct netio_limit_options limits;
    const char *refused_text, *full_text; /* NULL: nothing is said */
    double first_seconds;                 /* 0: as query_seconds */
    double total_seconds;                 /* 0: no deadline */
    double query_seconds;
    double answer_seconds;
    double stop_seconds;
    int foreground;
    int test;
    int stdio;
    const char *config; /* NULL: none */
    char *text;         /* of the configuration, which others point into */
    int argc;           /* to be parsed again */
    char **argv;
    char *folder; /* that it was started in */
};

/* What main does next. */
enum options_next {
    OPTIONS_RUN,
    OPTIONS_DONE,  /* --help, -V: it has been said */
    OPTIONS_WRONG, /* the command line: fault says why, unless getopt(3) did */
    OPTIONS_BROKEN /* the configuration: fault has file and line */
};

/* The configuration first, then the command line, whose options win; rules and addresses come
 * together.  The caller frees them, whatever comes of it. */
enum options_next options_parse(struct options *options, int argc, char **argv,
                                char fault[OPTIONS_FAULT_MAX]);
/* The same again, in a daemon that works in another folder: configuration and rules are read anew.
 * The caller frees them, whatever comes of it. */
enum options_next options_again(struct options *options, const struct options *before,
                                char fault[OPTIONS_FAULT_MAX]);
void options_free(struct options *options);
extern const char options_usage[];

/* ---- for config.c ---- */

/* A path as the folder of the start has it, the caller's to free; NULL without memory. */
char *options_path(const struct options *options, const char *path);
/* One option by its long name; 0 and no fault, or -1 and what is wrong with the value.  A name that
 * a configuration cannot have: -1 and a fault. */
int options_set(struct options *options, const char *name, const char *value,
                char fault[OPTIONS_FAULT_MAX]);

#endif
