/* Ring 3.  A set of listeners from one configuration to the next; see netio/listeners.h and
 * listeners.h.  Called by the supervisor, and by programs without one; it opens sockets, and
 * changes the modes of paths.
 *
 * "*:79" and "127.0.0.1:79": the kernel refuses the second while somebody listens to the first,
 * unless both have SO_REUSEPORT and the same user.  So ours get it while the new one is bound and
 * begins to listen, and lose it right afterwards.  The kernel gives each connection to the most
 * specific address, so nothing is shared. */
#include "net/listener.h"
#include "server/listeners.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* ---- paths ---------------------------------------------------------------------------------- */

int netio__entry_remember(struct netio__entry *entry)
{
    const struct netio_listener *listener = &entry->listener;
    struct stat now;

    if (!listener->inode || lstat(listener->address.u.un.sun_path, &now) == -1 ||
        now.st_ino != listener->inode || now.st_dev != listener->device)
        return 0;
    if (!entry->dressed) {
        entry->mode = now.st_mode & 0777;
        entry->uid = now.st_uid;
        entry->gid = now.st_gid;
    }
    entry->dressed = 1;
    return 1;
}

/* Nobody can come to it any more: its path was removed, or is another file by now.  While our
 * descriptor is open the inode is in use, so no other file can have got its number. */
static int has_lost_path(const struct netio__entry *entry)
{
    const struct netio_listener *listener = &entry->listener;
    struct stat now;

    if (!listener->inode)
        return 0;
    if (lstat(listener->address.u.un.sun_path, &now) == -1)
        return errno == ENOENT || errno == ENOTDIR;
    return now.st_ino != listener->inode || now.st_dev != listener->device;
}

/* What was said of the entry's path in the present configuration, and is not any more, is as it
 * would be of a path that comes to be now. */
static int complete(const struct netio_listeners *set, const struct netio__entry *entry,
                    struct netio__listen *what)
{
    const struct netio__name *name = NULL;
    int mode = 0, owner = 0, group = 0;
    struct stat st;

    for (size_t at = 0; (name = netio__listeners_name_of(set, entry, &at));) {
        mode |= !what->has_mode && strstr(name->text, ",mode=");
        owner |= what->uid == (uid_t)-1 && strstr(name->text, ",owner=");
        group |= what->gid == (gid_t)-1 && strstr(name->text, ",group=");
    }
    if (!mode && !owner && !group)
        return 0;
    int code = netio__unix_undressed(entry->listener.address.u.un.sun_path, &st);
    if (code)
        return code;
    if (mode) {
        what->has_mode = 1;
        what->mode = st.st_mode & 0777;
    }
    what->uid = owner ? st.st_uid : what->uid;
    what->gid = group ? st.st_gid : what->gid;
    return 0;
}

static int dress(const struct netio_listeners *set, struct netio__entry *entry,
                 const struct netio__listen *what, const char *text, struct netio_error *error)
{
    const struct netio_addr *address = &entry->listener.address;
    struct netio__listen whole = *what;

    if (!netio__entry_remember(entry))
        return 0;
    int code = complete(set, entry, &whole);
    if (!code)
        code = netio__unix_dress(address->u.un.sun_path, &whole);
    return code ? netio_error_set(error, NETIO_STAGE_BIND, code, address, text) : 0;
}

void netio__entry_undress(struct netio__entry *entry)
{
    const struct netio__listen before = {
        .has_mode = 1, .mode = entry->mode, .uid = entry->uid, .gid = entry->gid};

    if (entry->dressed && netio__entry_remember(entry))
        (void)netio__unix_dress(entry->listener.address.u.un.sun_path, &before);
    entry->dressed = 0;
}

/* ---- what is there -------------------------------------------------------------------------- */

static void want(struct netio__name *name, struct netio__entry *entry)
{
    entry->next = 1;
    netio__name_add(name, NETIO_LISTENERS_NEXT, entry);
}

static int is_chosen(const struct netio__listen *what)
{
    const struct netio_addr *addr = &what->addrs[0];

    return netio_addr_family(addr) != AF_UNIX && netio_addr_port(addr) == 0;
}

/* Of a port that the kernel chose only the text says that it is the same. */
static int find_text(struct netio__name *name)
{
    for (int i = 0; i < NETIO_LISTENER_MAX; i++)
        if (name->entries[NETIO_LISTENERS_PRESENT][i])
            want(name, name->entries[NETIO_LISTENERS_PRESENT][i]);
    return name->entries[NETIO_LISTENERS_NEXT][0] != NULL;
}

/* *there: a bit for each address of the text that is there already. */
static int find_addresses(struct netio_listeners *set, struct netio__name *name,
                          const struct netio__listen *what, const char *text, unsigned *there,
                          struct netio_error *error)
{
    int code = 0;

    *there = 0;
    for (int i = 0; i < what->count && !code; i++) {
        struct netio__entry *entry = netio__listeners_by_address(set, what->type, &what->addrs[i]);
        if (!entry || has_lost_path(entry))
            continue;
        *there |= 1u << i;
        want(name, entry);
        code = dress(set, entry, what, text, error);
    }
    return code;
}

/* ---- what is not ---------------------------------------------------------------------------- */

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

    for (size_t i = 0; i < set->entries.count; i++) {
        const struct netio__entry *entry = set->entries.at[i];
        const struct netio_listener *listener = &entry->listener;
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

/* name gets what is missing. */
static int open_missing(struct netio_listeners *set, struct netio__name *name,
                        const struct netio__listen *what, unsigned skip, const char *text,
                        struct netio_error *error)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio__entry *entry;
    int code = 0;
    int n = netio__listener_open(listeners, what, skip, 0, 0, text, error);

    if (n == -EADDRINUSE && share_ports(set, what, 1) > 0)
        n = open_beside(set, listeners, what, skip, text, error);
    for (int i = 0; i < n; i++) {
        int added = netio__listeners_add(set, &listeners[i], text, &entry);
        if (added == 0) {
            entry->fresh = 1;
            want(name, entry);
        }
        code = code ? code : added;
    }
    if (n < 0)
        return n;
    return code ? netio_error_set(error, NETIO_STAGE_LISTEN, code, NULL, text) : 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int prepare_one(struct netio_listeners *set, const char *text, struct netio_error *error)
{
    struct netio__listen what;
    unsigned there;
    int code = netio__listen_parse(&what, text, error);

    if (code)
        return code;
    struct netio__name *name = netio__listeners_name(set, text);
    if (!name)
        return netio_error_set(error, NETIO_STAGE_LISTEN, -ENOMEM, NULL, text);
    if (is_chosen(&what) && find_text(name))
        return 0;
    code = find_addresses(set, name, &what, text, &there, error);
    if (!code && there != (1u << what.count) - 1)
        code = open_missing(set, name, &what, there, text, error);
    return code;
}

/* Only those that a manager passed are in every configuration. */
static void begin(struct netio_listeners *set)
{
    netio_listeners_cancel(set);
    for (size_t i = 0; i < set->entries.count; i++) {
        struct netio__entry *entry = set->entries.at[i];
        entry->next = entry->present && !entry->text;
    }
    for (size_t i = 0; i < set->names.count; i++) {
        struct netio__name *name = set->names.at[i];
        memset(name->entries[NETIO_LISTENERS_NEXT], 0, sizeof *name->entries);
    }
}

int netio_listeners_prepare(struct netio_listeners *set, const char *const *addresses, size_t count,
                            struct netio_error *error)
{
    int code = 0;

    begin(set);
    for (size_t i = 0; i < count && !code; i++)
        code = prepare_one(set, addresses[i], error);
    if (code)
        netio_listeners_cancel(set);
    return code;
}
