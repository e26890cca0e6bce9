/* fuzz/buf.c: lines out of a buffer that fills in pieces of any size.  They are the lines of the
 * whole, whatever the pieces were, and what is refused as too long is too long. */
#include "target.h"

#include <netio/buf.h>
#include <netio/error.h>

/* What has come so far, and how much of it has left the buffer as lines. */
struct input {
    const char *data;
    size_t come, gone, max;
};

static void check_line(const struct input *input, size_t len, size_t whole)
{
    const char *line = input->data + input->gone;

    must(len <= input->max && whole <= input->come - input->gone);
    must(whole == len + 1 || whole == len + 2);
    must(memchr(line, '\n', whole) == line + whole - 1);
    must(whole == len + 1 || line[len] == '\r');
    must(len == 0 || whole == len + 2 || line[len - 1] != '\r');
}

/* Whether the line that has begun cannot end within its limit any more. */
static int is_too_long(const struct input *input)
{
    const char *line = input->data + input->gone;
    size_t have = input->come - input->gone;
    const char *end = have ? memchr(line, '\n', have) : NULL;
    size_t len = end ? (size_t)(end - line) : have;
    size_t cr = len > 0 && line[len - 1] == '\r';

    return end ? len - cr > input->max : len > input->max + cr;
}

/* Takes every line there is; 0 when one is too long. */
static int take_lines(struct netio_buf *buf, struct input *input, size_t *scanned)
{
    size_t len, whole;
    int code;

    while ((code = netio_buf_line(buf, input->max, scanned, &len, &whole)) == 1) {
        must(memcmp(netio_buf_head(buf), input->data + input->gone, whole) == 0);
        check_line(input, len, whole);
        netio_buf_take(buf, whole);
        input->gone += whole;
        must(*scanned == 0 && netio_buf_len(buf) == input->come - input->gone);
    }
    must(code == (is_too_long(input) ? NETIO_ETOOLONG : 0));
    must(code != 0 || !memchr(input->data + input->gone, '\n', input->come - input->gone));
    return code == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct netio_buf buf = {.limit = size};
    struct input input = {.data = (const char *)data + 2, .max = data[0]};
    size_t scanned = 0;
    unsigned pieces = data[1];

    size -= 2;
    for (int goes_on = 1; goes_on && input.come < size;) {
        size_t piece = 1 + pieces % 7 * (pieces / 7);
        pieces = pieces * 5 + 3;
        if (piece > size - input.come)
            piece = size - input.come;
        must(netio_buf_add(&buf, input.data + input.come, piece) == 0);
        input.come += piece;
        goes_on = take_lines(&buf, &input, &scanned);
    }
    netio_buf_free(&buf);
    return 0;
}
