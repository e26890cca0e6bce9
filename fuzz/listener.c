/* fuzz/listener.c: listen addresses.  One that is taken holds nothing unprintable, a service means
 * the same alone and behind a host, and what is refused is refused with an error that can be
 * shown. */
#include "target.h"

#include <netio/listener.h>

static int check(const char *text)
{
    struct netio_error error = {0};
    char out[512];
    int code = netio_listener_check(text, &error);

    must(code <= 0 && error.code == code);
    if (code < 0) {
        netio_error_str(&error, out, sizeof out);
        must_be_shown(out, strlen(out), "");
    } else if (strncmp(text, "unix", 4) != 0)
        must_be_shown(text, strlen(text), "");
    return code == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = string_of(data, size), *with_host = malloc(size + 16);
    int taken = check(text);

    must(with_host != NULL);
    /* Not of one that would be too long behind a host. */
    if (!strchr(text, ':') && strlen(text) + 16 < NETIO_ADDR_STRLEN) {
        static const char *const host[] = {"*", "127.0.0.1", "[::1]"};
        for (size_t i = 0; i < 3; i++) {
            sprintf(with_host, "%s:%s", host[i], text);
            must(check(with_host) == taken);
        }
    }
    free(with_host);
    free(text);
    return 0;
}
