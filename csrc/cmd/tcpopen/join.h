/* tcpopen: joins standard input and output with a connection.  Called by tcpopen.c. */
#ifndef JOIN_H
#define JOIN_H

#include <netio/open.h>

struct join_call {
    const char *label;       /* the peer in errors; may be NULL */
    struct netio_addr peer;  /* the socket itself does not know any more once it is reset */
    netio_deadline deadline; /* for all of it */
    double wait;             /* datagrams: after input's end, so many seconds of silence end it */
    int datagrams;
    int crlf;                /* the peer gets CRLF where standard input has LF alone */
};

/* Both ways at once until both have ended; takes fd, which does not block.  How to exit; what was
 * wrong has been said. */
int join_take(const struct join_call *call, int fd);

#endif
