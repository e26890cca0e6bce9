/* Perl face.  What is around a program of a pool; see surroundings.h.  Called by pool.c; it touches
 * descriptors 0 to 2 and their handles, %ENV, %SIG, perl's own variables, umask, folder, alarm. */
#include "surroundings.h"

#include "forms.h"
#include "last_line.h"
#include "layer.h"
#include "older.h"
#include "own.h"
#include "request.h"
#include "standard.h"
#include "ucspi.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define LEFT_MAX 64 /* descriptors without a handle */

static struct surroundings {
    GV *in, *out, *err;
    IO *idle_in, *idle_out; /* what STDIN and STDOUT are between two connections */
    IO *err_io;
    PerlIO *err_file;
    const PerlIO_funcs *err_tab;
    U32 err_flags;
    SV *layers_in, *layers_out, *layers_err; /* what perl -C and BEGIN blocks have put upon them */
    U8 flags_out, flags_err;
    struct xs_forms forms_err;
    int null, error, folder; /* descriptors */
    int free;                /* the lowest that is free */
    struct stat error_stat;
    struct xs_talk *talk;
    GV *selected;
    SV *line_number; /* $. keeps what it was when nothing has been read since */
    mode_t mask;
    char *locale; /* of all categories */
    sigset_t blocked;
    struct itimerval alarm; /* that BEGIN blocks have set: it begins with each connection */
    uid_t users[3];
    gid_t groups[3];
    struct stat root;
    int uses[2]; /* handles that BEGIN blocks have made upon descriptors 0 and 1 */
} around;

/* --- remembering */

static void need(pTHX_ int code, const char *what)
{
    if (code == -1)
        croak("netiod-pool: %s: %s", what, Strerror(errno));
}

/* -1: none is. */
static int free_descriptor(void)
{
    int fd = fcntl(around.null, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    if (fd >= 0)
        (void)close(fd);
    return fd;
}

static void remember_descriptors(pTHX)
{
    around.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    need(aTHX_ around.null, "/dev/null");
    around.error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    need(aTHX_ around.error, "standard error");
    need(aTHX_ fstat(STDERR_FILENO, &around.error_stat), "standard error");
    around.folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    need(aTHX_ around.folder, "the folder");
    around.free = free_descriptor();
}

/* ":utf8:encoding(...)", of what is over :unix and :perlio; NULL: nothing.  perl lists the last one
 * first. */
static SV *layers_of(pTHX_ PerlIO *f)
{
    AV *list = f ? PerlIO_get_layers(aTHX_ f) : NULL;
    SV *text = newSVpvs("");

    /* Each layer is a name, an argument and flags. */
    for (SSize_t i = list ? av_len(list) - 2 : -1; i >= 0; i -= 3) {
        SV *name = *av_fetch(list, i, 0), *argument = *av_fetch(list, i + 1, 0);
        SV *flags = *av_fetch(list, i + 2, 0);
        if (SvOK(name) && strNE(SvPV_nolen(name), "unix") && strNE(SvPV_nolen(name), "perlio"))
            sv_catpvf(text, SvOK(argument) ? ":%s(%s)" : ":%s", SvPV_nolen(name),
                      SvOK(argument) ? SvPV_nolen(argument) : "");
        if (i == 0 && SvIOK(flags) && SvIV(flags) & PERLIO_F_UTF8)
            sv_catpvs(text, ":utf8");
    }
    SvREFCNT_dec((SV *)list);
    if (SvCUR(text))
        return text;
    SvREFCNT_dec(text);
    return NULL;
}

static void remember_error(pTHX_ PerlIO *f)
{
    xs_last_line_watch(aTHX_ f);
    around.err_file = f;
    around.err_tab = PerlIOValid(f) ? PerlIOBase(f)->tab : NULL;
    around.err_flags = PerlIOValid(f) ? PerlIOBase(f)->flags : 0;
}

/* perl's own stdin and stdout (to which "-" leads) are the first places of PerlIO's table: when
 * they are free STDIN and STDOUT of a connection get them.  The descriptors stay. */
static void free_place(pTHX_ IO *io, int fd)
{
    PerlIOUnix_refcnt_inc(fd);
    if (IoIFP(io))
        (void)PerlIO_close(IoIFP(io));
    if (IoOFP(io) && IoOFP(io) != IoIFP(io))
        (void)PerlIO_close(IoOFP(io));
    IoIFP(io) = IoOFP(io) = NULL;
    IoTYPE(io) = IoTYPE_CLOSED;
    (void)PerlIOUnix_refcnt_dec(fd);
}

static int uses_of(int fd)
{
    PerlIOUnix_refcnt_inc(fd);
    return PerlIOUnix_refcnt_dec(fd);
}

static void remember_handles(pTHX)
{
    around.in = gv_fetchpvs("STDIN", GV_ADD | GV_NOTQUAL, SVt_PVIO);
    around.out = gv_fetchpvs("STDOUT", GV_ADD | GV_NOTQUAL, SVt_PVIO);
    around.err = gv_fetchpvs("STDERR", GV_ADD | GV_NOTQUAL, SVt_PVIO);
    around.idle_in = GvIOn(around.in);
    around.idle_out = GvIOn(around.out);
    around.err_io = GvIOn(around.err);
    remember_error(aTHX_ IoOFP(around.err_io));
    around.layers_in = layers_of(aTHX_ IoIFP(around.idle_in));
    around.layers_out = layers_of(aTHX_ IoOFP(around.idle_out));
    around.layers_err = layers_of(aTHX_ IoOFP(around.err_io));
    around.flags_out = IoFLAGS(around.idle_out) & IOf_FLUSH;
    around.flags_err = IoFLAGS(around.err_io) & IOf_FLUSH;
    xs_forms_remember(aTHX_ & around.forms_err, around.err_io);
    free_place(aTHX_ around.idle_in, STDIN_FILENO);
    free_place(aTHX_ around.idle_out, STDOUT_FILENO);
    around.uses[0] = uses_of(STDIN_FILENO);
    around.uses[1] = uses_of(STDOUT_FILENO);
    around.selected = PL_defoutgv;
    around.line_number = GvSVn(gv_fetchpvs(".", GV_ADD | GV_NOTQUAL, SVt_PV));
}

void xs_surroundings_take_alarm(void)
{
    const struct itimerval none = {{0, 0}, {0, 0}};

    (void)setitimer(ITIMER_REAL, &none, &around.alarm);
}

void xs_surroundings_remember(pTHX)
{
    remember_descriptors(aTHX);
    remember_handles(aTHX);
    xs_own_remember(aTHX);
    around.mask = umask(022);
    (void)umask(around.mask);
    around.locale = savepv(Perl_setlocale(LC_ALL, NULL));
    (void)sigprocmask(SIG_SETMASK, NULL, &around.blocked);
    (void)getresuid(&around.users[0], &around.users[1], &around.users[2]);
    (void)getresgid(&around.groups[0], &around.groups[1], &around.groups[2]);
    (void)stat("/", &around.root);
}

/* --- the beginning of a connection */

static IO *fresh(pTHX_ GV *gv, PerlIO *in, PerlIO *out, char type, SV *layers)
{
    IO *io = newIO();

    IoIFP(io) = in;
    IoOFP(io) = out;
    IoTYPE(io) = type;
    if (layers)
        (void)PerlIO_apply_layers(aTHX_ in, NULL, SvPV_nolen(layers));
    GvIOp(gv) = io;
    return io;
}

static void open_handles(pTHX_ const struct xs_connection *connection)
{
    const struct netio_server_options *options = &connection->server->options;
    netio_deadline deadline = NETIO_NEVER;
    PerlIO *in, *out;

    if (options->total_seconds > 0)
        deadline =
            netio_deadline_in(options->total_seconds -
                              (NV)(netio_clock_now() - netio_conn_opened(connection->conn)) / 1e9);
    struct xs_talk *talk =
        xs_layer_open_both_take(aTHX_ STDIN_FILENO, STDOUT_FILENO, deadline, &in, &out);
    talk->line_seconds = options->read_seconds;
    talk->write_seconds = options->write_seconds;
    talk->signals = true;
    around.talk = xs_talk_keep(talk);
    xs_request_sits(talk);
    (void)fresh(aTHX_ around.in, in, NULL, IoTYPE_RDONLY, around.layers_in);
    IO *io = fresh(aTHX_ around.out, out, out, IoTYPE_WRONLY, around.layers_out);
    IoFLAGS(io) |= around.flags_out;
}

void xs_surroundings_begin(pTHX_ struct xs_connection *connection, int fd)
{
    xs_standard_put(fd, STDIN_FILENO);
    xs_standard_put(fd, STDOUT_FILENO);
    open_handles(aTHX_ connection);
    xs_ucspi_set(aTHX_ connection->conn);
    PL_basetime = time(NULL);
    PL_srand_called = FALSE;
    PL_statusvalue = 0;
    if (timerisset(&around.alarm.it_value))
        (void)setitimer(ITIMER_REAL, &around.alarm, NULL);
    errno = 0;
}

/* --- its end */

static void close_handle(pTHX_ GV *gv, IO *idle)
{
    IO *io = GvIOp(gv);

    if (io == idle)
        return;
    if (io && IoIFP(io))
        (void)do_close(gv, FALSE);
    GvIOp(gv) = idle;
    SvREFCNT_dec((SV *)io);
}

static void flush(pTHX_ GV *gv)
{
    const IO *io = GvIOp(gv);

    if (io && IoOFP(io))
        (void)PerlIO_flush(IoOFP(io));
}

void xs_surroundings_flush(pTHX)
{
    xs_own_untie(aTHX);
    flush(aTHX_ around.out);
    flush(aTHX_ around.err);
}

/* perl never closes what is in its own two places when a handle goes (undef *STDOUT); what is still
 * to be written there would go to the next client. */
static void close_places(pTHX)
{
    if (PerlIOValid(PerlIO_stdout()))
        (void)PerlIO_close(PerlIO_stdout());
    if (PerlIOValid(PerlIO_stdin()))
        (void)PerlIO_close(PerlIO_stdin());
}

/* Whatever is open there. */
static void put_nobody(void)
{
    xs_standard_put(around.null, STDIN_FILENO);
    xs_standard_put(around.null, STDOUT_FILENO);
}

void xs_surroundings_end(pTHX)
{
    flush(aTHX_ around.err);
    close_handle(aTHX_ around.out, around.idle_out);
    close_handle(aTHX_ around.in, around.idle_in);
    close_places(aTHX);
    put_nobody();
    xs_request_sits(NULL);
    xs_talk_release(around.talk);
    around.talk = NULL;
}

/* --- putting back */

static bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static bool is_as_it_was(pTHX_ PerlIO *f)
{
    return f && f == around.err_file && PerlIOBase(f)->tab == around.err_tab &&
           PerlIOBase(f)->flags == around.err_flags;
}

/* In its place, even if others before it are free. */
static PerlIO *open_error(pTHX)
{
    PerlIO *spare[2], *f = PerlIO_fdopen(STDERR_FILENO, "w");
    int spares = 0;

    while (f && f != PerlIO_stderr() && spares < 2) {
        spare[spares++] = f;
        f = PerlIO_fdopen(STDERR_FILENO, "w");
    }
    while (spares > 0)
        (void)PerlIO_close(spare[--spares]);
    if (!f)
        return NULL;
    PerlIOBase(f)->flags |= PERLIO_F_UNBUF;
    PerlIOBase(f)->flags &= ~(U32)PERLIO_F_UTF8; /* perl -CD */
    if (around.layers_err)
        (void)PerlIO_apply_layers(aTHX_ f, NULL, SvPV_nolen(around.layers_err));
    return f;
}

static void put_back_error(pTHX)
{
    IO *io = around.err_io;
    PerlIO *f;
    struct stat now;

    if (GvIOp(around.err) != io)
        close_handle(aTHX_ around.err, io);
    if (fstat(STDERR_FILENO, &now) == -1 || !same_file(&now, &around.error_stat))
        xs_standard_put(around.error, STDERR_FILENO);
    if (is_as_it_was(aTHX_ IoOFP(io)))
        return;
    if (IoIFP(io))
        (void)do_close(around.err, FALSE);
    xs_standard_put(around.error, STDERR_FILENO);
    f = open_error(aTHX);
    IoIFP(io) = IoOFP(io) = f;
    IoTYPE(io) = IoTYPE_WRONLY;
    remember_error(aTHX_ f);
}

/* What is the handle's own: $| and the like. */
static void put_back_own_of_error(pTHX)
{
    IoFLAGS(around.err_io) = (U8)((IoFLAGS(around.err_io) & ~IOf_FLUSH) | around.flags_err);
    xs_forms_put_back(aTHX_ & around.forms_err, around.err_io);
}

/* What has come too late for a handler of this run is not for one of the next; but signals that end
 * the worker are. */
static void forget_signals(pTHX)
{
    for (int i = 1; PL_psig_pend && i < SIG_SIZE; i++)
        if (i != SIGTERM && i != SIGQUIT && i != SIGINT)
            PL_psig_pend[i] = 0;
}

/* To ask for it takes perl longer than all else here, and a program without POSIX cannot set it. */
static void put_back_locale(pTHX)
{
    const char *now =
        hv_exists(GvHVn(PL_incgv), "POSIX.pm", 8) ? Perl_setlocale(LC_ALL, NULL) : NULL;

    if (now && around.locale && strNE(now, around.locale))
        (void)Perl_setlocale(LC_ALL, around.locale);
}

static void put_back_process(pTHX)
{
    (void)umask(around.mask);
    (void)fchdir(around.folder);
    (void)alarm(0);
    forget_signals(aTHX);
    (void)sigprocmask(SIG_SETMASK, &around.blocked, NULL);
    put_back_locale(aTHX);
}

bool xs_surroundings_are_lost(void)
{
    uid_t users[3];
    gid_t groups[3];
    struct stat root;

    /* perl has lost a handle of the program's, which would write to the next client: beside the one
     * in its own place there was one more, as it opens for character devices. */
    if (uses_of(STDIN_FILENO) != around.uses[0] || uses_of(STDOUT_FILENO) != around.uses[1])
        return true;
    int fd = free_descriptor();
    if (fd == -1 || fd > around.free + LEFT_MAX)
        return true;
    (void)getresuid(&users[0], &users[1], &users[2]);
    (void)getresgid(&groups[0], &groups[1], &groups[2]);
    if (memcmp(users, around.users, sizeof users) != 0 ||
        memcmp(groups, around.groups, sizeof groups) != 0)
        return true;
    /* Only root could have another. */
    return users[1] == 0 && (stat("/", &root) == -1 || !same_file(&root, &around.root));
}

void xs_surroundings_put_back(pTHX)
{
    xs_last_line_end(around.error); /* which may be a signal to forget */
    put_back_process(aTHX);
    put_back_error(aTHX);
    put_back_own_of_error(aTHX);
    setdefout(around.selected);
    PL_last_in_gv = NULL;
    SvOK_off(around.line_number);
    xs_own_put_back(aTHX);
    put_nobody(); /* the last handles may have had these numbers */
    CLEAR_ERRSV();
    errno = 0;
}
