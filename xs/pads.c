/* Perl face.  Lexical variables; see pads.h.  Called by program.c; it touches the pads of the
 * program's code.
 *
 * Only some of them need it.  One that nobody else has and that is empty is perl's business, which
 * empties it when its scope is left. */
#include "pads.h"

#include "older.h"
#include "patterns.h"
#include "value.h"

/* The pad is held, not only its code, which loses it by undef, or when a string eval defines the
 * sub once more. */
struct lexical {
    PAD *pad;
    PADOFFSET place;
    SV *value;   /* held */
    SV *content; /* NULL: none */
    bool state;  /* it is not to be entered again until the next run */
};

static struct {
    struct lexical *lexicals;
    size_t count, room;
    PTR_TBL_t *known; /* code */
    PTR_TBL_t *held;  /* variables */
} pads;

static SV **slot_of(const struct lexical *lexical)
{
    return &AvARRAY(lexical->pad)[lexical->place];
}

static void add(pTHX_ const struct lexical *lexical)
{
    if (pads.count == pads.room) {
        pads.room = pads.room ? 2 * pads.room : 64;
        Renew(pads.lexicals, pads.room, struct lexical);
    }
    SvREFCNT_inc_simple_void_NN((SV *)lexical->pad);
    SvREFCNT_inc_simple_void_NN(lexical->value);
    ptr_table_store(pads.held, lexical->value, lexical->value);
    pads.lexicals[pads.count++] = *lexical;
}

static void remember(pTHX_ PAD *pad, PADOFFSET place, const PADNAME *name)
{
    struct lexical lexical = {.pad = pad, .place = place};

    lexical.value = *slot_of(&lexical);
    if (!lexical.value)
        return;
    lexical.state = PadnameIsSTATE(name);
    lexical.content = lexical.state ? NULL : xs_value_content(aTHX_ lexical.value);
    if (!lexical.state && !lexical.content && SvREFCNT(lexical.value) == 1)
        return;
    add(aTHX_ & lexical);
}

/* One of a block around the sub.  A BEGIN block is gone by now, with its own pad, and what it
 * shared with its subs is theirs alone. */
static void remember_outer(pTHX_ PAD *pad, PADOFFSET place)
{
    struct lexical lexical = {.pad = pad, .place = place};

    lexical.value = *slot_of(&lexical);
    if (!lexical.value || ptr_table_fetch(pads.held, lexical.value))
        return;
    lexical.content = xs_value_content(aTHX_ lexical.value);
    add(aTHX_ & lexical);
}

void xs_pads_remember(pTHX_ CV *cv, const char *file)
{
    PADLIST *list;
    PADNAMELIST *names;
    PAD *pad;

    if (CvISXSUB(cv) || (file && (!CvFILE(cv) || strNE(CvFILE(cv), file))))
        return;
    if (!pads.known) {
        pads.known = ptr_table_new();
        pads.held = ptr_table_new();
    }
    list = CvPADLIST(cv);
    if (!list || PadlistMAX(list) < 1 || ptr_table_fetch(pads.known, cv))
        return;
    ptr_table_store(pads.known, cv, SvREFCNT_inc((SV *)cv));
    xs_patterns_remember(aTHX_ cv == PL_main_cv ? PL_main_root : CvROOT(cv));
    names = PadlistNAMES(list);
    pad = PadlistARRAY(list)[1];
    for (PADOFFSET i = 1; i <= (PADOFFSET)PadnamelistMAX(names); i++) {
        const PADNAME *name = PadnamelistARRAY(names)[i];
        SV *value = AvARRAY(pad)[i];
        if (!name || !PadnamePV(name) || !PadnameLEN(name))
            continue;
        if (value && SvTYPE(value) == SVt_PVCV)
            xs_pads_remember(aTHX_(CV *) value, NULL);
        else if (PadnameOUTER(name) && !PadnameIsOUR(name))
            remember_outer(aTHX_ pad, i);
        else if (!PadnameIsOUR(name))
            remember(aTHX_ pad, i, name);
    }
}

void xs_pads_put_back(pTHX)
{
    for (size_t i = 0; i < pads.count; i++) {
        struct lexical *lexical = &pads.lexicals[i];
        SV **slot = slot_of(lexical);
        SV *now = *slot;
        if (now != lexical->value) {
            *slot = SvREFCNT_inc_simple_NN(lexical->value);
            SvREFCNT_dec(now);
        }
        xs_value_put_back(aTHX_ lexical->value, lexical->content);
        if (lexical->state)
            SvPADSTALE_on(lexical->value);
    }
}
