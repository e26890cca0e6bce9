/* Perl face.  The PerlIO layer :netio, the bottom of every handle that NetIO opens.
 *
 * A handle has two PerlIOs on one socket, in and out; what they share is a struct
 * xs_talk: one deadline for the whole conversation, and how it failed. */
#ifndef XS_LAYER_H
#define XS_LAYER_H

#include "perlapi.h"

#include <netio/clock.h>

struct xs_talk {
    netio_deadline deadline; /* for every read and write */
    netio_deadline limit;    /* of the one read under way: it is no failure of the handle */
    NV line_seconds;  /* for the peer's next line, once it is waited for; 0: as long as it takes */
    NV write_seconds; /* for the peer to take what is printed at once; 0: the same */
    netio_deadline line_due; /* of the line that is waited for; single bytes do not move it */
    int code;                /* the first failure worse than EAGAIN; 0: none */
    int read_failed;         /* why reading is over for good; 0: it is not */
    int write_failed;        /* the same of writing */
    unsigned refs;           /* layers that point here */
    bool fatal;              /* failures are thrown as NetIO::Error */
    bool signals;            /* for programs that know no layer: writes after the peer has gone are
                                a SIGPIPE, and errno is as plain system calls leave it */
    bool over;               /* the end of the file is this end's: a datagram socket shut down */
};

/* A pair of PerlIOs on the socket fd, :perlio over :netio, both sharing a new talk.  From
 * now on fd is theirs: the close of the second closes it.  Returns the talk, which lives
 * as long as they do. */
struct xs_talk *xs_layer_open_take(pTHX_ int fd, netio_deadline deadline, PerlIO **in,
                                   PerlIO **out);
/* The same on two descriptors of one socket. */
struct xs_talk *xs_layer_open_both_take(pTHX_ int in_fd, int out_fd, netio_deadline deadline,
                                        PerlIO **in, PerlIO **out);
/* For who looks at a talk when its PerlIOs may be closed. */
struct xs_talk *xs_talk_keep(struct xs_talk *talk);
void xs_talk_release(struct xs_talk *talk);

/* The talk of a PerlIO, or NULL when no :netio is under it. */
struct xs_talk *xs_layer_talk(pTHX_ PerlIO *f);

#endif
