/* Perl face.  A handle of the program's, put back; see opened.h.  Called by program.c; it closes
 * files and folders of globs. */
#include "opened.h"

#include "data.h"

void xs_opened_remember(pTHX_ struct xs_opened *opened, IO *io)
{
    opened->io = (IO *)SvREFCNT_inc((SV *)io);
    if (!io)
        return;
    opened->file = IoIFP(io) != NULL;
    opened->folder = IoDIRP(io) != NULL;
    opened->flags = (U8)IoFLAGS(io);
    xs_forms_remember(aTHX_ & opened->forms, io);
}

static void close_folder(IO *io)
{
    if (!IoDIRP(io) || IoFLAGS(io) & IOf_FAKE_DIRP)
        return;
    (void)PerlDir_close(IoDIRP(io));
    IoDIRP(io) = NULL;
}

void xs_opened_put_back(pTHX_ const struct xs_opened *opened, GV *gv)
{
    IO *io = GvIOp(gv);

    if (io && IoIFP(io) && !(io == opened->io && opened->file) && !xs_data_is(gv))
        (void)do_close(gv, FALSE);
    if (io && !(io == opened->io && opened->folder))
        close_folder(io);
    if (!opened->io)
        return;
    IoFLAGS(opened->io) = opened->flags;
    xs_forms_put_back(aTHX_ & opened->forms, opened->io);
}
