/* netio/text.h: what strangers sent, made fit to be seen (ring 0).
 *
 * Fork and signals: no state; async-signal-safe.
 */
#ifndef NETIO_TEXT_H
#define NETIO_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* One code point of UTF-8 (RFC 3629: no overlong form, no surrogate, at most
 * U+10FFFF) from n bytes: its length, 1 to 4, and the point in *point; 0 when the
 * bytes are not valid UTF-8 or end too soon. */
size_t netio_utf8_get(const char *text, size_t n, uint32_t *point);
/* Writes a code point as UTF-8; its length, 1 to 4. */
size_t netio_utf8_put(uint32_t point, char out[4]);
/* Whether n bytes are UTF-8 throughout. */
int netio_utf8_valid(const char *text, size_t n);
/* Whether a point may be shown: no C0 or C1 control, DEL, line or paragraph
 * separator, bidirectional mark, override or isolate, surrogate, noncharacter, tag, or
 * anything else that Unicode calls ignorable and shows as nothing; but the variation
 * selectors U+180B to U+180D, U+180F and U+FE00 to U+FE0F may: scripts and emoji need them. */
int netio_utf8_printable(uint32_t point);

/* For logs: writes n bytes as ASCII 0x20..0x7e to out, cut to size with its NUL;
 * backslash and quote become \\ and \", all else \xHH, never cut in the middle of
 * one.  Returns the length written. */
size_t netio_text_safe(const char *text, size_t n, char *out, size_t size);
/* For terminals: as netio_text_safe, but printable UTF-8, TAB and LF (also at
 * CRLF, as LF) pass; *used tells how many bytes were taken, fewer than n when out
 * is full or the last bytes begin a character that is not complete. */
size_t netio_text_shown(const char *text, size_t n, char *out, size_t size, size_t *used);
/* For lines that are written often, where printf(3) would be most of the work: a number in decimal
 * and a NUL, NETIO_TEXT_NUMBER bytes at most; returns where the NUL is. */
#define NETIO_TEXT_NUMBER 21
char *netio_text_number(uint64_t number, char *out);

#endif
