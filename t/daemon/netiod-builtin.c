/* Tests of daemon/netiod/builtin.h: what built-in services say, on days that are far away too. */
#include "netiod/builtin.h"

#include "../c/tap.h"

#include <stdlib.h>

/* RFC 868 names the first two itself. */
static const struct {
    time_t now;
    unsigned char bytes[BUILTIN_TIME];
    const char *name;
} times[] = {
    {0, {0x83, 0xaa, 0x7e, 0x80}, "1 January 1970: 2,208,988,800"},
    {-2208988800, {0, 0, 0, 0}, "1 January 1900"},
    {2085978495, {0xff, 0xff, 0xff, 0xff}, "7 February 2036, 06:28:15, the last of the first"},
    {2085978496, {0, 0, 0, 0}, "and the first of the second 32 bits"},
    {4102444800, {0x78, 0x30, 0xd5, 0x80}, "1 January 2100"},
};

static void test_time(void)
{
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        unsigned char bytes[BUILTIN_TIME];
        builtin_time(bytes, times[i].now);
        is_mem(bytes, sizeof bytes, times[i].bytes, BUILTIN_TIME, "RFC 868: %s", times[i].name);
    }
}

static const struct {
    const char *zone;
    time_t now;
    const char *text;
} days[] = {
    {"UTC", 0, "Thu Jan  1 00:00:00 1970\r\n"},
    {"UTC", 951782400, "Tue Feb 29 00:00:00 2000\r\n"},
    {"UTC", 4294967296, "Sun Feb  7 06:28:16 2106\r\n"},
    {"XXX-5:30", 0, "Thu Jan  1 05:30:00 1970\r\n"},
};

static void test_daytime(void)
{
    char text[BUILTIN_DAYTIME];

    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        setenv("TZ", days[i].zone, 1);
        tzset();
        is_int(builtin_daytime(text, days[i].now), strlen(days[i].text), "RFC 867: its length");
        is_str(text, days[i].text, "RFC 867: %lld in %s", (long long)days[i].now, days[i].zone);
    }
    is_int(builtin_daytime(text, (time_t)1 << 62), 0, "no year can have that number");
}

static void test_chargen(void)
{
    char line[BUILTIN_LINE + 1] = "";
    unsigned next = 0, lines = 0;

    next = builtin_chargen(line, next);
    is_str(line, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n",
           "RFC 864: the first line");
    next = builtin_chargen(line, next);
    is_str(line, "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n",
           "the second begins with the next character");
    for (lines = 2; next != 0; lines++)
        next = builtin_chargen(line, next);
    is_str(line, "~ !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdef\r\n",
           "the last");
    is_int(lines, BUILTIN_CHARS, "then it begins anew");
}

int main(void)
{
    test_time();
    test_daytime();
    test_chargen();
    return tap_done();
}
