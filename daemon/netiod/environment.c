/* netiod: the variables that a program is started with; see environment.h.
 * Called by launch.c; reads netiod's own environment and touches nothing. */
#include "environment.h"

#include <netio/environ.h>
#include <netio/peer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define OWN_COUNT 8 /* the most that are ours */

/* What it begins with where the configuration says nothing: netiod's own environment stays as it
 * is, so it is made once. */
static char **usual;

static size_t count_of(const char *const *list)
{
    size_t count = 0;

    while (list && list[count])
        count++;
    return count;
}

/* NAME= and a value; there is room for all of ours: ENVIRONMENT_TEXT and OWN_COUNT. */
static void add(struct environment *environment, const char *name, const char *value)
{
    char *text = environment->text + environment->used;
    size_t length = strlen(name) + strlen(value);

    if (length >= sizeof environment->text - environment->used)
        return;
    (void)stpcpy(stpcpy(text, name), value);
    environment->used += length + 1;
    environment->list[environment->count++] = text;
}

static void add_number(struct environment *environment, const char *name, long long number)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", number);
    add(environment, name, text);
}

static void add_protocol(struct environment *environment, const char *protocol)
{
    add(environment, "PROTO=",
        strcasecmp(protocol, "udp") == 0    ? "UDP"
        : strcasecmp(protocol, "unix") == 0 ? "UNIX"
                                            : "TCP");
}

static int is_inet(const struct netio_addr *addr)
{
    return addr && (netio_addr_family(addr) == AF_INET || netio_addr_family(addr) == AF_INET6);
}

/* A socket that a service manager has made may be of both families (R25). */
static const char *host(const struct netio_addr *addr, char text[NETIO_ADDR_STRLEN])
{
    struct netio_addr plain = *addr;

    netio_addr_unmap(&plain);
    return netio_addr_host_str(&plain, text, NETIO_ADDR_STRLEN);
}

static void add_local(struct environment *environment, const struct netio_addr *local)
{
    char text[NETIO_ADDR_STRLEN];

    if (is_inet(local)) {
        add(environment, "TCPLOCALIP=", host(local, text));
        add_number(environment, "TCPLOCALPORT=", netio_addr_port(local));
    } else if (local && netio_addr_family(local) == AF_UNIX) {
        add(environment, "UNIXLOCALPATH=", host(local, text));
    }
}

static void add_peer(struct environment *environment, const struct netio_addr *peer)
{
    char text[NETIO_ADDR_STRLEN];

    if (!is_inet(peer))
        return;
    (void)host(peer, text);
    add(environment, "TCPREMOTEIP=", text);
    add(environment, "REMOTE_ADDR=", text);
    add_number(environment, "TCPREMOTEPORT=", netio_addr_port(peer));
    add_number(environment, "REMOTE_PORT=", netio_addr_port(peer));
}

static void add_credentials(struct environment *environment, const struct netio_peer *peer)
{
    if (!peer)
        return;
    add_number(environment, "UNIXREMOTEEUID=", (long long)peer->uid);
    add_number(environment, "UNIXREMOTEEGID=", (long long)peer->gid);
    add_number(environment, "UNIXREMOTEPID=", (long long)peer->pid);
}

static void add_list(struct environment *environment, const char *const *list)
{
    for (; list && *list; list++)
        environment->list[environment->count++] = *list;
}

int environment_make(struct environment *environment, const struct launch *launch)
{
    const struct config_service *config = launch->service->config;
    const char *const *first = config->environment;

    environment->list = NULL;
    environment->count = environment->used = 0;
    if (!first && !usual && netio_environ_new(&usual, environ, NULL) < 0)
        return -ENOMEM;
    if (!first)
        first = (const char *const *)usual;
    size_t room = count_of(first) + OWN_COUNT + count_of(launch->more) + 1;
    environment->list = malloc(room * sizeof *environment->list);
    if (!environment->list)
        return -ENOMEM;
    add_list(environment, first);
    add_protocol(environment, config->protocol);
    add_local(environment, launch->local);
    add_peer(environment, launch->peer);
    add_credentials(environment, launch->credentials);
    add_list(environment, launch->more);
    environment->list[environment->count] = NULL;
    return 0;
}

void environment_free(struct environment *environment)
{
    free(environment->list);
    environment->list = NULL;
}
