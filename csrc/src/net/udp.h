/* Ring 1, private: what the files of netio_udp_ask share: udp.c, udp_server.c, udp_target.c. */
#ifndef NETIO_SRC_NET_UDP_H
#define NETIO_SRC_NET_UDP_H

#include "net/bundle.h"
#include "net/dial.h"

#include <netio/resolve.h>
#include <netio/udp.h>

#include <stdint.h>

#define NETIO__UDP_ADDRESSES  8     /* of one server */
#define NETIO__UDP_ANSWER_MAX 65536 /* no datagram is longer */
#define NETIO__UDP_NOBODY     SIZE_MAX

/* One of the list, until its addresses are known. */
struct netio__udp_server {
    const char *text; /* as given */
    unsigned port;
    unsigned addresses;            /* so many targets it has */
    struct netio_resolve *resolve; /* NULL: there is nothing more to come */
    int watched;                   /* its descriptor in the bundle; -1: none */
};

/* One address to ask, or the failure of a server without one: the private part of the attempt
 * of the same number. */
struct netio__udp_target {
    size_t server;
    unsigned rank;    /* how many addresses of its server came before it */
    unsigned turns;   /* how many it has had */
    int fd;           /* -1: not asked yet, or over */
    int again;        /* its path turned out to be narrower: asked once more */
    int64_t started;  /* when it was asked first */
};

enum netio__udp_state {
    NETIO__UDP_ASKING,   /* there is somebody to wait for, or to ask */
    NETIO__UDP_ANSWERED, /* answer holds size bytes from target winner */
    NETIO__UDP_FAILED,   /* failure says why */
};

struct netio_udp_ask {
    enum netio__udp_state state;
    struct netio__dial dial;
    int family;
    netio_deadline deadline; /* of all of it */
    int64_t first_wait;
    int64_t began;
    int (*valid)(const void *answer, size_t size, const struct netio_addr *server, void *data);
    void *data;
    struct netio__bundle bundle;

    size_t servers_count, names; /* names: how many of them are being looked up */
    struct netio__udp_server *servers;
    size_t count; /* of targets, and of attempts */
    struct netio__udp_target *targets;
    struct netio_udp_attempt *attempts;

    size_t winner;
    size_t current;      /* the target asked last, while it may answer; or NETIO__UDP_NOBODY */
    int64_t asked_at;    /* when that was; 0: nobody was asked */
    netio_deadline turn; /* when the next one is to be asked */

    const char *request;
    size_t request_size;
    char *answer; /* room for NETIO__UDP_ANSWER_MAX bytes */
    size_t size;
    int weight; /* of the failure so far */
    struct netio_error failure;
};

/* udp_server.c: who is to be asked. */

/* Takes a server's text apart, and finds its address or begins to look up its name.  What is
 * wrong with it is a failure of that server. */
void netio__udp_server_begin(struct netio_udp_ask *ask, size_t server, const char *service);
/* Goes on with every look-up. */
void netio__udp_servers_step(struct netio_udp_ask *ask);
/* Ends the look-ups that are under way; each is a failure with that code. */
void netio__udp_servers_end(struct netio_udp_ask *ask, int code);

/* udp_target.c: asking and hearing one address. */

void netio__udp_target_add(struct netio_udp_ask *ask, size_t server,
                           const struct netio_addr *address);
/* A server has failed before it had an address. */
void netio__udp_target_none(struct netio_udp_ask *ask, size_t server, enum netio_stage stage,
                            int code);
/* Whether it may still answer or be asked. */
int netio__udp_target_lives(const struct netio_udp_ask *ask, size_t target);
void netio__udp_target_ask(struct netio_udp_ask *ask, size_t target);
/* Takes what has come from one that was asked; the state changes when it ends everything.  1 when
 * nobody else is to be heard. */
int netio__udp_target_hear(struct netio_udp_ask *ask, size_t target);
/* It is over for one that may still have answered. */
void netio__udp_target_end(struct netio_udp_ask *ask, size_t target, int code);

#endif
