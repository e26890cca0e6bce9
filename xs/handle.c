/* Perl face.  The handle; see handle.h.  Called by tcpopen and the methods of
 * NetIO::Socket; it touches the handle it is given. */
#include "handle.h"

#include "args.h"
#include "dial.h"
#include "layer.h"

#include <netio/error.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>

/* Looking NetIO::Socket up by name costs an eighth of a tcpopen: each interpreter does it
 * once. */
#define MY_CXT_KEY "NetIO::Socket::_guts"
typedef struct {
    HV *stash;
} my_cxt_t;
START_MY_CXT

void xs_handle_boot(pTHX)
{
    MY_CXT_INIT;
    MY_CXT.stash = gv_stashpvs("NetIO::Socket", GV_ADD);
}

void xs_handle_clone(pTHX)
{
    MY_CXT_CLONE;
    MY_CXT.stash = gv_stashpvs("NetIO::Socket", GV_ADD);
}

/* A fresh glob in no symbol table costs a third of one from newGVgen.  Its name appears in
 * Perl's warnings: "print() on closed filehandle tcpopen". */
static GV *new_glob(pTHX)
{
    dMY_CXT;
    GV *gv = (GV *)newSV_type(SVt_NULL);

    gv_init(gv, MY_CXT.stash, "tcpopen", 7, 0);
    return gv;
}

SV *xs_handle_empty(pTHX_ HV *stash)
{
    GV *gv = new_glob(aTHX);
    SV *self = newRV_noinc((SV *)gv);

    IoFLAGS(GvIOn(gv)) |= IOf_FLUSH;
    return sv_bless(self, stash);
}

void xs_handle_open_take(pTHX_ GV *gv, int fd)
{
    IO *io = GvIOn(gv);

    if (IoIFP(io) || IoOFP(io))
        (void)do_close(gv, FALSE);
    (void)xs_layer_open_take(aTHX_ fd, NETIO_NEVER, &IoIFP(io), &IoOFP(io));
    IoTYPE(io) = IoTYPE_SOCKET;
}

void xs_handle_put_take(pTHX_ SV *self, int fd)
{
    GV *gv = xs_handle_gv(aTHX_ self);
    int old = xs_handle_fd(aTHX_ self);

    if (old == -1) {
        xs_handle_open_take(aTHX_ gv, fd);
        return;
    }
    while (dup3(fd, old, O_CLOEXEC) == -1 && (errno == EINTR || errno == EBUSY))
        ; /* both are open: there is no other way to fail */
    netio_fd_close(fd);
    (void)xs_handle_clearerr(aTHX_ self); /* that was another socket's */
}

SV *xs_handle_new(pTHX_ int fd, netio_deadline deadline, bool fatal, NV timeout)
{
    GV *gv = new_glob(aTHX);
    IO *io = GvIOn(gv);
    struct xs_talk *talk = xs_layer_open_take(aTHX_ fd, deadline, &IoIFP(io), &IoOFP(io));
    SV *self = newRV_noinc((SV *)gv);

    talk->fatal = fatal;
    IoTYPE(io) = IoTYPE_SOCKET;
    IoFLAGS(io) |= IOf_FLUSH;
    if (!Perl_isinf(timeout)) /* the slot that IO::Socket, LWP and IO::Socket::SSL read */
        (void)hv_stores(GvHVn(gv), "io_socket_timeout", newSVnv(timeout));
    return sv_bless(self, GvSTASH(gv));
}

GV *xs_handle_gv(pTHX_ SV *self)
{
    SvGETMAGIC(self);
    if (SvROK(self))
        self = SvRV(self);
    if (!isGV_with_GP(self))
        croak("not a handle");
    return (GV *)self;
}

static IO *handle_io(pTHX_ SV *self)
{
    return GvIO(xs_handle_gv(aTHX_ self));
}

/* Its PerlIO, the one for reading where there are two; NULL with $! EBADF when closed. */
static PerlIO *handle_in(pTHX_ SV *self)
{
    IO *io = handle_io(aTHX_ self);
    PerlIO *f = io ? IoIFP(io) ? IoIFP(io) : IoOFP(io) : NULL;

    if (!f)
        errno = EBADF;
    return f;
}

int xs_handle_fd(pTHX_ SV *self)
{
    PerlIO *f = handle_in(aTHX_ self);

    return f ? PerlIO_fileno(f) : -1;
}

static void clear(pTHX_ IO *io)
{
    if (IoIFP(io))
        PerlIO_clearerr(IoIFP(io));
    if (IoOFP(io) && IoOFP(io) != IoIFP(io))
        PerlIO_clearerr(IoOFP(io));
}

SV *xs_handle_deadline(pTHX_ SV *self, SV *seconds)
{
    PerlIO *f = handle_in(aTHX_ self);
    struct xs_talk *talk = xs_layer_talk(aTHX_ f);
    NV left = NV_INF;

    if (f && !talk)
        croak("deadline: not a handle that NetIO opened");
    if (!talk)
        return newSV(0);
    if (seconds) {
        if (!xs_seconds_get(aTHX_ &left, seconds))
            croak("deadline: '%" SVf "' is not a number of seconds", SVfARG(seconds));
        talk = xs_layer_talk(aTHX_ handle_in(aTHX_ self)); /* reading it may have run code */
        if (!talk)
            return newSV(0);
        talk->deadline = netio_deadline_in(left);
        talk->line_seconds = talk->write_seconds = 0; /* the program knows better */
        talk->line_due = NETIO_NEVER;
        if (talk->code == -ETIMEDOUT && !talk->write_failed) {
            talk->code = 0;
            clear(aTHX_ handle_io(aTHX_ self));
        }
    }
    return talk->deadline == NETIO_NEVER ? newSV(0) : newSVnv(netio_deadline_left(talk->deadline));
}

SV *xs_handle_until(pTHX_ SV *self, SV *finish)
{
    struct xs_talk *talk = xs_layer_talk(aTHX_ handle_in(aTHX_ self));

    if (talk && finish)
        talk->deadline = xs_dial_deadline(aTHX_ finish);
    return talk && talk->deadline != NETIO_NEVER ? xs_dial_number(aTHX_ talk->deadline) : newSV(0);
}

SV *xs_handle_timeout(pTHX_ SV *self, SV *seconds)
{
    HV *slots = GvHVn(xs_handle_gv(aTHX_ self));
    SV *value = seconds ? newSVsv(seconds) : NULL; /* first: reading it may run code */
    SV **slot = hv_fetchs(slots, "io_socket_timeout", 0);
    SV *before = slot ? newSVsv(*slot) : newSV(0);

    if (value)
        (void)hv_stores(slots, "io_socket_timeout", value);
    return before;
}

/* A number and a text in one, as $! is. */
static SV *code_value(pTHX_ int code)
{
    SV *sv = newSVpv(netio_error_text(code), 0);

    (void)SvUPGRADE(sv, SVt_PVNV);
    SvIV_set(sv, netio_error_errno(code));
    SvIOK_on(sv);
    return sv;
}

/* Older perls' readline clears PerlIO's own flag before it returns undef: the talk
 * remembers. */
SV *xs_handle_error(pTHX_ SV *self)
{
    IO *io = handle_io(aTHX_ self);
    PerlIO *in = handle_in(aTHX_ self);
    struct xs_talk *talk = xs_layer_talk(aTHX_ in);

    if (!in)
        return code_value(aTHX_ -EBADF);
    if (talk && talk->code)
        return code_value(aTHX_ talk->code);
    return newSViv(PerlIO_error(in) || (IoOFP(io) && PerlIO_error(IoOFP(io))));
}

bool xs_handle_clearerr(pTHX_ SV *self)
{
    PerlIO *in = handle_in(aTHX_ self);
    struct xs_talk *talk = xs_layer_talk(aTHX_ in);

    if (!in)
        return false;
    if (talk)
        talk->code = talk->read_failed = talk->write_failed = 0;
    clear(aTHX_ handle_io(aTHX_ self));
    return true;
}

bool xs_handle_shutdown(pTHX_ SV *self, int how)
{
    int fd = xs_handle_fd(aTHX_ self);
    IO *io = handle_io(aTHX_ self);

    if (fd == -1)
        return false;
    if (how != SHUT_RD && IoOFP(io) && PerlIO_flush(IoOFP(io)) != 0)
        return false;
    return shutdown(fd, how) == 0;
}

bool xs_handle_autoflush(pTHX_ SV *self, bool on)
{
    IO *io = GvIOn(xs_handle_gv(aTHX_ self));
    bool before = cBOOL(IoFLAGS(io) & IOf_FLUSH);

    if (on)
        IoFLAGS(io) |= IOf_FLUSH;
    else
        IoFLAGS(io) &= ~IOf_FLUSH;
    /* Last: a handler that runs meanwhile may free the handle. */
    if (on && !before && IoOFP(io))
        (void)PerlIO_flush(IoOFP(io));
    return before;
}

SV *xs_handle_blocking(pTHX_ SV *self, SV *on)
{
    int fd = xs_handle_fd(aTHX_ self);
    int flags = fd == -1 ? -1 : fcntl(fd, F_GETFL);

    if (flags == -1)
        return newSV(0);
    int code = on ? netio_fd_nonblock(fd, !SvTRUE(on)) : 0;
    if (code != 0) {
        errno = -code;
        return newSV(0);
    }
    return newSViv(!(flags & O_NONBLOCK));
}
