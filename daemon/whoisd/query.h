/* whoisd: what a client asked (pure: no globals, no system calls, no I/O).
 *
 * Called by session.c, once.c and fuzz/query.c.
 *
 * A line becomes UTF-8 (valid UTF-8 is taken as such, anything else as ISO 8859-1; a word in
 * punycode, as Debian's whois sends it, is decoded), loses leading "whois" words and RIPE-style
 * flags, and is then one of:
 *
 *      help, ?             help, whatever follows
 *      !HANDLE             the rest of the line is a handle
 *      .WORD...            words, in names only
 *      WORD...             words, all of which an entry must have, in any order
 *
 * WORD* and WORD... stand for every word that begins so.
 */
#ifndef WHOISD_QUERY_H
#define WHOISD_QUERY_H

#include <stddef.h>

#define QUERY_LINE_MAX 1024 /* longest query in bytes, its end not counted */
#define QUERY_WORD_MAX 16   /* most words of a query */
#define QUERY_PART_MAX 32   /* most parts of its words ("O'Brien" has two): what a search costs */
#define QUERY_TEXT     (4 * QUERY_LINE_MAX + 1) /* the line as UTF-8, punycode decoded */

/* What the line is: X(name, word in the log, answer), the answer NULL when the directory, or
 * the help, gives it. */
#define QUERY_KIND_LIST(X)                                                                         \
    X(WORDS, "words", NULL)                                                                        \
    X(HANDLE, "handle", NULL)                                                                      \
    X(HELP, "help", NULL)                                                                          \
    X(NO_WORD, "no word", "please ask for a name or another word; try 'whois help'.")              \
    X(NO_HANDLE, "no handle", "please give a handle after the '!'; try 'whois help'.")             \
    X(TOO_MANY, "too many words", "that query has too many words (16 at most).")                   \
    X(TOO_LONG, "query too long", "that query is too long (1024 bytes at most).")

enum query_kind {
#define QUERY_X(name, word, text) QUERY_##name,
    QUERY_KIND_LIST(QUERY_X)
#undef QUERY_X
};

struct query_word {
    const char *text; /* UTF-8, without NUL and control characters; not ended by NUL */
    size_t len;
    int prefix; /* it stands for every word that begins so */
};

struct query {
    enum query_kind kind;
    int names_only;                     /* QUERY_WORDS: look for them in names only */
    size_t count;                       /* QUERY_WORDS: how many, at least 1 */
    struct query_word word[QUERY_WORD_MAX];
    const char *key;                    /* QUERY_HANDLE: folded as the keys of the directory are */
    char text[QUERY_TEXT];              /* what word and key point into */
};

/* Reads a line without its end.  Never fails: what cannot be asked has a kind of its own. */
void query_parse(struct query *query, const char *line, size_t len);
/* The kind's word for the log, and what follows "Sorry, " in its answer or NULL. */
const char *query_kind_str(enum query_kind kind);
const char *query_kind_answer(enum query_kind kind);

#endif
