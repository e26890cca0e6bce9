/* Ring 0.  UTF-8, and what strangers sent made fit to be seen; see netio/text.h.
 * Called for every log line, error and answer; it touches nothing but its arguments. */
#include <netio/text.h>

#include <string.h>

/* RFC 3629 section 4: which second bytes may follow a first byte, and how many follow. */
static size_t sequence(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    if (first < 0xe0)
        return 2;
    if (first == 0xe0)
        *low = 0xa0;
    if (first == 0xed)
        *high = 0x9f;
    if (first == 0xf0)
        *low = 0x90;
    if (first == 0xf4)
        *high = 0x8f;
    return first < 0xf0 ? 3 : 4;
}

size_t netio_utf8_get(const char *text, size_t n, uint32_t *point)
{
    const unsigned char *byte = (const unsigned char *)text;
    unsigned char low, high;

    if (n == 0)
        return 0;
    if (byte[0] < 0x80) {
        *point = byte[0];
        return 1;
    }
    size_t len = sequence(byte[0], &low, &high);
    if (len == 0 || n < len || byte[1] < low || byte[1] > high)
        return 0;
    uint32_t value = byte[0] & (0xffu >> (len + 1));
    value = value << 6 | (byte[1] & 0x3fu);
    for (size_t i = 2; i < len; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (byte[i] & 0x3fu);
    }
    *point = value;
    return len;
}

size_t netio_utf8_put(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(lead[len] | point);
    return len;
}

int netio_utf8_valid(const char *text, size_t n)
{
    uint32_t point;

    for (size_t len; n > 0; text += len, n -= len)
        if ((len = netio_utf8_get(text, n, &point)) == 0)
            return 0;
    return 1;
}

int netio_utf8_printable(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x007f, 0x009f},   /* DEL, C1 */
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x034f, 0x034f},   /* combining grapheme joiner */
        {0x061c, 0x061c},   /* Arabic letter mark */
        {0x115f, 0x1160},   /* Hangul fillers */
        {0x17b4, 0x17b5},   /* Khmer inherent vowels */
        {0x180e, 0x180e},   /* Mongolian vowel separator */
        {0x200b, 0x200f},   /* zero width, directional marks */
        {0x2028, 0x202e},   /* line and paragraph separator, embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, isolates, deprecated format controls */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xd800, 0xdfff},   /* surrogates */
        {0xfdd0, 0xfdef},   /* noncharacters */
        {0xfeff, 0xfeff},   /* BOM */
        {0xffa0, 0xffa0},   /* halfwidth Hangul filler */
        {0xfff0, 0xfffb},   /* kept for such as these; interlinear annotation */
        {0x1bca0, 0x1bca3}, /* shorthand format controls */
        {0x1d173, 0x1d17a}, /* musical format controls */
        {0xe0000, 0xe0fff}, /* tags and the variation selectors beside them */
    };

    if (point < 0x7f)
        return point >= 0x20; /* most of what is ever asked for */
    if (point > 0x10ffff || (point & 0xfffe) == 0xfffe)
        return 0;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (point >= hidden[i].first && point <= hidden[i].last)
            return 0;
    return 1;
}

static size_t put_hex(unsigned char byte, char *out)
{
    static const char digit[] = "0123456789abcdef";

    memcpy(out, (char[]){'\\', 'x', digit[byte >> 4], digit[byte & 15]}, 4);
    return 4;
}

static size_t put_safe(unsigned char byte, char *out)
{
    if (byte < 0x20 || byte > 0x7e)
        return put_hex(byte, out);
    if (byte != '\\' && byte != '"') {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = (char)byte;
    return 2;
}

size_t netio_text_safe(const char *text, size_t n, char *out, size_t size)
{
    size_t length = 0;

    if (size == 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        char piece[4];
        size_t len = put_safe((unsigned char)text[i], piece);
        if (len >= size - length)
            break;
        memcpy(out + length, piece, len);
        length += len;
    }
    out[length] = '\0';
    return length;
}

/* Whether n bytes, which are no valid UTF-8, may become so when more arrive. */
static int may_go_on(const char *text, size_t n)
{
    const unsigned char *byte = (const unsigned char *)text;
    unsigned char low, high;
    size_t len = sequence(byte[0], &low, &high);

    if (len == 0 || n >= len || (n > 1 && (byte[1] < low || byte[1] > high)))
        return 0;
    return n < 3 || (byte[2] & 0xc0) == 0x80;
}

/* One step of netio_text_shown: how many bytes it takes of text, with what is shown for
 * them in piece; 0 when the bytes begin a character that is not complete. */
static size_t show_one(const char *text, size_t n, char piece[16], size_t *length)
{
    uint32_t point;
    size_t len = netio_utf8_get(text, n, &point);

    *length = 0;
    if (len && (netio_utf8_printable(point) || point == '\t' || point == '\n')) {
        memcpy(piece, text, len);
        *length = len;
        return len;
    }
    if (text[0] == '\r') {
        if (n == 1)
            return 0;
        if (text[1] == '\n')
            return 1; /* the LF behind it ends the line */
    }
    if (len == 0 && may_go_on(text, n))
        return 0;
    if (len == 0)
        len = 1;
    for (size_t i = 0; i < len; i++)
        *length += put_hex((unsigned char)text[i], piece + *length);
    return len;
}

size_t netio_text_shown(const char *text, size_t n, char *out, size_t size, size_t *used)
{
    size_t length = 0;

    *used = 0;
    while (*used < n && size > 0) {
        char piece[16];
        size_t len;
        size_t took = show_one(text + *used, n - *used, piece, &len);
        if (took == 0 || len >= size - length)
            break;
        memcpy(out + length, piece, len);
        length += len;
        *used += took;
    }
    if (size > 0)
        out[length] = '\0';
    return length;
}

char *netio_text_number(uint64_t number, char *out)
{
    char digits[NETIO_TEXT_NUMBER];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n > 0)
        *out++ = digits[--n];
    *out = '\0';
    return out;
}
