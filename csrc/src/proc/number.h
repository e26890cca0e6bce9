/* Ring 2, private.  Numbers in variables of the environment; for notify.c and activation.c. */
#ifndef NETIO_PROC_NUMBER_H
#define NETIO_PROC_NUMBER_H

#include <stdint.h>

/* Decimal digits and nothing else; -1 for what is none, or too large. */
static inline int64_t netio__number(const char *text)
{
    int64_t value = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > INT64_MAX / 10 - 1)
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

#endif
