/* Ring 3.  What a server listens on: its slots, one for each socket; see netio/server.h.
 * Called by programs, and by server.c when all of them are to be closed.  It opens and closes
 * listeners and has accept.c watch them; who comes is accept.c's and datagram.c's business. */
#include "server/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void netio__slot_put(struct netio__slot *slot)
{
    if (--slot->users == 0 && slot->closed)
        free(slot);
}

static void close_slot(struct netio_server *server, struct netio__slot *slot)
{
    netio_watch_stop(&slot->watch);
    netio__signal_unwatch(server, slot->listener.fd);
    if (!slot->lent)
        netio_listener_close(&slot->listener);
    slot->closed = 1;
    netio__slot_put(netio__slot_hold(slot));
}

void netio__server_close_slots(struct netio_server *server, size_t count)
{
    while (server->nslots > count)
        close_slot(server, server->slots[--server->nslots]);
    if (count)
        return;
    netio_timer_stop(&server->rest);
    netio_fd_close(server->reserve);
    server->reserve = -1;
}

int netio_server_unlisten(struct netio_server *server, int fd)
{
    size_t i = 0;

    while (i < server->nslots && server->slots[i]->listener.fd != fd)
        i++;
    if (i == server->nslots)
        return -ENOENT;
    close_slot(server, server->slots[i]);
    server->nslots--;
    memmove(&server->slots[i], &server->slots[i + 1], (server->nslots - i) * sizeof *server->slots);
    netio__server_close_slots(server, server->nslots);
    return 0;
}

/* A new one behind the others, not watched yet; NULL without memory. */
static struct netio__slot *new_slot(struct netio_server *server)
{
    size_t size = (server->nslots + 1) * sizeof *server->slots;
    struct netio__slot **slots = realloc(server->slots, size);

    if (!slots)
        return NULL;
    server->slots = slots;
    struct netio__slot *slot = calloc(1, sizeof *slot);
    if (slot) {
        slot->server = server;
        slots[server->nslots++] = slot;
    }
    return slot;
}

/* 0; or a code, and the listener is where and as it was. */
static int add_slot(struct netio_server *server, const struct netio_listener *listener, int lent,
                    int shared)
{
    struct netio__slot *slot = new_slot(server);

    if (!slot)
        return -ENOMEM;
    slot->listener = *listener;
    slot->lent = lent != 0;
    slot->shared = shared != 0;
    netio__server_reserve(server);
    int is_stream = listener->type == SOCK_STREAM;
    int code = is_stream ? 0 : netio__datagram_prepare(server, listener);
    if (!code)
        code = netio__signal_watch(server, listener->fd);
    if (!code && !(is_stream && server->full))
        code = netio__slot_watch(slot);
    if (!code)
        return 0;
    slot->lent = 1;
    netio__server_close_slots(server, server->nslots - 1);
    return code;
}

int netio_server_listen(struct netio_server *server, const char *address, struct netio_error *error)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    size_t before = server->nslots;

    if (server->stopping)
        return netio_error_set(error, NETIO_STAGE_LISTEN, -ECANCELED, NULL, address);
    int n = netio_listener_open(listeners, address, 0, error);
    if (n < 0)
        return n;
    int code = 0, i = 0;
    while (i < n && !(code = add_slot(server, &listeners[i], 0, 0)))
        i++;
    if (!code)
        return 0;
    netio_error_set(error, NETIO_STAGE_LISTEN, code, &listeners[0].address, address);
    netio__server_close_slots(server, before);
    while (i < n)
        netio_listener_close(&listeners[i++]);
    return code;
}

static int listen_on(struct netio_server *server, int fd, int lent, int shared)
{
    struct netio_listener listener;

    if (server->stopping)
        return -ECANCELED;
    int code = netio_listener_take(&listener, fd);
    return code ? code : add_slot(server, &listener, lent, shared);
}

int netio_server_listen_take(struct netio_server *server, int fd)
{
    return listen_on(server, fd, 0, 0);
}

int netio_server_listen_on(struct netio_server *server, int fd, int is_shared)
{
    return listen_on(server, fd, 1, is_shared);
}

const struct netio_addr *netio_server_address(const struct netio_server *server, size_t i)
{
    return i < server->nslots ? &server->slots[i]->listener.address : NULL;
}
