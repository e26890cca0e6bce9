/* whoisd: lines of an answer; see layout.h.
 * Called by answer.c; touches nothing but its arguments. */
#include "layout.h"

#include <netio/text.h>

#include <string.h>
#include <strings.h>

#define LINE_SIZE   (LAYOUT_LINE_MAX + 2) /* with its CRLF */
#define LISTING_MAX 899 /* bytes of a name or a summary in a listing: two fit a line */

int layout_line(struct netio_buf *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int code = netio_buf_vaddf(out, format, args);
    va_end(args);
    return code != 0 ? code : netio_buf_add(out, "\r\n", 2);
}

/* The character at text: how many bytes it takes, and in *shown how many of them are shown.  A
 * tab is shown, as a blank. */
static size_t next_character(const char *text, size_t len, size_t *shown)
{
    uint32_t point;
    size_t step = netio_utf8_get(text, len, &point);

    *shown = step > 0 && (netio_utf8_printable(point) || point == '\t') ? step : 0;
    return step > 0 ? step : 1;
}

/* Copies the printable ASCII at the start of text, at most size bytes of it, which is most of any
 * directory; how many these were.  Eight bytes at a time: a byte below ' ' or above '~' shows as
 * a high bit of one of the three terms, and is then looked for one by one. */
static size_t copy_plain(const char *text, size_t len, char *out, size_t size)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones;
    size_t n = 0, end = len < size ? len : size;

    for (uint64_t eight; n + sizeof eight <= end; n += sizeof eight) {
        memcpy(&eight, text + n, sizeof eight);
        if (((eight - ' ' * ones) | (eight + ones) | eight) & high)
            break;
        memcpy(out + n, &eight, sizeof eight);
    }
    for (; n < end && text[n] >= ' ' && text[n] <= '~'; n++)
        out[n] = text[n];
    return n;
}

/* Takes from *text what fills at most size bytes of out, and returns how many it filled. */
static size_t fill(const char **text, size_t *len, char *out, size_t size)
{
    size_t used = 0, step, shown;

    for (; *len > 0; *text += step, *len -= step, used += shown) {
        step = shown = copy_plain(*text, *len, out + used, size - used);
        if (step > 0)
            continue;
        step = next_character(*text, *len, &shown);
        if (used + shown > size)
            break;
        memcpy(out + used, *text, shown);
        if (**text == '\t')
            out[used] = ' ';
    }
    return used;
}

size_t layout_clean(const char *text, size_t len, char *out, size_t size)
{
    size_t used = fill(&text, &len, out, size - 1);

    out[used] = '\0';
    return used;
}

/* Characters, not bytes: continuation bytes of UTF-8 are not counted. */
static size_t width_of(const char *text, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++)
        width += (text[i] & 0xc0) != 0x80;
    return width;
}

/* Whether Debian's whois would take a line that begins so for the address of another server. */
static int sends_away(const char *label)
{
    static const char *const referral[] = {"ReferralServer", "% referto"};

    for (size_t i = 0; i < sizeof referral / sizeof *referral; i++)
        if (strncasecmp(label, referral[i], strlen(referral[i])) == 0)
            return 1;
    return 0;
}

/* Writes the label with the blanks before it, and returns how many bytes these are together. */
static size_t put_label(const char *label, size_t len, char *out)
{
    char clean[LAYOUT_LABEL_MAX + 1];
    size_t used = layout_clean(label, len, clean, sizeof clean);
    size_t width = width_of(clean, used);
    size_t blanks = width < LAYOUT_COLUMN ? LAYOUT_COLUMN - width : 0;

    if (blanks == 0 && sends_away(clean))
        blanks = 1;
    memset(out, ' ', blanks);
    memcpy(out + blanks, clean, used);
    return blanks + used;
}

/* Ends the line that was written into the room behind out, without the blanks at the end of what
 * begins at first. */
static void end_line(struct netio_buf *out, char *line, size_t first, size_t len)
{
    while (len > first && line[len - 1] == ' ')
        len--;
    memcpy(line + len, "\r\n", 2);
    netio_buf_added(out, len + 2);
}

int layout_listing(struct netio_buf *out, const char *handle, const char *name,
                   const char *summary)
{
    char label[LAYOUT_LABEL_MAX + 2] = "!", *line;
    size_t label_len = strlen(handle), name_len = strlen(name), summary_len = strlen(summary);
    int code = netio_buf_room(out, LINE_SIZE, &line);

    if (code != 0)
        return code;
    label_len = 1 + layout_clean(handle, label_len, label + 1, sizeof label - 1);
    size_t first = put_label(label, label_len, line) + 2;
    memcpy(line + first - 2, ": ", 2);
    size_t len = first + fill(&name, &name_len, line + first, LISTING_MAX);
    if (summary_len > 0) {
        memcpy(line + len, " (", 2);
        len += 2;
        len += fill(&summary, &summary_len, line + len, LISTING_MAX);
        line[len++] = ')';
    }
    end_line(out, line, first, len);
    return 0;
}

/* How much of a full line to keep so that it ends at a blank: all of it without one. */
static size_t break_at(const char *line, size_t first, size_t len)
{
    for (size_t i = len; i > first; i--)
        if (line[i - 1] == ' ')
            return i;
    return len;
}

int layout_pair(struct netio_buf *out, const char *label, size_t label_len, const char *value,
                size_t value_len)
{
    char *line;
    int code = netio_buf_room(out, LINE_SIZE, &line);

    if (code != 0)
        return code;
    for (size_t used = put_label(label, label_len, line);; used = LAYOUT_COLUMN) {
        memcpy(line + used, ": ", 2);
        size_t first = used + 2;
        const char *begin = value;
        size_t left = value_len;
        size_t len = first + fill(&value, &value_len, line + first, LAYOUT_LINE_MAX - first);
        if (value_len > 0) {
            /* Again, up to the blank only: the rest belongs to the next line. */
            size_t keep = break_at(line, first, len);
            if (keep < len) {
                value = begin;
                value_len = left;
                len = first + fill(&value, &value_len, line + first, keep - first);
            }
        }
        end_line(out, line, first, len);
        if (value_len == 0)
            return 0;
        code = netio_buf_room(out, LINE_SIZE, &line);
        if (code != 0)
            return code;
        memset(line, ' ', LAYOUT_COLUMN);
    }
}
