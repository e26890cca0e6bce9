/* netio/service.h: names of services (ring 1).
 *
 * Fork and threads: safe.  Not async-signal-safe: it reads services(5).
 */
#ifndef NETIO_SERVICE_H
#define NETIO_SERVICE_H

/* The port of a service: a number from 1 to 65535, a name in services(5), or
 * "name(number)", whose number serves when the name is unknown.  A name has up to 63
 * bytes.  protocol: "tcp" or "udp".  The port, or NETIO_EBADSERVICE.  A number asks nobody; a
 * name may block, with no deadline, where nsswitch.conf(5) has sources of services beyond files. */
int netio_service_port(const char *service, const char *protocol);

#endif
