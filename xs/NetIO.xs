/* Perl face.  Package NetIO, and the boot of all of NetIO.so; one .xsi for each further
 * package.  An XSUB here is an argument list and a call; the work is in the C files. */
#include "perlapi.h"

#include "error.h"
#include "handle.h"
#include "open.h"
#include "reading.h"
#include "timeout.h"

MODULE = NetIO  PACKAGE = NetIO

PROTOTYPES: DISABLE

BOOT:
    xs_handle_boot(aTHX);
    xs_timeout_boot(aTHX);

void
CLONE(...)
  CODE:
    PERL_UNUSED_VAR(items);
    xs_handle_clone(aTHX);
    xs_timeout_clone(aTHX);

SV *
tcpopen(host, service, ...)
  CODE:
    RETVAL = xs_tcpopen(aTHX_ ax, items);
  OUTPUT:
    RETVAL

INCLUDE: Socket.xsi

INCLUDE: Error.xsi

INCLUDE: Timeout.xsi
