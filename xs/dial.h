/* Perl face.  The blocking open of NetIO::Socket: names and all addresses under one
 * deadline, through the machines of the core, with what IO::Socket's constructors may ask of
 * a socket. */
#ifndef XS_DIAL_H
#define XS_DIAL_H

#include "perlapi.h"

#include <netio/clock.h>

/* Deadlines travel through Perl as numbers (netio_deadline itself; 0: none).  The sooner
 * of so many seconds from now, undef being none; NULL when one is no number of seconds. */
SV *xs_dial_finish(pTHX_ SV *timeout, SV *deadline);
netio_deadline xs_dial_deadline(pTHX_ SV *finish /* or NULL */);
SV *xs_dial_number(pTHX_ netio_deadline deadline);

/* The hash of a plan; croaks when it is none. */
HV *xs_dial_plan(pTHX_ SV *plan);

/* plan is a hash of NetIO::Socket::Plan; these are read:
 *   host, service   what to connect to; or, where host is undef:
 *   peers           packed addresses, tried in this order
 *   family          AF_UNSPEC, AF_INET or AF_INET6
 *   locals          packed addresses to bind to: the first of the peer's family that goes
 *   options         [LEVEL, NAME, VALUE, FAMILY]: options of the socket, before it is bound;
 *                   VALUE as setsockopt has it, FAMILY 0 for any
 *   finish          the deadline
 * Connects by TCP and gives the socket to the handle, whose descriptor keeps its number if
 * it had one.  The packed address of the peer; or undef with $! set, and in the plan: message,
 * in the words of getaddrinfo(3) or strerror(3), and details, with every address tried. */
SV *xs_dial_open(pTHX_ SV *self, HV *plan);

/* The packed addresses of plan's host, port 0, as far as they are of plan's family, pushed on
 * the array; false with $! and message set.  Waits as xs_dial_open does. */
bool xs_dial_resolve(pTHX_ AV *addresses, HV *plan);

#endif
