/* netiod: sockets that a service manager has passed; see passed.h.
 * Called by start.c, reload_sockets.c, upgrade.c and house.c; it looks at sockets and at the
 * environment. */
#include "passed.h"
#include "inode.h"

#include <netio/activation.h>
#include <netio/upgrade.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 64
#define DIGITS       20 /* of an inode */

struct socket_passed {
    int fd, type, wanted;
    int dual; /* [::], and IPv4 as well */
    struct netio_addr address;
    char name[NAME_MAX_LEN];
};

struct passed {
    size_t count;
    char *names; /* a successor's: who they are, in its predecessor's words */
    int fds[NETIO_ACTIVATION_MAX];
    struct socket_passed sockets[NETIO_ACTIVATION_MAX];
};

/* ---- taken ---- */

int passed_take(struct passed **passed, struct netio_error *error)
{
    struct netio_activation taken;
    const char *names = netio_successor_is() ? getenv(PASSED_VARIABLE) : NULL;
    int code = netio_activation_take(&taken, error);

    *passed = NULL;
    if (code != 0 || (taken.count == 0 && !names))
        return code;
    struct passed *made = *passed = calloc(1, sizeof *made);
    if (!made || (names && !(made->names = strdup(names))))
        return netio_error_set(error, NETIO_STAGE_SOCKET, -ENOMEM, NULL, "LISTEN_FDS");
    for (size_t i = 0; i < taken.count; i++) {
        made->fds[made->count] = NETIO_ACTIVATION_FIRST + (int)i;
        memcpy(made->sockets[made->count++].name, taken.names[i], NAME_MAX_LEN);
    }
    return 0;
}

const int *passed_fds(const struct passed *passed, size_t *count)
{
    *count = passed ? passed->count : 0;
    return passed ? passed->fds : NULL;
}

void passed_free(struct passed *passed)
{
    if (passed)
        free(passed->names);
    free(passed);
}

/* ---- given to the set ---- */

static int is_dual(const struct netio_listener *listener)
{
    int only = 1;
    socklen_t len = sizeof only;

    return netio_addr_family(&listener->address) == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&listener->address.u.in6.sin6_addr) &&
           getsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && !only;
}

static void describe(struct socket_passed *socket, const struct netio_listener *listener)
{
    socket->fd = listener->fd;
    socket->type = listener->type;
    socket->address = listener->address;
    socket->dual = is_dual(listener);
}

/* The variable is "INODE:NAME:INODE:NAME"; a socket has its inode in all processes. */
static void find_name(struct socket_passed *socket, const char *rest)
{
    char own[DIGITS + 2];

    int len = snprintf(own, sizeof own, "%" PRIuMAX ":", (uintmax_t)inode_of(socket->fd));
    while (*rest) {
        int found = strncmp(rest, own, (size_t)len) == 0;
        rest += strcspn(rest, ":");
        rest += *rest == ':';
        size_t name = strcspn(rest, ":");
        if (found)
            snprintf(socket->name, sizeof socket->name, "%.*s", (int)name, rest);
        rest += name;
        rest += *rest == ':';
    }
}

/* A successor's present configuration is what was passed to the first of its line. */
static void inherit(struct passed *passed, const struct netio_listeners *set)
{
    const struct netio_listener *listener;

    while (passed->count < NETIO_ACTIVATION_MAX &&
           (listener = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, passed->count))) {
        struct socket_passed *socket = &passed->sockets[passed->count];
        describe(socket, listener);
        find_name(socket, passed->names);
        passed->fds[passed->count++] = listener->fd;
    }
}

static int give_all(struct passed *passed, struct netio_listeners *set, struct netio_error *error)
{
    struct netio_listener listener;
    char subject[NAME_MAX_LEN + 40];

    for (size_t i = 0; i < passed->count; i++) {
        struct socket_passed *socket = &passed->sockets[i];
        int code = netio_listener_take(&listener, passed->fds[i]);
        if (code == 0) {
            describe(socket, &listener);
            code = netio_listeners_pass(set, listener.fd);
        }
        snprintf(subject, sizeof subject, "descriptor %d (%s) of the service manager",
                 passed->fds[i], socket->name);
        if (code != 0)
            return netio_error_set(error, NETIO_STAGE_SOCKET, code, NULL, subject);
    }
    return 0;
}

int passed_give(struct passed *passed, struct netio_listeners *set, struct netio_error *error)
{
    if (!passed)
        return 0;
    if (!passed->names)
        return give_all(passed, set, error);
    inherit(passed, set);
    return 0;
}

char *passed_variable(const struct passed *passed)
{
    size_t size = sizeof PASSED_VARIABLE + 1, used;

    if (!passed)
        return NULL;
    size += passed->count * (DIGITS + NAME_MAX_LEN + 2);
    char *text = malloc(size);
    if (!text)
        return NULL;
    used = (size_t)snprintf(text, size, "%s=", PASSED_VARIABLE);
    for (size_t i = 0; i < passed->count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRIuMAX ":%s", i ? ":" : "",
                                 (uintmax_t)inode_of(passed->fds[i]), passed->sockets[i].name);
    return text;
}

/* ---- one configuration ---- */

void passed_begin(struct passed *passed)
{
    for (size_t i = 0; passed && i < passed->count; i++)
        passed->sockets[i].wanted = 0;
}

static int has_name(const struct socket_passed *socket, const struct config_service *service)
{
    size_t len = strlen(service->name);

    return socket->type == service->type && strncmp(socket->name, service->name, len) == 0 &&
           (socket->name[len] == '\0' || strcmp(socket->name + len, ".socket") == 0);
}

int passed_named(struct passed *passed, const struct config_service *service, size_t *place)
{
    while (passed && *place < passed->count) {
        struct socket_passed *socket = &passed->sockets[(*place)++];
        if (!has_name(socket, service))
            continue;
        socket->wanted = 1;
        return socket->fd;
    }
    return -1;
}

/* A listen address of a configuration is one of numbers, or a path and what is to become of it. */
static int parse(const char *listen, struct netio_addr *address)
{
    int is_dgram = strncmp(listen, "udp:", 4) == 0 || strncmp(listen, "unix-dgram:", 11) == 0;
    size_t len = strcspn(listen, ",");
    char text[NETIO_ADDR_STRLEN];

    if (strncmp(listen, "unix", 4) == 0)
        snprintf(text, sizeof text, "unix:%.*s", (int)(len - strcspn(listen, ":")) - 1,
                 strchr(listen, ':') + 1);
    else
        snprintf(text, sizeof text, "%s", listen + (is_dgram ? 4 : 0));
    if ((strncmp(text, "unix:", 5) == 0 ? netio_addr_parse(address, text)
                                        : netio_addr_parse_port(address, text)) != 0)
        address->len = 0;
    return is_dgram ? SOCK_DGRAM : SOCK_STREAM;
}

static int covers(const struct socket_passed *socket, const struct netio_addr *address)
{
    if (netio_addr_compare(&socket->address, address) == 0)
        return 1;
    return socket->dual && netio_addr_family(address) == AF_INET &&
           address->u.in4.sin_addr.s_addr == htonl(INADDR_ANY) &&
           netio_addr_port(address) == netio_addr_port(&socket->address);
}

int passed_at(struct passed *passed, const char *listen)
{
    struct netio_addr address;

    if (!passed)
        return -1;
    int type = parse(listen, &address);
    for (size_t i = 0; address.len > 0 && i < passed->count; i++) {
        struct socket_passed *socket = &passed->sockets[i];
        if (socket->type != type || !covers(socket, &address))
            continue;
        socket->wanted = 1;
        return socket->fd;
    }
    return -1;
}

int passed_check(const struct passed *passed, char *fault, size_t size)
{
    char address[NETIO_ADDR_STRLEN];

    for (size_t i = 0; passed && i < passed->count; i++) {
        const struct socket_passed *socket = &passed->sockets[i];
        if (socket->wanted)
            continue;
        snprintf(fault, size, "no service for descriptor %d (%s) of the service manager: %s",
                 socket->fd, socket->name,
                 netio_addr_str(&socket->address, address, sizeof address));
        return NETIO_EBADOPTION;
    }
    return 0;
}
