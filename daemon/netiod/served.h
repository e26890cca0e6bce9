/* netiod: what those kinds have in common that are a netio_server and hardly more.
 *
 * Called by builtin.c, builtin_datagram.c, tcpmux.c and whatever other kind is one; each touches
 * only the service that it is given.  The functions of service_kind that are not here are the
 * kind's own.
 */
#ifndef NETIOD_SERVED_H
#define NETIOD_SERVED_H

#include "service.h"

/* Has the last word on the options of a kind's server. */
typedef void served_tune(const struct service *service, struct netio_server_options *options);

/* Makes service->limit and service->server as the configuration has them; tune may be NULL.  0 or a
 * code with *error. */
int served_open(struct service *service, const struct netio_server_handlers *handlers,
                served_tune *tune, struct netio_error *error);
/* The same at a reload: service->config is the new one.  0, or a code and all is as before. */
int served_change(struct service *service, const struct config_service *before, served_tune *tune);

/* As service_kind has them. */
int served_listen(struct service *service, int fd);
void served_ignore(struct service *service, int fd);
void served_stop(struct service *service, netio_deadline deadline);
int served_serve(struct service *service, int fd, const struct netio_addr *peer);
void served_free(struct service *service);

#endif
