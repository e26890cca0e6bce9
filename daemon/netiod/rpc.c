/* netiod: has rpcbind(8) know its services; see rpc.h.
 * Called by start.c, run.c, upgrade.c, handover.c and house.c.
 *
 * One call after the other, each answered before the next:
 *
 *      wanted           SET --no---> CLEAR --> SET_AGAIN    at another address: replaced
 *      wanted no more   LOOK --yes-> UNSET                  no: it is another's by now
 *
 * To SET rpcbind says yes when it knows nothing yet, or the same; so LOOK is SET once more.  What
 * it answers to GETADDR is made for who asks, and on its unix socket nothing. */
#include "rpc.h"
#include "rpcbind.h"
#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#define SECONDS 3 /* for all that is to be said */

enum step { SET, CLEAR, SET_AGAIN, LOOK, UNSET };

static const enum rpcbind_procedure procedures[] = {
    [SET] = RPCBIND_SET,  [CLEAR] = RPCBIND_UNSET, [SET_AGAIN] = RPCBIND_SET,
    [LOOK] = RPCBIND_SET, [UNSET] = RPCBIND_UNSET,
};

struct registration {
    struct rpcbind_entry entry;
    int wanted;
    int known; /* rpcbind may have it, from us */
};

struct rpc {
    struct house *house;
    struct registration *all;
    size_t count, at; /* at: the one that is talked about */
    enum step step;
    struct netio_watch watch; /* stopped: idle */
    struct netio_timer late;
    uint32_t id;
    unsigned char call[RPCBIND_CALL], answer[RPCBIND_ANSWER];
    size_t call_size, sent, got;
    int cut_short; /* by rpc_rest */
};

/* ---- the end of an exchange ----------------------------------------------------------------- */

static void hang_up(struct rpc *rpc)
{
    int fd = rpc->watch.loop ? rpc->watch.fd : -1;

    netio_watch_stop(&rpc->watch);
    netio_timer_stop(&rpc->late);
    netio_fd_close(fd);
}

static size_t count_wanted(const struct rpc *rpc)
{
    size_t wanted = 0;

    for (size_t i = 0; i < rpc->count; i++)
        wanted += rpc->all[i].wanted != 0;
    return wanted;
}

static void fail(struct rpc *rpc, int code)
{
    hang_up(rpc);
    if (count_wanted(rpc) > 0)
        netio_log(rpc->house->log, LOG_WARNING,
                  "rpcbind (" RPCBIND_PATH "): %s; rpc services listen, but clients may not find "
                  "them before a reload",
                  netio_error_text(code));
    else
        netio_log(rpc->house->log, LOG_WARNING,
                  "rpcbind (" RPCBIND_PATH "): %s; it may still tell of services that are gone",
                  netio_error_text(code));
}

static void finish(struct rpc *rpc)
{
    size_t kept = 0;

    hang_up(rpc);
    for (size_t i = 0; i < rpc->count; i++)
        if (rpc->all[i].wanted)
            rpc->all[kept++] = rpc->all[i];
    rpc->count = kept;
    netio_log(rpc->house->log, LOG_NOTICE, "rpcbind: knows of %zu versions of rpc services", kept);
}

/* ---- call and answer ------------------------------------------------------------------------ */

static void call(struct rpc *rpc, enum step step)
{
    struct registration *one = &rpc->all[rpc->at];

    if (step == SET || step == SET_AGAIN)
        one->known = 1;
    rpc->step = step;
    rpc->call_size = rpcbind_call(rpc->call, ++rpc->id, procedures[step], &one->entry);
    rpc->sent = rpc->got = 0;
    int code = netio_watch_change(&rpc->watch, NETIO_WRITE);
    if (code != 0)
        fail(rpc, code);
}

/* The next one of which something is to be said. */
static void go_on(struct rpc *rpc)
{
    while (rpc->at < rpc->count && !rpc->all[rpc->at].wanted && !rpc->all[rpc->at].known)
        rpc->at++;
    if (rpc->at == rpc->count)
        finish(rpc);
    else
        call(rpc, rpc->all[rpc->at].wanted ? SET : LOOK);
}

static void settle(struct rpc *rpc, int known)
{
    rpc->all[rpc->at++].known = known;
    go_on(rpc);
}

static void refused(struct rpc *rpc)
{
    const struct rpcbind_entry *entry = &rpc->all[rpc->at].entry;

    netio_log(rpc->house->log, LOG_WARNING, "rpcbind does not take program %u version %u at %s %s",
              entry->program, entry->version, entry->netid, entry->address);
    settle(rpc, 0);
}

static void answered(struct rpc *rpc, int yes)
{
    switch (rpc->step) {
    case SET:
        if (yes)
            settle(rpc, 1);
        else
            call(rpc, CLEAR);
        return;
    case CLEAR:
        call(rpc, SET_AGAIN);
        return;
    case SET_AGAIN:
        if (yes)
            settle(rpc, 1);
        else
            refused(rpc);
        return;
    case LOOK:
        if (yes)
            call(rpc, UNSET);
        else
            settle(rpc, 0);
        return;
    case UNSET:
        settle(rpc, 0);
    }
}

static int send_rest(struct rpc *rpc)
{
    ssize_t sent = netio_fd_send(rpc->watch.fd, rpc->call + rpc->sent, rpc->call_size - rpc->sent);

    if (sent < 0)
        return sent == -EAGAIN ? 0 : (int)sent;
    rpc->sent += (size_t)sent;
    return rpc->sent < rpc->call_size ? 0 : netio_watch_change(&rpc->watch, NETIO_READ);
}

static int receive(struct rpc *rpc)
{
    ssize_t got =
        netio_fd_recv(rpc->watch.fd, rpc->answer + rpc->got, sizeof rpc->answer - rpc->got);
    int yes = 0;

    if (got <= 0)
        return got == -EAGAIN ? 0 : got == 0 ? -ECONNRESET : (int)got;
    rpc->got += (size_t)got;
    int size = rpcbind_answer(rpc->answer, rpc->got, rpc->id, &yes);
    if (size > 0 && (size_t)size < rpc->got)
        size = -EPROTO;
    if (size > 0)
        answered(rpc, yes);
    return size < 0 ? size : 0;
}

static void is_ready(struct netio_watch *watch, unsigned events)
{
    struct rpc *rpc = watch->data;

    (void)events;
    int code = rpc->sent < rpc->call_size ? send_rest(rpc) : receive(rpc);
    if (code < 0)
        fail(rpc, code);
}

static void is_late(struct netio_timer *timer)
{
    fail(timer->data, -ETIMEDOUT);
}

/* ---- the beginning of one ------------------------------------------------------------------- */

/* A unix socket is connected at once, or not at all. */
static int dial(struct rpc *rpc)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RPCBIND_PATH};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code = 0;

    if (fd == -1 || connect(fd, (const struct sockaddr *)&address, sizeof address) == -1)
        code = -errno;
    if (code == 0)
        code = netio_watch_start(rpc->house->loop, &rpc->watch, fd, NETIO_WRITE);
    if (code != 0)
        netio_fd_close(fd);
    else
        code = netio_timer_start(rpc->house->loop, &rpc->late, netio_deadline_in(SECONDS));
    return code;
}

/* Whatever was being said begins anew: all of it can be said twice. */
static void begin(struct rpc *rpc)
{
    hang_up(rpc);
    rpc->at = 0;
    if (rpc->count == 0)
        return;
    int code = dial(rpc);
    if (code == 0)
        go_on(rpc);
    else
        fail(rpc, code);
}

/* ---- what is wanted ------------------------------------------------------------------------- */

static int make_entry(struct rpcbind_entry *entry, const struct service *service, int fd)
{
    struct netio_addr address;
    char host[INET6_ADDRSTRLEN];

    if (netio_addr_local(&address, fd) != 0)
        return 0;
    int family = netio_addr_family(&address), ipv6 = family == AF_INET6;
    const void *bytes = ipv6 ? (const void *)&address.u.in6.sin6_addr : &address.u.in4.sin_addr;
    if ((!ipv6 && family != AF_INET) || !inet_ntop(family, bytes, host, sizeof host))
        return 0;
    unsigned port = netio_addr_port(&address);
    *entry = (struct rpcbind_entry){.program = service->config->program_number};
    snprintf(entry->netid, sizeof entry->netid, "%.3s%s", service->config->protocol,
             ipv6 ? "6" : "");
    snprintf(entry->address, sizeof entry->address, "%s.%u.%u", host, port >> 8, port & 0xff);
    return 1;
}

static size_t add_service(struct registration *list, const struct service *service)
{
    const struct config_service *config = service->config;
    size_t count = 0;

    for (size_t i = 0; config->program_number && i < service->fds_count; i++) {
        struct rpcbind_entry entry;
        if (!make_entry(&entry, service, service->fds[i]))
            continue;
        for (unsigned n = 0; n <= config->version_high - config->version_low; n++) {
            entry.version = config->version_low + n;
            list[count++] = (struct registration){.entry = entry, .wanted = 1};
        }
    }
    return count;
}

static size_t room_for(const struct service *service)
{
    const struct config_service *config = service->config;

    if (!config->program_number)
        return 0;
    return service->fds_count * (config->version_high - config->version_low + 1);
}

/* What rpcbind has from us stays on the list until it is told otherwise. */
static size_t keep_known(const struct rpc *rpc, struct registration *list, size_t count)
{
    size_t wanted = count;

    for (size_t i = 0; i < rpc->count; i++) {
        const struct registration *old = &rpc->all[i];
        size_t k = 0;
        while (k < wanted && (list[k].entry.program != old->entry.program ||
                              list[k].entry.version != old->entry.version ||
                              strcmp(list[k].entry.netid, old->entry.netid) != 0))
            k++;
        if (k < wanted)
            list[k].known = old->known;
        else if (old->known)
            list[count++] = (struct registration){.entry = old->entry, .known = 1};
    }
    return count;
}

static struct rpc *make(struct house *house)
{
    struct rpc *rpc = calloc(1, sizeof *rpc);

    if (!rpc)
        return NULL;
    rpc->house = house;
    rpc->watch = (struct netio_watch){.ready = is_ready, .data = rpc};
    rpc->late = (struct netio_timer){.fire = is_late, .data = rpc};
    return rpc;
}

void rpc_update(struct house *house)
{
    size_t room = 0, count = 0;

    for (size_t i = 0; i < house->count; i++)
        room += room_for(house->services[i]);
    if (room == 0 && !house->rpc)
        return;
    struct rpc *rpc = house->rpc = house->rpc ? house->rpc : make(house);
    struct registration *list = rpc ? calloc(room + rpc->count + 1, sizeof *list) : NULL;
    if (!list) {
        netio_log(house->log, LOG_WARNING, "rpcbind: %s", netio_error_text(-ENOMEM));
        return;
    }
    for (size_t i = 0; i < house->count; i++)
        count += add_service(list + count, house->services[i]);
    count = keep_known(rpc, list, count);
    free(rpc->all);
    rpc->all = list;
    rpc->count = count;
    begin(rpc);
}

void rpc_withdraw(struct house *house)
{
    struct rpc *rpc = house->rpc;

    if (!rpc)
        return;
    for (size_t i = 0; i < rpc->count; i++)
        rpc->all[i].wanted = 0;
    begin(rpc);
}

/* ---- an upgrade ----------------------------------------------------------------------------- */

void rpc_rest(struct house *house)
{
    if (rpc_is_idle(house))
        return;
    house->rpc->cut_short = 1;
    hang_up(house->rpc);
}

void rpc_resume(struct house *house)
{
    struct rpc *rpc = house->rpc;

    if (!rpc || !rpc->cut_short)
        return;
    rpc->cut_short = 0;
    begin(rpc);
}

int rpc_known(const struct house *house, size_t index, struct rpcbind_entry *entry)
{
    const struct rpc *rpc = house->rpc;

    for (size_t i = 0; rpc && i < rpc->count; i++)
        if (rpc->all[i].known && index-- == 0) {
            *entry = rpc->all[i].entry;
            return 1;
        }
    return 0;
}

void rpc_inherit(struct house *house, const struct rpcbind_entry *entry)
{
    struct rpc *rpc = house->rpc = house->rpc ? house->rpc : make(house);
    struct registration *all = rpc ? realloc(rpc->all, (rpc->count + 1) * sizeof *all) : NULL;

    if (!all) {
        netio_log(house->log, LOG_WARNING, "rpcbind: %s", netio_error_text(-ENOMEM));
        return;
    }
    all[rpc->count++] = (struct registration){.entry = *entry, .known = 1};
    rpc->all = all;
}

int rpc_is_idle(const struct house *house)
{
    return !house->rpc || !house->rpc->watch.loop;
}

void rpc_free(struct house *house)
{
    if (!house->rpc)
        return;
    hang_up(house->rpc);
    free(house->rpc->all);
    free(house->rpc);
    house->rpc = NULL;
}
