/* Perl face.  NetIO::Server::Supervisor: the processes of netio/supervisor.h for a server in Perl.
 *
 * An object is a number with a struct by magic.  It belongs to the process that made it, and, when
 * run has returned "worker" there, to that new process as well; to no thread, and to no other
 * child.  It keeps the server whose limits the workers share. */
#ifndef XS_SUPERVISOR_H
#define XS_SUPERVISOR_H

#include "perlapi.h"

/* NetIO::Server::Supervisor->new(SERVER, OPTION => VALUE, ...): the items of the stack from ax on,
 * the class first. */
SV *xs_supervisor_new(pTHX_ I32 ax, I32 items);

/* Methods; each croaks if self is none, and throws what went wrong.  Addresses: a reference to an
 * array. */
void xs_supervisor_listen(pTHX_ SV *self, SV *addresses);
void xs_supervisor_listen_take(pTHX_ SV *self, int fd);
void xs_supervisor_reload(pTHX_ SV *self, SV *addresses, UV workers);
AV *xs_supervisor_addresses(pTHX_ SV *self); /* mortal */
/* The word of the next event; *why becomes a new value, the reason of "kept", or undef.  Runs %SIG
 * handlers. */
const char *xs_supervisor_run(pTHX_ SV *self, SV **why);
void xs_supervisor_stop(pTHX_ SV *self, bool at_once);
AV *xs_supervisor_status(pTHX_ SV *self); /* of references to hashes; mortal */

/* In a worker. */
void xs_worker_serve(pTHX_ SV *self, SV *server);
void xs_worker_ready(pTHX_ SV *self, SV *daemon /* or undef: whose log it has */);
void xs_worker_fail(pTHX_ SV *self, SV *why);
UV xs_worker_number(pTHX_ SV *self);
UV xs_worker_generation(pTHX_ SV *self);

/* This process, without workers, becomes that user for good, or the call throws. */
void xs_supervisor_become(pTHX_ SV *user);

/* What this process was started with: the words of its command, the first the program itself. */
AV *xs_supervisor_command(pTHX); /* mortal */

#endif
