/* Perl face.  Reading whole lines, counted octets and datagrams from a handle of NetIO, each call
 * with a time limit of its own.
 *
 * They take from PerlIO's buffer, so that they mix with <$fh> and read, and wait as the layer
 * :netio does: %SIG handlers run, the handle's deadline holds.  A call takes all it was asked
 * for or nothing: whatever ends it early (time, size, a handler that dies, the peer) finds
 * the handle as it was, with what has come in front. */
#ifndef XS_READING_H
#define XS_READING_H

#include "perlapi.h"

/* The arguments are on Perl's stack, items from ax on: the handle, then for read_octets the
 * number, then names and values of options.  A new value; undef is the end of the file ($! 0)
 * or a failure ($! set, thrown under fatal).  Wrong arguments croak. */
SV *xs_read_line(pTHX_ I32 ax, I32 items);
SV *xs_read_octets(pTHX_ I32 ax, I32 items);
SV *xs_read_datagram(pTHX_ I32 ax, I32 items); /* of a handle of udpopen */

#endif
