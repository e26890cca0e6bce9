/* Perl face.  Lines and octets; see reading.h.  Called by the methods of NetIO::Socket; it
 * touches PerlIO's buffer of the handle it is given, and the deadline of its talk for the
 * moment of one fill.
 *
 * Nothing here trusts the handle to be the same after a wait: a handler may have closed it,
 * given it layers or another deadline.  So it is looked up anew from its glob, which is kept. */
#include "reading.h"

#include "args.h"
#include "datagram.h"
#include "error.h"
#include "handle.h"
#include "layer.h"
#include "wait.h"

#include <netio/addr.h>

#include <errno.h>
#include <fcntl.h>

#define LINE_MAX_DEFAULT 8192
#define MOMENT           0.001 /* seconds: for a fill that should not wait at all */
#define TRY_AGAIN        2

struct reading {
    const char *what; /* the method, for messages */
    GV *gv;
    UV size;              /* octets, or the longest line */
    netio_deadline limit; /* of this call */
    unsigned fills;
    SV *got;                  /* taken from PerlIO's buffer so far; NULL: nothing */
    netio_deadline own, lent; /* the talk's deadline, and what stands there during a fill */
};

/* --- arguments */

/* Read here, where reading one may run Perl code and die: nothing is held yet. */
static void read_octet_count(pTHX_ struct reading *reading, const char *name, SV *value, UV least)
{
    if (!xs_count_get(aTHX_ &reading->size, value) || reading->size < least)
        croak("%s: %s'%" SVf "' is not a number of octets", reading->what, name,
              SVfARG(xs_sv_shown(aTHX_ value)));
}

static void read_option(pTHX_ struct reading *reading, bool has_max, SV *key, SV *value)
{
    struct xs_text name;
    NV seconds;

    xs_text_get(aTHX_ &name, key);
    if (has_max && xs_text_is(&name, "max")) {
        read_octet_count(aTHX_ reading, "max: ", value, 1);
    } else if (xs_text_is(&name, "timeout")) {
        if (!xs_seconds_get(aTHX_ &seconds, value))
            croak("%s: timeout: '%" SVf "' is not a number of seconds", reading->what,
                  SVfARG(xs_sv_shown(aTHX_ value)));
        reading->limit = netio_deadline_in(seconds);
    } else {
        croak("%s: unknown option '%" SVf "'", reading->what, SVfARG(xs_text_shown(aTHX_ &name)));
    }
}

static void read_options(pTHX_ struct reading *reading, bool has_max, I32 ax, I32 first, I32 items)
{
    if ((items - first) % 2)
        croak("%s: an option has no value", reading->what);
    for (I32 i = first; i < items; i += 2)
        read_option(aTHX_ reading, has_max, ST(i), ST(i + 1));
}

/* --- the handle */

static PerlIO *input(pTHX_ const struct reading *reading)
{
    IO *io = GvIO(reading->gv);

    PERL_UNUSED_CONTEXT;
    return io ? IoIFP(io) : NULL;
}

/* What cannot be read so is refused before anything is taken from it. */
static PerlIO *usable_input(pTHX_ const struct reading *reading)
{
    PerlIO *f = input(aTHX_ reading);

    if (!f)
        return NULL;
    if (SvTIED_mg((const SV *)GvIO(reading->gv), PERL_MAGIC_tiedscalar))
        croak("%s: not on a tied handle", reading->what);
    if (!xs_layer_talk(aTHX_ f))
        croak("%s: not a handle that NetIO opened", reading->what);
    if (PerlIO_isutf8(f))
        croak("%s: it reads octets, and the handle has characters (:utf8 or :encoding)",
              reading->what);
    if (!PerlIO_fast_gets(f))
        croak("%s: the handle has no buffer", reading->what);
    return f;
}

/* In one layer, however much it is: unread alone would make one for each of its buffers. */
static void give_back_octets(pTHX_ PerlIO *f, SV *octets)
{
    STRLEN len = SvCUR(octets);

    if (!len)
        return;
    if ((STRLEN)(PerlIO_get_ptr(f) - PerlIO_get_base(f)) < len) {
        PerlIO_push(aTHX_ f, PERLIO_FUNCS_CAST(&PerlIO_pending), "r", NULL);
        PerlIOSelf(f, PerlIOBuf)->bufsiz = len;
    }
    (void)PerlIO_unread(f, SvPVX_const(octets), len);
}

static void give_back_deadline(pTHX_ struct reading *reading)
{
    struct xs_talk *talk = xs_layer_talk(aTHX_ input(aTHX_ reading));

    /* A handler may have set another one. */
    if (reading->lent && talk && talk->deadline == reading->lent)
        talk->deadline = reading->own;
    reading->lent = 0;
}

/* However it ends. */
static void settle(pTHX_ void *data)
{
    struct reading *reading = (struct reading *)data;
    PerlIO *f = input(aTHX_ reading);
    int saved = errno;

    give_back_deadline(aTHX_ reading);
    xs_datagram_stop_at_empty(aTHX_ f, false);
    if (reading->got && f)
        give_back_octets(aTHX_ f, reading->got);
    SvREFCNT_dec(reading->got);
    reading->got = NULL;
    errno = saved;
}

/* --- waiting */

/* Whether a layer between the buffer above and the socket has something already: then the
 * socket may stay silent. */
static bool more_below(pTHX_ PerlIO *f)
{
    for (f = PerlIONext(f); PerlIOValid(f); f = PerlIONext(f))
        if (PerlIO_has_cntptr(f) && PerlIO_get_cnt(f) > 0)
            return true;
    return false;
}

/* Waits until a fill has something to do or to say; -ETIMEDOUT: until the limit of this call.
 * Past it, one look at the socket is free (a limit of 0 means "what is there"), or a peer that
 * never stops would never end. */
static int await(pTHX_ struct reading *reading)
{
    for (;;) {
        PerlIO *f = input(aTHX_ reading);
        struct xs_talk *talk = xs_layer_talk(aTHX_ f);

        if (!talk)
            return -EBADF;
        if (reading->fills && netio_deadline_passed(reading->limit))
            return -ETIMEDOUT;
        int fd = PerlIO_fileno(f);
        int flags = fcntl(fd, F_GETFL);
        if (more_below(aTHX_ f) || flags == -1 || flags & O_NONBLOCK)
            return 0;
        int ready =
            xs_wait(aTHX_ fd, NETIO_READ, netio_deadline_sooner(talk->deadline, reading->limit));
        if (ready == -ETIMEDOUT && !netio_deadline_passed(talk->deadline))
            return -ETIMEDOUT;
        if (ready != -EINTR)
            return 0;
        PERL_ASYNC_CHECK();
    }
}

static netio_deadline later(netio_deadline a, netio_deadline b)
{
    return netio_deadline_sooner(a, b) == a ? b : a;
}

/* What it means that a fill failed with this errno; TRY_AGAIN: nothing. */
static int fill_failed(pTHX_ struct reading *reading, int before, int error)
{
    PerlIO *f = input(aTHX_ reading);
    struct xs_talk *talk = xs_layer_talk(aTHX_ f);

    if (!talk)
        return -EBADF;
    if (error != ETIMEDOUT || netio_deadline_passed(talk->deadline))
        return -error;
    /* The layer takes the end of the time that was lent for a failure of the handle. */
    if (talk->code == -ETIMEDOUT)
        talk->code = before;
    PerlIO_clearerr(f);
    return TRY_AGAIN;
}

/* The socket is readable, so a fill does not wait, unless somebody who shares it was faster:
 * then it shall not wait for the handle's deadline. */
static int fill_once(pTHX_ struct reading *reading)
{
    PerlIO *f = input(aTHX_ reading);
    struct xs_talk *talk = xs_layer_talk(aTHX_ f);
    int before = talk->code;

    reading->fills++;
    reading->own = talk->deadline;
    reading->lent =
        netio_deadline_sooner(talk->deadline, later(reading->limit, netio_deadline_in(MOMENT)));
    talk->deadline = reading->lent;
    errno = 0; /* and stays so at the end of the file */
    bool filled = PerlIO_fill(f) == 0;
    int error = errno;
    give_back_deadline(aTHX_ reading);
    return filled ? 1 : fill_failed(aTHX_ reading, before, error);
}

/* 1: there is more in the buffer; 0: the end of the file; or a failure. */
static int fill(pTHX_ struct reading *reading)
{
    int code;

    do {
        code = await(aTHX_ reading);
        if (code == 0)
            code = fill_once(aTHX_ reading);
    } while (code == TRY_AGAIN);
    return code;
}

/* What is in the buffer, if anything. */
static Size_t buffered(pTHX_ const struct reading *reading)
{
    PerlIO *f = input(aTHX_ reading);
    SSize_t have = f ? PerlIO_get_cnt(f) : 0;

    return have > 0 ? (Size_t)have : 0;
}

/* Moves that many octets from PerlIO's buffer to what was got. */
static void take(pTHX_ struct reading *reading, Size_t count)
{
    PerlIO *f = input(aTHX_ reading);
    STDCHAR *at = PerlIO_get_ptr(f);
    SSize_t left = PerlIO_get_cnt(f) - (SSize_t)count;

    if (reading->got)
        sv_catpvn_nomg(reading->got, (const char *)at, count);
    else
        reading->got = newSVpvn((const char *)at, count);
    PerlIO_set_ptrcnt(f, at + count, left);
}

static Size_t got(const struct reading *reading)
{
    return reading->got ? SvCUR(reading->got) : 0;
}

/* --- lines */

/* Takes the line as far as it is in the buffer, and never more than shows that it is too long.
 * 1: the line is whole, without its end; 0: it goes on. */
static int take_of_line(pTHX_ struct reading *reading, Size_t have)
{
    Size_t room = reading->size + 2 - got(reading);
    Size_t count = have < room ? have : room;
    const STDCHAR *at = PerlIO_get_ptr(input(aTHX_ reading));
    const STDCHAR *end = (const STDCHAR *)memchr(at, '\n', count);

    take(aTHX_ reading, end ? (Size_t)(end - at) + 1 : count);
    STRLEN len = SvCUR(reading->got) - (end ? 1 : 0);
    if (len && SvPVX_const(reading->got)[len - 1] == '\r')
        len--;
    if (len > reading->size)
        return NETIO_ETOOLONG;
    if (!end)
        return 0;
    SvPVX(reading->got)[len] = '\0';
    SvCUR_set(reading->got, len);
    return 1;
}

/* The last line may lack its end. */
static int last_line(const struct reading *reading)
{
    if (got(reading) > reading->size)
        return NETIO_ETOOLONG;
    return got(reading) ? 1 : 0;
}

static int read_line(pTHX_ struct reading *reading)
{
    for (;;) {
        Size_t have = buffered(aTHX_ reading);
        int code = have ? take_of_line(aTHX_ reading, have) : fill(aTHX_ reading);
        if (!have && code == 0)
            return last_line(reading);
        if (code != (have ? 0 : 1))
            return code;
    }
}

/* --- octets */

static int read_octets(pTHX_ struct reading *reading)
{
    while (got(reading) < reading->size) {
        Size_t have = buffered(aTHX_ reading);
        Size_t wanted = reading->size - got(reading);
        int code = 1;

        if (have)
            take(aTHX_ reading, have < wanted ? have : wanted);
        else
            code = fill(aTHX_ reading);
        if (code == 0 && got(reading))
            return NETIO_EEOF;
        if (code != 1)
            return code;
    }
    return 1;
}

/* --- datagrams */

/* The next one, or what is left of the last one. */
static int read_datagram(pTHX_ struct reading *reading)
{
    PerlIO *f = input(aTHX_ reading);
    int code = 1;

    if (!xs_datagram_is(aTHX_ f))
        croak("read_datagram: not a handle of udpopen");
    if (!buffered(aTHX_ reading)) {
        xs_datagram_stop_at_empty(aTHX_ f, true);
        code = fill(aTHX_ reading);
    }
    if (code == 0)
        return xs_datagram_was_empty(aTHX_ input(aTHX_ reading)) ? 1 : 0;
    if (code == 1)
        take(aTHX_ reading, buffered(aTHX_ reading));
    return code;
}

/* --- all of them */

static SV *failed(pTHX_ const struct reading *reading, int code)
{
    PerlIO *f = input(aTHX_ reading);
    struct xs_talk *talk = xs_layer_talk(aTHX_ f);
    struct netio_addr peer;

    if (code != 0 && talk && talk->fatal) {
        if (netio_addr_peer(&peer, PerlIO_fileno(f)) != 0)
            peer.len = 0;
        xs_error_throw_io(aTHX_ NETIO_STAGE_READ, code, &peer);
    }
    errno = code ? netio_error_errno(code) : 0;
    return newSV(0);
}

/* Runs it on a handle that is kept meanwhile, whatever handlers do. */
static SV *run(pTHX_ struct reading *reading, int (*body)(pTHX_ struct reading *))
{
    SV *result = NULL;
    int code = -EBADF;
    int error = errno;

    ENTER;
    SAVEFREESV(SvREFCNT_inc_simple_NN((SV *)reading->gv));
    if (usable_input(aTHX_ reading)) {
        SAVEDESTRUCTOR_X(settle, reading);
        code = body(aTHX_ reading);
    }
    if (code == 1) {
        result = reading->got ? reading->got : newSVpvs("");
        reading->got = NULL;
        if (TAINTING_get)
            SvTAINTED_on(result);
    } else {
        result = failed(aTHX_ reading, code);
        error = errno;
    }
    LEAVE;
    errno = error;
    return result;
}

SV *xs_read_line(pTHX_ I32 ax, I32 items)
{
    struct reading reading = {.what = "read_line", .size = LINE_MAX_DEFAULT};

    read_options(aTHX_ &reading, true, ax, 1, items);
    reading.gv = xs_handle_gv(aTHX_ ST(0));
    return run(aTHX_ &reading, read_line);
}

SV *xs_read_octets(pTHX_ I32 ax, I32 items)
{
    struct reading reading = {.what = "read_octets", .size = UV_MAX};

    read_octet_count(aTHX_ &reading, "", ST(1), 0);
    if (reading.size == UV_MAX)
        croak("read_octets: '' is not a number of octets");
    read_options(aTHX_ &reading, false, ax, 2, items);
    reading.gv = xs_handle_gv(aTHX_ ST(0));
    return run(aTHX_ &reading, read_octets);
}

SV *xs_read_datagram(pTHX_ I32 ax, I32 items)
{
    struct reading reading = {.what = "read_datagram"};

    read_options(aTHX_ &reading, false, ax, 1, items);
    reading.gv = xs_handle_gv(aTHX_ ST(0));
    return run(aTHX_ &reading, read_datagram);
}
