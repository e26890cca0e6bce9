/* Perl face.  NetIO::Connection; see connection.h.  Called by the engine, for the handlers of
 * connections, and by Connection.xsi; it runs Perl code.
 *
 * Handlers are what a server does all day: everything they need is at hand, and nothing is looked
 * up by name. */
#include "connection.h"

#include "args.h"
#include "object.h"
#include "timer.h"

#include <netio/peer.h>

#include <errno.h>

/* --- the object */

/* While the engine has it the object is there, but at the end of the interpreter, which takes
 * objects from whoever has them. */
static int free_connection(pTHX_ SV *sv, MAGIC *mg)
{
    struct xs_connection *connection = (struct xs_connection *)mg->mg_ptr;

    PERL_UNUSED_CONTEXT;
    PERL_UNUSED_VAR(sv);
    if (connection && connection->conn)
        connection->lost = true;
    else
        Safefree(connection);
    return 0;
}

static MGVTBL table = {.svt_free = free_connection, .svt_dup = xs_object_dup};

struct xs_connection *xs_connection_get(pTHX_ SV *self)
{
    return (struct xs_connection *)xs_object_get(aTHX_ self, &table, "NetIO::Connection");
}

/* Handlers get the one reference, which they cannot change. */
static struct xs_connection *new_connection(pTHX_ struct xs_server *server, struct netio_conn *conn)
{
    SV *object = newSV_type(SVt_PVMG);
    struct xs_connection *connection;

    Newxz(connection, 1, struct xs_connection);
    connection->conn = conn;
    connection->server = server;
    connection->self = newRV_noinc(object);
    (void)xs_object_bind(aTHX_ object, &table, connection);
    sv_bless(connection->self, server->connections);
    SvREADONLY_on(connection->self);
    netio_conn_set_data(conn, connection);
    return connection;
}

/* An empty shell, if anybody has kept it.  The data may be an object, whose DESTROY is code. */
static void end_connection(pTHX_ struct xs_connection *connection)
{
    SV *self = connection->self, *data = connection->data;

    xs_timer_stop_all(aTHX_ & connection->timers);
    connection->conn = NULL;
    connection->self = NULL;
    connection->data = NULL;
    if (connection->lost)
        Safefree(connection);
    SvREFCNT_dec(data);
    SvREFCNT_dec(self);
}

/* --- handlers */

void xs_connection_call(pTHX_ struct xs_connection *connection, CV *code, const char *where,
                        SV *more)
{
    SV *args[] = {connection->self, more};

    if (xs_event_call(aTHX_ connection->server, code, where, args, more ? 2 : 1, NULL,
                      connection->self))
        return;
    if (connection->server->exiting) /* last words */
        netio_conn_close(connection->conn);
    else
        netio_conn_abort(connection->conn);
}

static const char *const names[] = {
#define XS_X(name, option) [XS_ON_##name] = option,
    XS_EVENT_LIST(XS_X)
#undef XS_X
};

static void call(pTHX_ struct xs_connection *connection, enum xs_event event, SV *more)
{
    xs_connection_call(aTHX_ connection, connection->server->on[event], names[event], more);
}

static void on_open(struct netio_conn *conn)
{
    struct xs_server *server = netio_server_data(netio_conn_server(conn));
    dTHXa(server->perl);
    struct xs_connection *connection = new_connection(aTHX_ server, conn);

    if (server->on[XS_ON_OPEN])
        call(aTHX_ connection, XS_ON_OPEN, NULL);
}

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    struct xs_connection *connection = netio_conn_data(conn);
    struct xs_server *server = connection->server;
    dTHXa(server->perl);

    server->speaking = connection;
    call(aTHX_ connection, XS_ON_LINE, xs_event_argument(aTHX_ server, line, len));
    server->speaking = NULL;
}

/* All of it is taken, but for what the code wants to see again. */
static size_t on_data(struct netio_conn *conn, char *data, size_t len)
{
    struct xs_connection *connection = netio_conn_data(conn);
    struct xs_server *server = connection->server;
    dTHXa(server->perl);

    server->unread = 0;
    server->speaking = connection;
    call(aTHX_ connection, XS_ON_DATA, xs_event_argument(aTHX_ server, data, len));
    server->speaking = NULL;
    return len - (server->unread < len ? server->unread : len);
}

static void on_serve(struct netio_conn *conn, int fd)
{
    struct xs_connection *connection = netio_conn_data(conn);
    dTHXa(connection->server->perl);
    SV *number = newSViv(fd);

    call(aTHX_ connection, XS_ON_SERVE, number);
    SvREFCNT_dec(number);
}

static void call_plainly(struct netio_conn *conn, enum xs_event event)
{
    struct xs_connection *connection = netio_conn_data(conn);
    dTHXa(connection->server->perl);

    call(aTHX_ connection, event, NULL);
}

static void on_toolong(struct netio_conn *conn)
{
    call_plainly(conn, XS_ON_TOOLONG);
}

static void on_eof(struct netio_conn *conn)
{
    call_plainly(conn, XS_ON_EOF);
}

static void on_writable(struct netio_conn *conn)
{
    call_plainly(conn, XS_ON_WRITABLE);
}

static void on_close(struct netio_conn *conn, enum netio_close why)
{
    struct xs_connection *connection = netio_conn_data(conn);
    struct xs_server *server = connection->server;
    dTHXa(server->perl);
    const char *word = netio_close_str(why);

    if (server->on[XS_ON_CLOSE])
        call(aTHX_ connection, XS_ON_CLOSE, xs_event_argument(aTHX_ server, word, strlen(word)));
    end_connection(aTHX_ connection);
}

void xs_connection_handlers(const struct xs_server *server, struct netio_server_handlers *handlers)
{
    handlers->on_open = on_open;
    handlers->on_close = on_close;
    handlers->on_line = server->on[XS_ON_LINE] ? on_line : NULL;
    handlers->on_data = server->on[XS_ON_DATA] ? on_data : NULL;
    handlers->on_serve = server->on[XS_ON_SERVE] ? on_serve : NULL;
    if (server->serve)
        handlers->on_serve = server->serve;
    handlers->on_toolong = server->on[XS_ON_TOOLONG] ? on_toolong : NULL;
    handlers->on_eof = server->on[XS_ON_EOF] ? on_eof : NULL;
    handlers->on_writable = server->on[XS_ON_WRITABLE] ? on_writable : NULL;
}

/* --- methods */

SV *xs_connection_text(pTHX_ const struct netio_addr *address, enum xs_connection_text which)
{
    char text[NETIO_ADDR_STRLEN];

    if (!address->len)
        return newSV(0);
    switch (which) {
    case XS_CONN_PEERPORT:
    case XS_CONN_SOCKPORT:
        return netio_addr_port(address) ? newSVuv(netio_addr_port(address)) : newSV(0);
    case XS_CONN_PEERHOST:
    case XS_CONN_SOCKHOST:
        return newSVpv(netio_addr_host_str(address, text, sizeof text), 0);
    default:
        return newSVpv(netio_addr_str(address, text, sizeof text), 0);
    }
}

SV *xs_connection_address(pTHX_ const struct xs_connection *connection,
                          enum xs_connection_text which)
{
    struct netio_addr local = {.len = 0};

    if (!connection->conn)
        return newSV(0);
    if (which < XS_CONN_LOCAL)
        return xs_connection_text(aTHX_ netio_conn_peer(connection->conn), which);
    (void)netio_conn_local(connection->conn, &local);
    return xs_connection_text(aTHX_ & local, which);
}

SV *xs_connection_line(pTHX_ const struct xs_connection *connection)
{
    const struct xs_server *server = connection->server;

    if (!connection->conn || server->speaking != connection || !server->on[XS_ON_LINE])
        return newSV(0);
    return newSVsv(server->argument);
}

SV *xs_connection_credentials(pTHX_ const struct xs_connection *connection)
{
    struct netio_peer peer;

    if (!connection->conn || netio_peer_credentials(&peer, netio_conn_fd(connection->conn)) != 0)
        return newSV(0);
    HV *hash = newHV();
    AV *groups = newAV();
    for (size_t i = 0; i < peer.group_count; i++)
        av_push(groups, newSVuv(peer.groups[i]));
    (void)hv_stores(hash, "pid", newSViv((IV)peer.pid));
    (void)hv_stores(hash, "uid", newSVuv(peer.uid));
    (void)hv_stores(hash, "gid", newSVuv(peer.gid));
    (void)hv_stores(hash, "groups", newRV_noinc((SV *)groups));
    return newRV_noinc((SV *)hash);
}

NV xs_connection_age(const struct xs_connection *connection)
{
    if (!connection->conn)
        return 0;
    return (NV)(netio_clock_now() - netio_conn_opened(connection->conn)) / 1e9;
}

SV *xs_connection_timer(pTHX_ struct xs_connection *connection, SV *seconds, SV *code)
{
    if (!connection->conn)
        return newSV(0);
    return xs_timer_start(aTHX_ & connection->timers, connection->server, connection, seconds,
                          code);
}

const char *xs_connection_octets(pTHX_ SV *sv, STRLEN *len)
{
    SvGETMAGIC(sv);
    if (!SvOK(sv)) {
        *len = 0;
        return "";
    }
    if (SvPOK(sv) && !SvUTF8(sv))
        return SvPV_nomg_const(sv, *len);
    SV *copy = sv_newmortal();
    sv_setsv_nomg(copy, sv);
    (void)SvPV_force_nolen(copy);
    if (!sv_utf8_downgrade(copy, TRUE))
        croak("write: characters that are no octets");
    return SvPV_const(copy, *len);
}

bool xs_connection_write(pTHX_ struct xs_connection *connection, I32 ax, I32 first, I32 items)
{
    int code = connection->conn ? 0 : -EPIPE;

    for (I32 i = first; code == 0 && i < items; i++) {
        STRLEN len;
        const char *bytes = xs_connection_octets(aTHX_ ST(i), &len);
        /* Reading it may have been code. */
        code = connection->conn ? netio_conn_write(connection->conn, bytes, len) : -EPIPE;
    }
    if (code != 0)
        errno = netio_error_errno(code);
    return code == 0;
}

SV *xs_connection_data(pTHX_ struct xs_connection *connection, SV *value)
{
    if (value && connection->conn) {
        SV *before = connection->data;
        connection->data = newSVsv(value);
        SvREFCNT_dec(before);
    }
    return connection->data ? newSVsv(connection->data) : newSV(0);
}
