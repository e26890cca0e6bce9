/* Ring 1.  What is a host name, in ASCII; see hostname.h.
 * Called by resolve.c; it touches nothing but the text it is given. */
#include "hostname.h"

#include <string.h>
#include <strings.h>

#define LABEL_MAX 63

/* Of digits, or in hexadecimal. */
static int is_number(const char *label, size_t len)
{
    if (len > 2 && label[0] == '0' && (label[1] | 0x20) == 'x')
        return strspn(label + 2, "0123456789abcdefABCDEF") == len - 2;
    return strspn(label, "0123456789") == len;
}

int netio__hostname_valid(const char *host, size_t len)
{
    size_t label = 0;

    if (len == 0 || len > NETIO__HOSTNAME_MAX)
        return 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)host[i];
        if (c == '.' && label == 0)
            return 0;
        if (c == '.') {
            label = 0;
            continue;
        }
        if (!(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return 0;
        if (++label > LABEL_MAX)
            return 0;
    }
    return label != 0 && !is_number(host + len - label, label);
}

int netio__hostname_is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t len = strlen(host), tail = sizeof name - 1;

    return len >= tail && strcasecmp(host + len - tail, name) == 0 &&
           (len == tail || host[len - tail - 1] == '.');
}
