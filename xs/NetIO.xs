/* Perl face.  Package NetIO, and the boot of all of NetIO.so; one .xsi for each further
 * package.  An XSUB here is an argument list and a call; the work is in the C files. */
#include "perlapi.h"

#include "connection.h"
#include "daemon.h"
#include "dial.h"
#include "ends.h"
#include "error.h"
#include "fork.h"
#include "handle.h"
#include "listen.h"
#include "open.h"
#include "passed.h"
#include "pidfile.h"
#include "pool.h"
#include "reading.h"
#include "received.h"
#include "request.h"
#include "server.h"
#include "socket.h"
#include "standard.h"
#include "supervisor.h"
#include "timeout.h"
#include "timer.h"
#include "udp.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>

MODULE = NetIO  PACKAGE = NetIO

PROTOTYPES: DISABLE

BOOT:
    xs_handle_boot(aTHX);
    xs_timeout_boot(aTHX);
    xs_standard_boot(aTHX);

void
CLONE(...)
  CODE:
    PERL_UNUSED_VAR(items);
    xs_handle_clone(aTHX);
    xs_timeout_clone(aTHX);

SV *
tcpopen(host, service, ...)
  ALIAS:
    tcpopen = XS_TCPOPEN
    udpopen = XS_UDPOPEN
  CODE:
    RETVAL = xs_open(aTHX_ (enum xs_open_kind)ix, ax, items);
  OUTPUT:
    RETVAL

SV *
unixopen(path, ...)
  CODE:
    RETVAL = xs_open(aTHX_ XS_UNIXOPEN, ax, items);
  OUTPUT:
    RETVAL

# In list context all sockets of the address.
void
tcplisten(address, ...)
  PREINIT:
    SV *handles[NETIO_LISTENER_MAX];
    int count;
  PPCODE:
    count = xs_tcplisten(aTHX_ handles, ax, items, GIMME_V == G_ARRAY);
    SP = PL_stack_base + ax - 1; /* it may have moved */
    EXTEND(SP, count);
    for (int i = 0; i < count; i++)
        mPUSHs(handles[i]);

# In list context also who has answered.
void
udp_ask(servers, service, request, ...)
  PREINIT:
    SV *answer;
    SV *from = NULL;
    bool all;
  PPCODE:
    all = GIMME_V == G_ARRAY;
    answer = xs_udp_ask(aTHX_ ax, items, all ? &from : NULL);
    SP = PL_stack_base + ax - 1; /* it may have moved */
    EXTEND(SP, 2);
    mPUSHs(answer);
    if (all)
        mPUSHs(from);

INCLUDE: Socket.xsi

INCLUDE: Error.xsi

INCLUDE: Timeout.xsi

INCLUDE: Daemon.xsi

INCLUDE: Server.xsi

INCLUDE: Connection.xsi

INCLUDE: Supervisor.xsi

INCLUDE: Pool.xsi
