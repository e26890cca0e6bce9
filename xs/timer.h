/* Perl face.  NetIO::Server::Timer: code to be called once, later, of a server or of one of its
 * connections, with which it ends.  The object is only there to stop it. */
#ifndef XS_TIMER_H
#define XS_TIMER_H

#include "server.h"

struct xs_connection;

/* A new one in the list, which belongs to the connection, or to the server if that is NULL; seconds
 * and code are as Perl code gave them.  A reference to its object, a new value. */
SV *xs_timer_start(pTHX_ struct xs_timer **list, struct xs_server *server,
                   struct xs_connection *connection, SV *seconds, SV *code);
/* Of a method's object; whatever it is, one that has fired or was stopped stays so. */
void xs_timer_stop(pTHX_ SV *self);
/* Its owner ends. */
void xs_timer_stop_all(pTHX_ struct xs_timer **list);

#endif
