/* Perl face.  Perl's own headers, in the one order and with the one setting that every
 * file in xs/ needs: the interpreter is passed on (pTHX_, aTHX_), never looked up. */
#ifndef XS_PERLAPI_H
#define XS_PERLAPI_H

#include <stdbool.h>

#define PERL_NO_GET_CONTEXT
#include <EXTERN.h>
#include <perl.h>
#include <XSUB.h>
#include <perliol.h>

#endif
