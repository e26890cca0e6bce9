/* Perl face.  The handle DATA; see data.h.  Called by program.c and pool.c; it opens a handle in
 * memory. */
#include "data.h"

#include <fcntl.h>
#include <unistd.h>

static struct {
    GV *gv;   /* NULL: there is none */
    SV *file; /* a reference to all that is in it: who seeks finds the program itself */
    Off_t offset;
    bool utf8;
} data;

bool xs_data_is(const GV *gv)
{
    return gv == data.gv;
}

static SV *all_of(pTHX_ int fd)
{
    SV *text = newSVpvs("");
    char buffer[8192];
    ssize_t n;

    while ((n = pread(fd, buffer, sizeof buffer, (off_t)SvCUR(text))) > 0)
        sv_catpvn(text, buffer, (STRLEN)n);
    return text;
}

void xs_data_remember(pTHX_ GV *gv)
{
    PerlIO *f = IoIFP(GvIOp(gv));

    data.gv = gv;
    data.offset = PerlIO_tell(f);
    data.utf8 = PerlIO_isutf8(f);
    data.file = newRV_noinc(all_of(aTHX_ PerlIO_fileno(f)));
}

void xs_data_open(pTHX)
{
    SV *file = data.file;

    if (!data.gv || !do_openn(data.gv, "<", 1, FALSE, O_RDONLY, 0, NULL, &file, 1))
        return;
    PerlIO *f = IoIFP(GvIOp(data.gv));
    IoLINES(GvIOp(data.gv)) = 0;
    (void)PerlIO_seek(f, data.offset, SEEK_SET);
    /* By itself it is what perl -CD says of other handles. */
    if (data.utf8 != (PerlIO_isutf8(f) != 0))
        (void)PerlIO_binmode(aTHX_ f, IoTYPE_RDONLY, O_TEXT, data.utf8 ? ":utf8" : ":bytes");
}
