/* netiod: what all of its services share; see house.h.
 * Called by start.c, run.c, upgrade.c and tcpmux.c. */
#include "house.h"
#include "passed.h"
#include "rpc.h"
#include "service.h"
#include "status.h"

#include <netio/upgrade.h>

#include <stdlib.h>
#include <strings.h>
#include <syslog.h>

struct service *house_muxed(const struct house *house, const char *name)
{
    for (size_t i = 0; i < house->count; i++) {
        const struct config_service *config = house->services[i]->config;
        if (config->mux != CONFIG_NO_MUX && strcasecmp(config_mux_name(config), name) == 0)
            return house->services[i];
    }
    return NULL;
}

int house_has_lent(const struct house *house, int fd)
{
    return (size_t)fd < house->lent_size && house->lent[fd];
}

/* ---- a moment without service ---- */

/* The list of a service stays, for resume. */
void house_rest(struct house *house)
{
    for (size_t i = 0; i < house->count; i++)
        for (size_t k = 0; k < house->services[i]->fds_count; k++)
            house->services[i]->kind->ignore(house->services[i], house->services[i]->fds[k]);
}

void house_resume(struct house *house)
{
    for (size_t i = 0; i < house->count; i++) {
        struct service *service = house->services[i];
        for (size_t k = 0; k < service->fds_count; k++) {
            int code = service->kind->listen(service, service->fds[k]);
            if (code != 0)
                netio_log(house->log, LOG_ERR, "%s: listens no more: %s", service->name,
                          netio_error_text(code));
        }
    }
}

/* ---- its end ---- */

void house_stop(struct house *house, netio_deadline deadline)
{
    for (size_t i = 0; i < house->count; i++)
        service_stop(house->services[i], deadline);
    for (size_t i = 0; i < house->leaving_count; i++)
        service_stop(house->leaving[i], deadline);
}

int house_is_empty(const struct house *house)
{
    for (size_t i = 0; i < house->count; i++)
        if (service_running(house->services[i]) > 0)
            return 0;
    return house->leaving_count == 0;
}

static int is_of(const struct config *config, const struct service *service)
{
    return service->config >= config->services &&
           service->config < config->services + config->count;
}

/* Those whose last service is gone. */
static void sweep_retired(struct house *house)
{
    size_t kept = 0;

    for (size_t i = 0; i < house->retired_count; i++) {
        struct config *config = house->retired[i];
        size_t k = 0;
        while (k < house->leaving_count && !is_of(config, house->leaving[k]))
            k++;
        if (k < house->leaving_count)
            house->retired[kept++] = config;
        else
            config_free(config);
    }
    house->retired_count = kept;
}

void house_sweep(struct house *house)
{
    size_t kept = 0;

    for (size_t i = 0; i < house->leaving_count; i++)
        if (service_running(house->leaving[i]) > 0)
            house->leaving[kept++] = house->leaving[i];
        else
            service_free(house->leaving[i]);
    if (kept == house->leaving_count && house->retired_count == 0)
        return;
    house->leaving_count = kept;
    sweep_retired(house);
}

void house_close(struct house *house)
{
    netio_upgrade_free(house->upgrade);
    netio_watch_stop(&house->successor_watch);
    if (house->left)
        netio_child_forget(&house->successor);
    status_close(house);
    rpc_free(house);
    for (size_t i = 0; i < house->count; i++)
        service_free(house->services[i]);
    for (size_t i = 0; i < house->leaving_count; i++)
        service_free(house->leaving[i]);
    for (size_t i = 0; i < house->retired_count; i++)
        config_free(house->retired[i]);
    config_free(house->config);
    free(house->services);
    free(house->leaving);
    free(house->retired);
    free(house->lent);
    netio_listeners_free(house->listeners);
    passed_free(house->passed);
    netio_loop_free(house->loop);
    self_free(&house->self);
    free(house->program);
    free(house->libexec);
}
