/* Perl face.  The sockets that a server is given by whoever started the program. */
#ifndef XS_PASSED_H
#define XS_PASSED_H

#include "perlapi.h"

/* Descriptors of a service manager (LISTEN_FDS); or else what standard input is, if it is a socket
 * with an address, as inetd's; or else none.  The caller's from now on; the second time there is
 * none.  Throws when what was passed is not open. */
AV *xs_passed_take(pTHX); /* mortal */
/* A copy of a handle's descriptor. */
int xs_passed_copy(pTHX_ int fd);
/* Whether the socket is one to listen on, or for datagrams; a connection otherwise. */
bool xs_passed_listens(int fd);

#endif
