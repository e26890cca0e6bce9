/* Perl face.  Datagrams of a server; see received.h.  Called by the engine and by Server.xsi; it
 * runs Perl code. */
#include "received.h"

#include "object.h"

#include <errno.h>

/* mg_ptr: the struct netio_datagram; NULL when the handler has returned. */
static MGVTBL table = {.svt_dup = xs_object_dup};

static const struct netio_datagram *datagram_of(pTHX_ SV *self)
{
    const MAGIC *mg = xs_object_magic(aTHX_ self, &table);

    if (!mg)
        croak("not a NetIO::Server::Datagram");
    return (const struct netio_datagram *)mg->mg_ptr;
}

void xs_received_handle(const struct netio_datagram *datagram)
{
    struct xs_server *server = netio_server_data(datagram->server);
    dTHXa(server->perl);
    SV *object = newSV_type(SVt_PVMG);
    MAGIC *mg = xs_object_bind(aTHX_ object, &table, datagram);
    SV *self = sv_bless(newRV_noinc(object), gv_stashpvs("NetIO::Server::Datagram", GV_ADD));

    SvREADONLY_on(self);
    SvREFCNT_inc_simple_void_NN(object);
    SV *args[] = {self, xs_event_argument(aTHX_ server, datagram->data, datagram->len)};
    (void)xs_event_call(aTHX_ server, server->on[XS_ON_DATAGRAM], "on_datagram", args, 2, NULL,
                        self);
    mg->mg_ptr = NULL;
    SvREFCNT_dec(self);
    SvREFCNT_dec(object);
}

SV *xs_received_address(pTHX_ SV *self, enum xs_connection_text which)
{
    const struct netio_datagram *datagram = datagram_of(aTHX_ self);

    if (!datagram)
        return newSV(0);
    return xs_connection_text(aTHX_ which < XS_CONN_LOCAL ? datagram->peer : datagram->local,
                              which);
}

SV *xs_received_server(pTHX_ SV *self)
{
    const struct netio_datagram *datagram = datagram_of(aTHX_ self);
    const struct xs_server *server = datagram ? netio_server_data(datagram->server) : NULL;

    return server && server->object ? newRV_inc((SV *)server->object) : newSV(0);
}

bool xs_received_reply(pTHX_ SV *self, SV *data)
{
    STRLEN len;
    const char *bytes = xs_connection_octets(aTHX_ data, &len);
    const struct netio_datagram *datagram = datagram_of(aTHX_ self);
    int code = datagram ? netio_datagram_reply(datagram, bytes, len) : -EPIPE;

    if (code != 0)
        errno = netio_error_errno(code);
    return code == 0;
}
