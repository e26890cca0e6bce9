/* netiod: kinds that are a netio_server; see served.h.
 * Called by them, in the house's loop; touches the service's server and limits. */
#include "served.h"

/* Its limits, and its options, as the configuration has them.  0 or a code. */
static int configure(struct service *service, served_tune *tune,
                     struct netio_server_options *options)
{
    int code = service_limit(service, service->config);

    service_server_options(service, options);
    if (tune)
        tune(service, options);
    return code;
}

int served_open(struct service *service, const struct netio_server_handlers *handlers,
                served_tune *tune, struct netio_error *error)
{
    struct netio_server_options options;
    int code = configure(service, tune, &options);

    if (code == 0)
        code = netio_server_new(&service->server, service->house->loop, handlers, &options);
    if (code != 0)
        return netio_error_set(error, NETIO_STAGE_SERVICE, code, NULL, service->name);
    return 0;
}

int served_change(struct service *service, const struct config_service *before, served_tune *tune)
{
    struct netio_server_options options;
    int code = configure(service, tune, &options);

    if (code == 0)
        code = netio_server_change(service->server, &options);
    if (code != 0)
        (void)service_limit(service, before);
    return code;
}

int served_listen(struct service *service, int fd)
{
    return netio_server_listen_on(service->server, fd, house_has_lent(service->house, fd));
}

void served_ignore(struct service *service, int fd)
{
    (void)netio_server_unlisten(service->server, fd);
}

void served_stop(struct service *service, netio_deadline deadline)
{
    netio_server_stop(service->server, deadline);
}

int served_serve(struct service *service, int fd, const struct netio_addr *peer)
{
    return netio_server_serve_peer_take(service->server, fd, peer);
}

void served_free(struct service *service)
{
    netio_server_free(service->server);
    service->server = NULL;
}
