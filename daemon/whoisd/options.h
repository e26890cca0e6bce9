/* whoisd: its command line.  Called by main.c. */
#ifndef WHOISD_OPTIONS_H
#define WHOISD_OPTIONS_H

#include <netio/sandbox.h>

#include <stddef.h>

#define OPTIONS_LISTEN_MAX 8 /* addresses; each can mean two sockets, and a server takes 16 */

struct options {
    const char *listen[OPTIONS_LISTEN_MAX];
    size_t listens; /* 0: none was given */
    const char *directory;
    const char *log;     /* NULL: none was given */
    const char *pidfile; /* NULL: none */
    const char *user;    /* NAME[:GROUP]; NULL: whoever started it */
    enum netio_sandbox_mode sandbox;
    double query_seconds;
    double answer_seconds;
    int foreground;
    int test;
    int stdio;
};

/* What main does next. */
enum options_next {
    OPTIONS_RUN,
    OPTIONS_DONE, /* --help, -V: it has been said */
    OPTIONS_WRONG /* stderr has one line on what is wrong, and one of usage */
};

enum options_next options_parse(struct options *options, int argc, char **argv);

#endif
