/* Tests of netio/text.h.  D4, D5 and D6 of the fault catalogue. */
#include "tap.h"
#include <netio/text.h>

static const struct {
    const char *name, *bytes;
    size_t n;
    size_t len; /* 0: not UTF-8 */
    uint32_t point;
} sequences[] = {
    {"ASCII", "A", 1, 1, 'A'},
    {"NUL", "\0", 1, 1, 0},
    {"two bytes", "\xc3\xbc", 2, 2, 0xfc},
    {"three bytes", "\xe2\x82\xac", 3, 3, 0x20ac},
    {"four bytes", "\xf0\x9f\x90\xaa", 4, 4, 0x1f42a},
    {"the last point", "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
    {"just below the surrogates", "\xed\x9f\xbf", 3, 3, 0xd7ff},
    {"just above the surrogates", "\xee\x80\x80", 3, 3, 0xe000},
    {"overlong NUL", "\xc0\x80", 2, 0, 0},
    {"overlong slash", "\xc1\xaf", 2, 0, 0},
    {"overlong in three", "\xe0\x80\xaf", 3, 0, 0},
    {"overlong in four", "\xf0\x80\x80\xaf", 4, 0, 0},
    {"surrogate", "\xed\xa0\x80", 3, 0, 0},
    {"beyond the last", "\xf4\x90\x80\x80", 4, 0, 0},
    {"five bytes", "\xf8\x88\x80\x80\x80", 5, 0, 0},
    {"a byte that leads nothing", "\x80", 1, 0, 0},
    {"0xff", "\xff", 1, 0, 0},
    {"cut after one", "\xc3", 1, 0, 0},
    {"cut after two", "\xe2\x82", 2, 0, 0},
    {"cut after three", "\xf0\x9f\x90", 3, 0, 0},
    {"followed by ASCII", "\xc3z", 2, 0, 0},
    {"third byte wrong", "\xe2\x82z", 3, 0, 0},
    {"nothing", "", 0, 0, 0},
};

static void test_utf8(void)
{
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        uint32_t point = 0;
        is_int(netio_utf8_get(sequences[i].bytes, sequences[i].n, &point), sequences[i].len,
               "D6: UTF-8: %s", sequences[i].name);
        is_int(point, sequences[i].point, "its point");
    }
    int same = 1;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char bytes[4];
        uint32_t back = 0;
        size_t len = netio_utf8_put(point, bytes);
        size_t got = netio_utf8_get(bytes, len, &back);
        int surrogate = point >= 0xd800 && point <= 0xdfff;
        same &= surrogate ? got == 0 : got == len && back == point;
    }
    ok(same, "every point comes back, but for the surrogates");
    ok(netio_utf8_valid("Malm\xc3\xb6", 7), "valid");
    ok(!netio_utf8_valid("Malm\xf6", 5), "Latin-1 is not");
    ok(netio_utf8_valid("", 0), "nothing is");
}

static void test_printable(void)
{
    static const uint32_t hidden[] = {0,      0x1b,   0x7f,   0x85,   0x9b,   0x9f,    0xad,
                                      0x200b, 0x200e, 0x202e, 0x2028, 0x2029, 0x2066,  0x2069,
                                      0xfeff, 0xfffe, 0xffff, 0xd800, 0xe0041, 0x1ffff, 0x110000,
                                      0x34f,  0x3164, 0xfff0, 0x1bca0, 0x1d173};
    static const uint32_t shown[] = {' ', '~', 0xa0, 0xfc, 0x3b1, 0x20ac, 0xfe0f, 0xfffd, 0x1f42a};

    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        ok(!netio_utf8_printable(hidden[i]), "D6: U+%04X is hidden", (unsigned)hidden[i]);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        ok(netio_utf8_printable(shown[i]), "U+%04X is shown", (unsigned)shown[i]);
}

static void test_safe(void)
{
    char all[256], out[1100];

    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    size_t len = netio_text_safe(all, sizeof all, out, sizeof out);
    is_int(len, strlen(out), "D4: all 256 bytes, and no NUL among them");
    int clean = 1;
    for (size_t i = 0; i < len; i++)
        clean &= out[i] >= 0x20 && out[i] <= 0x7e;
    ok(clean, "D4: nothing but 0x20 to 0x7e");
    ok(strstr(out, "\\x1b") && strstr(out, "\\x9b") && strstr(out, "\\x0a"), "D3: as escapes");
    netio_text_safe("a\"b\\c", 5, out, sizeof out);
    is_str(out, "a\\\"b\\\\c", "quote and backslash");
    is_int(netio_text_safe("ab\n", 3, out, 6), 2, "no half escape in 6 bytes");
    is_str(out, "ab", "but what fits before it");
    is_int(netio_text_safe("ab\n", 3, out, 7), 6, "a whole one in 7");
    is_int(netio_text_safe("ab", 2, out, 0), 0, "no room at all");
}

static const struct {
    const char *name, *bytes;
    size_t n;
    const char *shown;
    size_t used;
} terminals[] = {
    {"plain", "abc", 3, "abc", 3},
    {"UTF-8", "Malm\xc3\xb6", 6, "Malm\xc3\xb6", 6},
    {"CRLF is LF", "a\r\nb", 4, "a\nb", 4},
    {"CR alone", "a\rb", 3, "a\\x0db", 3},
    {"CR at the end waits", "a\r", 2, "a", 1},
    {"TAB", "a\tb", 3, "a\tb", 3},
    {"ESC [ 2 J", "\x1b[2J", 4, "\\x1b[2J", 4},
    {"C1 CSI in UTF-8", "\xc2\x9b", 2, "\\xc2\\x9b", 2},
    {"C1 CSI alone", "\x9b", 1, "\\x9b", 1},
    {"bidi override", "\xe2\x80\xae", 3, "\\xe2\\x80\\xae", 3},
    {"NUL, BEL, DEL", "\0\a\x7f", 3, "\\x00\\x07\\x7f", 3},
    {"Latin-1", "M\xf6ller", 6, "M\\xf6ller", 6},
    {"quote and backslash stay", "\"\\", 2, "\"\\", 2},
    {"cut character waits", "a\xe2\x82", 3, "a", 1},
    {"cut but hopeless", "a\xe0\x80", 3, "a\\xe0\\x80", 3},
    {"hopeless in the third byte", "\xf0\x9fz", 3, "\\xf0\\x9fz", 3},
    {"cut before the fourth byte", "\xf0\x9f\x90", 3, "", 0},
};

static void test_shown(void)
{
    char out[64];
    size_t used;

    for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++) {
        netio_text_shown(terminals[i].bytes, terminals[i].n, out, sizeof out, &used);
        is_str(out, terminals[i].shown, "D5: terminal: %s", terminals[i].name);
        is_int(used, terminals[i].used, "and takes what it shows");
    }
    is_int(netio_text_shown("ab\x1b", 3, out, 6, &used), 2, "no half escape");
    is_int(used, 2, "and the rest is left");
    netio_text_shown("ab", 2, out, 0, &used);
    is_int(used, 0, "no room at all");
}

static void test_number(void)
{
    static const struct {
        uint64_t number;
        const char *text;
    } table[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};
    char out[NETIO_TEXT_NUMBER];

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *end = netio_text_number(table[i].number, out);
        is_str(out, table[i].text, "number %s", table[i].text);
        is_int(end - out, (long)strlen(table[i].text), "and where it ends");
    }
}

int main(void)
{
    test_number();
    test_utf8();
    test_printable();
    test_safe();
    test_shown();
    return tap_done();
}
