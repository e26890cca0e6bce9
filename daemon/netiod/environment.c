/* netiod: the variables that a program is started with; see environment.h.
 * Called by launch.c and service.c; reads netiod's own environment, which stays as it is, and keeps
 * service->variables. */
#include "environment.h"

#include <netio/environ.h>
#include <netio/peer.h>
#include <netio/text.h>
#include <netio/world.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OWN_COUNT 8 /* the most that are ours */

static size_t count_of(const char *const *list)
{
    size_t count = 0;

    while (list[count])
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

static void add_number(struct environment *environment, const char *name, uint64_t number)
{
    char text[NETIO_TEXT_NUMBER];

    (void)netio_text_number(number, text);
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
    add_number(environment, "UNIXREMOTEEUID=", peer->uid);
    add_number(environment, "UNIXREMOTEEGID=", peer->gid);
    add_number(environment, "UNIXREMOTEPID=", (uint64_t)peer->pid);
}

static int is_same_name(const char *one, const char *other)
{
    for (; *one == *other && *one && *one != '='; one++)
        other++;
    return *one == *other;
}

/* But for those whose names are there. */
static void add_list(struct environment *environment, const char *const *list)
{
    size_t count = environment->count;

    for (; *list; list++) {
        size_t i = 0;
        while (i < count && !is_same_name(environment->list[i], *list))
            i++;
        if (i == count)
            environment->list[environment->count++] = *list;
    }
}

/* Those of every program of the service.  0 or a code. */
static int make_variables(struct service *service)
{
    const struct config_service *config = service->config;
    const struct netio_world world = {.environment = config->environment,
                                      .privileges = {.user = config->user}};

    return service->variables ? 0 : netio_world_variables(&service->variables, &world);
}

int environment_make(struct environment *environment, const struct launch *launch)
{
    struct service *service = launch->service;
    int code = make_variables(service);

    environment->list = NULL;
    environment->count = environment->used = 0;
    if (code)
        return code;
    const char *const *usual = (const char *const *)service->variables;
    size_t room = OWN_COUNT + count_of(usual) + 1;
    environment->list = malloc(room * sizeof *environment->list);
    if (!environment->list)
        return -ENOMEM;
    add_protocol(environment, service->config->protocol);
    add_local(environment, launch->local);
    add_peer(environment, launch->peer);
    add_credentials(environment, launch->credentials);
    add_list(environment, usual);
    environment->list[environment->count] = NULL;
    return 0;
}

void environment_free(struct environment *environment)
{
    free(environment->list);
    environment->list = NULL;
}

void environment_forget(struct service *service)
{
    netio_environ_free(service->variables);
    service->variables = NULL;
}
