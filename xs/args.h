/* Perl face.  What callers pass in: seconds, numbers, hosts, services.  Arguments may be tied,
 * overloaded or read-only; each is read once and never changed. */
#ifndef XS_ARGS_H
#define XS_ARGS_H

#include "perlapi.h"

/* A text argument as NUL-terminated UTF-8 of its own, safe from what Perl code does to the
 * original meanwhile.  len counts embedded NULs, text does not get past them. */
struct xs_text {
    STRLEN len;
    const char *text; /* short, or a mortal's buffer when it does not fit there */
    char short_text[64];
};

void xs_text_get(pTHX_ struct xs_text *text, SV *sv); /* undef: empty */
/* The same for a path, whose bytes stay as they are: what Perl's open would open. */
void xs_path_get(pTHX_ struct xs_text *text, SV *sv);
/* Whether it is a C string as it stands. */
bool xs_text_whole(const struct xs_text *text);
bool xs_text_is(const struct xs_text *text, const char *word);
/* The same made fit for a message; a mortal. */
SV *xs_text_shown(pTHX_ const struct xs_text *text);
SV *xs_sv_shown(pTHX_ SV *sv);

/* A number of seconds, undef being infinity; false for what is none: text, NaN, negative. */
bool xs_seconds_get(pTHX_ NV *seconds, SV *sv);

/* A whole number, from 0 up to what memory could hold; undef leaves *count alone.  False for
 * what is none. */
bool xs_count_get(pTHX_ UV *count, SV *sv);

/* The elements of a reference to an array, or the one value that is none; undef: no element. */
SSize_t xs_list_count(pTHX_ SV *sv);
SV *xs_list_at(pTHX_ SV *sv, SSize_t i);

#endif
