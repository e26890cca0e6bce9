/* Perl face.  The PerlIO layer :netio, the bottom of every handle that NetIO opens.
 *
 * A handle has two PerlIOs on one socket, in and out; what they share is a struct
 * xs_talk: one deadline for the whole conversation, and how it failed. */
#ifndef XS_LAYER_H
#define XS_LAYER_H

#include "talk.h"

/* A pair of PerlIOs on the socket fd, :perlio over :netio, both sharing a new talk.  From
 * now on fd is theirs: the close of the second closes it.  Returns the talk, which lives
 * as long as they do. */
struct xs_talk *xs_layer_open_take(pTHX_ int fd, netio_deadline deadline, PerlIO **in,
                                   PerlIO **out);
/* The same on two descriptors of one socket. */
struct xs_talk *xs_layer_open_both_take(pTHX_ int in_fd, int out_fd, netio_deadline deadline,
                                        PerlIO **in, PerlIO **out);

/* The talk of a PerlIO, or NULL when no :netio is under it. */
struct xs_talk *xs_layer_talk(pTHX_ PerlIO *f);

#endif
