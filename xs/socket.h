/* Perl face.  Sockets as the methods of IO::Socket make them, on handles over the layer
 * :netio.  False, or NULL, means failure with $! set; a signal is none: its %SIG handler runs,
 * and the call goes on. */
#ifndef XS_SOCKET_H
#define XS_SOCKET_H

#include "perlapi.h"

#include <netio/clock.h>

/* A socket for the handle, whose descriptor keeps its number if it had one.  It is in
 * blocking mode, close-on-exec, and known to sockdomain, socktype and protocol.  A handle that was
 * not open has the buffers of datagram.h for UDP. */
bool xs_socket_make(pTHX_ SV *self, int domain, int type, int protocol);
bool xs_socket_pair(pTHX_ SV *one, SV *other, int domain, int type, int protocol);
/* The handle takes a part in fd, which is another handle's or nobody's: the last one to close
 * closes it; or it takes a copy.  ENOTSOCK for what is no socket. */
bool xs_socket_adopt(pTHX_ SV *self, int fd, bool copy);

/* Connects to a packed address.  A socket in blocking mode waits, until the deadline, and is in
 * blocking mode again when it says that all went well; one that is not says EINPROGRESS. */
bool xs_socket_connect(pTHX_ SV *self, SV *address, netio_deadline deadline);
/* Accepts a connection into the handle fresh, which must not be open; its packed peer, a new
 * value.  Waits until the deadline, and EAGAIN only where there is none and the listener is
 * in non-blocking mode. */
SV *xs_socket_accept(pTHX_ SV *self, SV *fresh, netio_deadline deadline);

#endif
