/* Perl face.  Files that a run loads; see loaded.h.  Called by program.c; it touches %INC. */
#include "loaded.h"

static struct loaded {
    HV *again;    /* files that a run has loaded and the next one will load again */
    HV *at_first; /* those that were loaded before, by their names in %INC */
    STRLEN count; /* how many are in %INC for good */
} loaded;

static bool is_for_good(const HE *entry)
{
    STRLEN len = (STRLEN)HeKLEN(entry);

    return SvOK(HeVAL(entry)) && len > 3 && memEQs(HeKEY(entry) + len - 3, 3, ".pm");
}

void xs_loaded_remember(pTHX)
{
    HV *files = GvHVn(PL_incgv);
    HE *entry;

    loaded.again = newHV();
    loaded.at_first = newHV();
    (void)hv_iterinit(files);
    while ((entry = hv_iternext(files)))
        (void)hv_store_ent(loaded.at_first, hv_iterkeysv(entry), &PL_sv_yes, 0);
    loaded.count = HvUSEDKEYS(files);
}

bool xs_loaded_forget(pTHX)
{
    HV *files = GvHVn(PL_incgv);
    HE *entry;

    if (HvUSEDKEYS(files) == loaded.count || SvMAGICAL((SV *)files))
        return false;
    (void)hv_iterinit(files);
    while ((entry = hv_iternext(files))) {
        SV *name = hv_iterkeysv(entry);
        if (is_for_good(entry) || hv_exists_ent(loaded.at_first, name, 0))
            continue;
        if (SvOK(HeVAL(entry)))
            (void)hv_store_ent(loaded.again, HeVAL(entry), &PL_sv_yes, 0);
        (void)hv_delete_ent(files, name, G_DISCARD, 0);
    }
    if (HvUSEDKEYS(files) == loaded.count)
        return false;
    loaded.count = HvUSEDKEYS(files);
    return true;
}

bool xs_loaded_is_again(pTHX_ const char *file)
{
    return file && hv_exists(loaded.again, file, (I32)strlen(file));
}
