/* Perl face.  One request: a handler that talks to its peer by STDIN and STDOUT. */
#ifndef XS_REQUEST_H
#define XS_REQUEST_H

#include "connection.h"
#include "layer.h"

#include <netio/clock.h>

struct xs_request {
    int fd;                  /* the peer's socket, in blocking mode, which stays the caller's */
    netio_deadline deadline; /* of the whole conversation */
    NV line_seconds, write_seconds; /* as struct xs_talk has them */
};

/* Calls code with count arguments.  Meanwhile the socket is descriptor 0 and 1, for programs that
 * it executes, too, and STDIN and STDOUT are handles on it; however the code is left, by die or
 * exit, all are as they were afterwards.  Returns whether what was printed has been sent.  Dies of
 * what code dies of, and when there is no descriptor left. */
bool xs_request_call(pTHX_ const struct xs_request *request, CV *code, SV *const *args, int count);

/* on_serve of a server whose class has a method process_request: calls that one with server and
 * connection, which ends without its answer if that could not be sent. */
void xs_request_serve(pTHX_ struct xs_connection *connection, int fd);

/* What is being served by others (xs/pool.c) is a request, too; NULL: no more. */
void xs_request_sits(struct xs_talk *talk);
/* The request that is being served, if any, has to end by then. */
void xs_request_hurry(netio_deadline deadline);
bool xs_request_runs(void);

#endif
