/* tcpopen: runs a program on a connection, as the clients of UCSPI do.  Called by tcpopen.c. */
#ifndef UCSPI_H
#define UCSPI_H

#include <netio/addr.h>

struct ucspi_call {
    const char *protocol;    /* "TCP", "UDP" or "UNIX" */
    const char *host;        /* as given: a name, an address, or a path */
    struct netio_addr peer;
    char **program;          /* and its arguments, ended by NULL */
};

/* Becomes the program, with fd as descriptors 6 and 7, in blocking mode, and the environment that
 * tells of the connection.  Returns only when that fails: how to exit, when it has been said. */
int ucspi_run(const struct ucspi_call *call, int fd);

#endif
