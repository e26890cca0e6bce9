/* daemon/common: values of options; see values.h.
 * Called by the options of each daemon; pure. */
#include "common/values.h"

#include <netio/listener.h>

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 86400
#define COUNT_MAX   1000000

/* Digits and a point: strtod(3) takes signs, hex, infinity and blanks as well. */
const char *values_seconds(double *seconds, const char *text)
{
    char *end;

    *seconds = strtod(text, &end);
    if (!*text || *end || text[strspn(text, "0123456789.")] || *seconds <= 0 ||
        *seconds > SECONDS_MAX)
        return "not a number of seconds up to 86400";
    return NULL;
}

int values_parse(unsigned *count, const char *text, char end, unsigned most)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 7 || (text[digits] != '\0' && text[digits] != end))
        return 0;
    *count = (unsigned)strtoul(text, NULL, 10);
    return *count > 0 && *count <= most;
}

const char *values_count(unsigned *count, const char *text)
{
    return values_parse(count, text, '\0', COUNT_MAX) ? NULL : "not a number from 1 to 1000000";
}

const char *values_rate(struct netio_rate *rate, const char *text)
{
    const char *slash = strchr(text, '/');

    rate->seconds = 1;
    if (!values_parse(&rate->count, text, '/', COUNT_MAX))
        return "not a number of clients, as 10 or 100/60";
    return slash ? values_seconds(&rate->seconds, slash + 1) : NULL;
}

const char *values_bits(struct netio_limit_options *limits, const char *text)
{
    const char *slash = strchr(text, '/');

    if (!slash || !values_parse(&limits->ipv4_bits, text, '/', 32) ||
        !values_parse(&limits->ipv6_bits, slash + 1, '\0', 128))
        return "not two lengths of prefixes, as 32/64";
    return NULL;
}

const char *values_log(const char **log, const char *text)
{
    int path = text[0] == '/' || text[0] == '.';

    if (!path && strcmp(text, "syslog") != 0 && strcmp(text, "stderr") != 0)
        return "neither syslog, nor stderr, nor a path";
    *log = text;
    return NULL;
}

const char *values_stream(const char *text)
{
    int code = netio_listener_check(text, NULL);

    if (code < 0)
        return netio_error_text(code);
    if (strncmp(text, "udp:", 4) == 0 || strncmp(text, "unix-dgram:", 11) == 0)
        return "datagrams, which this is not spoken over";
    return NULL;
}

int values_is_path(const char *log)
{
    return log && strcmp(log, "syslog") != 0 && strcmp(log, "stderr") != 0;
}
