/* Perl face.  What an object of ours stands for; see object.h.  Called by the file of each class
 * that has such objects; it croaks, and runs Perl code only where self is tied. */
#include "object.h"

int xs_object_dup(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    PERL_UNUSED_CONTEXT;
    PERL_UNUSED_VAR(params);
    mg->mg_ptr = NULL;
    return 0;
}

MAGIC *xs_object_bind(pTHX_ SV *object, const MGVTBL *table, const void *thing)
{
    MAGIC *mg = sv_magicext(object, NULL, PERL_MAGIC_ext, table, (const char *)thing, 0);

    mg->mg_flags |= MGf_DUP;
    return mg;
}

/* What is less than SVt_PVMG has no room for magic, and mg_findext would read past its body. */
MAGIC *xs_object_magic(pTHX_ SV *self, const MGVTBL *table)
{
    SvGETMAGIC(self);
    if (!SvROK(self) || SvTYPE(SvRV(self)) < SVt_PVMG)
        return NULL;
    return mg_findext(SvRV(self), PERL_MAGIC_ext, table);
}

void *xs_object_get(pTHX_ SV *self, const MGVTBL *table, const char *class)
{
    MAGIC *mg = xs_object_magic(aTHX_ self, table);

    if (!mg || !mg->mg_ptr)
        croak("not a %s", class);
    return mg->mg_ptr;
}
