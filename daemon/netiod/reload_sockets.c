/* netiod: which sockets a service gets at a reload; see reload_own.h.
 * Called by reload.c.  It opens and closes what the house listens on, and gives it to services.
 *
 * When they move, who has a socket no longer gives it up, then who is to have it gets it: the loop
 * cannot watch one twice; nobody sees the moment between. */
#include "holder.h"
#include "options.h"
#include "passed.h"
#include "reload_own.h"

#include <netio/upgrade.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>

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
static const struct config_service *owner_of(const struct reload *reload, const char *text)
{
    const struct config *config = reload->config;

    for (size_t i = 0; i < config->count; i++)
        for (size_t k = 0; k < config->services[i].listens; k++)
            if (strcmp(config->services[i].listen[k], text) == 0)
                return &config->services[i];
    return NULL;
}

/* Often it is in use by the program of a service that was removed. */
static int is_held(const struct reload *reload, const struct config_service *owner,
                   const char *place, const struct netio_error *error)
{
    pid_t holder = holder_of(&error->address, owner->type);
    char text[640], fault[1000];

    if (!holder)
        return 0;
    snprintf(fault, sizeof fault, "%s: %s by pid %ld", place,
             netio_error_str(error, text, sizeof text), (long)holder);
    reload_complain(reload->house, fault);
    snprintf(fault, sizeof fault, "%s, pid %ld", place, (long)holder);
    netio_error_set(&reload->house->failed, error->stage, error->code, NULL, fault);
    return 1;
}

static int cannot_listen(const struct reload *reload, const struct netio_error *error)
{
    const struct config_service *owner = owner_of(reload, error->subject);
    char place[320];

    if (owner)
        (void)reload_place(owner, place, sizeof place);
    if (owner && error->code == -EADDRINUSE && is_held(reload, owner, place, error))
        return EX_UNAVAILABLE;
    return reload_fail(reload, error->code == -EACCES ? EX_NOPERM : EX_UNAVAILABLE,
                       owner ? place : NULL, error);
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
            return reload_no_memory(reload);
    if (house->options->config.status)
        texts[count++] = house->options->config.status;
    if (passed_check(house->passed, fault, sizeof fault) != 0) {
        reload_complain(house, fault);
        return EX_CONFIG;
    }
    if (netio_listeners_prepare(house->listeners, texts, count, &error) != 0)
        return cannot_listen(reload, &error);
    return EX_OK;
}

int sockets_prepare(struct reload *reload)
{
    size_t count = 1;

    for (size_t i = 0; i < reload->config->count; i++)
        count += reload->config->services[i].listens;
    const char **texts = calloc(count, sizeof *texts);
    int code = texts ? prepare_texts(reload, texts) : reload_no_memory(reload);
    free(texts);
    return code;
}

/* After prepare: the sockets of addresses that nobody has passed. */
int sockets_collect(struct reload *reload)
{
    int fds[NETIO_LISTENER_MAX];

    for (size_t i = 0; i < reload->config->count; i++) {
        const struct config_service *config = &reload->config->services[i];
        for (size_t k = 0; k < config->listens; k++) {
            size_t count = netio_listeners_find(reload->house->listeners, NETIO_LISTENERS_NEXT,
                                                config->listen[k], fds);
            for (size_t n = 0; n < count; n++)
                if (add_socket(&reload->wanted[i], fds[n]) != 0)
                    return reload_no_memory(reload);
        }
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

/* ---- who else has them ---- */

/* Whether all of a service's sockets have been, or will be, with others. */
static int shares_all(const struct reload *reload, size_t i)
{
    int inherits = reload->house->count == 0 && netio_successor_is();

    return inherits || reload->services[i]->kind->lends;
}

/* For the next configuration, whose sockets are open, while those of the present one still are: a
 * descriptor means the same in both. */
int sockets_mark(struct reload *reload)
{
    const struct house *house = reload->house;
    size_t count;
    const int *fds = passed_fds(house->passed, &count);

    for (size_t i = 0; i < reload->config->count; i++)
        for (size_t k = 0; k < reload->wanted[i].count; k++)
            if ((size_t)reload->wanted[i].fds[k] >= reload->lent_size)
                reload->lent_size = (size_t)reload->wanted[i].fds[k] + 1;
    reload->lent = calloc(reload->lent_size + 1, 1);
    if (!reload->lent)
        return reload_no_memory(reload);
    for (size_t i = 0; i < reload->config->count; i++) {
        const struct sockets *wanted = &reload->wanted[i];
        for (size_t k = 0; k < wanted->count; k++)
            reload->lent[wanted->fds[k]] = shares_all(reload, i) ||
                                           house_has_lent(house, wanted->fds[k]) ||
                                           has(fds, count, wanted->fds[k]);
    }
    return EX_OK;
}

int sockets_remember(struct reload *reload)
{
    for (size_t i = 0; i < reload->house->count; i++) {
        const struct service *service = reload->house->services[i];
        for (size_t k = 0; k < service->fds_count; k++)
            if (add_socket(&reload->had[i], service->fds[k]) != 0)
                return reload_no_memory(reload);
    }
    return EX_OK;
}

/* The one in use with that of the reload. */
static void swap_marks(struct reload *reload)
{
    struct house *house = reload->house;
    unsigned char *lent = house->lent;
    size_t size = house->lent_size;

    house->lent = reload->lent;
    house->lent_size = reload->lent_size;
    reload->lent = lent;
    reload->lent_size = size;
}

static void move_back(struct reload *reload)
{
    static const struct sockets none;
    const struct house *house = reload->house;

    for (size_t i = 0; i < reload->config->count; i++)
        if (!reload->before[i] || reload->services[i]->left)
            give_up(reload->services[i], &none);
    for (size_t i = 0; i < house->count; i++)
        give_up(house->services[i], &reload->had[i]);
    swap_marks(reload);
    for (size_t i = 0; i < house->count; i++)
        if (listen_on(house->services[i], &reload->had[i]) != 0)
            netio_log(house->log, LOG_ERR, "%s: listens no more", house->services[i]->name);
}

int sockets_move(struct reload *reload)
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
    swap_marks(reload);
    for (size_t i = 0; i < reload->config->count; i++) {
        int code = listen_on(reload->services[i], &reload->wanted[i]);
        if (code == 0)
            continue;
        reload_place(&reload->config->services[i], place, sizeof place);
        netio_error_set(&error, NETIO_STAGE_LISTEN, code, NULL, reload->services[i]->name);
        move_back(reload);
        return reload_fail(reload, EX_OSERR, place, &error);
    }
    return EX_OK;
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
void sockets_log(const struct reload *reload)
{
    const struct house *house = reload->house;

    for (size_t i = 0; i < house->count; i++)
        for (size_t k = reload->wanted[i].had; k < house->services[i]->fds_count; k++)
            log_socket(house, house->services[i], house->services[i]->fds[k]);
}

void sockets_free(struct sockets *sockets, size_t count)
{
    for (size_t i = 0; sockets && i < count; i++)
        free(sockets[i].fds);
    free(sockets);
}
