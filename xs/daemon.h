/* Perl face.  NetIO::Daemon: the one daemon that a process can become.
 *
 * What it is made of belongs to the process, and lasts until stop, or until the interpreter that
 * called daemonize ends; objects only stand for it.  In a thread that is born later there is no
 * object; a child of fork may log, and ends it without a trace. */
#ifndef XS_DAEMON_H
#define XS_DAEMON_H

#include "perlapi.h"

#include <netio/daemonize.h>
#include <netio/log.h>

/* daemonize(OPTION => VALUE, ...): the items of the stack from ax on.  Returns in the daemon, with
 * a new object; in the starter never, which ends without running Perl code.  Throws a NetIO::Error
 * when there is nothing to wait for: nothing has been started then. */
SV *xs_daemon_start(pTHX_ I32 ax, I32 items);

/* Methods; each croaks if self is no object of the class, and throws what went wrong. */
void xs_daemon_drop(pTHX_ SV *self);
/* True when standard error is now /dev/null, and so what is printed there should go to the log. */
bool xs_daemon_ready(pTHX_ SV *self);
void xs_daemon_fail(pTHX_ SV *self, int status);
void xs_daemon_end(pTHX_ SV *self);
bool xs_daemon_detached(pTHX_ SV *self);
SV *xs_daemon_name(pTHX_ SV *self);
/* False when there is a manager and it could not be told; $! says why. */
bool xs_daemon_notify(pTHX_ SV *self, SV *what, SV *text /* or NULL */);
/* Seconds until the next sign of life is due, or undef. */
SV *xs_daemon_alive(pTHX_ SV *self);
void xs_daemon_log(pTHX_ SV *self, SV *priority, SV *text);
/* Of STDERR: logged as warnings.  False in a thread, which has no daemon. */
bool xs_daemon_say(pTHX_ SV *text);
void xs_daemon_reopen(pTHX_ SV *self);
/* In a worker of a supervisor, which has still the starter's input, output and error: as ready
 * does with those. */
bool xs_daemon_let_go(pTHX_ SV *self);
/* What a supervisor tells of itself, and where it logs. */
void xs_daemon_parts(pTHX_ SV *self, struct netio_daemon **daemon, struct netio_log **log);
/* New handles of what a manager has passed under that name, or of all: in an array that is mortal.
 * The second time there is none. */
AV *xs_daemon_listeners(pTHX_ SV *self, SV *name /* or NULL */);

#endif
