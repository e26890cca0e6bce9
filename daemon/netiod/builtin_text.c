/* netiod: what its built-in services say; see builtin.h.  Pure. */
#include "builtin.h"

#include <stdint.h>

#define FROM_1900_TO_1970 2208988800u

size_t builtin_daytime(char out[BUILTIN_DAYTIME], time_t now)
{
    struct tm tm;

    if (!localtime_r(&now, &tm))
        return 0;
    return strftime(out, BUILTIN_DAYTIME, "%a %b %e %H:%M:%S %Y\r\n", &tm);
}

void builtin_time(unsigned char out[BUILTIN_TIME], time_t now)
{
    uint32_t seconds = (uint32_t)now + FROM_1900_TO_1970;

    for (int i = 0; i < BUILTIN_TIME; i++)
        out[i] = (unsigned char)(seconds >> (24 - 8 * i));
}

unsigned builtin_chargen(char out[BUILTIN_LINE], unsigned first)
{
    unsigned i;

    for (i = 0; i < BUILTIN_LINE - 2; i++)
        out[i] = (char)(' ' + (first + i) % BUILTIN_CHARS);
    out[i++] = '\r';
    out[i] = '\n';
    return (first + 1) % BUILTIN_CHARS;
}
