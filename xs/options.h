/* Perl face.  The options of the functions that open or ask: names and values from Perl's
 * stack, checked, in one table. */
#ifndef XS_OPTIONS_H
#define XS_OPTIONS_H

#include "args.h"

#include <netio/clock.h>

/* Who has which option; a table in options.c names them. */
enum { XS_FOR_TCP = 1, XS_FOR_UDP = 2, XS_FOR_UNIX = 4, XS_FOR_ASK = 8, XS_FOR_LISTEN = 16 };

struct xs_options {
    const char *what;        /* the function, for messages */
    NV timeout;              /* as given; infinity: not given */
    netio_deadline finished; /* of the whole conversation */
    NV first_wait;           /* seconds; 0: not given */
    SV *valid;               /* code; NULL: not given */
    int family;
    unsigned source_port;
    int backlog; /* 0: not given */
    bool fatal, reserved, keepalive, nodelay;
    struct xs_text source; /* empty: not given */
};

/* Nothing given.  The room for texts is left as it is, since clearing it would cost a tcpopen more
 * than reading its arguments. */
void xs_options_default(struct xs_options *options, const char *what);

/* Reads the items of the stack at ax from first on into *options, which holds the defaults.
 * Throws a NetIO::Error that names the option.  May run Perl code. */
void xs_options_read(pTHX_ struct xs_options *options, unsigned caller, I32 ax, I32 first,
                     I32 items);

#endif
