/* Perl face.  Arguments; see args.h.  Called by tcpopen and the methods of a handle; it
 * touches only the values it is given, though reading one may run Perl code. */
#include "args.h"

#include <netio/text.h>

void xs_text_get(pTHX_ struct xs_text *text, SV *sv)
{
    STRLEN len = 0;
    const char *bytes = "";

    SvGETMAGIC(sv);
    if (SvOK(sv))
        bytes = SvPV_nomg_const(sv, len);
    text->text = text->short_text;
    text->len = len;
    if (len < sizeof text->short_text && (SvUTF8(sv) || is_ascii_string((const U8 *)bytes, len))) {
        Copy(bytes, text->short_text, len, char);
        text->short_text[len] = '\0';
        return;
    }
    SV *copy = newSVpvn_flags(bytes, len, SVs_TEMP | (SvUTF8(sv) ? SVf_UTF8 : 0));
    text->text = SvPVutf8(copy, text->len);
}

bool xs_text_whole(const struct xs_text *text)
{
    return memchr(text->text, '\0', text->len) == NULL;
}

SV *xs_text_shown(pTHX_ const struct xs_text *text)
{
    char shown[160];
    size_t len = netio_text_safe(text->text, text->len, shown, sizeof shown);

    return newSVpvn_flags(shown, len, SVs_TEMP);
}

bool xs_seconds_get(pTHX_ NV *seconds, SV *sv)
{
    SvGETMAGIC(sv);
    *seconds = NV_INF;
    if (!SvOK(sv))
        return true;
    /* A reference is a number only if it is overloaded to be one. */
    if (SvROK(sv) ? !SvAMAGIC(sv) : !looks_like_number(sv))
        return false;
    *seconds = SvNV_nomg(sv);
    return *seconds >= 0; /* not so for NaN */
}
