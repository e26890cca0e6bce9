/* whoisd: from a query to the text of its answer.
 *
 * Called by session.c and once.c.  An answer is built whole before a byte of it is sent, so
 * that a directory in trouble gives one clear line and never half an answer.
 */
#ifndef WHOISD_ANSWER_H
#define WHOISD_ANSWER_H

#include "directory.h"

#include <netio/buf.h>

#define ANSWER_LIST_MAX    250            /* entries listed; a fuller match says "more than" */
#define ANSWER_RECORD_MAX  10             /* entries of one handle shown in full */
#define ANSWER_FIELDS_MAX  (128 * 1024)   /* bytes of them all; longer records are not shown */
#define ANSWER_MAX         (2048 * 1024)  /* bytes of an answer: what the above can come to */
#define ANSWER_SECONDS_MAX 0.05           /* for a search: everybody waits meanwhile */

/* How it went: X(name, text for the log, exit code of --stdio, what follows "Sorry, "). */
#define ANSWER_OUTCOME_LIST(X)                                                                     \
    X(MATCHES, NULL, EX_OK, NULL)                                                                  \
    X(HELP, "help", EX_OK, NULL)                                                                   \
    X(REFUSED, NULL, EX_DATAERR, NULL)                                                             \
    X(SLOW, "search took too long", EX_TEMPFAIL,                                                   \
      "the search took too long; please ask for longer or fewer words.")                           \
    X(HUGE, "entry too long", EX_DATAERR, "that entry is too long to be shown.")                   \
    X(TROUBLE, "directory not available", EX_NOINPUT,                                              \
      "the directory is not available; please try again later.")

enum answer_outcome {
#define ANSWER_X(name, text, code, sorry) ANSWER_##name,
    ANSWER_OUTCOME_LIST(ANSWER_X)
#undef ANSWER_X
};

struct answer {
    enum answer_outcome outcome;
    enum query_kind kind; /* ANSWER_REFUSED: what was wrong with the query */
    size_t matches;       /* ANSWER_MATCHES: as many as ANSWER_LIST_MAX + 1 are "more than" */
};

/* Puts the answer into out, which is emptied first.  directory may be NULL: there is none.  0,
 * or -ENOMEM. */
int answer_make(struct answer *answer, struct netio_buf *out, struct directory *directory,
                const struct query *query);
/* "13 matches", "no word", ..., cut to size with its NUL; returns out. */
char *answer_str(const struct answer *answer, char *out, size_t size);
/* The exit code that goes with it, of <sysexits.h>. */
int answer_exit_code(const struct answer *answer);

#endif
