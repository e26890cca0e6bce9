/* Ring 1.  The servers of a question: from their texts to their addresses; see net/udp.h.
 * Called by udp.c; it asks resolve.c, for all names at the same time. */
#include "net/udp.h"

#include <netio/service.h>

#include <errno.h>
#include <string.h>

#define HOST_MAX 256 /* resolve takes 253, and a zone fits as well */

/* Where the host ends and where its service begins, NULL for none: HOST, HOST:SERVICE,
 * [IPV6]:SERVICE, [IPV6], IPV6. */
static int take_apart(const char *text, char host[HOST_MAX], const char **service)
{
    const char *begin = text, *end = text + strlen(text), *colon = strchr(text, ':');

    *service = NULL;
    if (text[0] == '[') {
        begin++;
        end = strchr(text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return NETIO_EBADHOST;
        *service = end[1] ? end + 2 : NULL;
    } else if (colon && !strchr(colon + 1, ':')) {
        end = colon;
        *service = colon + 1;
    }
    if (end - begin >= HOST_MAX)
        return NETIO_EBADHOST;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    return 0;
}

/* A number needs no resolver: 1 when it was one. */
static int take_number(struct netio_udp_ask *ask, size_t i, const char *host)
{
    struct netio_addr address;

    if (netio_addr_parse(&address, host) < 0 || netio_addr_family(&address) == AF_UNIX)
        return 0;
    netio_addr_set_port(&address, ask->servers[i].port);
    if (ask->family == AF_UNSPEC || ask->family == netio_addr_family(&address))
        netio__udp_target_add(ask, i, &address);
    else
        netio__udp_target_none(ask, i, NETIO_STAGE_RESOLVE, NETIO_ENOADDRESS);
    return 1;
}

void netio__udp_server_begin(struct netio_udp_ask *ask, size_t i, const char *service)
{
    struct netio__udp_server *server = &ask->servers[i];
    struct netio_error error;
    const char *own;
    char host[HOST_MAX];
    int code = take_apart(server->text, host, &own);

    if (code) {
        netio__udp_target_none(ask, i, NETIO_STAGE_RESOLVE, code);
        return;
    }
    service = own ? own : service;
    int port = service ? netio_service_port(service, "udp") : NETIO_EBADSERVICE;
    if (port < 0) {
        netio__udp_target_none(ask, i, NETIO_STAGE_SERVICE, port);
        return;
    }
    server->port = (unsigned)port;
    if (take_number(ask, i, host))
        return;
    code = netio_resolve_start(&server->resolve, host, ask->family, ask->deadline, &error);
    if (code)
        netio__udp_target_none(ask, i, error.stage, code);
    else
        ask->names++;
}

static void name_ended(struct netio_udp_ask *ask, struct netio__udp_server *server)
{
    (void)netio__bundle_follow(&ask->bundle, &server->watched, NULL);
    netio_resolve_free(server->resolve);
    server->resolve = NULL;
    ask->names--;
}

static int is_known(const struct netio_udp_ask *ask, size_t server,
                    const struct netio_addr *address)
{
    for (size_t i = 0; i < ask->count; i++)
        if (ask->targets[i].server == server &&
            netio_addr_compare(&ask->attempts[i].address, address) == 0)
            return 1;
    return 0;
}

/* One family, while it is alone, leaves half of the places to the other. */
static void take_addresses(struct netio_udp_ask *ask, size_t i)
{
    struct netio__udp_server *server = &ask->servers[i];
    const struct netio_addr *addrs;
    size_t count = netio_resolve_answer(server->resolve, &addrs);
    size_t room = netio_resolve_pending(server->resolve) ? NETIO__UDP_ADDRESSES / 2
                                                         : NETIO__UDP_ADDRESSES;

    for (size_t k = 0; k < count && server->addresses < room; k++) {
        struct netio_addr address = addrs[k];
        netio_addr_set_port(&address, server->port);
        if (!is_known(ask, i, &address))
            netio__udp_target_add(ask, i, &address);
    }
}

static int watch_name(struct netio_udp_ask *ask, struct netio__udp_server *server)
{
    struct netio_want want;

    netio_resolve_want(server->resolve, &want);
    return netio__bundle_follow(&ask->bundle, &server->watched, &want);
}

static void step_name(struct netio_udp_ask *ask, size_t i)
{
    struct netio__udp_server *server = &ask->servers[i];
    struct netio_error error = {.stage = NETIO_STAGE_RESOLVE};
    int code = netio_resolve_step(server->resolve, &error);

    int more = code == -EAGAIN || (code == 0 && netio_resolve_pending(server->resolve));

    if (code == 0)
        take_addresses(ask, i);
    if (more && (code = watch_name(ask, server)) == 0)
        return;
    if (code && !server->addresses)
        netio__udp_target_none(ask, i, error.stage, code);
    name_ended(ask, server);
}

void netio__udp_servers_step(struct netio_udp_ask *ask)
{
    for (size_t i = 0; i < ask->servers_count && ask->names > 0; i++)
        if (ask->servers[i].resolve)
            step_name(ask, i);
}

void netio__udp_servers_end(struct netio_udp_ask *ask, int code)
{
    for (size_t i = 0; i < ask->servers_count && ask->names > 0; i++)
        if (ask->servers[i].resolve) {
            if (!ask->servers[i].addresses)
                netio__udp_target_none(ask, i, NETIO_STAGE_RESOLVE, code);
            name_ended(ask, &ask->servers[i]);
        }
}
