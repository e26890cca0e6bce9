/* Perl face.  STDIN and STDOUT on a peer; see request.h.  Called by the server's on_serve; it
 * touches descriptors 0 and 1, the globs STDIN and STDOUT, and the selected handle.
 *
 * All of it is undone by Perl's own savestack, in this order: what is printed is sent; the handles
 * are closed, which leaves the numbers open, since PerlIO knows of other users; the numbers get
 * what they were before. */
#include "request.h"

#include "layer.h"
#include "standard.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct sitting {
    int saved[2]; /* what descriptors 0 and 1 were */
    GV *selected;
    struct xs_talk *talk;
    struct sitting *outer; /* a handler may run a server of its own */
};

static struct sitting *current;
static struct xs_talk *others; /* xs_request_sits */

static void put_back(pTHX_ void *pointer)
{
    struct sitting *sitting = (struct sitting *)pointer;
    int before = errno;

    current = sitting->outer;
    for (int fd = 0; fd < 2; fd++) {
        if (sitting->saved[fd] == -1)
            continue;
        xs_standard_put(sitting->saved[fd], fd);
        netio_fd_close(sitting->saved[fd]);
    }
    if (sitting->selected) {
        setdefout(sitting->selected);
        SvREFCNT_dec((SV *)sitting->selected);
    }
    if (sitting->talk)
        xs_talk_release(sitting->talk);
    Safefree(sitting);
    errno = before;
}

/* Whatever handle STDOUT is by now. */
static void flush(pTHX_ void *unused)
{
    const IO *io = GvIO(gv_fetchpvs("STDOUT", GV_ADD, SVt_PVIO));

    PERL_UNUSED_ARG(unused);
    if (io && IoOFP(io))
        (void)PerlIO_flush(IoOFP(io));
}

static IO *fresh(pTHX_ GV *gv)
{
    save_gp(gv, TRUE);
    IO *io = GvIOn(gv);
    IoTYPE(io) = IoTYPE_SOCKET;
    (void)sv_bless(sv_2mortal(newRV_inc((SV *)io)), gv_stashpvs("NetIO::Socket", GV_ADD));
    return io;
}

static void open_handles(pTHX_ struct sitting *sitting, const struct xs_request *request)
{
    GV *out_gv = gv_fetchpvs("STDOUT", GV_ADD, SVt_PVIO);
    IO *in = fresh(aTHX_ gv_fetchpvs("STDIN", GV_ADD, SVt_PVIO));
    IO *out = fresh(aTHX_ out_gv);
    struct xs_talk *talk = xs_layer_open_both_take(aTHX_ STDIN_FILENO, STDOUT_FILENO,
                                                   request->deadline, &IoIFP(in), &IoOFP(out));

    IoIFP(out) = IoOFP(out); /* as Perl has it of every handle that only writes */
    IoFLAGS(out) |= IOf_FLUSH;
    talk->line_seconds = request->line_seconds;
    talk->write_seconds = request->write_seconds;
    sitting->talk = xs_talk_keep(talk);
    sitting->selected = (GV *)SvREFCNT_inc((SV *)PL_defoutgv);
    setdefout(out_gv);
}

static void begin(pTHX_ struct sitting *sitting, const struct xs_request *request)
{
    sitting->outer = current;
    current = sitting;
    SAVEDESTRUCTOR_X(put_back, sitting);
    for (int fd = 0; fd < 2; fd++) {
        sitting->saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (sitting->saved[fd] == -1)
            croak("descriptor %d: %s", fd, Strerror(errno));
        xs_standard_put(request->fd, fd);
    }
    open_handles(aTHX_ sitting, request);
    SAVEDESTRUCTOR_X(flush, NULL);
}

bool xs_request_call(pTHX_ const struct xs_request *request, CV *code, SV *const *args, int count)
{
    struct sitting *sitting;
    struct xs_talk *talk;
    bool sent;

    ENTER;
    Newxz(sitting, 1, struct sitting);
    sitting->saved[0] = sitting->saved[1] = -1;
    begin(aTHX_ sitting, request);
    talk = sitting->talk;
    dSP;
    PUSHMARK(SP);
    EXTEND(SP, count);
    for (int i = 0; i < count; i++)
        PUSHs(args[i]);
    PUTBACK;
    (void)call_sv((SV *)code, G_VOID | G_DISCARD);
    flush(aTHX_ NULL);
    sent = talk->write_failed == 0;
    LEAVE;
    return sent;
}

static NV given_or(double seconds, NV otherwise)
{
    return seconds > 0 ? seconds : otherwise;
}

void xs_request_serve(pTHX_ struct xs_connection *connection, int fd)
{
    const struct netio_server_options *options = &connection->server->options;
    HV *object = connection->server->object;
    GV *method = object ? gv_fetchmethod(SvSTASH(object), "process_request") : NULL;
    struct xs_request request = {
        .fd = fd,
        .line_seconds = given_or(options->read_seconds, 30), /* as the engine has it */
        .write_seconds = given_or(options->write_seconds, 60),
    };

    if (!method)
        croak("no method process_request");
    if (options->total_seconds > 0)
        request.deadline =
            netio_deadline_in(options->total_seconds -
                              (NV)(netio_clock_now() - netio_conn_opened(connection->conn)) / 1e9);
    SV *args[] = {sv_2mortal(newRV_inc((SV *)object)), connection->self};
    if (!xs_request_call(aTHX_ & request, GvCV(method), args, 2) && connection->conn)
        netio_conn_abort(connection->conn);
}

void xs_request_sits(struct xs_talk *talk)
{
    others = talk;
}

void xs_request_hurry(netio_deadline deadline)
{
    if (others)
        others->deadline = netio_deadline_sooner(others->deadline, deadline);
    if (current && current->talk)
        current->talk->deadline = netio_deadline_sooner(current->talk->deadline, deadline);
}

bool xs_request_runs(void)
{
    return current != NULL || others != NULL;
}
