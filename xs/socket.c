/* Perl face.  Sockets; see socket.h.  Called by the methods of NetIO::Socket; it touches the
 * handles it is given, and runs %SIG handlers while it waits. */
#include "socket.h"

#include "datagram.h"
#include "handle.h"
#include "wait.h"

#include <netio/addr.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/time.h>

static void set_slot(pTHX_ SV *self, const char *name, int value)
{
    (void)hv_store(GvHVn(xs_handle_gv(aTHX_ self)), name, (I32)strlen(name), newSViv(value), 0);
}

static void set_slots(pTHX_ SV *self, int domain, int type, int protocol)
{
    set_slot(aTHX_ self, "io_socket_domain", domain);
    set_slot(aTHX_ self, "io_socket_type", type);
    if (protocol) /* 0 lets the system choose: protocol() will ask it */
        set_slot(aTHX_ self, "io_socket_proto", protocol);
}

static bool is_udp(int domain, int type)
{
    return (domain == AF_INET || domain == AF_INET6)
        && (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_DGRAM;
}

/* The buffer of a handle that was UDP's would take the end of a stream for an empty datagram. */
static void leave_datagrams(pTHX_ PerlIO *f, const char *mode)
{
    if (!xs_datagram_is(aTHX_ f))
        return;
    PerlIO_pop(aTHX_ f);
    PerlIO_push(aTHX_ f, PERLIO_FUNCS_CAST(&PerlIO_perlio), mode, NULL);
    PerlIOBase(f)->flags |= PERLIO_F_OPEN;
}

/* The buffers of a handle that has got a new socket. */
static void fit_buffers(pTHX_ SV *self, bool was_open, bool udp)
{
    IO *io = GvIO(xs_handle_gv(aTHX_ self));

    if (udp && !was_open)
        xs_datagram_attach(aTHX_ self);
    if (udp || !was_open)
        return;
    leave_datagrams(aTHX_ IoIFP(io), "r");
    leave_datagrams(aTHX_ IoOFP(io), "w");
}

bool xs_socket_make(pTHX_ SV *self, int domain, int type, int protocol)
{
    bool was_open = xs_handle_fd(aTHX_ self) != -1;
    int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

    if (fd == -1)
        return false;
    xs_handle_put_take(aTHX_ self, fd);
    fit_buffers(aTHX_ self, was_open, is_udp(domain, type));
    set_slots(aTHX_ self, domain, type, protocol);
    return true;
}

bool xs_socket_pair(pTHX_ SV *one, SV *other, int domain, int type, int protocol)
{
    int fds[2];

    if (socketpair(domain, type | SOCK_CLOEXEC, protocol, fds) == -1)
        return false;
    xs_handle_put_take(aTHX_ one, fds[0]);
    xs_handle_put_take(aTHX_ other, fds[1]);
    set_slots(aTHX_ one, domain, type, protocol);
    set_slots(aTHX_ other, domain, type, protocol);
    return true;
}

bool xs_socket_adopt(pTHX_ SV *self, int fd, bool copy)
{
    int type;
    socklen_t len = sizeof type;

    (void)xs_handle_gv(aTHX_ self);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1)
        return false;
    if (copy)
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd == -1)
        return false;
    xs_handle_open_take(aTHX_ xs_handle_gv(aTHX_ self), fd);
    return true;
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ? errno : error;
}

/* Waits for one of events on the descriptor of self; 0, or an errno.  A handler may have
 * closed self, or put another socket into it. */
static int wait_for(pTHX_ SV *self, int fd, unsigned events, netio_deadline deadline)
{
    for (;;) {
        int ready = xs_wait(aTHX_ fd, events, deadline);
        if (ready > 0)
            return 0;
        if (ready < 0 && ready != -EINTR)
            return -ready;
        PERL_ASYNC_CHECK();
        if (xs_handle_fd(aTHX_ self) != fd)
            return EBADF;
    }
}

/* Registered while connect() waits: a handler may die, or close the handle.  Leaves in errno what
 * was there, or why the socket is not in blocking mode. */
static void back_to_blocking(pTHX_ void *self)
{
    int saved = errno;
    int fd = xs_handle_fd(aTHX_ (SV *)self);
    int code = fd == -1 ? 0 : netio_fd_nonblock(fd, 0);

    errno = saved ? saved : -code;
}

/* The kernel would take the first connect() after one that was waited for for that one's end, and
 * say that it went well, whatever the address. */
static bool is_connected(int fd, const struct sockaddr *to)
{
    struct sockaddr_storage peer;
    int type;
    socklen_t len = sizeof peer, type_len = sizeof type;

    return to->sa_family != AF_UNSPEC
        && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM
        && getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

static int connect_waiting(pTHX_ SV *self, int fd, const struct sockaddr *to, socklen_t len,
                           netio_deadline deadline)
{
    if (is_connected(fd, to))
        return EISCONN;
    if (connect(fd, to, len) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    int error = wait_for(aTHX_ self, fd, NETIO_WRITE, deadline);
    return error ? error : socket_error(fd);
}

bool xs_socket_connect(pTHX_ SV *self, SV *address, netio_deadline deadline)
{
    struct sockaddr_storage to;
    STRLEN len;
    const char *bytes = SvPVbyte(address, len);
    int fd = xs_handle_fd(aTHX_ self);
    int flags = fd == -1 ? -1 : fcntl(fd, F_GETFL);

    if (flags == -1)
        return false;
    if (len > sizeof to) {
        errno = EINVAL;
        return false;
    }
    Copy(bytes, &to, len, char);
    if (flags & O_NONBLOCK)
        return connect(fd, (struct sockaddr *)&to, (socklen_t)len) == 0;
    int code = netio_fd_nonblock(fd, 1);
    if (code != 0) {
        errno = -code;
        return false;
    }
    ENTER;
    SAVEDESTRUCTOR_X(back_to_blocking, self);
    errno = connect_waiting(aTHX_ self, fd, (struct sockaddr *)&to, (socklen_t)len, deadline);
    LEAVE;
    return errno == 0;
}

#define ACCEPT_USEC 10000

/* Between the poll that says a connection is there and accept(2), another process may have
 * taken it.  O_NONBLOCK is for all processes that share the listener, and would be noticed
 * there; a short time limit for accept(2) in blocking mode is not, by those that wait here. */
static void limit_accept(int fd)
{
    const struct timeval limit = {.tv_usec = ACCEPT_USEC};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

/* For the sake of accept(2) by others.  A limit that somebody else has set stays. */
static void unlimit_accept(int fd)
{
    const struct timeval none = {.tv_sec = 0};
    struct timeval limit;
    socklen_t len = sizeof limit;
    int saved = errno;

    if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &len) == 0 && limit.tv_sec == 0
        && limit.tv_usec <= ACCEPT_USEC)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    errno = saved;
}

/* accept(2) fails at once where poll(2) could wait for ever. */
static bool is_no_listener(int fd)
{
    int listens = 0;
    socklen_t len = sizeof listens;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens;
}

static int accept_once(int fd, netio_deadline deadline, struct sockaddr_storage *peer,
                       socklen_t *len)
{
    if (deadline != NETIO_NEVER)
        limit_accept(fd);
    *len = sizeof *peer;
    int accepted = accept4(fd, (struct sockaddr *)peer, len, SOCK_CLOEXEC);
    if (deadline != NETIO_NEVER)
        unlimit_accept(fd);
    return accepted;
}

/* A connection that was gone before it was taken is not what the caller waits for. */
static bool again(int error)
{
    return error == EAGAIN || error == EINTR || error == ECONNABORTED || error == EPROTO;
}

static int accept_waiting(pTHX_ SV *self, struct sockaddr_storage *peer, socklen_t *len,
                          netio_deadline deadline)
{
    int fd = xs_handle_fd(aTHX_ self);
    int flags = fd == -1 ? -1 : fcntl(fd, F_GETFL);

    if (flags == -1)
        return -1;
    if ((flags & O_NONBLOCK && deadline == NETIO_NEVER) || is_no_listener(fd))
        return accept_once(fd, deadline, peer, len);
    for (;;) {
        int error = wait_for(aTHX_ self, fd, NETIO_READ, deadline);
        int accepted = error ? -1 : accept_once(fd, deadline, peer, len);
        if (accepted != -1)
            return accepted;
        if (error)
            errno = error;
        if (error || !again(errno))
            return -1;
    }
}

SV *xs_socket_accept(pTHX_ SV *self, SV *fresh, netio_deadline deadline)
{
    struct sockaddr_storage peer;
    socklen_t len;

    (void)xs_handle_gv(aTHX_ fresh);
    int fd = accept_waiting(aTHX_ self, &peer, &len, deadline);
    if (fd == -1)
        return newSV(0);
    xs_handle_put_take(aTHX_ fresh, fd);
    if (len > sizeof peer)
        len = sizeof peer;
    return newSVpvn((const char *)&peer, len);
}
