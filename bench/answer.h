/* answer.h: which answers load.c takes for complete.  A mode is how lines are asked: what is sent
 * around one, whether the connection stays open, and what a complete answer to it is. */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stddef.h>

struct answer {
    const char *text; /* NUL behind it */
    size_t len;
    const char *expected; /* ask and echo: what it has to be */
    size_t expected_len;
};

struct mode {
    const char *name, *before, *after; /* what is sent before and after a line of the file */
    int stays_open;
    /* Rows of a complete answer, or -1.  *slow: set when the server says that it took too long. */
    long (*check)(const struct answer *answer, int *slow);
};

/* whois, http, ask or echo; NULL for another name. */
const struct mode *mode_named(const char *name);

#endif
