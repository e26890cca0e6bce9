/* netiod: what the files that read a configuration share.
 *
 *      config.c            a text, and what is made of all of them in the end
 *      config_sources.c    files and folders
 *      config_words.c      words of a text, in both notations
 *      config_classic.c    lines of seven fields
 *      config_tokens.c     words and signs of the notation with keys
 *      config_keys.c       NAME on KEY = VALUE, ...;
 *      config_keyset.c     the keys
 *      config_rules.c      those of them that are rules of access
 *      config_environ.c    the one that is the environment
 *      config_values.c     what a word means: numbers, sizes, rates, protocols, users
 *      config_listen.c     where a service listens
 *      config_rpc.c        which program of ONC RPC it is
 *      config_draft.c      a draft that has been read becomes a service, or faults
 *      config_conflicts.c  services that want what another one has
 *
 * Both notations make a draft, and one function judges it; so both mean the same.
 */
#ifndef NETIOD_CONFIG_READER_H
#define NETIOD_CONFIG_READER_H

#include "config.h"
#include "config_arena.h"

#include <sys/types.h>

#define CONFIG_LINE_MAX 65536 /* bytes */
#define CONFIG_KEYS_MAX 64

struct config_private {
    struct arena arena;
    struct config_user *users; /* each that is named, once */
};

struct reader {
    const struct config_options *options;
    config_complain *complain;
    void *data;
    struct config *config;
    struct arena scratch; /* of one definition */
    size_t room;          /* of config->services */
    size_t faults;
    int alone;                      /* a text: no other file is read, no name server asked */
    int no_more;                    /* a fault of .include, to which many ways may lead, is said */
    int lacks_ipv6;                 /* the machine has none */
    const struct reader_file *file; /* that is being read */
};

/* One file, from its beginning to its end; above is the one that includes it. */
struct reader_file {
    const struct reader_file *above;
    const char *name; /* the configuration's */
    dev_t device;
    ino_t inode;
    unsigned depth;
    const char *at, *end; /* what is to be read yet */
    unsigned line;        /* of at */
    const char *hosts;    /* "host:" of the lines that name none; NULL: "*" */
};

/* ---- faults --------------------------------------------------------------------------------- */

/* line 0: the file as a whole.  Returns -1.  Arguments may hold anything: what is not printable is
 * made so. */
int reader_fault(struct reader *reader, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reader_warn(struct reader *reader, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- words ---------------------------------------------------------------------------------- */

/* The first word of the next definition, all that is empty or a comment passed over; NULL at the
 * end of the file.  Words live until the next call of this.  *line: where it is. */
char *words_first(struct reader *reader, struct reader_file *file, unsigned *line);
/* The next word of a line that may go on on the next ones (those that begin with a blank); NULL at
 * its end, or after a fault (*fault is set). */
char *words_next(struct reader *reader, struct reader_file *file, int *fault);
/* Whether the next word of the line is "on" or "off": then what follows are keys.  It is taken, and
 * 1 is on, 0 is off; -1: it is neither. */
int words_switch(struct reader_file *file);
/* Passes over the rest of the line and those that continue it. */
void words_skip(struct reader_file *file);

struct draft;

/* ---- keys ----------------------------------------------------------------------------------- */

enum token_kind { TOKEN_WORD, TOKEN_EQUALS, TOKEN_COMMA, TOKEN_SEMICOLON, TOKEN_END, TOKEN_FAULT };

struct token {
    enum token_kind kind;
    unsigned line;
    char *text; /* of a word; scratch */
};

/* The next word or sign; TOKEN_FAULT when there is no word, and that is said. */
void token_next(struct reader *reader, struct reader_file *file, struct token *token);
/* Passes over the rest of the definition, its ";" included, or up to what must be the next one. */
void tokens_skip(struct reader_file *file);

struct values { /* KEY = WORD WORD ... */
    const char *key;
    unsigned line;
    char **words; /* NULL-ended, scratch; NULL: none */
    size_t count;
};

/* Has the draft say so, or says what is wrong. */
void key_set(struct reader *reader, struct draft *draft, struct values *values);
/* Where a key is said; the definition's line, if it is not. */
unsigned key_line(const struct draft *draft, const char *name);
/* Those that are said and would have no effect on a service of that kind are faults. */
void keys_check(struct reader *reader, const struct draft *draft);

/* allow, deny, exempt, proxy: one rule a word; access: those of a file.  0 or -1. */
int rules_set(struct reader *reader, struct draft *draft, const struct values *values);
int rules_read(struct reader *reader, struct draft *draft, const struct values *values);

/* env: words of netio_environ_new.  0 or -1. */
int environment_set(struct reader *reader, struct draft *draft, const struct values *values);

/* ---- texts ---------------------------------------------------------------------------------- */

/* Reads one text, which it may change; reader->file is file. */
void text_read(struct reader *reader, struct reader_file *file, char *text, size_t size);
/* A file or folder that was named to netiod. */
void sources_read(struct reader *reader, const char *path);
/* .include PATTERN */
void include_read(struct reader *reader, const char *path, unsigned line);

/* ---- drafts --------------------------------------------------------------------------------- */

enum draft_family { DRAFT_ANY, DRAFT_IPV4, DRAFT_IPV6, DRAFT_UNIX, DRAFT_UNKNOWN };

/* A service as it is written.  Strings are scratch until draft_finish copies those that stay. */
struct draft {
    struct config_service service;
    unsigned line;
    size_t faults;        /* the reader's, when it began */
    int off;              /* judged, and left out */
    const char *spec;     /* the first word: "finger", "host:finger", "/run/x", "tcpmux/x" */
    const char *hosts;    /* NULL: of the file */
    int inherits;         /* where it listens is said by the file or by -a, for all */
    int type;             /* 0: not said */
    const char *protocol; /* "tcp", "udp", "unix"; NULL: not said */
    enum draft_family family;
    int rpc;            /* ONC RPC: "rpc/udp" */
    const char *choice; /* NULL, or what addresses have behind port 0: netio/listener.h */
    int wait;           /* -1: not said */
    const char *user, *group;
    int user_dots;       /* "user.group" is understood */
    int errors_said;     /* the key "stderr" */
    const char *program; /* "internal", "pool:/path", a path; NULL: not said */
    char **args;         /* NULL-ended */
    size_t args_count;
    const char *mode, *owner, *owner_group; /* of a unix socket; NULL: not said */
    const char *const *listen;              /* addresses of the key, NULL-ended; NULL: not said */
    int udp;                                /* a built-in answers datagrams */
    struct netio_access *access;            /* draft_finish's, or draft_drop's */
    struct rule *rules, **rules_end;        /* what access was made of */
    size_t rules_count;
    unsigned seen[CONFIG_KEYS_MAX]; /* keys: the line of each, 0: not said */
};

struct rule {
    struct rule *next;
    const char *text; /* the configuration's */
};

/* A draft with what is in force if nothing else is said. */
void draft_begin(const struct reader *reader, struct draft *draft, const char *spec, unsigned line,
                 int classic);
/* Judges it and adds the service to the configuration, or says all that is wrong. */
void draft_finish(struct reader *reader, struct draft *draft);
/* Forgets it. */
void draft_drop(struct draft *draft);
/* The rest of a definition, whose first word is spec. */
void classic_read(struct reader *reader, struct reader_file *file, char *spec, unsigned line);
void keys_read(struct reader *reader, struct reader_file *file, char *spec, unsigned line, int on);

/* ---- values --------------------------------------------------------------------------------- */

/* A whole number up to max; 0 or -1, and nothing is said. */
int value_number(const char *text, unsigned max, unsigned *number);
/* So many a minute; 0: none. */
struct netio_rate value_minute(unsigned count);
/* Bytes, with k or m behind them. */
int value_size(const char *text, int *bytes);
/* "stream", "dgram", what NetBSD writes behind them; faults are said. */
int value_type(struct reader *reader, struct draft *draft, char *text);
/* "tcp", "udp6", "unix", with ",rcvbuf=64k" behind it. */
int value_protocol(struct reader *reader, struct draft *draft, char *text);
/* "wait", "nowait", with limits behind them. */
int value_wait(struct reader *reader, struct draft *draft, char *text);
/* "nofile:1024", "as:512m", "core:unlimited"; 0 or -1, and nothing is said. */
int value_rlimit(struct netio_rlimit *limit, const char *text);
/* Says that value i of a key is wrong; -1. */
int value_wrong(struct reader *reader, const struct values *values, size_t i, const char *why);
/* Whom draft->user and ->group mean; NULL after a fault. */
const struct netio_user *value_user(struct reader *reader, const struct draft *draft);
void values_free_users(struct config_private *own);

/* ---- listening ------------------------------------------------------------------------------ */

/* "rusersd/1-3": fills the numbers of the service, and what its addresses have behind port 0.  0 or
 * -1. */
int rpc_find(struct reader *reader, struct draft *draft, const char *name);
/* Whether rpcbind can tell of these addresses; 0 or -1. */
int rpc_check(struct reader *reader, const struct draft *draft, const char *const *addresses,
              size_t count);
/* Fills service.listen, .name and .mux; 0 or -1. */
int listen_find(struct reader *reader, struct draft *draft);
/* Says which services want what another one has, or nobody: after all files. */
void conflicts_find(struct reader *reader);

#endif
