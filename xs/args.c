/* Perl face.  Arguments; see args.h.  Called by tcpopen and the methods of a handle; it
 * touches only the values it is given, though reading one may run Perl code. */
#include "args.h"

#include <netio/text.h>

/* Its bytes as Perl has them. */
static const char *bytes_of(pTHX_ SV *sv, STRLEN *len)
{
    *len = 0;
    SvGETMAGIC(sv);
    return SvOK(sv) ? SvPV_nomg_const(sv, *len) : "";
}

static void keep(pTHX_ struct xs_text *text, const char *bytes, STRLEN len)
{
    text->text = text->short_text;
    text->len = len;
    if (len < sizeof text->short_text) {
        Copy(bytes, text->short_text, len, char);
        text->short_text[len] = '\0';
        return;
    }
    text->text = SvPVX_const(newSVpvn_flags(bytes, len, SVs_TEMP));
}

void xs_text_get(pTHX_ struct xs_text *text, SV *sv)
{
    STRLEN len;
    const char *bytes = bytes_of(aTHX_ sv, &len);

    if (!SvUTF8(sv) && !is_ascii_string((const U8 *)bytes, len)) {
        SV *copy = newSVpvn_flags(bytes, len, SVs_TEMP);
        bytes = SvPVutf8(copy, len);
    }
    keep(aTHX_ text, bytes, len);
}

void xs_path_get(pTHX_ struct xs_text *text, SV *sv)
{
    STRLEN len;
    const char *bytes = bytes_of(aTHX_ sv, &len);

    keep(aTHX_ text, bytes, len);
}

bool xs_text_whole(const struct xs_text *text)
{
    return memchr(text->text, '\0', text->len) == NULL;
}

bool xs_text_is(const struct xs_text *text, const char *word)
{
    return text->len == strlen(word) && memcmp(text->text, word, text->len) == 0;
}

SV *xs_text_shown(pTHX_ const struct xs_text *text)
{
    char shown[160];
    size_t len = netio_text_safe(text->text, text->len, shown, sizeof shown);

    return newSVpvn_flags(shown, len, SVs_TEMP);
}

SV *xs_sv_shown(pTHX_ SV *sv)
{
    struct xs_text text;

    xs_text_get(aTHX_ &text, sv);
    return xs_text_shown(aTHX_ &text);
}

/* A reference is a number only if it is overloaded to be one. */
static bool is_number(pTHX_ SV *sv)
{
    return cBOOL(SvROK(sv) ? SvAMAGIC(sv) : looks_like_number(sv));
}

bool xs_seconds_get(pTHX_ NV *seconds, SV *sv)
{
    SvGETMAGIC(sv);
    *seconds = NV_INF;
    if (!SvOK(sv))
        return true;
    if (!is_number(aTHX_ sv))
        return false;
    *seconds = SvNV_nomg(sv);
    return *seconds >= 0; /* not so for NaN */
}

bool xs_count_get(pTHX_ UV *count, SV *sv)
{
    const NV most = (NV)(SSize_t_MAX / 4);
    NV number;

    SvGETMAGIC(sv);
    if (!SvOK(sv))
        return true;
    if (!is_number(aTHX_ sv))
        return false;
    number = SvNV_nomg(sv);
    if (!(number >= 0 && number <= most) || number != Perl_floor(number))
        return false;
    *count = (UV)number;
    return true;
}

SSize_t xs_list_count(pTHX_ SV *sv)
{
    SvGETMAGIC(sv);
    if (!SvOK(sv))
        return 0;
    return SvROK(sv) && SvTYPE(SvRV(sv)) == SVt_PVAV ? av_len((AV *)SvRV(sv)) + 1 : 1;
}

SV *xs_list_at(pTHX_ SV *sv, SSize_t i)
{
    SV **slot;

    if (!SvROK(sv) || SvTYPE(SvRV(sv)) != SVt_PVAV)
        return sv;
    slot = av_fetch((AV *)SvRV(sv), i, 0);
    return slot ? *slot : &PL_sv_undef;
}
