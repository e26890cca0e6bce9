/* Perl face.  The PerlIO layer :datagram, the buffer of a handle on a UDP socket: it stands over
 * :netio in the place of :perlio, and has room for the longest datagram there is. */
#ifndef XS_DATAGRAM_H
#define XS_DATAGRAM_H

#include "perlapi.h"

/* Changes the buffers of a new handle, which has never been read or written. */
void xs_datagram_attach(pTHX_ SV *handle);

/* Whether the layer is there. */
bool xs_datagram_is(pTHX_ PerlIO *f);
/* Whether an empty datagram is to end a fill, as the end of the file does; else it is passed
 * over.  Setting it forgets the last one. */
void xs_datagram_stop_at_empty(pTHX_ PerlIO *f, bool stop);
/* Whether it has. */
bool xs_datagram_was_empty(pTHX_ PerlIO *f);

#endif
