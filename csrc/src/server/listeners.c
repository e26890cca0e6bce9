/* Ring 3.  A set of listeners; see netio/listeners.h and listeners.h.  Called by the supervisor, by
 * upgrade.c and successor.c, and by programs without a supervisor; it closes sockets.
 *
 * Thousands of them are looked up by address and by text: both lists are sorted. */
#include "net/listener.h"
#include "server/listeners.h"

#include <netio/fd.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- lists ---------------------------------------------------------------------------------- */

typedef int compare(const void *key, const void *item);

static int compare_address(const void *key, const void *item)
{
    const struct netio_listener *one = key;
    const struct netio_listener *other = &((const struct netio__entry *)item)->listener;
    int sign = one->type - other->type;

    return sign ? sign : netio_addr_compare(&one->address, &other->address);
}

static int compare_text(const void *key, const void *item)
{
    return strcmp(key, ((const struct netio__name *)item)->text);
}

/* Where it is, or would be. */
static size_t place_of(const struct netio__list *list, const void *key, compare *order)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(key, list->at[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void *find(const struct netio__list *list, const void *key, compare *order)
{
    size_t place = place_of(list, key, order);

    return place < list->count && order(key, list->at[place]) == 0 ? list->at[place] : NULL;
}

/* Room for one more: 0 or -ENOMEM. */
static int reserve(struct netio__list *list)
{
    if (list->count < list->room)
        return 0;
    size_t room = list->room ? 2 * list->room : 8;
    void **at = realloc(list->at, room * sizeof *at);
    if (!at)
        return -ENOMEM;
    list->at = at;
    list->room = room;
    return 0;
}

static void insert(struct netio__list *list, size_t place, void *item)
{
    memmove(list->at + place + 1, list->at + place, (list->count - place) * sizeof *list->at);
    list->at[place] = item;
    list->count++;
}

/* ---- entries and names ---------------------------------------------------------------------- */

static void free_entry(struct netio__entry *entry)
{
    netio_listener_close(&entry->listener);
    free(entry->text);
    free(entry);
}

static void free_name(struct netio__name *name)
{
    free(name->text);
    free(name);
}

/* Of which nothing can fail any more when it gets its listener; NULL: no memory. */
static struct netio__entry *new_entry(struct netio_listeners *set, const char *text)
{
    struct netio__entry *entry = calloc(1, sizeof *entry);

    if (entry && (!text || (entry->text = strdup(text))) && reserve(&set->entries) == 0 &&
        reserve(&set->sorted) == 0) {
        entry->listener.fd = -1;
        return entry;
    }
    if (entry)
        free(entry->text);
    free(entry);
    return NULL;
}

static void add(struct netio_listeners *set, struct netio__entry *entry,
                const struct netio_listener *listener)
{
    entry->listener = *listener;
    insert(&set->entries, set->entries.count, entry);
    insert(&set->sorted, place_of(&set->sorted, listener, compare_address), entry);
}

int netio__listeners_add(struct netio_listeners *set, const struct netio_listener *listener,
                         const char *text, struct netio__entry **added)
{
    struct netio_listener doomed = *listener;

    *added = new_entry(set, text);
    if (*added)
        add(set, *added, listener);
    else
        netio_listener_close(&doomed);
    return *added ? 0 : -ENOMEM;
}

struct netio__entry *netio__listeners_by_address(const struct netio_listeners *set, int type,
                                                 const struct netio_addr *addr)
{
    const struct netio_listener key = {.type = type, .address = *addr};

    return find(&set->sorted, &key, compare_address);
}

struct netio__name *netio__listeners_by_text(const struct netio_listeners *set, const char *text)
{
    return find(&set->names, text, compare_text);
}

struct netio__name *netio__listeners_name(struct netio_listeners *set, const char *text)
{
    size_t place = place_of(&set->names, text, compare_text);

    if (place < set->names.count && compare_text(text, set->names.at[place]) == 0)
        return set->names.at[place];
    struct netio__name *name = calloc(1, sizeof *name);
    if (!name || !(name->text = strdup(text)) || reserve(&set->names) != 0) {
        if (name)
            free_name(name);
        return NULL;
    }
    insert(&set->names, place, name);
    return name;
}

const struct netio__name *netio__listeners_name_of(const struct netio_listeners *set,
                                                   const struct netio__entry *entry, size_t *at)
{
    while (*at < set->names.count) {
        const struct netio__name *name = set->names.at[(*at)++];
        for (int i = 0; i < NETIO_LISTENER_MAX; i++)
            if (name->entries[NETIO_LISTENERS_PRESENT][i] == entry)
                return name;
    }
    return NULL;
}

void netio__name_add(struct netio__name *name, enum netio_listeners_which which,
                     struct netio__entry *entry)
{
    for (int i = 0; i < NETIO_LISTENER_MAX; i++) {
        if (!name->entries[which][i])
            name->entries[which][i] = entry;
        if (name->entries[which][i] == entry)
            return;
    }
}

/* ---- what becomes of them ------------------------------------------------------------------- */

typedef int is_wanted(const struct netio__entry *entry);

static int is_next(const struct netio__entry *entry)
{
    return entry->next;
}

static int is_not_fresh(const struct netio__entry *entry)
{
    return !entry->fresh;
}

static int is_doomed(const struct netio__entry *entry)
{
    (void)entry;
    return 0;
}

/* Closes all others.  The order of those that stay is as before: netio_supervisor_address counts
 * them. */
static void keep(struct netio_listeners *set, is_wanted *wanted)
{
    size_t count = set->sorted.count, kept = 0;

    for (size_t i = 0; i < count; i++)
        if (wanted(set->sorted.at[i]))
            set->sorted.at[kept++] = set->sorted.at[i];
    set->sorted.count = kept;
    kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct netio__entry *entry = set->entries.at[i];
        if (wanted(entry))
            set->entries.at[kept++] = entry;
        else
            free_entry(entry);
    }
    set->entries.count = kept;
}

/* What names mean in that configuration they mean in both; those that mean nothing go. */
static void keep_names(struct netio_listeners *set, enum netio_listeners_which which)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->names.count; i++) {
        struct netio__name *name = set->names.at[i];
        memcpy(name->entries[!which], name->entries[which], sizeof *name->entries);
        if (name->entries[which][0])
            set->names.at[kept++] = name;
        else
            free_name(name);
    }
    set->names.count = kept;
}

void netio_listeners_commit(struct netio_listeners *set)
{
    keep_names(set, NETIO_LISTENERS_NEXT);
    keep(set, is_next);
    for (size_t i = 0; i < set->entries.count; i++) {
        struct netio__entry *entry = set->entries.at[i];
        entry->present = 1;
        entry->fresh = entry->dressed = 0;
    }
}

void netio_listeners_cancel(struct netio_listeners *set)
{
    keep_names(set, NETIO_LISTENERS_PRESENT);
    keep(set, is_not_fresh);
    for (size_t i = 0; i < set->entries.count; i++) {
        struct netio__entry *entry = set->entries.at[i];
        netio__entry_undress(entry);
        entry->next = entry->present;
    }
}

void netio_listeners_close(struct netio_listeners *set)
{
    for (size_t i = 0; i < set->names.count; i++)
        free_name(set->names.at[i]);
    set->names.count = 0;
    keep(set, is_doomed);
}

int netio_listeners_new(struct netio_listeners **set)
{
    *set = calloc(1, sizeof **set);
    return *set ? 0 : -ENOMEM;
}

void netio_listeners_free(struct netio_listeners *set)
{
    if (!set)
        return;
    netio_listeners_close(set);
    free(set->names.at);
    free(set->sorted.at);
    free(set->entries.at);
    free(set);
}

/* ---- who has them --------------------------------------------------------------------------- */

static int is_in(const struct netio__entry *entry, enum netio_listeners_which which)
{
    return which == NETIO_LISTENERS_NEXT ? entry->next : entry->present;
}

int netio_listeners_pass(struct netio_listeners *set, int fd)
{
    struct netio_listener listener;
    struct netio__entry *entry = new_entry(set, NULL);
    int code = entry ? netio_listener_take(&listener, fd) : -ENOMEM;

    if (code) {
        free(entry);
        return code;
    }
    add(set, entry, &listener);
    entry->present = entry->next = 1;
    return 0;
}

const struct netio_listener *netio_listeners_at(const struct netio_listeners *set,
                                                enum netio_listeners_which which, size_t i)
{
    for (size_t k = 0; k < set->entries.count; k++) {
        const struct netio__entry *entry = set->entries.at[k];
        if (is_in(entry, which) && i-- == 0)
            return &entry->listener;
    }
    return NULL;
}

size_t netio_listeners_find(const struct netio_listeners *set, enum netio_listeners_which which,
                            const char *address, int fds[NETIO_LISTENER_MAX])
{
    const struct netio__name *name = netio__listeners_by_text(set, address);
    size_t count = 0;

    for (int i = 0; name && i < NETIO_LISTENER_MAX; i++) {
        const struct netio__entry *entry = name->entries[which][i];
        if (entry && is_in(entry, which))
            fds[count++] = entry->listener.fd;
    }
    return count;
}

int netio_listeners_give(struct netio_listeners *set, enum netio_listeners_which which,
                         struct netio_server *server)
{
    int code = 0;

    for (size_t i = 0; i < set->entries.count && !code; i++) {
        struct netio__entry *entry = set->entries.at[i];
        if (!is_in(entry, which))
            continue;
        code = netio_server_listen_take(server, entry->listener.fd);
        if (!code)
            entry->listener.fd = -1;
    }
    netio_listeners_free(set);
    return code;
}

/* ---- for upgrade.c and successor.c ---------------------------------------------------------- */

/* Of a path, which may have got another mode since: as the present configuration has it. */
static const char *present_text(const struct netio_listeners *set, const struct netio__entry *entry)
{
    const struct netio__name *name = NULL;
    size_t at = 0;

    if (entry->text && entry->listener.inode)
        name = netio__listeners_name_of(set, entry, &at);
    return name ? name->text : entry->text;
}

int netio__listeners_legacy(struct netio_listeners *set, size_t *at, struct netio__legacy *legacy)
{
    while (*at < set->entries.count) {
        struct netio__entry *entry = set->entries.at[(*at)++];
        if (!entry->present)
            continue;
        (void)netio__entry_remember(entry);
        *legacy = (struct netio__legacy){.fd = entry->listener.fd,
                                         .text = present_text(set, entry),
                                         .device = entry->listener.device,
                                         .inode = entry->listener.inode};
        return 1;
    }
    return 0;
}

int netio__listeners_left(struct netio_listeners *set, const struct netio__legacy *legacy)
{
    struct netio_listener listener;
    struct netio__name *name = NULL;
    struct netio__entry *entry;
    int code = netio__listener_inherit(&listener, legacy->fd);

    if (!code && legacy->text && !(name = netio__listeners_name(set, legacy->text)))
        code = -ENOMEM;
    if (code) {
        netio_fd_close(legacy->fd);
        return code;
    }
    listener.device = legacy->device;
    listener.inode = legacy->inode;
    code = netio__listeners_add(set, &listener, legacy->text, &entry);
    if (!code && name)
        netio__name_add(name, NETIO_LISTENERS_PRESENT, entry);
    if (!code && !name)
        entry->present = entry->next = 1;
    return code;
}

void netio__listeners_own(struct netio_listeners *set, int own)
{
    for (size_t i = 0; i < set->entries.count; i++) {
        struct netio__entry *entry = set->entries.at[i];
        if (entry->listener.inode)
            entry->listener.owner = own ? getpid() : 0;
    }
}
