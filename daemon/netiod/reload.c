/* netiod: from one configuration to the next, all or nothing; see reload.h.
 * Called by start.c and run.c.  It alone changes what the house has of services and sockets.
 *
 *      read, match      each service of the new configuration is one of the old, one that has
 *                       left and whose programs still run, or none
 *      sockets          opened by the set of listeners, which keeps those of before (R14)
 *      open             new services; they have no socket yet
 *      ---- commit
 *      change           services that stay; the one that cannot takes back those before it
 *      move             each gets the sockets that are to be its own (reload_sockets.c)
 *      leave            what is gone stops to listen, and ends by itself (R15) */
#include "reload_own.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

/* ---- what is said ---- */

/* A start is seen by who started it; later there is the log alone. */
void reload_complain(void *data, const char *fault)
{
    const struct house *house = data;

    if (strstr(fault, ": warning: "))
        netio_log(house->log, LOG_WARNING, "%s", fault);
    else if (house->config)
        netio_log(house->log, LOG_ERR, "%s", fault);
    else
        report_fail(house->report, 0, "%s", fault);
}

int reload_fail(const struct reload *reload, int exit_code, const char *place,
                const struct netio_error *error)
{
    char text[640], fault[1000];

    netio_error_str(error, text, sizeof text);
    snprintf(fault, sizeof fault, "%.320s%s%s", place ? place : "", place ? ": " : "", text);
    reload_complain(reload->house, fault);
    return exit_code;
}

int reload_no_memory(const struct reload *reload)
{
    struct netio_error error;

    netio_error_set(&error, NETIO_STAGE_NONE, -ENOMEM, NULL, "configuration");
    return reload_fail(reload, EX_OSERR, NULL, &error);
}

/* "FILE:LINE: NAME" of a service. */
const char *reload_place(const struct config_service *service, char *out, size_t size)
{
    snprintf(out, size, "%.200s:%u: %.60s", service->file, service->line, service->name);
    return out;
}

/* ---- read, match ---- */

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

    return order ? order
                 : strcmp(config_first_address(config), config_first_address(service->config));
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

static void stay(struct reload *reload, size_t i, struct service *service)
{
    service->stays = 1;
    reload->services[i] = service;
    reload->before[i] = service->config;
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
        stay(reload, i, service);
        return;
    }
}

/* One that has left and is there again, whose programs count on in its limits. */
static void match_left(struct reload *reload, size_t i)
{
    const struct config_service *config = &reload->config->services[i];
    const struct house *house = reload->house;
    struct service *found = NULL;

    for (size_t k = 0; k < house->leaving_count; k++) {
        struct service *service = house->leaving[k];
        if (!service->kind->returns || service->stays || compare_names(config, service) != 0)
            continue;
        found = service;
        if (compare_all(config, service) == 0)
            break;
    }
    if (found)
        stay(reload, i, found);
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
        return reload_no_memory(reload);
    for (size_t i = 0; i < house->count; i++) {
        house->services[i]->stays = 0;
        reload->known[i] = house->services[i];
    }
    for (size_t i = 0; i < house->leaving_count; i++)
        house->leaving[i]->stays = 0;
    qsort(reload->known, house->count, sizeof *reload->known, compare_services);
    for (size_t i = 0; i < count; i++)
        match_one(reload, i, compare_all);
    for (size_t i = 0; i < count; i++)
        if (!reload->services[i])
            match_one(reload, i, compare_names);
    for (size_t i = 0; i < count; i++)
        if (!reload->services[i])
            match_left(reload, i);
    return EX_OK;
}

/* ---- new services ---- */

static int open_new(struct reload *reload)
{
    struct netio_error error;
    char place[320];

    for (size_t i = 0; i < reload->config->count; i++) {
        const struct config_service *config = &reload->config->services[i];
        if (reload->services[i])
            continue;
        if (service_open(&reload->services[i], reload->house, config, &error) != 0)
            return reload_fail(reload, EX_OSERR, reload_place(config, place, sizeof place), &error);
    }
    return EX_OK;
}

/* ---- prepare, cancel ---- */

static void reload_free(struct reload *reload, size_t old_count)
{
    sockets_free(reload->wanted, reload->config ? reload->config->count : 0);
    sockets_free(reload->had, old_count);
    free(reload->known);
    free(reload->before);
    free(reload->lent);
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

static int read_config(struct reload *reload)
{
    struct house *house = reload->house;

    if (config_read(&reload->config, &house->options->config, reload_complain, house) != 0)
        return EX_CONFIG;
    config_reach(reload->config, &house->self, reload_complain, house);
    return EX_OK;
}

int reload_prepare(struct reload **out, struct house *house)
{
    struct reload *reload = calloc(1, sizeof *reload);

    *out = NULL;
    if (!reload)
        return report_fail(house->report, EX_OSERR, "configuration: %s", netio_error_text(-ENOMEM));
    reload->house = house;
    int code = read_config(reload);
    if (code == EX_OK)
        code = match(reload);
    if (code == EX_OK)
        code = sockets_prepare(reload);
    if (code == EX_OK)
        code = open_new(reload);
    if (code == EX_OK)
        code = sockets_collect(reload);
    if (code == EX_OK)
        *out = reload;
    else
        reload_cancel(reload);
    return code;
}

/* ---- commit ---- */

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
        return reload_fail(reload, EX_OSERR, reload_place(config, place, sizeof place), &error);
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
    return leaving && retired ? EX_OK : reload_no_memory(reload);
}

/* Its configuration, if it was the last one of it, is freed by house_sweep. */
static void come_back(struct house *house)
{
    size_t kept = 0;

    for (size_t i = 0; i < house->leaving_count; i++) {
        struct service *service = house->leaving[i];
        service->left = !service->stays;
        if (service->left)
            house->leaving[kept++] = service;
    }
    house->leaving_count = kept;
}

static void leave(struct reload *reload)
{
    struct house *house = reload->house;
    size_t before = house->leaving_count;

    for (size_t i = 0; i < house->count; i++) {
        struct service *service = house->services[i];
        if (service->stays)
            continue;
        service_leave(service);
        service->left = 1;
        house->leaving[house->leaving_count++] = service;
        netio_log(house->log, LOG_NOTICE, "%s: no longer served", service->name);
    }
    if (house->leaving_count > before)
        house->retired[house->retired_count++] = house->config;
    else
        config_free(house->config);
}

int reload_commit(struct reload *reload)
{
    struct house *house = reload->house;
    size_t old_count = house->count;
    int code = make_room(reload);

    if (code == EX_OK)
        code = sockets_mark(reload);
    if (code == EX_OK)
        code = sockets_remember(reload);
    if (code == EX_OK)
        code = change_all(reload);
    if (code == EX_OK && (code = sockets_move(reload)) != EX_OK)
        change_back(reload, reload->config->count);
    if (code != EX_OK) {
        reload_cancel(reload);
        return code;
    }
    come_back(house);
    leave(reload);
    netio_listeners_commit(house->listeners);
    free(house->services);
    house->services = reload->services;
    house->count = reload->config->count;
    house->config = reload->config;
    sockets_log(reload);
    reload_free(reload, old_count);
    return EX_OK;
}
