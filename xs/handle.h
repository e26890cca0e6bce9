/* Perl face.  The handle: a glob blessed into NetIO::Socket, with two PerlIOs on one
 * socket over the layer :netio. */
#ifndef XS_HANDLE_H
#define XS_HANDLE_H

#include "perlapi.h"

#include <netio/clock.h>

/* Once an interpreter: when NetIO is loaded, or in a thread that is born. */
void xs_handle_boot(pTHX);
void xs_handle_clone(pTHX);

/* A reference to a new handle, which owns the connected socket fd from now on.
 * timeout: what $fh->timeout will tell, infinity for none. */
SV *xs_handle_new(pTHX_ int fd, netio_deadline deadline, bool fatal, NV timeout);

/* A reference to a new handle of that class on nothing yet; autoflush is on. */
SV *xs_handle_empty(pTHX_ HV *stash);
/* Opens any glob on the socket fd, after closing what it was open on; no deadline.  Where fd
 * has other users in PerlIO, the last one to close closes it. */
void xs_handle_open_take(pTHX_ GV *gv, int fd);
/* Puts the socket fd in the place of the handle's own, whose number it gets; one that is not
 * open is opened. */
void xs_handle_put_take(pTHX_ SV *self, int fd);

/* The glob of a method's object; croaks when it is none. */
GV *xs_handle_gv(pTHX_ SV *self);
/* Its descriptor, or -1 with $! EBADF when it is closed. */
int xs_handle_fd(pTHX_ SV *self);

/* Methods of NetIO::Socket; self is any handle, NetIO's or not.  What they return is a
 * new value; undef, with $! set, is failure. */
SV *xs_handle_deadline(pTHX_ SV *self, SV *seconds /* or NULL */);
/* The same as an absolute deadline, for NetIO::Socket's own use; no croak: undef for none. */
SV *xs_handle_until(pTHX_ SV *self, SV *finish /* or NULL */);
SV *xs_handle_timeout(pTHX_ SV *self, SV *seconds /* or NULL */);
SV *xs_handle_error(pTHX_ SV *self);
bool xs_handle_clearerr(pTHX_ SV *self);
bool xs_handle_shutdown(pTHX_ SV *self, int how);
bool xs_handle_autoflush(pTHX_ SV *self, bool on);
SV *xs_handle_blocking(pTHX_ SV *self, SV *on /* or NULL */);

#endif
