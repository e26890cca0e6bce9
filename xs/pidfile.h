/* Perl face.  Whatever daemon runs by a pid file, this process's or not.  Each throws what went
 * wrong. */
#ifndef XS_PIDFILE_H
#define XS_PIDFILE_H

#include "perlapi.h"

SV *xs_pidfile_find(pTHX_ SV *path); /* its pid, or undef */
void xs_pidfile_signal(pTHX_ SV *path, SV *signal);
/* Until it has ended, at most so many seconds; %SIG handlers run meanwhile. */
void xs_pidfile_stop(pTHX_ SV *path, SV *seconds, bool kill);

#endif
