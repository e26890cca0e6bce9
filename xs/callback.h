/* Perl face.  Calling Perl code from the handlers of an engine in C.
 *
 * Whatever the code does, it comes back here: frames of the core are never jumped over.  What it
 * dies of is kept for whoever called the engine; exit is remembered, no further code is called, and
 * who has called the engine goes on with it. */
#ifndef XS_CALLBACK_H
#define XS_CALLBACK_H

#include "perlapi.h"

enum xs_called { XS_RETURNED, XS_DIED, XS_EXITED };

/* Calls code with count arguments, which may be changed by it, in void context, or, where truth is
 * not NULL, in scalar context for what it is worth.  XS_DIED: of ERRSV.  To be called between
 * xs_callbacks_begin and _end. */
enum xs_called xs_callback(pTHX_ CV *code, SV *const *args, int count, bool *truth);

/* Around a call of the engine: a stack of its own keeps last and next in the code from finding a
 * loop outside.  No end after XS_EXITED. */
void xs_callbacks_begin(pTHX);
void xs_callbacks_end(pTHX);
/* After XS_EXITED, when the frames of the engine are gone. */
void xs_callbacks_exit(pTHX) __attribute__((noreturn));

#endif
