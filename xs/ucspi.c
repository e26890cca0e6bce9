/* Perl face.  Who the peer is, in %ENV; see ucspi.h.  Called by surroundings.c; it touches %ENV. */
#include "ucspi.h"

#include <netio/peer.h>

#include <string.h>

static void set_variable(pTHX_ const char *name, const char *value)
{
    SV **slot = hv_fetch(GvHVn(PL_envgv), name, (I32)strlen(name), 1);

    if (!slot)
        return;
    sv_setpv_mg(*slot, value);
    SvTAINTED_on(*slot); /* as all that perl finds in its environment */
}

static void set_number(pTHX_ const char *name, unsigned long number)
{
    char text[24];

    my_snprintf(text, sizeof text, "%lu", number);
    set_variable(aTHX_ name, text);
}

/* IPv4 is never written as IPv6; see daemon/netiod/environment.h, whose variables these are. */
static void set_end(pTHX_ const struct netio_addr *addr, const char *const *names)
{
    struct netio_addr plain = *addr;
    char host[NETIO_ADDR_STRLEN];

    netio_addr_unmap(&plain);
    netio_addr_host_str(&plain, host, sizeof host);
    for (; *names; names += 2) {
        set_variable(aTHX_ names[0], host);
        set_number(aTHX_ names[1], netio_addr_port(&plain));
    }
}

static void set_unix(pTHX_ const struct netio_conn *conn, const struct netio_addr *local)
{
    char path[NETIO_ADDR_STRLEN];
    struct netio_peer peer;

    set_variable(aTHX_ "PROTO", "UNIX");
    set_variable(aTHX_ "UNIXLOCALPATH", netio_addr_host_str(local, path, sizeof path));
    if (netio_peer_credentials(&peer, netio_conn_fd(conn)) != 0)
        return;
    set_number(aTHX_ "UNIXREMOTEEUID", peer.uid);
    set_number(aTHX_ "UNIXREMOTEEGID", peer.gid);
    set_number(aTHX_ "UNIXREMOTEPID", (unsigned long)peer.pid);
}

void xs_ucspi_set(pTHX_ const struct netio_conn *conn)
{
    static const char *const here[] = {"TCPLOCALIP", "TCPLOCALPORT", NULL};
    static const char *const there[] = {"TCPREMOTEIP", "TCPREMOTEPORT", "REMOTE_ADDR",
                                        "REMOTE_PORT", NULL};
    const struct netio_addr *peer = netio_conn_peer(conn);
    struct netio_addr local;

    if (netio_conn_local(conn, &local) != 0)
        local.len = 0;
    if (local.len && netio_addr_family(&local) == AF_UNIX) {
        set_unix(aTHX_ conn, &local);
        return;
    }
    set_variable(aTHX_ "PROTO", "TCP");
    if (local.len)
        set_end(aTHX_ & local, here);
    if (peer->len)
        set_end(aTHX_ peer, there);
}
