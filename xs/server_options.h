/* Perl face.  The options of NetIO::Server->new: names and values from Perl's stack, checked, in
 * one table. */
#ifndef XS_SERVER_OPTIONS_H
#define XS_SERVER_OPTIONS_H

#include "server.h"

/* Reads the items of the stack at ax from first on into *server; what is not for the engine is kept
 * in its object by its name.  Throws a NetIO::Error that names the option.  May run Perl code. */
void xs_server_options_read(pTHX_ struct xs_server *server, I32 ax, I32 first, I32 items);
/* Rules alone; NULL where none is given.  Whose they are: the caller's. */
struct netio_access *xs_server_options_access(pTHX_ I32 ax, I32 first, I32 items);

#endif
