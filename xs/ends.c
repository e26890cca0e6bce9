/* Perl face.  The ends of a socket; see ends.h.  Called by methods of NetIO::Socket; it
 * touches the slots of the handle it is given. */
#include "ends.h"

#include "handle.h"

#include <netio/addr.h>
#include <netio/error.h>

#include <errno.h>

/* Of any family that the system knows. */
struct name {
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_storage storage;
    } u;
};

static SV **peer_slot(pTHX_ SV *self)
{
    GV *gv = xs_handle_gv(aTHX_ self);
    SV **slot = GvHV(gv) ? hv_fetchs(GvHV(gv), "io_socket_peername", 0) : NULL;

    return slot && SvPOK(*slot) && SvCUR(*slot) ? slot : NULL;
}

/* 0, or -1 with errno set. */
static int ask(struct name *name, int fd, enum xs_end end)
{
    name->len = sizeof name->u;
    int failed = end == XS_PEER ? getpeername(fd, &name->u.sa, &name->len)
                                : getsockname(fd, &name->u.sa, &name->len);

    if (name->len > sizeof name->u)
        name->len = sizeof name->u;
    return failed;
}

static int get(pTHX_ struct name *name, SV *self, enum xs_end end)
{
    int fd = xs_handle_fd(aTHX_ self);
    SV **slot = end == XS_PEER ? peer_slot(aTHX_ self) : NULL;

    if (fd == -1)
        return -1;
    if (!slot || SvCUR(*slot) > sizeof name->u)
        return ask(name, fd, end);
    name->len = (socklen_t)SvCUR(*slot);
    Copy(SvPVX(*slot), &name->u, SvCUR(*slot), char);
    return 0;
}

static int get_addr(pTHX_ struct netio_addr *addr, SV *self, enum xs_end end)
{
    struct name name;

    if (get(aTHX_ &name, self, end) != 0)
        return -1;
    int code = netio_addr_from(addr, &name.u.sa, name.len);
    if (code != 0)
        errno = netio_error_errno(code);
    return code == 0 ? 0 : -1;
}

SV *xs_ends_host(pTHX_ SV *self, enum xs_end end)
{
    struct netio_addr addr;
    char text[NETIO_ADDR_STRLEN];

    if (get_addr(aTHX_ &addr, self, end) != 0)
        return newSV(0);
    return newSVpv(netio_addr_host_str(&addr, text, sizeof text), 0);
}

SV *xs_ends_port(pTHX_ SV *self, enum xs_end end)
{
    struct netio_addr addr;

    if (get_addr(aTHX_ &addr, self, end) != 0)
        return newSV(0);
    return newSVuv(netio_addr_port(&addr));
}

/* The peer's is remembered, as IO::Socket does it. */
SV *xs_ends_name(pTHX_ SV *self, enum xs_end end)
{
    struct name name;

    if (get(aTHX_ &name, self, end) != 0)
        return newSV(0);
    SV *packed = newSVpvn((const char *)&name.u, name.len);
    if (end == XS_PEER)
        (void)hv_stores(GvHVn(xs_handle_gv(aTHX_ self)), "io_socket_peername", newSVsv(packed));
    return packed;
}

SV *xs_ends_address(pTHX_ SV *self, enum xs_end end)
{
    struct netio_addr addr;

    if (get_addr(aTHX_ &addr, self, end) != 0)
        return newSV(0);
    switch (netio_addr_family(&addr)) {
    case AF_INET:
        return newSVpvn((const char *)&addr.u.in4.sin_addr, sizeof addr.u.in4.sin_addr);
    case AF_INET6:
        return newSVpvn((const char *)&addr.u.in6.sin6_addr, sizeof addr.u.in6.sin6_addr);
    default:
        croak("Unrecognised address family %d", netio_addr_family(&addr));
    }
}

SV *xs_ends_connected(pTHX_ SV *self)
{
    int fd = xs_handle_fd(aTHX_ self);
    struct name name;

    if (fd == -1 || ask(&name, fd, XS_PEER) != 0)
        return newSV(0);
    return newSVpvn((const char *)&name.u, name.len);
}

/* Asks the kernel; -1 with errno set. */
static int kind_of(pTHX_ SV *self, enum xs_kind kind)
{
    static const int name[] = {SO_DOMAIN, SO_TYPE, SO_PROTOCOL};
    int fd = xs_handle_fd(aTHX_ self);
    int value;
    socklen_t len = sizeof value;

    if (fd == -1 || getsockopt(fd, SOL_SOCKET, name[kind], &value, &len) == -1)
        return -1;
    return value;
}

SV *xs_ends_kind(pTHX_ SV *self, enum xs_kind kind)
{
    static const char *const names[] = {"io_socket_domain", "io_socket_type", "io_socket_proto"};
    HV *slots = GvHVn(xs_handle_gv(aTHX_ self));
    SV **slot = hv_fetch(slots, names[kind], (I32)strlen(names[kind]), 0);

    if (slot && SvOK(*slot))
        return newSVsv(*slot);
    int value = kind_of(aTHX_ self, kind);
    if (value == -1)
        return newSV(0);
    (void)hv_store(slots, names[kind], (I32)strlen(names[kind]), newSViv(value), 0);
    return newSViv(value);
}
