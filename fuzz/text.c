/* fuzz/text.c: UTF-8, and text made fit for logs and terminals.  What is shown holds nothing that
 * a terminal obeys, and does not depend on where the bytes were cut on their way: that is how
 * netio-whois shows an answer. */
#include "target.h"

static void check_points(const char *text, size_t len)
{
    size_t step = 1, i = 0;

    for (; i < len && step > 0; i += step) {
        uint32_t point = UINT32_MAX;
        char again[4];
        step = netio_utf8_get(text + i, len - i, &point);
        must(step <= 4 && step <= len - i);
        if (step > 0)
            must(netio_utf8_put(point, again) == step && memcmp(again, text + i, step) == 0);
    }
    must(netio_utf8_valid(text, len) == (step > 0));
}

/* Reads what netio_text_safe wrote: it is the beginning of the text. */
static void check_safe(const char *text, size_t len, size_t size)
{
    char *out = malloc(size);
    size_t taken = 0;

    must(out != NULL);
    size_t length = netio_text_safe(text, len, out, size);
    must(length < size && out[length] == '\0');
    for (size_t i = 0; i < length; taken++) {
        unsigned byte = (unsigned char)out[i++];
        must(byte >= 0x20 && byte <= 0x7e && byte != '"');
        if (byte == '\\') {
            must(i < length);
            if (out[i] == 'x')
                must(length - i >= 3 && sscanf(out + i, "x%2x", &byte) == 1);
            else
                byte = (unsigned char)out[i];
            i += out[i] == 'x' ? 3 : 1;
        }
        must(taken < len && byte == (unsigned char)text[taken]);
    }
    must(taken == len || size - length <= 4);
    free(out);
}

/* All of the text as it is shown when room for no more than size bytes is there at a time, and
 * it comes in pieces; in *length how long that is, and in *taken how much of the text it is. */
static char *shown(const char *text, size_t len, size_t piece, size_t size, size_t *length,
                   size_t *taken)
{
    char *out = malloc(4 * len + size + 1);
    size_t come = 0, used = 1;

    must(out != NULL);
    for (*length = *taken = 0; come < len || used > 0;) {
        come = len - come > piece ? come + piece : len;
        size_t wrote = netio_text_shown(text + *taken, come - *taken, out + *length, size, &used);
        must(wrote < size && used <= come - *taken && (wrote > 0 || used <= 1));
        *taken += used;
        *length += wrote;
    }
    return out;
}

static void check_shown(const char *text, size_t len, size_t piece)
{
    size_t whole, parts, taken, taken_too;
    char *out = shown(text, len, len ? len : 1, 4 * len + 17, &whole, &taken);
    char *again = shown(text, len, piece, 17 + piece, &parts, &taken_too);

    must_be_shown(out, whole, "\t\n");
    must(taken <= len && len - taken < 4);
    must(whole == parts && taken == taken_too && memcmp(out, again, whole) == 0);
    free(out);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = string_of(data + 1, size - 1);
    uint32_t point;

    check_points(text, size - 1);
    check_safe(text, size - 1, 1 + data[0]);
    check_shown(text, size - 1, 1 + data[0] % 32);
    must(netio_utf8_get(text, 0, &point) == 0);
    free(text);
    return 0;
}
