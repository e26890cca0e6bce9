/* fuzz/lines.c: what a program of netio-daemon writes, as the lines of the log.  The first two
 * bytes say how often the rest is repeated (lines have limits that an input would not reach) and in
 * how many pieces it comes. */
#include "../csrc/cmd/netio-daemon/lines.c"
#include "target.h"

/* A pipe has 16 pages, and a write goes into a new one where it does not fit into the last: no more
 * than this surely finds room, in however many pieces. */
#define TOTAL_MAX 32768

static char written[TOTAL_MAX], quoted[4 * TOTAL_MAX + 1];
static struct quote {
    int priority;
    size_t at, len;
} quotes[TOTAL_MAX + 1];
static size_t quotes_count, quoted_len;

/* In the place of the diary's. */
void diary_quote(const struct diary *diary, int priority, const char *text)
{
    size_t len = strlen(text);

    must(diary == NULL && len < SHOWN_MAX);
    must(quotes_count < TOTAL_MAX && quoted_len + len < sizeof quoted);
    quotes[quotes_count++] = (struct quote){priority, quoted_len, len};
    memcpy(quoted + quoted_len, text, len);
    quoted_len += len;
}

/* In so many pieces; reads: after each, else all of it waits for the end. */
static void feed(const uint8_t *data, size_t size, size_t total, size_t pieces, int reads)
{
    size_t step = total / pieces + 1;
    struct lines lines;

    quotes_count = quoted_len = 0;
    for (size_t i = 0; i < total; i++)
        written[i] = (char)data[i % size];
    must(lines_open(&lines, NULL) == 0);
    for (size_t at = 0, n; at < total; at += n) {
        n = total - at < step ? total - at : step;
        must(write(lines.write_fd, written + at, n) == (ssize_t)n);
        must(!reads || lines_read(&lines) == (int)n);
        must(netio_buf_len(&lines.buf) <= PIECE_MAX + 1);
    }
    lines_drain(&lines);
    must(netio_buf_len(&lines.buf) == 0 && lines_read(&lines) == 0);
    lines_close(&lines);
}

static size_t escape(char c, char *to)
{
    static const char digits[] = "0123456789abcdef";

    *to = c;
    if (c >= ' ' && c <= '~')
        return 1;
    memcpy(to, "\\x", 2);
    to[2] = digits[(unsigned char)c >> 4];
    to[3] = digits[c & 15];
    return 4;
}

/* One line without its end, which the quotes from number next on say: the number after them. */
static size_t check_line(const char *line, size_t len, size_t next)
{
    static char want[4 * TOTAL_MAX + 1];
    size_t size = 0, got = 0;
    int priority = LOG_INFO;

    if (len >= 3 && line[0] == '<' && strchr("01234567", line[1]) && line[1] && line[2] == '>') {
        priority = line[1] - '0';
        line += 3;
        len -= 3;
    }
    for (size_t i = 0; i < len; i++)
        size += escape(line[i], want + size);
    do {
        must(next < quotes_count && quotes[next].priority == priority);
        must(quotes[next].len > 0 || size == 0);
        must(got + quotes[next].len <= size);
        must(memcmp(want + got, quoted + quotes[next].at, quotes[next].len) == 0);
        got += quotes[next++].len;
    } while (got < size);
    return next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t next = 0;

    if (size < 3)
        return 0;
    size_t total = (size - 2) * (data[0] + 1u);
    total = total < TOTAL_MAX ? total : TOTAL_MAX;
    feed(data + 2, size - 2, total, data[1] / 2u + 1, data[1] & 1);
    for (size_t at = 0; at < total;) {
        const char *line = written + at, *end = memchr(line, '\n', total - at);
        size_t len = end ? (size_t)(end - line) : total - at;
        at += len + (end != NULL);
        if (end && len && line[len - 1] == '\r')
            len--;
        next = check_line(line, len, next);
    }
    must(next == quotes_count);
    return 0;
}
