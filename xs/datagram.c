/* Perl face.  The layer :datagram; see datagram.h.  Called by PerlIO; it touches the layer
 * below it, :netio, and that one's talk.
 *
 * It is :perlio but for what a datagram socket does differently:
 *   - What is written between two flushes goes out as one datagram, what comes is taken
 *     whole: the buffer is longer than any.  So a text that is too long for a datagram fails with
 *     EMSGSIZE at the first flush, and is never torn in two.
 *   - Receiving nothing is an empty datagram, not the end of the file.
 *   - A failure is over with it: the next datagram may well arrive. */
#include "datagram.h"

#include "handle.h"
#include "layer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* The longest over IPv4 has 65,507 octets, over IPv6 65,527. */
#define LONGEST 65536

struct layer {
    PerlIOBuf buffer; /* first, as PerlIO wants it */
    bool stop_at_empty;
    bool was_empty;
};

static struct layer *self(PerlIO *f)
{
    return (struct layer *)PerlIOBase(f);
}

static IV layer_pushed(pTHX_ PerlIO *f, const char *mode, SV *arg, PerlIO_funcs *tab)
{
    IV code = PerlIOBuf_pushed(aTHX_ f, mode, arg, tab);

    self(f)->buffer.bufsiz = LONGEST;
    self(f)->stop_at_empty = self(f)->was_empty = false;
    return code;
}

/* Whether this end was shut down for reading, and nothing is left.  Linux then calls the socket
 * readable, and has nothing to read: whoever waits for it would spin. */
static bool is_over(pTHX_ PerlIO *f)
{
    struct pollfd poller = {.fd = PerlIO_fileno(f), .events = POLLRDHUP};
    char octet;

    PERL_UNUSED_CONTEXT;
    if (poll(&poller, 1, 0) != 1 || !(poller.revents & POLLRDHUP))
        return false;
    return recv(poller.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static void forgive(pTHX_ PerlIO *f)
{
    struct xs_talk *talk = xs_layer_talk(aTHX_ f);

    if (talk)
        talk->read_failed = talk->write_failed = 0;
    PerlIO_clearerr(f);
}

static IV layer_fill(pTHX_ PerlIO *f)
{
    forgive(aTHX_ f);
    for (;;) {
        if (is_over(aTHX_ f)) {
            PerlIOBase(f)->flags |= PERLIO_F_EOF;
            errno = 0;
            return -1;
        }
        if (PerlIOBuf_fill(aTHX_ f) == 0)
            return 0;
        if (!PerlIOValid(f) || !(PerlIOBase(f)->flags & PERLIO_F_EOF))
            return -1;
        PerlIO_clearerr(f);
        self(f)->was_empty = true;
        if (self(f)->stop_at_empty)
            return -1;
    }
}

static SSize_t layer_write(pTHX_ PerlIO *f, const void *data, Size_t size)
{
    if (!(PerlIOBase(f)->flags & PERLIO_F_WRBUF))
        forgive(aTHX_ f);
    return PerlIOBuf_write(aTHX_ f, data, size);
}

static PERLIO_FUNCS_DECL(layer_funcs) = {
    sizeof(PerlIO_funcs),
    "datagram",
    sizeof(struct layer),
    PERLIO_K_BUFFERED | PERLIO_K_RAW,
    layer_pushed,
    PerlIOBuf_popped,
    NULL, /* open: handles come from udpopen alone */
    PerlIOBase_binmode,
    NULL, /* no argument */
    PerlIOBase_fileno,
    PerlIOBuf_dup,
    PerlIOBuf_read,
    PerlIOBuf_unread,
    layer_write,
    PerlIOBuf_seek,
    PerlIOBuf_tell,
    PerlIOBuf_close,
    PerlIOBuf_flush,
    layer_fill,
    PerlIOBase_eof,
    PerlIOBase_error,
    PerlIOBase_clearerr,
    PerlIOBase_setlinebuf,
    PerlIOBuf_get_base,
    PerlIOBuf_bufsiz,
    PerlIOBuf_get_ptr,
    PerlIOBuf_get_cnt,
    PerlIOBuf_set_ptrcnt,
};

static void replace_buffer(pTHX_ PerlIO *f, const char *mode)
{
    PerlIO_pop(aTHX_ f);
    PerlIO_push(aTHX_ f, PERLIO_FUNCS_CAST(&layer_funcs), mode, NULL);
    PerlIOBase(f)->flags |= PERLIO_F_OPEN;
}

void xs_datagram_attach(pTHX_ SV *handle)
{
    IO *io = GvIO(xs_handle_gv(aTHX_ handle));

    replace_buffer(aTHX_ IoIFP(io), "r");
    replace_buffer(aTHX_ IoOFP(io), "w");
}

static PerlIO *find(PerlIO *f)
{
    for (; PerlIOValid(f); f = PerlIONext(f))
        if (PerlIOBase(f)->tab == PERLIO_FUNCS_CAST(&layer_funcs))
            return f;
    return NULL;
}

bool xs_datagram_is(pTHX_ PerlIO *f)
{
    PERL_UNUSED_CONTEXT;
    return find(f) != NULL;
}

void xs_datagram_stop_at_empty(pTHX_ PerlIO *f, bool stop)
{
    PERL_UNUSED_CONTEXT;
    f = find(f);
    if (f) {
        self(f)->stop_at_empty = stop;
        self(f)->was_empty = false;
    }
}

bool xs_datagram_was_empty(pTHX_ PerlIO *f)
{
    PERL_UNUSED_CONTEXT;
    f = find(f);
    return f && self(f)->was_empty;
}
