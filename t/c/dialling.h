/* t/c/dialling.h: somebody to connect to, and what came of it. */
#ifndef DIALLING_H
#define DIALLING_H

#include "descriptors.h"
#include "port.h"
#include "tap.h"

#include <netio/open.h>

#define DIALLING __attribute__((unused)) static

/* A socket bound to a free port of 127.0.0.1; its port as text in service. */
DIALLING int bound_here(int type, char service[16])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&in, sizeof in) ||
        (type == SOCK_STREAM && listen(fd, 600)) || getsockname(fd, (struct sockaddr *)&in, &len))
        abort();
    sprintf(service, "%d", ntohs(in.sin_port));
    return fd;
}

DIALLING const char *said(int fd, const struct netio_error *error)
{
    static char text[640];

    return fd >= 0 ? "opened" : netio_error_str(error, text, sizeof text);
}

DIALLING const char *opened(const char *service, const struct netio_open_options *options, int *fd)
{
    struct netio_error error = {0};

    *fd = netio_tcpopen("127.0.0.1", service, options, &error);
    return said(*fd, &error);
}

DIALLING unsigned own_port(int fd)
{
    struct netio_addr end;

    return netio_addr_local(&end, fd) == 0 ? netio_addr_port(&end) : 0;
}

/* Counts no test: each program fails if it leaves more descriptors than it had before. */
DIALLING void nothing_is_left(int before)
{
    if (open_descriptors() != before + ports_locked)
        fail("a descriptor is left open");
}

#endif
