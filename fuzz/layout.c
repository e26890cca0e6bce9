/* fuzz/layout.c: a label and a value, any bytes, as whoisd puts them on lines: printable, shorter
 * than 2000 bytes, no referral, and nothing of the value lost but what may not be shown. */
#include "target.h"

#include "whoisd/layout.h"

#include <strings.h>

/* What is left of text without its blanks, in place. */
static size_t squeeze(char *text, size_t len)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] != ' ')
            text[used++] = text[i];
    return used;
}

/* How long blanks, label and colon of the first line are. */
static size_t head_of(const char *line, const char *label, size_t len)
{
    for (size_t blanks = 0; blanks <= LAYOUT_COLUMN; blanks++) {
        must(strspn(line, " ") >= blanks);
        if (memcmp(line + blanks, label, len) == 0 && memcmp(line + blanks + len, ": ", 2) == 0)
            return blanks + len + 2;
    }
    abort();
}

static void check_line(const char *line, size_t len)
{
    must(len <= LAYOUT_LINE_MAX);
    must_be_shown(line, len, "");
    must(strncasecmp(line, "ReferralServer:", 15) != 0 && strncasecmp(line, "% referto:", 10) != 0);
}

static void check_clean(const char *text, size_t len, size_t size)
{
    char *out = malloc(size);

    must(out != NULL);
    size_t used = layout_clean(text, len, out, size);
    must(used < size && strlen(out) == used);
    must_be_shown(out, used, "");
    free(out);
}

static void check_pair(const char *label, const char *value, size_t value_len)
{
    struct netio_buf out = {0};
    char head[LAYOUT_LABEL_MAX + 1];
    char *clean = malloc(value_len + 1), *found = malloc(value_len + 1);
    size_t label_len = layout_clean(label, strlen(label), head, sizeof head), used = 0;

    must(clean && found && layout_pair(&out, label, strlen(label), value, value_len) == 0);
    const char *line = netio_buf_head(&out), *end = line + netio_buf_len(&out), *stop;
    for (size_t first = head_of(line, head, label_len); line < end; line = stop + 2) {
        stop = memmem(line, (size_t)(end - line), "\r\n", 2);
        must(stop != NULL && line + first <= stop && (line + first == stop || stop[-1] != ' '));
        check_line(line, (size_t)(stop - line));
        memcpy(found + used, line + first, (size_t)(stop - line) - first);
        used += (size_t)(stop - line) - first;
        first = LAYOUT_COLUMN + 2;
    }
    size_t len = squeeze(clean, layout_clean(value, value_len, clean, value_len + 1));
    must(squeeze(found, used) == len && memcmp(clean, found, len) == 0);
    netio_buf_free(&out);
    free(clean);
    free(found);
}

/* An entry in a list: one line, whatever is in it. */
static void check_listing(const char *handle, const char *name, const char *summary)
{
    struct netio_buf out = {0};

    must(layout_listing(&out, handle, name, summary) == 0);
    size_t len = netio_buf_len(&out);
    must(len > 2 && memcmp(netio_buf_head(&out) + len - 2, "\r\n", 2) == 0);
    check_line(netio_buf_head(&out), len - 2);
    netio_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *label = first_line(&data, &size);
    char *value = string_of(data, size);

    check_clean(value, size, 1 + strlen(label));
    check_pair(label, value, size);
    check_listing(label, value, "");
    check_listing(value, label, value);
    free(label);
    free(value);
    return 0;
}
