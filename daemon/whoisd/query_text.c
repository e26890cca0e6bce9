/* whoisd: the bytes of a query as clean UTF-8; see query_text.h.
 * Called by query.c; touches nothing but its arguments. */
#include "query_text.h"

#include <netio/text.h>

#include <idn2.h>
#include <string.h>
#include <strings.h>

struct range {
    uint32_t first, last;
};

static int within(const struct range *range, size_t count, uint32_t point)
{
    for (size_t i = 0; i < count; i++)
        if (point >= range[i].first && point <= range[i].last)
            return 1;
    return 0;
}

/* Unicode's Zs, and all that has no face. */
static int parts_words(uint32_t point)
{
    static const struct range blank[] = {
        {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a},
        {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
    };

    if (point < 0x7f)
        return point <= ' ';
    return within(blank, sizeof blank / sizeof *blank, point) || !netio_utf8_printable(point);
}

int query_text_indexed(uint32_t point)
{
    static const struct range mute[] = {
        {0x80, 0xa9}, {0xab, 0xb1}, {0xb4, 0xb4},
        {0xb6, 0xb8}, {0xbb, 0xbb}, {0xbf, 0xbf}, {0xd7, 0xd7}, {0xf7, 0xf7},
        {0x2000, 0x206f},   /* general punctuation */
        {0x20a0, 0x20cf},   /* currency */
        {0x2190, 0x245f},   /* arrows, mathematics, technical, control pictures */
        {0x2500, 0x2775},   /* box drawing to dingbats */
        {0x2794, 0x2bff},   /* more arrows and symbols */
        {0x3000, 0x3004}, {0x3008, 0x3020}, {0xfe30, 0xfe6f}, {0xff01, 0xff0f},
        {0x1f300, 0x1faff}, /* pictures */
    };

    if (point < 0x80)
        return (point >= '0' && point <= '9') || ((point | 0x20) >= 'a' && (point | 0x20) <= 'z');
    return !within(mute, sizeof mute / sizeof *mute, point);
}

/* Copies the line as UTF-8 with a blank for all that parts words. */
static size_t to_utf8(char *out, const char *line, size_t len)
{
    int latin1 = !netio_utf8_valid(line, len);
    size_t used = 0;

    for (size_t i = 0, step = 1; i < len; i += step) {
        uint32_t point = (unsigned char)line[i];
        if (!latin1)
            step = netio_utf8_get(line + i, len - i, &point);
        used += netio_utf8_put(parts_words(point) ? ' ' : point, out + used);
    }
    return used;
}

static int is_punycode(const char *word, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (strncasecmp(word + i, "xn--", 4) == 0)
            return 1;
    return 0;
}

/* Decodes the word into out; its length, or 0 when it is no punycode after all.  What it hides
 * is as little to be trusted as any other bytes, and is cleaned like them. */
static size_t decode(char *out, size_t room, const char *word, size_t len)
{
    char coded[QUERY_LINE_MAX + 1];
    char *plain = NULL;
    size_t used = 0;

    if (len >= sizeof coded)
        return 0;
    memcpy(coded, word, len);
    coded[len] = '\0';
    if (idn2_to_unicode_8z8z(coded, &plain, 0) == IDN2_OK) {
        size_t plain_len = strlen(plain);
        if (plain_len <= room && netio_utf8_valid(plain, plain_len))
            used = to_utf8(out, plain, plain_len);
    }
    idn2_free(plain);
    return used;
}

size_t query_text_clean(char out[QUERY_TEXT], const char *line, size_t len)
{
    char text[2 * QUERY_LINE_MAX]; /* ISO 8859-1 at most doubles */
    size_t end = to_utf8(text, line, len), used = 0;

    for (size_t at = 0, next; at < end; at = next) {
        const char *blank = memchr(text + at, ' ', end - at);
        size_t word = blank ? (size_t)(blank - (text + at)) : end - at;
        next = at + word + 1;
        if (word == 0)
            continue;
        if (used > 0)
            out[used++] = ' ';
        size_t decoded = 0;
        if (is_punycode(text + at, word))
            decoded = decode(out + used, QUERY_TEXT - 1 - used, text + at, word);
        if (decoded == 0) {
            memcpy(out + used, text + at, word);
            decoded = word;
        }
        used += decoded;
    }
    out[used] = '\0';
    return used;
}
