/* Perl face.  The layer :netio; see layer.h.  Called by PerlIO; it touches its socket,
 * and runs %SIG handlers while it waits.
 *
 * It stands where :unix would.  The socket is in blocking mode for the sake of foreign
 * code (sysread, IO::Socket::SSL); the layer itself never blocks in the kernel: it tries
 * without waiting, and waits in xs_wait, which keeps to the deadline.
 *
 * A handler may do anything while a read or write waits: die (nothing here is held across
 * it), move the deadline (read anew at each turn), or close the handle.  For that last
 * case PerlIO counts users in the flags of the handle's slot: a layer popped meanwhile
 * is only marked PERLIO_F_CLEARED, and freed by the one who finds it so. */
#include "layer.h"

#include "error.h"
#include "wait.h"

#include <netio/addr.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

struct layer {
    struct _PerlIO base; /* first, as PerlIO wants it */
    int fd;
    Size_t sent;        /* bytes that have gone out of the write under way */
    unsigned completed; /* writes so far */
    bool left;          /* a handler has died or exited out of the last write */
    struct xs_talk *talk;
};

static struct layer *self(PerlIO *f)
{
    return (struct layer *)PerlIOBase(f);
}

static void attach(struct layer *layer, int fd, struct xs_talk *talk)
{
    layer->fd = fd;
    layer->talk = xs_talk_keep(talk);
    layer->base.flags |= PERLIO_F_OPEN;
    PerlIOUnix_refcnt_inc(fd);
}

/* Takes the place of a print that a handler has died or exited out of.  While the scopes end by
 * that, perl would call it the operator under way: but who closes the handle then is not printing
 * to it, and nobody is there to wait.  It lasts until an operator further out has its place again.
 */
static OP nobody;

struct running {
    PerlIO *f;
    PerlIOl *slot;
    bool writes, returned;
};

static void unlock(pTHX_ void *handlers)
{
    struct running *running = handlers;

    running->slot->flags--;
    if (running->writes && !running->returned) {
        PL_op = &nobody;
        if (PerlIOValid(running->f) && !(PerlIOBase(running->f)->flags & PERLIO_F_CLEARED))
            self(running->f)->left = true;
    }
}

/* Runs the %SIG handlers that wait; 0 when one of them closed this handle.  What they read has
 * nothing to do with the limit of the read under way. */
static int run_handlers(pTHX_ PerlIO *f, enum netio_stage stage)
{
    struct running running = {
        .f = f, .slot = ((PerlIOl *)f)->head, .writes = stage == NETIO_STAGE_WRITE};
    netio_deadline limit = self(f)->talk->limit;
    int open;

    ENTER;
    running.slot->flags++;
    SAVEDESTRUCTOR_X(unlock, &running);
    self(f)->talk->limit = NETIO_NEVER;
    PERL_ASYNC_CHECK();
    running.returned = true;
    open = !(PerlIOBase(f)->flags & PERLIO_F_CLEARED);
    if (open)
        self(f)->talk->limit = limit;
    while (PerlIOValid(f) && PerlIOBase(f)->flags & PERLIO_F_CLEARED) {
        PerlIOl *gone = PerlIOBase(f);
        PerlIOBase(f) = gone->next;
        Safefree(gone);
    }
    LEAVE;
    if (!open)
        errno = EBADF;
    return open;
}

/* Under fatal, failures are thrown out of the operators that a program reads and prints
 * with.  Anywhere else (close, the end of a scope, C code that reads through PerlIO) the
 * caller is not ready for that, and gets the failure returned. */
static int may_throw(pTHX_ enum netio_stage stage)
{
    static const int reads[] = {OP_READLINE, OP_RCATLINE, OP_READ, OP_GETC, OP_EOF, -1};
    static const int writes[] = {OP_PRINT, OP_SAY, OP_PRTF, OP_LEAVEWRITE, -1};
    const int *ops = stage == NETIO_STAGE_READ ? reads : writes;

    /* By its function, not its type: IO::Handle's getline calls it through a blank op. */
    if (!PL_op || PL_phase == PERL_PHASE_DESTRUCT)
        return 0;
    for (; *ops != -1; ops++)
        if (PL_op->op_ppaddr == PL_ppaddr[*ops])
            return 1;
    return 0;
}

/* After a write that failed PerlIO forgets what it had still to write, but not after one that
 * has thrown: close would offer it again, and as a scope ends by that throw, the operator is
 * still the one that may throw, now half-way through close: the descriptor would be lost. */
static void forget_pending(PerlIOl *above)
{
    if (above->tab && above->tab->kind & PERLIO_K_BUFFERED && above->flags & PERLIO_F_WRBUF) {
        ((PerlIOBuf *)above)->ptr = ((PerlIOBuf *)above)->buf;
        above->flags &= ~PERLIO_F_WRBUF;
    }
}

/* After one that could not throw, a flush, PerlIO fails each print without asking again; unless
 * each print is a write: then it comes down here, to be told why, or to throw. */
static void stop_buffering(PerlIOl *above)
{
    above->flags |= PERLIO_F_UNBUF;
}

static void buffer_again(PerlIOl *above)
{
    above->flags &= ~PERLIO_F_UNBUF;
}

static void each_above(PerlIO *f, void (*change)(PerlIOl *above))
{
    PerlIOl *above = ((PerlIOl *)f)->head->next;

    for (; above && above != PerlIOBase(f); above = above->next)
        change(above);
}

static SSize_t fail(pTHX_ PerlIO *f, enum netio_stage stage, int code)
{
    struct layer *layer = self(f);

    errno = -code;
    layer->sent = 0;
    if (!layer->talk->code || layer->talk->code == -EAGAIN)
        layer->talk->code = code;
    if (code == -EAGAIN && stage == NETIO_STAGE_READ) /* nothing is lost by it */
        return -1;
    layer->base.flags |= PERLIO_F_ERROR;
    if (stage == NETIO_STAGE_WRITE)
        layer->talk->write_failed = code;
    else if (code != -ETIMEDOUT)
        layer->talk->read_failed = code;
    bool throws = layer->talk->fatal && may_throw(aTHX_ stage);
    if (stage == NETIO_STAGE_WRITE)
        each_above(f, throws ? forget_pending : stop_buffering);
    if (throws) {
        struct netio_addr peer;
        if (netio_addr_peer(&peer, layer->fd) != 0)
            peer.len = 0;
        xs_error_throw_io(aTHX_ stage, code, &peer);
    }
    return -1;
}

/* Between two tries: 0 to try again, -1 when that was all, with errno set. */
static int wait_turn(pTHX_ PerlIO *f, enum netio_stage stage, unsigned events, netio_deadline due)
{
    const struct xs_talk *talk = self(f)->talk;
    int fd = self(f)->fd;
    int flags = fcntl(fd, F_GETFL);

    if (flags != -1 && flags & O_NONBLOCK) /* by $fh->blocking(0): it wants to know */
        return (int)fail(aTHX_ f, stage, -EAGAIN);
    if (netio_deadline_passed(talk->limit)) {
        errno = ETIMEDOUT;
        return -1;
    }
    due = netio_deadline_sooner(due, netio_deadline_sooner(talk->deadline, talk->limit));
    int ready = xs_wait(aTHX_ fd, events, due);
    if (ready >= 0 || ready == -EINTR || ready == -ETIMEDOUT)
        return 0; /* the next turn runs the handlers and looks at the clock */
    return (int)fail(aTHX_ f, stage, ready);
}

/* Whether this end of a datagram socket was shut down, by whomever, and nothing is left.  Linux
 * then calls it readable, and has nothing to read: whoever waits for it would spin. */
static bool is_over(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLRDHUP};
    char octet;

    if (poll(&poller, 1, 0) != 1 || !(poller.revents & POLLRDHUP))
        return false;
    return recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static SSize_t end_of_file(PerlIO *f)
{
    PerlIOBase(f)->flags |= PERLIO_F_EOF;
    errno = 0;
    return 0;
}

static SSize_t layer_read(pTHX_ PerlIO *f, void *data, Size_t size)
{
    int before = errno;

    if (!(PerlIOBase(f)->flags & PERLIO_F_CANREAD) || PerlIOBase(f)->flags & PERLIO_F_EOF) {
        errno = 0;
        return 0;
    }
    /* The kernel tells of a reset once, and then of an end of file. */
    if (self(f)->talk->read_failed)
        return fail(aTHX_ f, NETIO_STAGE_READ, self(f)->talk->read_failed);
    for (;;) {
        if (xs_signal_waits(aTHX) && !run_handlers(aTHX_ f, NETIO_STAGE_READ))
            return -1;
        /* What came too late is too late, or a peer that never stops would never end. */
        if (xs_talk_is_late(self(f)->talk, self(f)->talk->line_due))
            return fail(aTHX_ f, NETIO_STAGE_READ, -ETIMEDOUT);
        ssize_t n = netio_fd_recv(self(f)->fd, data, size);
        if (n > 0) {
            if (self(f)->talk->signals)
                errno = before; /* as read(2) leaves it, which has not tried in vain */
            xs_talk_heard(self(f)->talk, data, (size_t)n);
            return n;
        }
        if (n == 0 && size)
            return end_of_file(f);
        if (n == 0)
            return 0;
        if (n != -EAGAIN)
            return fail(aTHX_ f, NETIO_STAGE_READ, (int)n);
        if (is_over(self(f)->fd)) {
            self(f)->talk->over = true;
            return end_of_file(f);
        }
        if (wait_turn(aTHX_ f, NETIO_STAGE_READ, NETIO_READ, xs_talk_line_due(self(f)->talk)) != 0)
            return -1;
    }
}

/* All of data or failure.  PerlIO throws away what a failed write has left, so the peer
 * would get a text with a hole in it if later writes were to succeed: they fail alike.
 * While handlers run, though, the buffer above still has all of data, and offers it again,
 * from its beginning: with the next print or with close when a handler dies, and from within
 * a handler that prints to this handle itself.  What has gone out must not be sent twice. */
static SSize_t layer_write(pTHX_ PerlIO *f, const void *data, Size_t size)
{
    unsigned completed = self(f)->completed;
    netio_deadline due = NETIO_NEVER;

    if (!(PerlIOBase(f)->flags & PERLIO_F_CANWRITE)) {
        errno = EBADF;
        return -1;
    }
    if (self(f)->sent > size)
        self(f)->sent = 0;
    while (self(f)->sent < size) {
        if (xs_signal_waits(aTHX) && !run_handlers(aTHX_ f, NETIO_STAGE_WRITE))
            return -1;
        if (self(f)->completed != completed)
            return (SSize_t)size;
        if (self(f)->talk->write_failed) {
            if (self(f)->talk->signals)
                (void)raise(SIGPIPE);
            return fail(aTHX_ f, NETIO_STAGE_WRITE, self(f)->talk->write_failed);
        }
        if (xs_talk_is_late(self(f)->talk, due))
            return fail(aTHX_ f, NETIO_STAGE_WRITE, -ETIMEDOUT);
        ssize_t n =
            netio_fd_send(self(f)->fd, (const char *)data + self(f)->sent, size - self(f)->sent);
        if (n == -EPIPE && self(f)->talk->signals)
            (void)raise(SIGPIPE);
        if (n >= 0)
            self(f)->sent += (Size_t)n;
        else if (n != -EAGAIN)
            return fail(aTHX_ f, NETIO_STAGE_WRITE, (int)n);
        if (self(f)->sent == size)
            break;
        if (n < 0 && self(f)->left && PL_op == &nobody) /* what goes without waiting has gone */
            return fail(aTHX_ f, NETIO_STAGE_WRITE, -EINTR);
        if (due == NETIO_NEVER && self(f)->talk->write_seconds > 0)
            due = netio_deadline_in(self(f)->talk->write_seconds);
        if (n < 0 && wait_turn(aTHX_ f, NETIO_STAGE_WRITE, NETIO_WRITE, due) != 0)
            return -1;
    }
    self(f)->sent = 0;
    self(f)->left = false;
    self(f)->talk->line_due = NETIO_NEVER; /* it was its turn to listen */
    self(f)->completed++;
    return (SSize_t)size;
}

static IV layer_pushed(pTHX_ PerlIO *f, const char *mode, SV *arg, PerlIO_funcs *tab)
{
    struct layer *layer = self(f);

    layer->fd = -1;
    layer->sent = 0;
    layer->completed = 0;
    layer->left = false;
    layer->talk = NULL;
    return PerlIOBase_pushed(aTHX_ f, mode, arg, tab);
}

static IV layer_popped(pTHX_ PerlIO *f)
{
    PERL_UNUSED_CONTEXT;
    xs_talk_release(self(f)->talk);
    self(f)->talk = NULL;
    return 0;
}

static IV layer_fileno(pTHX_ PerlIO *f)
{
    PERL_UNUSED_CONTEXT;
    return self(f)->fd;
}

/* The two PerlIOs of a handle, and the clones of other threads, count on one descriptor:
 * only the last one closes it. */
static IV layer_close(pTHX_ PerlIO *f)
{
    int fd = self(f)->fd;

    if (!(PerlIOBase(f)->flags & PERLIO_F_OPEN)) {
        errno = EBADF;
        return -1;
    }
    IV result = PerlIOBase_close(aTHX_ f);
    PerlIOBase(f)->flags &= ~PERLIO_F_OPEN;
    self(f)->fd = -1;
    if (PerlIOUnix_refcnt_dec(fd) > 0)
        return result;
    /* Linux frees the number also when close says EINTR: never close twice. */
    return close(fd) == -1 && errno != EINTR ? -1 : result;
}

/* Of a socket there is no place.  But a program may open STDIN upon a file: perl then puts that
 * under the same handle, by its number.  perl asks for the place of each new handle, too, before
 * it has a descriptor. */
static Off_t place(PerlIO *f, Off_t offset, int whence)
{
    int fd = self(f)->fd;

    if (fd != -1)
        return lseek(fd, offset, whence);
    errno = ESPIPE;
    return -1;
}

static IV layer_seek(pTHX_ PerlIO *f, Off_t offset, int whence)
{
    PERL_UNUSED_CONTEXT;
    if (place(f, offset, whence) == -1)
        return -1;
    PerlIOBase(f)->flags &= ~PERLIO_F_EOF;
    return 0;
}

static Off_t layer_tell(pTHX_ PerlIO *f)
{
    PERL_UNUSED_CONTEXT;
    return place(f, 0, SEEK_CUR);
}

static PerlIO *layer_dup(pTHX_ PerlIO *f, PerlIO *old, CLONE_PARAMS *param, int flags)
{
    struct xs_talk *talk = param ? xs_talk_clone(aTHX_ self(old)->talk) : self(old)->talk;
    int fd = self(old)->fd;

    if (flags & PERLIO_DUP_FD)
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd == -1)
        return NULL;
    f = PerlIOBase_dup(aTHX_ f, old, param, flags);
    if (f)
        attach(self(f), fd, talk);
    return f;
}

static void layer_clearerr(pTHX_ PerlIO *f)
{
    each_above(f, buffer_again);
    PerlIOBase_clearerr(aTHX_ f);
}

static PERLIO_FUNCS_DECL(layer_funcs) = {
    sizeof(PerlIO_funcs),
    "netio",
    sizeof(struct layer),
    PERLIO_K_RAW,
    layer_pushed,
    layer_popped,
    NULL,               /* open: handles come from tcpopen alone */
    PerlIOBase_binmode, /* binary through and through */
    NULL,               /* no argument */
    layer_fileno,
    layer_dup,
    layer_read,
    PerlIOBase_unread,
    layer_write,
    layer_seek,
    layer_tell,
    layer_close,
    PerlIOBase_noop_ok, /* nothing is kept here to flush */
    PerlIOBase_noop_fail,
    PerlIOBase_eof,
    PerlIOBase_error,
    layer_clearerr,
    PerlIOBase_setlinebuf,
    NULL, /* no buffer of its own */
    NULL,
    NULL,
    NULL,
    NULL,
};

/* The descriptor comes last: :perlio would ask it whether it is a terminal. */
static PerlIO *push_pair(pTHX_ const char *mode, int fd, struct xs_talk *talk)
{
    PerlIO *f = PerlIO_allocate(aTHX);
    struct layer *layer;

    PerlIO_push(aTHX_ f, PERLIO_FUNCS_CAST(&layer_funcs), mode, NULL);
    layer = self(f);
    PerlIO_push(aTHX_ f, PERLIO_FUNCS_CAST(&PerlIO_perlio), mode, NULL);
    PerlIOBase(f)->flags |= PERLIO_F_OPEN;
    attach(layer, fd, talk);
    return f;
}

struct xs_talk *xs_layer_open_take(pTHX_ int fd, netio_deadline deadline, PerlIO **in, PerlIO **out)
{
    return xs_layer_open_both_take(aTHX_ fd, fd, deadline, in, out);
}

struct xs_talk *xs_layer_open_both_take(pTHX_ int in_fd, int out_fd, netio_deadline deadline,
                                        PerlIO **in, PerlIO **out)
{
    struct xs_talk *talk;

    Newxz(talk, 1, struct xs_talk);
    talk->deadline = deadline;
    talk->limit = NETIO_NEVER;
    *in = push_pair(aTHX_ "r", in_fd, talk);
    *out = push_pair(aTHX_ "w", out_fd, talk);
    return talk;
}

struct xs_talk *xs_layer_talk(pTHX_ PerlIO *f)
{
    PERL_UNUSED_CONTEXT;
    for (; PerlIOValid(f); f = PerlIONext(f))
        if (PerlIOBase(f)->tab == PERLIO_FUNCS_CAST(&layer_funcs))
            return self(f)->talk;
    return NULL;
}
