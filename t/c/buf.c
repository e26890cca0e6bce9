/* Tests of netio/buf.h. */
#include "tap.h"
#include <netio/buf.h>
#include <netio/error.h>

#include <errno.h>
#include <stdint.h>

static void test_bytes(void)
{
    struct netio_buf buf = {.limit = 1000};
    char *room;

    is_int(netio_buf_len(&buf), 0, "empty at first");
    ok(netio_buf_head(&buf) == NULL, "and without memory");
    is_int(netio_buf_add(&buf, "a\0b", 3), 0, "NUL is a byte");
    is_mem(netio_buf_head(&buf), netio_buf_len(&buf), "a\0b", 3, "as any other");
    is_int(netio_buf_addf(&buf, "%s-%d", "text", 7), 0, "formatted");
    is_mem(netio_buf_head(&buf), netio_buf_len(&buf), "a\0btext-7", 9, "without its NUL");
    netio_buf_take(&buf, 3);
    is_mem(netio_buf_head(&buf), netio_buf_len(&buf), "text-7", 6, "taken from the front");
    is_int(netio_buf_addf(&buf, "%600s", "x"), 0, "longer than the scratch block");
    is_int(netio_buf_len(&buf), 606, "all of it");
    is_int(netio_buf_room(&buf, 394, &room), 0, "room up to the limit");
    memset(room, 'y', 394);
    netio_buf_added(&buf, 394);
    is_int(netio_buf_add(&buf, "z", 1), NETIO_EFULL, "and not beyond");
    is_int(netio_buf_addf(&buf, "%s", "z"), NETIO_EFULL, "formatted neither");
    is_int(netio_buf_len(&buf), 1000, "nothing was half added");
    netio_buf_take(&buf, 5000);
    is_int(netio_buf_len(&buf), 0, "more than all is all");
    netio_buf_free(&buf);
    is_int(buf.limit, 1000, "the limit stays");
    is_int(netio_buf_add(&buf, "again", 5), 0, "and it can be used again");
    is_int(netio_buf_room(&buf, SIZE_MAX, &room), -ENOMEM, "a size that wraps round");
    netio_buf_take(&buf, 2);
    buf.limit = 0;
    is_int(netio_buf_room(&buf, SIZE_MAX - 3, &room), -ENOMEM,
           "or would with what was taken from the front");
    netio_buf_free(&buf);
    netio_buf_free(&buf);
}

static void test_moves(void)
{
    struct netio_buf buf = {0};
    unsigned char in = 0, out = 0;
    int good = 1;

    for (int round = 0; round < 5000; round++) {
        for (int i = 0; i < 1 + round % 37; i++, in++)
            good &= netio_buf_add(&buf, &in, 1) == 0;
        while (netio_buf_len(&buf) > (size_t)(round % 53)) {
            good &= (unsigned char)*netio_buf_head(&buf) == out++;
            netio_buf_take(&buf, 1);
        }
    }
    ok(good, "every byte comes out as it went in, in order");
    ok(buf.size <= 4096, "a queue that stays short stays small: %zu bytes", buf.size);
    netio_buf_free(&buf);
}

static const struct {
    const char *name, *bytes;
    size_t n, max;
    int want;
    size_t len, whole;
} lines[] = {
    {"LF", "abc\ndef", 7, 10, 1, 3, 4},
    {"CRLF", "abc\r\ndef", 8, 10, 1, 3, 5},
    {"CR alone", "ab\rcd\n", 6, 10, 1, 5, 6},
    {"two CR", "ab\r\r\n", 5, 10, 1, 3, 5},
    {"empty", "\n", 1, 10, 1, 0, 1},
    {"empty, CRLF", "\r\n", 2, 10, 1, 0, 2},
    {"NUL", "a\0b\n", 4, 10, 1, 3, 4},
    {"no end yet", "abc", 3, 10, 0, 0, 0},
    {"nothing", "", 0, 10, 0, 0, 0},
    {"just fits", "abcd\n", 5, 4, 1, 4, 5},
    {"just fits, CRLF", "abcd\r\n", 6, 4, 1, 4, 6},
    {"may still fit", "abcd\r", 5, 4, 0, 0, 0},
    {"one too many", "abcde\n", 6, 4, NETIO_ETOOLONG, 0, 0},
    {"one too many, CRLF", "abcde\r\n", 7, 4, NETIO_ETOOLONG, 0, 0},
    {"no end in sight", "abcde", 5, 4, NETIO_ETOOLONG, 0, 0},
    {"CR and more", "abcd\rx", 6, 4, NETIO_ETOOLONG, 0, 0},
    {"end far behind", "abcdefgh\n", 9, 4, NETIO_ETOOLONG, 0, 0},
    {"no limit", "abcdefgh\n", 9, SIZE_MAX, 1, 8, 9},
};

/* Adds the bytes one by one, asking after each: the same result at every split. */
static int drip(const char *bytes, size_t n, size_t max, size_t *len, size_t *whole)
{
    struct netio_buf buf = {0};
    size_t scanned = 0;
    int code = 0;

    for (size_t i = 0; i < n && code == 0; i++) {
        netio_buf_add(&buf, bytes + i, 1);
        code = netio_buf_line(&buf, max, &scanned, len, whole);
    }
    netio_buf_free(&buf);
    return code;
}

static void test_lines(void)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct netio_buf buf = {0};
        size_t scanned = 0, len = 0, whole = 0;
        if (lines[i].n)
            netio_buf_add(&buf, lines[i].bytes, lines[i].n);
        is_int(netio_buf_line(&buf, lines[i].max, &scanned, &len, &whole), lines[i].want,
               "line: %s", lines[i].name);
        netio_buf_free(&buf);
        is_int(drip(lines[i].bytes, lines[i].n, lines[i].max, &len, &whole), lines[i].want,
               "A19: %s, byte by byte", lines[i].name);
        if (lines[i].want == 1)
            ok(len == lines[i].len && whole == lines[i].whole, "its length: %s", lines[i].name);
    }
}

int main(void)
{
    test_bytes();
    test_moves();
    test_lines();
    return tap_done();
}
