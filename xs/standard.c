/* Perl face.  Descriptors 0 to 2; see standard.h.  Called by daemon.c, daemon_options.c, request.c
 * and surroundings.c; it touches these three. */
#include "standard.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct xs_standard_file loaded[3];

static struct xs_standard_file file_of(int fd)
{
    struct xs_standard_file file = {.open = false};
    struct stat st;

    if (fstat(fd, &st) == 0)
        file = (struct xs_standard_file){
            .open = true, .dev = st.st_dev, .rdev = st.st_rdev, .ino = st.st_ino};
    return file;
}

static bool is_same(const struct xs_standard_file *a, const struct xs_standard_file *b)
{
    return a->open == b->open &&
           (!a->open || (a->dev == b->dev && a->rdev == b->rdev && a->ino == b->ino));
}

/* Where the starter has closed descriptor 0, perl opens the program text on it, and STDIN on that;
 * where it has closed 1 or 2, the text, or that of a module, may be there. */
static bool is_source(pTHX_ int fd)
{
    struct stat st, text;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
        return false;
    if (fd != STDIN_FILENO)
        return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
    return PL_origfilename && stat(PL_origfilename, &text) == 0 && st.st_dev == text.st_dev &&
           st.st_ino == text.st_ino;
}

static IO *standard_io(pTHX_ int fd)
{
    static const char *const names[] = {"main::STDIN", "main::STDOUT", "main::STDERR"};
    GV *gv = gv_fetchpv(names[fd], 0, SVt_PVIO);

    return gv ? GvIO(gv) : NULL;
}

/* By how many of its two PerlIOs a standard handle is on its descriptor: a tied one may be, one in
 * memory is not. */
static int handles_on(pTHX_ int fd)
{
    const IO *io = standard_io(aTHX_ fd);
    PerlIO *in = io ? IoIFP(io) : NULL;
    PerlIO *out = io ? IoOFP(io) : NULL;

    return (in && PerlIO_fileno(in) == fd) + (out && out != in && PerlIO_fileno(out) == fd);
}

/* By then a number may be another handle's. */
void xs_standard_boot(pTHX)
{
    for (int fd = 0; fd < 3; fd++)
        if (!is_source(aTHX_ fd) && handles_on(aTHX_ fd) > 0)
            loaded[fd] = file_of(fd);
}

/* Where the program itself comes by standard input, DATA is what follows. */
static bool has_data(pTHX_ int fd)
{
    GV *gv = gv_fetchpvs("main::DATA", 0, SVt_PVIO);
    PerlIO *in = gv && GvIO(gv) ? IoIFP(GvIO(gv)) : NULL;

    return in && PerlIO_fileno(in) == fd;
}

/* A duplicate of what the program was started with is not: "open my $out, '>&=', 1" must not keep
 * a terminal. */
bool xs_standard_is_foreign(pTHX_ int fd)
{
    struct xs_standard_file now = file_of(fd);
    int own;

    if (now.open && has_data(aTHX_ fd))
        return true;
    if (!now.open || is_same(&now, &loaded[fd]))
        return false;
    own = handles_on(aTHX_ fd);
    return own == 0 || PerlIOUnix_refcnt(fd) > own;
}

void xs_standard_look(struct xs_standard_file files[3])
{
    for (int fd = 0; fd < 3; fd++)
        files[fd] = file_of(fd);
}

int xs_standard_keep(const struct xs_standard_file files[3], int saved[3])
{
    int code = 0;

    for (int fd = 0; fd < 3; fd++) {
        struct xs_standard_file now = file_of(fd);
        saved[fd] = -1;
        if (!now.open || is_same(&now, &files[fd]))
            continue;
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (saved[fd] == -1)
            code = -errno;
    }
    return code;
}

void xs_standard_put(int from, int to)
{
    while (dup2(from, to) == -1 && (errno == EINTR || errno == EBUSY))
        ; /* both are open: there is no other way to fail */
}

void xs_standard_put_back(const int saved[3])
{
    for (int fd = 0; fd < 3; fd++) {
        if (saved[fd] == -1)
            continue;
        xs_standard_put(saved[fd], fd);
        netio_fd_close(saved[fd]);
    }
}

bool xs_standard_is_null(int fd)
{
    struct stat st, null;

    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == null.st_rdev;
}

int xs_standard_put_null(void)
{
    int null = netio_fd_null();

    for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
        xs_standard_put(null, fd);
    netio_fd_close(null);
    return null < 0 ? null : 0;
}
