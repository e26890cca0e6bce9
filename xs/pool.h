/* Perl face.  NetIO::Pool: a program for inetd, served by workers that have compiled it once.
 *
 * perl(1) compiles the program as it compiles any, and then, in the place of its first operation,
 * finds that of the pool (xs_pool_take_over).  That supervises, and in a worker takes all of Perl's
 * stacks back to where a program begins.  There it runs the program for one connection after
 * another: at the level of the main program, with nothing of Perl below it, so that exit and die go
 * as far as they would in a process of its own, and no further. */
#ifndef XS_POOL_H
#define XS_POOL_H

#include "perlapi.h"

/* Before the program is compiled. */
void xs_pool_watch_exit(pTHX);
/* Before the program begins: in an INIT block.  supervise: the code that has workers made. */
void xs_pool_take_over(pTHX_ CV *supervise);
/* A server whose connections the program serves; before it is started. */
void xs_pool_of(pTHX_ SV *server);
/* In a worker: SIGKILL when its supervisor ends, or now if it is gone.  A program that computes for
 * ever would not hear of it, and nobody else is left to end it. */
void xs_pool_end_with(pTHX_ pid_t supervisor);
/* In a worker, whose server is ready: leaves whatever calls this, and serves.  Never returns. */
void xs_pool_work(pTHX_ SV *server) __attribute__((noreturn));

#endif
