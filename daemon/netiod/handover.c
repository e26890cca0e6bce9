/* netiod: the processes that run, from one netiod to the next, what is left of rates, and what
 * rpcbind knows; see handover.h.  Called by upgrade.c; it asks kinds for their processes, and gives
 * them others.
 *
 * In the parcel there are, for each service that has any of it,
 *
 *      service KIND NAME       KIND as a number of enum config_kind
 *      address LISTEN          its first one, since names are not unique; none: behind tcpmux alone
 *      child PID SOCKET PEER   each with its pidfd
 *      rate DUE ns             if it has limits: when the rate of all will have recovered, by
 *                              CLOCK_MONOTONIC
 *
 * and of what rpcbind may have, whether or not a service has it now,
 *
 *      rpcbind PROGRAM VERSION NETID ADDRESS
 *
 * Texts that another version may have besides are passed over. */
#include "handover.h"
#include "rpc.h"

#include <netio/fd.h>
#include <netio/parcel.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* ---- the predecessor ---- */

static int write_head(struct netio_parcel *parcel, const struct service *service)
{
    int code = netio_parcel_add(parcel, -1, "service %d %s", service->config->kind, service->name);

    return code ? code
                : netio_parcel_add(parcel, -1, "address %s", config_first_address(service->config));
}

static int write_children(struct netio_parcel *parcel, const struct service *service)
{
    struct handover_child child;
    char peer[NETIO_ADDR_STRLEN];
    int code = 0;

    for (size_t i = 0; code == 0 && service->kind->child(service, i, &child); i++)
        code = netio_parcel_add(parcel, child.pidfd, "child %ld %" PRIuMAX " %s", (long)child.pid,
                                (uintmax_t)child.socket,
                                netio_addr_str(&child.peer, peer, sizeof peer));
    return code;
}

static int write_service(struct netio_parcel *parcel, const struct service *service)
{
    struct handover_child first;
    int has_children = service->kind->child && service->kind->child(service, 0, &first);
    int code = has_children || service->limit ? write_head(parcel, service) : 0;

    if (code == 0 && has_children)
        code = write_children(parcel, service);
    if (code == 0 && service->limit)
        code = netio_parcel_add(parcel, -1, "rate %" PRId64 " ns", netio_limit_due(service->limit));
    return code;
}

static int write_registrations(struct netio_parcel *parcel, const struct house *house)
{
    struct rpcbind_entry entry;
    int code = 0;

    for (size_t i = 0; code == 0 && rpc_known(house, i, &entry); i++)
        code = netio_parcel_add(parcel, -1, "rpcbind %" PRIu32 " %" PRIu32 " %s %s", entry.program,
                                entry.version, entry.netid, entry.address);
    return code;
}

int handover_write(const struct house *house)
{
    struct netio_parcel *parcel;
    int code = netio_parcel_new(&parcel);

    if (code)
        return code;
    for (size_t i = 0; code == 0 && i < house->count; i++)
        code = write_service(parcel, house->services[i]);
    for (size_t i = 0; code == 0 && i < house->leaving_count; i++)
        if (house->leaving[i]->kind->returns)
            code = write_service(parcel, house->leaving[i]);
    if (code == 0)
        code = write_registrations(parcel, house);
    if (code == 0)
        code = netio_parcel_seal(parcel);
    netio_parcel_free(parcel);
    return code;
}

/* ---- the successor ---- */

struct reading {
    struct house *house;
    int kind;
    const char *name;        /* the parcel's */
    struct service *service; /* NULL: gone */
};

static struct service *find(const struct reading *reading, const char *address)
{
    for (size_t i = 0; i < reading->house->count; i++) {
        struct service *service = reading->house->services[i];
        if ((int)service->config->kind == reading->kind &&
            strcmp(service->name, reading->name) == 0 &&
            (!address || strcmp(config_first_address(service->config), address) == 0))
            return service;
    }
    return NULL;
}

/* One whose address has changed is the same all the same. */
static void read_address(struct reading *reading, const char *address)
{
    reading->service = find(reading, address);
    if (!reading->service)
        reading->service = find(reading, NULL);
}

/* Digits, which sscanf would have wrap round, and the blank behind them: whether that is there. */
static int read_number(const char **text, uintmax_t max, uintmax_t *number)
{
    char *end;

    if (**text < '0' || **text > '9')
        return 0;
    errno = 0;
    *number = strtoumax(*text, &end, 10);
    if (errno != 0 || *number > max || *end != ' ')
        return 0;
    *text = end + 1;
    return 1;
}

static void read_service(struct reading *reading, const char *text)
{
    uintmax_t kind;

    reading->service = NULL;
    reading->name = "";
    if (!read_number(&text, INT_MAX, &kind))
        return;
    reading->kind = (int)kind;
    reading->name = text;
}

/* fd is owned. */
static void read_child(const struct reading *reading, const char *text, int fd)
{
    const struct service *service = reading->service;
    struct handover_child child = {.pidfd = fd};
    uintmax_t socket, pid;

    if (fd < 0 || !service || !service->kind->adopt || !read_number(&text, INT_MAX, &pid) ||
        pid == 0 || !read_number(&text, UINTMAX_MAX, &socket)) {
        netio_fd_close(fd);
        return;
    }
    child.pid = (pid_t)pid;
    child.socket = (ino_t)socket;
    if (netio_addr_parse_port(&child.peer, text) != 0 || netio_addr_family(&child.peer) == AF_UNIX)
        child.peer.len = 0;
    int code = service->kind->adopt(reading->service, &child);
    if (code)
        netio_log(service->house->log, LOG_WARNING, "%s: pid %ld is not counted: %s", service->name,
                  (long)pid, netio_error_text(code));
}

static void read_rate(const struct reading *reading, const char *text)
{
    const struct service *service = reading->service;
    uintmax_t due;

    if (service && service->limit && read_number(&text, INT64_MAX, &due) && strcmp(text, "ns") == 0)
        netio_limit_set_due(service->limit, (netio_deadline)due);
}

static void read_registration(const struct reading *reading, const char *text)
{
    struct rpcbind_entry entry;
    uintmax_t program, version;
    int at = 0;

    if (!read_number(&text, UINT32_MAX, &program) || !read_number(&text, UINT32_MAX, &version) ||
        sscanf(text, "%4[^ ]%*1[ ]%63[^ ]%n", entry.netid, entry.address, &at) != 2 || text[at])
        return;
    entry.program = (uint32_t)program;
    entry.version = (uint32_t)version;
    rpc_inherit(reading->house, &entry);
}

int handover_read_take(struct house *house, int fd)
{
    struct reading reading = {.house = house, .name = ""};
    struct netio_parcel *parcel;
    const char *text;
    int code = netio_parcel_open_take(&parcel, fd);

    if (code)
        return code;
    while (netio_parcel_next(parcel, &text, &fd)) {
        if (strncmp(text, "child ", 6) == 0) {
            read_child(&reading, text + 6, fd);
            continue;
        }
        netio_fd_close(fd);
        if (strncmp(text, "service ", 8) == 0)
            read_service(&reading, text + 8);
        else if (strncmp(text, "address ", 8) == 0)
            read_address(&reading, text + 8);
        else if (strncmp(text, "rate ", 5) == 0)
            read_rate(&reading, text + 5);
        else if (strncmp(text, "rpcbind ", 8) == 0)
            read_registration(&reading, text + 8);
    }
    netio_parcel_free(parcel);
    return 0;
}
