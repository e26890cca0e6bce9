/* Perl face.  What a program of a pool finds around it, which is new for each connection: STDIN and
 * STDOUT, %ENV, the variables that perl itself has; and the state of the process. */
#ifndef XS_SURROUNDINGS_H
#define XS_SURROUNDINGS_H

#include "connection.h"

/* In the supervisor, which would end by it: the alarm that the program has set so far. */
void xs_surroundings_take_alarm(void);
/* Once, in the worker. */
void xs_surroundings_remember(pTHX);
/* fd: the connection's, in blocking mode, which stays the engine's. */
void xs_surroundings_begin(pTHX_ struct xs_connection *connection, int fd);
/* What is printed is sent; then objects that the program has left may print more. */
void xs_surroundings_flush(pTHX);
/* That is sent, too, and STDIN and STDOUT are nobody. */
void xs_surroundings_end(pTHX);
/* All else as it was. */
void xs_surroundings_put_back(pTHX);
/* The process has other users or groups, or another root, or too many descriptors, or a handle upon
 * standard input or output that nobody can close: there is no way back. */
bool xs_surroundings_are_lost(void);

#endif
