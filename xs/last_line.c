/* Perl face.  The last line on standard error; see last_line.h.  Called by surroundings.c, and by
 * PerlIO for what is written to STDERR.
 *
 * A layer more would be seen by the program.  So the lowest one of STDERR goes by a table that is a
 * copy of its own, but for Write.  What comes to the descriptor another way is not seen: by syswrite,
 * by a copy of the handle, by another program. */
#include "last_line.h"

#include <netio/fd.h>

#include <unistd.h>

static struct last_line {
    PerlIO_funcs table;
    const PerlIO_funcs *copied; /* NULL: nothing yet */
    bool is_open;
} line;

static SSize_t layer_write(pTHX_ PerlIO *f, const void *data, Size_t count)
{
    SSize_t n = line.copied->Write(aTHX_ f, data, count);

    if (n > 0)
        line.is_open = ((const char *)data)[n - 1] != '\n';
    return n;
}

void xs_last_line_watch(pTHX_ PerlIO *f)
{
    if (!PerlIOValid(f) || PerlIO_fileno(f) != STDERR_FILENO)
        return;
    while (PerlIOValid(PerlIONext(f)))
        f = PerlIONext(f);
    if (!line.copied) {
        line.copied = PerlIOBase(f)->tab;
        line.table = *line.copied;
        line.table.Write = layer_write;
    }
    if (PerlIOBase(f)->tab == line.copied)
        PerlIOBase(f)->tab = &line.table;
}

void xs_last_line_end(int fd)
{
    if (line.is_open)
        (void)netio_fd_write(fd, "\n", 1);
    line.is_open = false;
}
