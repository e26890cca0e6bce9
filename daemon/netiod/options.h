/* netiod: its command line.  Called by main.c. */
#ifndef NETIOD_OPTIONS_H
#define NETIOD_OPTIONS_H

#include "config.h"

#define OPTIONS_FAULT_MAX 640 /* bytes of a text that says what is wrong */

struct options {
    struct config_options config; /* its paths are absolute */
    const char *log;              /* NULL: none was given */
    const char *pidfile;          /* NULL: none */
    double stop_seconds;
    int foreground;
    int test;
    int show;
    char **argv;   /* of the start, for an upgrade */
    char *folder;  /* that it was started in */
    char **copies; /* what config.paths points to */
};

/* What main does next. */
enum options_next {
    OPTIONS_RUN,
    OPTIONS_DONE,  /* --help, -V: it has been said */
    OPTIONS_WRONG, /* fault says why, unless getopt(3) did */
    OPTIONS_BROKEN /* no memory, no folder: fault says so */
};

/* The caller frees them, whatever comes of it. */
enum options_next options_parse(struct options *options, int argc, char **argv,
                                char fault[OPTIONS_FAULT_MAX]);
void options_free(struct options *options);
extern const char options_usage[];

#endif
