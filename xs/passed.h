/* Perl face.  The sockets that a program is given by whoever has started it. */
#ifndef XS_PASSED_H
#define XS_PASSED_H

#include "args.h"

#include <netio/activation.h>

/* Descriptors of a service manager (LISTEN_FDS); or else what standard input is, if it is a socket
 * with an address, as inetd's; or else none.  The caller's from now on; the second time there is
 * none.  Throws when what was passed is not open. */
AV *xs_passed_take(pTHX); /* mortal */
/* A copy of a handle's descriptor. */
int xs_passed_copy(pTHX_ int fd);
/* Whether the socket is one to listen on, or for datagrams; a connection otherwise. */
bool xs_passed_listens(int fd);
/* New handles of those that a manager has passed under the wanted name, or (NULL) of all, which
 * they own; their names are emptied, so that nobody gets them twice. */
AV *xs_passed_handles(pTHX_ struct netio_activation *passed,
                      const struct xs_text *wanted); /* mortal */

#endif
