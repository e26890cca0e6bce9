/* netio/udp.h: a question to several servers over UDP, the first good answer wins (ring 1).
 *
 * The servers are asked in the order of the list: the first at once, the next after a wait, or
 * at once when the one asked last has failed (refused, no route).  One that has been asked may
 * answer until the end.  Names are looked up all at the same time; none that takes long, or is
 * not found, keeps the others waiting.  Of a name's addresses the first 8 count as servers: the
 * first of each name, then the second of each, and so on.
 *
 * When all have been asked once, the round begins again, with waits twice as long: 1 s (or
 * first_wait) in the first, 64 times as much at most.  Under a deadline the waits of the first
 * round are shortened so that every server gets its turn, and rounds go on until it passes.
 * Without one there are 4 rounds, so 15 s for each address.  A server that has failed is not
 * asked again; when all have, it is over at once.
 *
 * Each address has a socket of its own, connected to it, with a port that the kernel picks at
 * random: so the kernel keeps out what others send, reports refusals to the one that was
 * refused, and whoever wants to forge an answer has to guess a port for each server.
 *
 * The machine: start; while step says -EAGAIN, wait for what want says; at the end step gives the
 * length of the answer or the error.  Freeing early cancels.  What want says may change with every
 * step, and the descriptor it named before may be closed then: netio/open.h says what follows.
 * netio_udp_ask() does all that and blocks.
 *
 * Fork: a machine belongs to the process that started it; in a child its copy may be freed, and
 * nothing else.  One thread each.  Not async-signal-safe; a signal handler that leaves by longjmp
 * leaks the machine.
 */
#ifndef NETIO_UDP_H
#define NETIO_UDP_H

#include <netio/error.h>
#include <netio/fd.h>

#define NETIO_UDP_SERVERS_MAX 64

struct netio_udp_ask;

/* Copied by start.  A server is HOST, HOST:SERVICE, [IPV6]:SERVICE or an IPv6 address; hosts as
 * netio/resolve.h has them, services as netio_service_port. */
struct netio_udp_question {
    const char *const *servers;
    size_t count;         /* 1 to NETIO_UDP_SERVERS_MAX */
    const char *service;  /* of servers that name none; may be NULL when all do */
    const void *request;
    size_t size;          /* of the request; 0 is a datagram, too */
};

struct netio_udp_options {   /* zero: all defaults */
    netio_deadline deadline; /* of all of it; NETIO_NEVER: four rounds */
    int family;              /* AF_UNSPEC, AF_INET, AF_INET6 */
    const char *source;      /* numeric address of this end; servers of its family only */
    unsigned source_port;    /* port of this end; 0: the kernel chooses, at random */
    int reserved;            /* ports of this end from 1023 down to 512 (needs the privilege) */
    int64_t first_wait;      /* nanoseconds, those of 1 ms to those of an hour; 0: 1 s */
    /* Whether a datagram of a server is an answer: 1 takes it, 0 goes on as if it had not come,
     * a negative code ends everything with that code (-EAGAIN: as -ECANCELED).  It may not touch
     * the machine.  The deadline is looked at after each that is none.  NULL: any datagram that is
     * not empty is one. */
    int (*valid)(const void *answer, size_t size, const struct netio_addr *server, void *data);
    void *data;
};

/* One address that was to be asked, or a server that has none. */
struct netio_udp_attempt {
    const char *server;        /* as given */
    struct netio_addr address; /* len 0: the server's name, address or service is at fault */
    enum netio_stage stage;    /* at which it failed; NONE: it did not, or never had its turn */
    /* 0: it gave the answer, or is still waited for.  Why it failed otherwise: -ETIMEDOUT when
     * it kept silent, -EBADMSG when what it sent was no answer, -ECANCELED when another one
     * answered. */
    int code;
    int64_t elapsed;           /* nanoseconds from its first request, or look-up, to its end */
    unsigned asked;            /* how many requests were sent */
    unsigned invalid;          /* how many datagrams came that were no answer */
};

/* Blocks until answered or failed.  The answer's length (0 is one) with the answer in reply, and
 * in *from (may be NULL) the server's address; NETIO_ETOOLONG: the answer is longer than size, its
 * first part is in reply; or another negative code with *error, as step has them.  Goes on after
 * signals; use the machine to act on them.  options may be NULL. */
ssize_t netio_udp_ask(const struct netio_udp_question *question, void *reply, size_t size,
                      struct netio_addr *from, const struct netio_udp_options *options,
                      struct netio_error *error);

/* 0 and *ask, or a negative code with *error and *ask NULL: NETIO_EBADOPTION ("servers",
 * "family", "source_port", "first_wait"), NETIO_EBADADDRESS for source, -EMSGSIZE for a request
 * of more than 65,507 bytes, -ENOMEM.  A server that is wrong in itself has failed as any other
 * has. */
int netio_udp_ask_start(struct netio_udp_ask **ask, const struct netio_udp_question *question,
                        const struct netio_udp_options *options, struct netio_error *error);
/* Goes on without waiting.  The answer's length with *answer (until the machine is freed) and in
 * *from (may be NULL) who gave it; -EAGAIN; or the failure: -ETIMEDOUT when no answer came in
 * time, else what the last server has failed of (one that answered, or refused to, outweighs one
 * that has no address, and that one those this machine has no way to).  After its end step
 * repeats what it said. */
ssize_t netio_udp_ask_step(struct netio_udp_ask *ask, const char **answer,
                           struct netio_addr *from, struct netio_error *error);
void netio_udp_ask_want(const struct netio_udp_ask *ask, struct netio_want *want);
/* What has been tried so far, in the order in which addresses became known; valid until the next
 * step, the servers' texts as long as the machine. */
size_t netio_udp_ask_attempts(struct netio_udp_ask *ask, const struct netio_udp_attempt **attempts);
void netio_udp_ask_free(struct netio_udp_ask *ask);

#endif
