/* netiod: what its configuration says (netiod.conf(5)), all dialects brought to one form.
 *
 * Called by start.c, reload.c, pool.c (config_same), house.c (config_free) and the fuzzer.  It
 * reads files, asks the name services for users, groups, services and hosts, and opens no socket
 * (but one to see whether there is IPv6); nothing that it returns is used by two configurations.
 */
#ifndef NETIOD_CONFIG_H
#define NETIOD_CONFIG_H

#include <netio/access.h>
#include <netio/child.h>
#include <netio/limit.h>
#include <netio/user.h>

#include <stddef.h>
#include <stdio.h>

struct self;

/* How a service is served. */
enum config_kind {
    CONFIG_EXEC,    /* "nowait": a process for each connection */
    CONFIG_WAIT,    /* "wait": one process has the socket, until it ends; stream or datagram */
    CONFIG_POOL,    /* a Perl program kept warm in workers */
    CONFIG_BUILTIN, /* netiod itself */
    CONFIG_TCPMUX   /* netiod itself: RFC 1078 */
};

enum config_builtin { CONFIG_ECHO, CONFIG_DISCARD, CONFIG_DAYTIME, CONFIG_TIME, CONFIG_CHARGEN };

#define CONFIG_MUX_PREFIX "tcpmux/" /* of services that are behind tcpmux alone */

/* Whether a service can be asked for through tcpmux, and who says "+". */
enum config_mux { CONFIG_NO_MUX, CONFIG_MUX, CONFIG_MUX_PLUS /* netiod does */ };

/* What 0 means below, as netiod.conf(5) has it; whoever writes these has 0. */
#define CONFIG_BACKLOG       1024
#define CONFIG_UMASK         022
#define CONFIG_DIRECTORY     "/"
#define CONFIG_IPV4_BITS     32
#define CONFIG_IPV6_BITS     64
#define CONFIG_FIRST_SECONDS 10
#define CONFIG_IDLE_SECONDS  60

struct config_service {
    const char *file; /* where it is written, for messages */
    unsigned line;
    const char *name;     /* as it is called: "finger", "2907", "/run/x.sock", "tcpmux/fortune";
                             several may have one, on other addresses or of another protocol */
    const char *protocol; /* "tcp", "udp" or "unix": PROTO of the child */
    int type;             /* SOCK_STREAM or SOCK_DGRAM */
    /* Addresses as netio_listener_open takes them, each of one socket ("0.0.0.0:79", "[::]:79",
     * "udp:...", "unix:/path,mode=..."); "*" has become two. */
    const char *const *listen;
    size_t listens; /* 0 only for services behind tcpmux alone */
    int any_family; /* plain "tcp" or "udp": what another line has in one family is that line's */
    int receive_buffer, send_buffer; /* bytes, set on the listener; 0: the system's */
    int backlog;                     /* 0: CONFIG_BACKLOG, netio_listener_open's */
    enum config_kind kind;
    enum config_builtin builtin;
    enum config_mux mux;
    /* ONC RPC: its program, which rpcbind(8) is told of, and the versions; 0: none. */
    unsigned program_number, version_low, version_high;

    /* EXEC, WAIT, POOL */
    const char *program;            /* absolute */
    const char *const *argv;        /* NULL-ended, argv[0] included */
    const struct netio_user *user;  /* NULL: who netiod is */
    const char *const *environment; /* a list of netio_environ_new, NULL-ended; NULL: its default */
    const char *directory;          /* NULL: / */
    mode_t umask;                   /* as struct netio_world has it */
    const struct netio_rlimit *rlimits;
    size_t rlimits_count;
    int more_privileges; /* NETIO_PRIVILEGES_MORE: what setuid programs need */
    int socket_errors;   /* standard error is the socket, as inetd has it; else the log */
    int names;           /* names of peers are looked up, in the child */
    unsigned pool;       /* workers of a POOL */

    /* Policy.  access NULL: everybody.  A limit that is 0 is none. */
    const struct netio_access *access;
    const char *const *rules; /* what access was made of, NULL-ended: "deny 192.0.2.66", and for a
                                 file of rules "access /path"; NULL: none */
    struct netio_limit_options limits; /* total 0: all are welcome that max lets in */
    unsigned max;                      /* processes at once; beyond it clients wait */
    const char *refused_text, *full_text;
    double first_seconds; /* of a PROXY header, and of a built-in's first byte */
    double idle_seconds;  /* of a built-in, from one byte to the next */
    double total_seconds; /* a child's longest life; 0: no end */
};

struct config {
    struct config_service *services; /* in the order in which they are written */
    size_t count;
    struct config_private *own;
};

struct config_options {       /* of the command line */
    const char *const *paths; /* files and folders; absolute */
    size_t paths_count;
    int allow_empty;    /* no service at all is no error */
    unsigned rate;      /* -R: starts a minute of a service that says nothing itself; 0: any */
    const char *bind;   /* -a: the address of those that name none; NULL: "*" */
    const char *status; /* --status: a listen address, which no service may have; NULL: none */
};

/* What is wrong, each with file and line: "FILE:LINE: text"; line 0 for a file as a whole.  Called
 * for each fault, until all are said. */
typedef void config_complain(void *data, const char *fault);

/* Reads all of it: a new configuration, or nothing: 0; -1 after complaints.  Warnings (what a
 * dialect has and netiod does otherwise) are complaints that begin "FILE:LINE: warning: ". */
int config_read(struct config **config, const struct config_options *options,
                config_complain *complain, void *data);
/* The parsers alone, of one text (for the fuzzer): .include is refused there, and hosts are numbers
 * or localhost. */
int config_parse(struct config **config, const struct config_options *options, const char *file,
                 const char *text, size_t size, config_complain *complain, void *data);
/* Warns of each service whose programs would be refused as things are: for a user that netiod may
 * not become, a limit that it may not allow, or a program that the user may not execute, or, of a
 * pool, read.  What the owner of a file has allowed by an acl(5) is not looked at. */
void config_reach(const struct config *config, const struct self *self, config_complain *complain,
                  void *data);
void config_free(struct config *config);
/* "echo", as a built-in is called; the one that is called so, -1: none. */
const char *config_builtin_str(enum config_builtin builtin);
int config_builtin_find(const char *name);
/* By which one of several of a name is known; "" without any. */
const char *config_first_address(const struct config_service *service);
/* What a client of tcpmux calls it: its name without "tcpmux/". */
const char *config_mux_name(const struct config_service *service);
/* Whether two services would behave alike in all but where they are written. */
int config_same(const struct config_service *one, const struct config_service *other);
/* --show: the effective configuration, in the key form, which netiod reads back to the same. */
void config_show(const struct config *config, FILE *out);

#endif
