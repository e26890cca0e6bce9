/* fuzz/target.h: what the fuzz targets written in C share. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <netio/text.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that does not hold is a finding, as a crash is. */
#define must(holds) ((holds) ? (void)0 : broken(__FILE__, __LINE__, #holds))

_Noreturn static inline void broken(const char *file, int line, const char *property)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
    abort();
}

/* Printable UTF-8, with at most those control characters. */
static inline void must_be_shown(const char *text, size_t len, const char *controls)
{
    uint32_t point;

    for (size_t i = 0, step; i < len; i += step) {
        step = 1;
        if (text[i] >= ' ' && text[i] <= '~')
            continue;
        step = netio_utf8_get(text + i, len - i, &point);
        must(step > 0);
        if (point > 0 && point < 0x20 && strchr(controls, (int)point))
            continue;
        must(netio_utf8_printable(point));
        /* In other words than those of the function: C0, C1, and what turns the direction. */
        must(point > 0x9f && (point < 0x2028 || point > 0x202e) &&
             (point < 0x2066 || point > 0x2069));
    }
}

/* A copy with a NUL behind it; the caller frees it. */
static inline char *string_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* An input of two parts: cuts off what stands before the first line end, as a string. */
static inline char *first_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
    size_t len = end ? (size_t)(end - *data) : *size;
    char *line = string_of(*data, len);

    *data += len + (end != NULL);
    *size -= len + (end != NULL);
    return line;
}

#endif
