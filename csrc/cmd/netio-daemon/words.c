/* netio-daemon: what options say in words, as numbers; see words.h. */
#include "words.h"

#include <netio/names.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define SECONDS_MAX    86400.0
#define DIGITS         "0123456789"

/* A number of an rlimit up to end. */
static int read_number(const char *text, size_t len, rlim_t *number)
{
    char digits[24], *end;

    if (len == strlen("unlimited") && strncmp(text, "unlimited", len) == 0) {
        *number = RLIM_INFINITY;
        return 0;
    }
    if (len == 0 || len >= sizeof digits || strspn(text, DIGITS) < len)
        return -EINVAL;
    memcpy(digits, text, len);
    digits[len] = '\0';
    errno = 0;
    *number = strtoull(digits, &end, 10);
    return errno || *number == RLIM_INFINITY ? -EINVAL : 0;
}

int words_limit(const char *text, struct netio_rlimit *limit)
{
    size_t len = strcspn(text, "=");
    const char *soft = text + len + 1;

    limit->resource = netio_resource_number(text, len);
    if (limit->resource == -1 || text[len] != '=')
        return -EINVAL;
    size_t width = strcspn(soft, ":");
    const char *hard = soft[width] ? soft + width + 1 : soft;
    if (read_number(soft, width, &limit->value.rlim_cur) ||
        read_number(hard, strlen(hard), &limit->value.rlim_max))
        return -EINVAL;
    return limit->value.rlim_cur <= limit->value.rlim_max ? 0 : -EINVAL;
}

int words_capability(const char *text, uint64_t *bit)
{
    int number = netio_capability_number(text, strlen(text));

    if (number < 0)
        return -EINVAL;
    *bit = UINT64_C(1) << number;
    return 0;
}

int words_umask(const char *text, mode_t *mask)
{
    int value = netio_mode_number(text, strlen(text));

    if (value < 0)
        return -EINVAL;
    *mask = value ? (mode_t)value : NETIO_UMASK_NONE;
    return 0;
}

/* Digits and a point: strtod(3) takes signs, hex, infinity and blanks as well. */
int words_seconds(const char *text, double *seconds)
{
    char *end;

    *seconds = strtod(text, &end);
    if (!*text || *end || text[strspn(text, DIGITS ".")] || *seconds <= 0 || *seconds > SECONDS_MAX)
        return -EINVAL;
    return 0;
}

int words_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS;
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "_.@+-";
    size_t len = strspn(text, all);

    return strspn(text, letters) > 0 && !text[len] && len <= NAME_MAX_BYTES ? 0 : -EINVAL;
}
