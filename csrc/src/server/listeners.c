/* Ring 3.  A set of listeners; see netio/listeners.h and listeners.h.  Called by the supervisor, by
 * upgrade.c and successor.c, and by programs without a supervisor; it opens and closes sockets, and
 * changes the modes of paths.
 *
 * An entry is in the present configuration, in the next, in both, or (left by a predecessor) in
 * none yet:
 *
 *                     present next fresh
 *      left              -     -     -     --prepare finds it-->  next
 *      opened            -     x     x     --cancel--> closed     --commit--> present
 *      kept              x     x     -
 *      going             x     -     -     --cancel--> kept       --commit--> closed
 *
 * "*:79" and "127.0.0.1:79": the kernel refuses the second while somebody listens to the first,
 * unless both have SO_REUSEPORT and the same user.  So ours get it while the new one is bound and
 * begins to listen, and lose it right afterwards.  The kernel gives each connection to the most
 * specific address, so nothing is shared. */
#include "server/listeners.h"

#include "net/listener.h"

#include <netio/fd.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    struct netio_listener listener;
    char *text; /* the listen address that it was opened for; NULL: passed by a manager */
    unsigned present : 1, next : 1, fresh : 1;
    unsigned dressed : 1; /* its path may have got another mode, owner or group ... */
    struct stat before;   /* ... than these, which cancel brings back */
};

#define LISTENERS_MAX 64 /* of one configuration; what a server takes */

struct netio_listeners {
    size_t count;
    struct entry entries[3 * LISTENERS_MAX]; /* present, next and left */
};

int netio_listeners_new(struct netio_listeners **set)
{
    *set = calloc(1, sizeof **set);
    return *set ? 0 : -ENOMEM;
}

void netio_listeners_free(struct netio_listeners *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++) {
        netio_listener_close(&set->entries[i].listener);
        free(set->entries[i].text);
    }
    free(set);
}

/* The listener is the set's from here, also on error. */
static int add(struct netio_listeners *set, const struct netio_listener *listener, const char *text,
               struct entry **added)
{
    struct entry *entry = &set->entries[set->count];
    char *copy = text ? strdup(text) : NULL;
    struct netio_listener doomed = *listener;
    int full = set->count == sizeof set->entries / sizeof *set->entries;

    if (full || (text && !copy)) {
        netio_listener_close(&doomed);
        free(copy);
        return full ? NETIO_EFULL : -ENOMEM;
    }
    *entry = (struct entry){.listener = *listener, .text = copy};
    set->count++;
    *added = entry;
    return 0;
}

static size_t count_of(const struct netio_listeners *set, enum netio_listeners_which which)
{
    size_t count = 0;

    for (size_t i = 0; i < set->count; i++)
        count += which == NETIO_LISTENERS_NEXT ? set->entries[i].next : set->entries[i].present;
    return count;
}

/* ---- prepare -------------------------------------------------------------------------------- */

/* Of a port that the kernel chose only the text says that it is the same. */
static int find_text(struct netio_listeners *set, const char *text)
{
    int found = 0;

    for (size_t i = 0; i < set->count; i++)
        if (set->entries[i].text && strcmp(set->entries[i].text, text) == 0)
            found = set->entries[i].next = 1;
    return found;
}

static int is_chosen(const struct netio__listen *what)
{
    const struct netio_addr *addr = &what->addrs[0];

    return netio_addr_family(addr) != AF_UNIX && netio_addr_port(addr) == 0;
}

static struct entry *find_address(struct netio_listeners *set, int type,
                                  const struct netio_addr *addr)
{
    for (size_t i = 0; i < set->count; i++) {
        struct entry *entry = &set->entries[i];
        if (entry->listener.type == type && netio_addr_compare(&entry->listener.address, addr) == 0)
            return entry;
    }
    return NULL;
}

/* Remembers how its path is; whether that is still our socket. */
static int remember(struct entry *entry)
{
    const struct netio_listener *listener = &entry->listener;
    struct stat now;

    if (!listener->inode || lstat(listener->address.u.un.sun_path, &now) == -1 ||
        now.st_ino != listener->inode || now.st_dev != listener->device)
        return 0;
    if (!entry->dressed)
        entry->before = now;
    entry->dressed = 1;
    return 1;
}

static int dress(struct entry *entry, const struct netio__listen *what, const char *text,
                 struct netio_error *error)
{
    const struct netio_addr *address = &entry->listener.address;
    int code = remember(entry) ? netio__unix_dress(address->u.un.sun_path, what) : 0;

    return code ? netio_error_set(error, NETIO_STAGE_BIND, code, address, text) : 0;
}

static void undress(struct entry *entry)
{
    struct netio__listen before = {.has_mode = 1,
                                   .mode = entry->before.st_mode & 0777,
                                   .uid = entry->before.st_uid,
                                   .gid = entry->before.st_gid};

    if (entry->dressed && remember(entry))
        (void)netio__unix_dress(entry->listener.address.u.un.sun_path, &before);
    entry->dressed = 0;
}

/* *there: a bit for each address of the text that is there already. */
static int find_addresses(struct netio_listeners *set, const struct netio__listen *what,
                          const char *text, unsigned *there, struct netio_error *error)
{
    int code = 0;

    *there = 0;
    for (int i = 0; i < what->count && !code; i++) {
        struct entry *entry = find_address(set, what->type, &what->addrs[i]);
        if (!entry)
            continue;
        *there |= 1u << i;
        entry->next = 1;
        code = dress(entry, what, text, error);
    }
    return code;
}

static int is_any(const struct netio_addr *addr)
{
    return netio_addr_family(addr) == AF_INET ? addr->u.in4.sin_addr.s_addr == htonl(INADDR_ANY)
                                              : IN6_IS_ADDR_UNSPECIFIED(&addr->u.in6.sin6_addr);
}

/* Whether only one of the two can be bound: every address and one of them. */
static int excludes(const struct netio_listener *listener, const struct netio__listen *what)
{
    const struct netio_addr *own = &listener->address;

    for (int i = 0; i < what->count; i++) {
        const struct netio_addr *addr = &what->addrs[i];
        if (netio_addr_family(own) == netio_addr_family(addr) &&
            netio_addr_family(own) != AF_UNIX && listener->type == what->type &&
            netio_addr_port(own) == netio_addr_port(addr) && is_any(own) != is_any(addr))
            return 1;
    }
    return 0;
}

/* For a moment others may listen beside those of ours that are in the way; how many are. */
static int share_ports(struct netio_listeners *set, const struct netio__listen *what, int on)
{
    int count = 0;

    for (size_t i = 0; i < set->count; i++) {
        const struct netio_listener *listener = &set->entries[i].listener;
        if (excludes(listener, what) &&
            setsockopt(listener->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0)
            count++;
    }
    return count;
}

static int open_beside(struct netio_listeners *set,
                       struct netio_listener listeners[NETIO_LISTENER_MAX],
                       const struct netio__listen *what, unsigned skip, const char *text,
                       struct netio_error *error)
{
    static const int off = 0;

    int n = netio__listener_open(listeners, what, skip, 1, 0, text, error);
    (void)share_ports(set, what, 0);
    for (int i = 0; i < n; i++)
        (void)setsockopt(listeners[i].fd, SOL_SOCKET, SO_REUSEPORT, &off, sizeof off);
    return n;
}

static int open_missing(struct netio_listeners *set, const struct netio__listen *what,
                        unsigned skip, const char *text, struct netio_error *error)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct entry *entry;
    int code = 0;
    int n = netio__listener_open(listeners, what, skip, 0, 0, text, error);

    if (n == -EADDRINUSE && share_ports(set, what, 1) > 0)
        n = open_beside(set, listeners, what, skip, text, error);
    for (int i = 0; i < n; i++) {
        int added = add(set, &listeners[i], text, &entry);
        if (added == 0)
            entry->next = entry->fresh = 1;
        code = code ? code : added;
    }
    if (n < 0)
        return n;
    return code ? netio_error_set(error, NETIO_STAGE_LISTEN, code, NULL, text) : 0;
}

static int prepare_one(struct netio_listeners *set, const char *text, struct netio_error *error)
{
    struct netio__listen what;
    unsigned there;
    int code = netio__listen_parse(&what, text, error);

    if (code || (is_chosen(&what) && find_text(set, text)))
        return code;
    code = find_addresses(set, &what, text, &there, error);
    if (!code && there != (1u << what.count) - 1)
        code = open_missing(set, &what, there, text, error);
    if (!code && count_of(set, NETIO_LISTENERS_NEXT) > LISTENERS_MAX)
        code = netio_error_set(error, NETIO_STAGE_LISTEN, NETIO_EFULL, NULL, text);
    return code;
}

int netio_listeners_prepare(struct netio_listeners *set, const char *const *addresses, size_t count,
                            struct netio_error *error)
{
    int code = 0;

    netio_listeners_cancel(set);
    for (size_t i = 0; i < set->count; i++)
        set->entries[i].next = set->entries[i].present && !set->entries[i].text;
    for (size_t i = 0; i < count && !code; i++)
        code = prepare_one(set, addresses[i], error);
    if (code)
        netio_listeners_cancel(set);
    return code;
}

/* ---- what becomes of it --------------------------------------------------------------------- */

/* The order of the others stays: netio_supervisor_address counts them. */
static void drop(struct netio_listeners *set, size_t i)
{
    struct entry *entry = &set->entries[i];

    netio_listener_close(&entry->listener);
    free(entry->text);
    set->count--;
    memmove(entry, entry + 1, (set->count - i) * sizeof *entry);
}

void netio_listeners_commit(struct netio_listeners *set)
{
    for (size_t i = set->count; i-- > 0;) {
        struct entry *entry = &set->entries[i];
        if (!entry->next) {
            drop(set, i);
            continue;
        }
        entry->present = 1;
        entry->fresh = entry->dressed = 0;
    }
}

void netio_listeners_cancel(struct netio_listeners *set)
{
    for (size_t i = set->count; i-- > 0;) {
        struct entry *entry = &set->entries[i];
        if (entry->fresh) {
            drop(set, i);
            continue;
        }
        undress(entry);
        entry->next = entry->present;
    }
}

void netio_listeners_close(struct netio_listeners *set)
{
    while (set->count > 0)
        drop(set, set->count - 1);
}

int netio_listeners_pass(struct netio_listeners *set, int fd)
{
    struct netio_listener listener;
    struct entry *entry;

    if (count_of(set, NETIO_LISTENERS_PRESENT) >= LISTENERS_MAX ||
        count_of(set, NETIO_LISTENERS_NEXT) >= LISTENERS_MAX ||
        set->count == sizeof set->entries / sizeof *set->entries)
        return NETIO_EFULL;
    int code = netio_listener_take(&listener, fd);
    if (!code)
        code = add(set, &listener, NULL, &entry);
    if (!code)
        entry->present = entry->next = 1;
    return code;
}

const struct netio_listener *netio_listeners_at(const struct netio_listeners *set,
                                                enum netio_listeners_which which, size_t i)
{
    for (size_t k = 0; k < set->count; k++) {
        const struct entry *entry = &set->entries[k];
        if ((which == NETIO_LISTENERS_NEXT ? entry->next : entry->present) && i-- == 0)
            return &entry->listener;
    }
    return NULL;
}

size_t netio_listeners_find(const struct netio_listeners *set, enum netio_listeners_which which,
                            const char *address, int fds[NETIO_LISTENER_MAX])
{
    struct netio__listen what;
    struct netio_error error;
    size_t count = 0;

    if (netio__listen_parse(&what, address, &error) != 0)
        return 0;
    for (size_t i = 0; i < set->count && count < NETIO_LISTENER_MAX; i++) {
        const struct entry *entry = &set->entries[i];
        if (!(which == NETIO_LISTENERS_NEXT ? entry->next : entry->present))
            continue;
        for (int k = 0; k < what.count; k++)
            if (is_chosen(&what)
                    ? k == 0 && entry->text && strcmp(entry->text, address) == 0
                    : entry->listener.type == what.type &&
                          netio_addr_compare(&entry->listener.address, &what.addrs[k]) == 0)
                fds[count++] = entry->listener.fd;
    }
    return count;
}

int netio_listeners_give(struct netio_listeners *set, enum netio_listeners_which which,
                         struct netio_server *server)
{
    int code = 0;

    for (size_t i = 0; i < set->count && !code; i++) {
        struct entry *entry = &set->entries[i];
        if (which == NETIO_LISTENERS_NEXT ? !entry->next : !entry->present)
            continue;
        code = netio_server_listen_take(server, entry->listener.fd);
        if (!code)
            entry->listener.fd = -1;
    }
    netio_listeners_free(set);
    return code;
}

/* ---- for upgrade.c -------------------------------------------------------------------------- */

int netio__listeners_legacy(struct netio_listeners *set, size_t i, struct netio__legacy *legacy)
{
    for (size_t k = 0; k < set->count; k++) {
        struct entry *entry = &set->entries[k];
        if (!entry->present || i-- > 0)
            continue;
        (void)remember(entry);
        *legacy = (struct netio__legacy){.fd = entry->listener.fd,
                                         .text = entry->text,
                                         .device = entry->listener.device,
                                         .inode = entry->listener.inode};
        return 1;
    }
    return 0;
}

int netio__listeners_left(struct netio_listeners *set, const struct netio__legacy *legacy)
{
    struct netio_listener listener;
    struct entry *entry;
    int code = netio_listener_take(&listener, legacy->fd);

    if (code) {
        netio_fd_close(legacy->fd);
        return code;
    }
    listener.device = legacy->device;
    listener.inode = legacy->inode;
    code = add(set, &listener, legacy->text, &entry);
    if (!code && !legacy->text)
        entry->present = entry->next = 1;
    return code;
}

void netio__listeners_own(struct netio_listeners *set, int own)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->entries[i].listener.inode)
            set->entries[i].listener.owner = own ? getpid() : 0;
}
