/* netiod: from one configuration to the next, all or nothing; see reload.h.
 * Called by start.c and run.c.  It alone changes what the house has of services and sockets.
 *
 *      read, match      each service of the new configuration is one of the old, or none
 *      sockets          opened by the set of listeners, which keeps those of before (R14)
 *      open             new services; they have no socket yet
 *      ---- commit
 *      change           services that stay; the one that cannot takes back those before it
 *      move             who has a socket no longer gives it up, then who is to have it gets it: the
 *                       loop cannot watch one twice; nobody sees the moment between
 *      leave            what is gone stops to listen, and ends by itself (R15) */
#include "reload.h"
#include "options.h"
#include "passed.h"
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>

struct sockets { /* of one service */
    int *fds;
    size_t count;
    size_t had; /* of them, before it got others */
};

struct reload {
    struct house *house;
    struct config *config;
    struct service **services;            /* of config, in its order */
    const struct config_service **before; /* what they were; NULL: new */
    struct sockets *wanted;               /* their sockets in config */
    struct sockets *had;                  /* those of the house's services, in its order */
    struct service **known;               /* the house's, sorted */
};

/* ---- what is said ------------------------------------------------------------------------------
 */

/* A start is seen by who started it; later there is the log alone. */
static void complain(void *data, const char *fault)
{
    const struct house *house = data;

    if (strstr(fault, ": warning: "))
        netio_log(house->log, LOG_WARNING, "%s", fault);
    else if (house->config)
        netio_log(house->log, LOG_ERR, "%s", fault);
    else
        report_fail(house->report, 0, "%s", fault);
}

static int fail(const struct reload *reload, int exit_code, const char *place,
                const struct netio_error *error)
{
    char text[640], fault[1000];

    netio_error_str(error, text, sizeof text);
    snprintf(fault, sizeof fault, "%.320s%s%s", place ? place : "", place ? ": " : "", text);
    complain(reload->house, fault);
    return exit_code;
}

static int no_memory(const struct reload *reload)
{
    struct netio_error error;

    netio_error_set(&error, NETIO_STAGE_NONE, -ENOMEM, NULL, "configuration");
    return fail(reload, EX_OSERR, NULL, &error);
}

/* "FILE:LINE: NAME" of a service. */
static const char *place_of(const struct config_service *service, char *out, size_t size)
{
    snprintf(out, size, "%.200s:%u: %.60s", service->file, service->line, service->name);
    return out;
}

/* ---- read, match -------------------------------------------------------------------------------
 */

static const char *first_address(const struct config_service *config)
{
    return config->listens > 0 ? config->listen[0] : "";
}

static int compare_names(const struct config_service *config, const struct service *service)
{
    const struct service_kind *kind = service_kind_of(config);
    int order = strcmp(config->name, service->name);

    if (order == 0 && kind != service->kind)
        order = kind < service->kind ? -1 : 1;
    return order;
}

static int compare_all(const struct config_service *config, const struct service *service)
{
    int order = compare_names(config, service);

    return order ? order : strcmp(first_address(config), first_address(service->config));
}

static int compare_services(const void *one, const void *other)
{
    const struct service *const *a = one, *const *b = other;

    return compare_all((*a)->config, *b);
}

/* The first of those that are known that is not before it. */
static size_t find(const struct reload *reload, const struct config_service *config,
                   int (*order)(const struct config_service *, const struct service *))
{
    size_t low = 0, high = reload->house->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(config, reload->known[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The next one of the same name, if there is one that nobody has. */
static void match_one(struct reload *reload, size_t i,
                      int (*order)(const struct config_service *, const struct service *))
{
    const struct config_service *config = &reload->config->services[i];

    for (size_t k = find(reload, config, order); k < reload->house->count; k++) {
        struct service *service = reload->known[k];
        if (order(config, service) != 0)
            return;
        if (service->stays)
            continue;
        service->stays = 1;
        reload->services[i] = service;
        reload->before[i] = service->config;
        return;
    }
}

static int match(struct reload *reload)
{
    const struct house *house = reload->house;
    size_t count = reload->config->count;

    reload->known = calloc(house->count + 1, sizeof *reload->known);
    reload->services = calloc(count + 1, sizeof *reload->services);
    reload->before = calloc(count + 1, sizeof *reload->before);
    reload->wanted = calloc(count + 1, sizeof *reload->wanted);
    reload->had = calloc(house->count + 1, sizeof *reload->had);
    if (!reload->known || !reload->services || !reload->before || !reload->wanted || !reload->had)
        return no_memory(reload);
    for (size_t i = 0; i < house->count; i++) {
        house->services[i]->stays = 0;
        reload->known[i] = house->services[i];
    }
    qsort(reload->known, house->count, sizeof *reload->known, compare_services);
    for (size_t i = 0; i < count; i++)
        match_one(reload, i, compare_all);
    for (size_t i = 0; i < count; i++)
        if (!reload->services[i])
            match_one(reload, i, compare_names);
    return EX_OK;
}

/* ---- sockets -----------------------------------------------------------------------------------
 */

static int add_socket(struct sockets *sockets, int fd)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->fds[i] == fd)
            return 0;
    int *fds = realloc(sockets->fds, (sockets->count + 1) * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    fds[sockets->count++] = fd;
    sockets->fds = fds;
    return 0;
}

/* Those that a service manager has passed to it; the rest of its addresses go to texts. */
static int use_passed(struct reload *reload, size_t i, const char **texts, size_t *count)
{
    const struct config_service *config = &reload->config->services[i];
    struct passed *passed = reload->house->passed;
    struct sockets *sockets = &reload->wanted[i];
    size_t place = 0;
    int fd, code = 0;

    while (code == 0 && (fd = passed_named(passed, config, &place)) >= 0)
        code = add_socket(sockets, fd);
    if (sockets->count > 0)
        return code;
    for (size_t k = 0; code == 0 && k < config->listens; k++)
        if ((fd = passed_at(passed, config->listen[k])) >= 0)
            code = add_socket(sockets, fd);
        else
            texts[(*count)++] = config->listen[k];
    return code;
}

/* Whose address it was that could not be listened on. */
static const char *owner_of(const struct reload *reload, const char *text, char *out, size_t size)
{
    const struct config *config = reload->config;

    for (size_t i = 0; i < config->count; i++)
        for (size_t k = 0; k < config->services[i].listens; k++)
            if (strcmp(config->services[i].listen[k], text) == 0)
                return place_of(&config->services[i], out, size);
    return NULL;
}

static int cannot_listen(const struct reload *reload, const struct netio_error *error)
{
    char place[320];

    return fail(reload, error->code == -EACCES ? EX_NOPERM : EX_UNAVAILABLE,
                owner_of(reload, error->subject, place, sizeof place), error);
}

static int prepare_texts(struct reload *reload, const char **texts)
{
    struct house *house = reload->house;
    struct netio_error error;
    char fault[640];
    size_t count = 0;

    passed_begin(house->passed);
    for (size_t i = 0; i < reload->config->count; i++)
        if (use_passed(reload, i, texts, &count) != 0)
            return no_memory(reload);
    if (house->options->status)
        texts[count++] = house->options->status;
    if (passed_check(house->passed, fault, sizeof fault) != 0) {
        complain(house, fault);
        return EX_CONFIG;
    }
    if (netio_listeners_prepare(house->listeners, texts, count, &error) != 0)
        return cannot_listen(reload, &error);
    return EX_OK;
}

static int prepare_listeners(struct reload *reload)
{
    size_t count = 1;

    for (size_t i = 0; i < reload->config->count; i++)
        count += reload->config->services[i].listens;
    const char **texts = calloc(count, sizeof *texts);
    int code = texts ? prepare_texts(reload, texts) : no_memory(reload);
    free(texts);
    return code;
}

/* After prepare: the sockets of addresses that nobody has passed. */
static int collect(struct reload *reload)
{
    int fds[NETIO_LISTENER_MAX];

    for (size_t i = 0; i < reload->config->count; i++) {
        const struct config_service *config = &reload->config->services[i];
        for (size_t k = 0; k < config->listens; k++) {
            size_t count = netio_listeners_find(reload->house->listeners, NETIO_LISTENERS_NEXT,
                                                config->listen[k], fds);
            for (size_t n = 0; n < count; n++)
                if (add_socket(&reload->wanted[i], fds[n]) != 0)
                    return no_memory(reload);
        }
    }
    return EX_OK;
}

/* ---- new services ------------------------------------------------------------------------------
 */

static int open_new(struct reload *reload)
{
    struct netio_error error;
    char place[320];

    for (size_t i = 0; i < reload->config->count; i++) {
        const struct config_service *config = &reload->config->services[i];
        if (reload->services[i])
            continue;
        if (service_open(&reload->services[i], reload->house, config, &error) != 0)
            return fail(reload, EX_OSERR, place_of(config, place, sizeof place), &error);
    }
    return EX_OK;
}

/* ---- prepare, cancel ---------------------------------------------------------------------------
 */

static void free_sockets(struct sockets *sockets, size_t count)
{
    for (size_t i = 0; sockets && i < count; i++)
        free(sockets[i].fds);
    free(sockets);
}

static void reload_free(struct reload *reload, size_t old_count)
{
    free_sockets(reload->wanted, reload->config ? reload->config->count : 0);
    free_sockets(reload->had, old_count);
    free(reload->known);
    free(reload->before);
    free(reload);
}

void reload_cancel(struct reload *reload)
{
    struct house *house = reload->house;

    for (size_t i = 0; reload->services && i < reload->config->count; i++)
        if (reload->services[i] && !reload->before[i])
            service_free(reload->services[i]);
    netio_listeners_cancel(house->listeners);
    free(reload->services);
    struct config *config = reload->config;
    reload_free(reload, house->count);
    config_free(config);
}

int reload_prepare(struct reload **out, struct house *house)
{
    struct reload *reload = calloc(1, sizeof *reload);

    *out = NULL;
    if (!reload)
        return report_fail(house->report, EX_OSERR, "configuration: %s", netio_error_text(-ENOMEM));
    reload->house = house;
    int code = config_read(&reload->config, &house->options->config, complain, house) == 0
                   ? EX_OK
                   : EX_CONFIG;
    if (code == EX_OK)
        code = match(reload);
    if (code == EX_OK)
        code = prepare_listeners(reload);
    if (code == EX_OK)
        code = open_new(reload);
    if (code == EX_OK)
        code = collect(reload);
    if (code == EX_OK)
        *out = reload;
    else
        reload_cancel(reload);
    return code;
}

/* ---- commit ------------------------------------------------------------------------------------
 */

/* Takes back the first count. */
static void change_back(struct reload *reload, size_t count)
{
    struct netio_error error;

    for (size_t i = 0; i < count; i++)
        if (reload->before[i])
            (void)service_change(reload->services[i], reload->before[i], &error);
}

static int change_all(struct reload *reload)
{
    struct netio_error error;
    char place[320];

    for (size_t i = 0; i < reload->config->count; i++) {
        const struct config_service *config = &reload->config->services[i];
        if (!reload->before[i] || service_change(reload->services[i], config, &error) == 0)
            continue;
        change_back(reload, i);
        return fail(reload, EX_OSERR, place_of(config, place, sizeof place), &error);
    }
    return EX_OK;
}

static int has(const int *fds, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] == fd)
            return 1;
    return 0;
}

/* How many are left. */
static size_t give_up(struct service *service, const struct sockets *wanted)
{
    for (size_t i = service->fds_count; i-- > 0;)
        if (!has(wanted->fds, wanted->count, service->fds[i]))
            service_ignore(service, service->fds[i]);
    return service->fds_count;
}

static int listen_on(struct service *service, const struct sockets *wanted)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < wanted->count; i++)
        if (!has(service->fds, service->fds_count, wanted->fds[i]))
            code = service_listen(service, wanted->fds[i]);
    return code;
}

static int remember(struct reload *reload)
{
    for (size_t i = 0; i < reload->house->count; i++) {
        const struct service *service = reload->house->services[i];
        for (size_t k = 0; k < service->fds_count; k++)
            if (add_socket(&reload->had[i], service->fds[k]) != 0)
                return no_memory(reload);
    }
    return EX_OK;
}

static void move_back(struct reload *reload)
{
    static const struct sockets none;
    const struct house *house = reload->house;

    for (size_t i = 0; i < reload->config->count; i++)
        if (!reload->before[i])
            give_up(reload->services[i], &none);
    for (size_t i = 0; i < house->count; i++)
        give_up(house->services[i], &reload->had[i]);
    for (size_t i = 0; i < house->count; i++)
        if (listen_on(house->services[i], &reload->had[i]) != 0)
            netio_log(house->log, LOG_ERR, "%s: listens no more", house->services[i]->name);
}

static int move(struct reload *reload)
{
    static const struct sockets none;
    const struct house *house = reload->house;
    struct netio_error error;
    char place[320];

    for (size_t i = 0; i < house->count; i++)
        if (!house->services[i]->stays)
            give_up(house->services[i], &none);
    for (size_t i = 0; i < reload->config->count; i++)
        reload->wanted[i].had = give_up(reload->services[i], &reload->wanted[i]);
    for (size_t i = 0; i < reload->config->count; i++) {
        int code = listen_on(reload->services[i], &reload->wanted[i]);
        if (code == 0)
            continue;
        place_of(&reload->config->services[i], place, sizeof place);
        netio_error_set(&error, NETIO_STAGE_LISTEN, code, NULL, reload->services[i]->name);
        move_back(reload);
        return fail(reload, EX_OSERR, place, &error);
    }
    return EX_OK;
}

/* Room for what leaves, so that nothing fails once it has begun. */
static int make_room(struct reload *reload)
{
    struct house *house = reload->house;
    struct service **leaving =
        realloc(house->leaving, (house->leaving_count + house->count + 1) * sizeof *leaving);
    if (leaving)
        house->leaving = leaving;
    struct config **retired = realloc(house->retired, (house->retired_count + 1) * sizeof *retired);
    if (retired)
        house->retired = retired;
    return leaving && retired ? EX_OK : no_memory(reload);
}

static void leave(struct reload *reload)
{
    struct house *house = reload->house;
    size_t before = house->leaving_count;

    for (size_t i = 0; i < house->count; i++) {
        struct service *service = house->services[i];
        if (service->stays)
            continue;
        service_stop(service, NETIO_NEVER);
        house->leaving[house->leaving_count++] = service;
        netio_log(house->log, LOG_NOTICE, "%s: no longer served", service->name);
    }
    if (house->leaving_count > before)
        house->retired[house->retired_count++] = house->config;
    else
        config_free(house->config);
}

static void log_socket(const struct house *house, const struct service *service, int fd)
{
    int is_dgram = service->config->type == SOCK_DGRAM;
    struct netio_addr address;
    char text[NETIO_ADDR_STRLEN];

    if (netio_addr_local(&address, fd) != 0)
        address.len = 0;
    netio_addr_str(&address, text, sizeof text);
    if (is_dgram && netio_addr_family(&address) == AF_UNIX)
        netio_log(house->log, LOG_NOTICE, "%s: listening on unix-dgram%s", service->name, text + 4);
    else
        netio_log(house->log, LOG_NOTICE, "%s: listening on %s%s", service->name,
                  is_dgram ? "udp:" : "", text);
}

/* Sockets that it had before are no news. */
static void log_sockets(const struct reload *reload)
{
    const struct house *house = reload->house;

    for (size_t i = 0; i < house->count; i++)
        for (size_t k = reload->wanted[i].had; k < house->services[i]->fds_count; k++)
            log_socket(house, house->services[i], house->services[i]->fds[k]);
}

int reload_commit(struct reload *reload)
{
    struct house *house = reload->house;
    size_t old_count = house->count;
    int code = make_room(reload);

    if (code == EX_OK)
        code = remember(reload);
    if (code == EX_OK)
        code = change_all(reload);
    if (code == EX_OK && (code = move(reload)) != EX_OK)
        change_back(reload, reload->config->count);
    if (code != EX_OK) {
        reload_cancel(reload);
        return code;
    }
    leave(reload);
    netio_listeners_commit(house->listeners);
    free(house->services);
    house->services = reload->services;
    house->count = reload->config->count;
    house->config = reload->config;
    log_sockets(reload);
    reload_free(reload, old_count);
    return EX_OK;
}
