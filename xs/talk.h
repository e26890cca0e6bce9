/* Perl face.  One conversation: what the PerlIOs of a handle (in and out) share. */
#ifndef XS_TALK_H
#define XS_TALK_H

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

/* For each layer that has it, and for who looks at it when its PerlIOs may be closed; the last one
 * frees it. */
struct xs_talk *xs_talk_keep(struct xs_talk *talk);
void xs_talk_release(struct xs_talk *talk);

/* A thread that is born gets talks of its own, so that none is shared between threads; both
 * directions of a handle find the same one by the map of what is cloned. */
struct xs_talk *xs_talk_clone(pTHX_ struct xs_talk *talk);

/* Whether the deadline, or this earlier one, has passed. */
bool xs_talk_is_late(const struct xs_talk *talk, netio_deadline due);

/* The peer's time for a line begins when somebody waits for it, and ends with the end of a line. */
netio_deadline xs_talk_line_due(struct xs_talk *talk);
void xs_talk_heard(struct xs_talk *talk, const char *data, size_t size);

#endif
