/* fuzz/idn.c: host names of any bytes, as they come from a user: what goes on to name servers is
 * ASCII and no longer than they take. */
#include "target.h"

#include "net/idn.h"

#include <netio/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *host = string_of(data, size), out[255], again[255];

    if (netio__idn_needed(host)) {
        int code = netio__idn_encode(host, out, sizeof out);
        must(code == 0 || code == NETIO_EBADHOST);
        if (code == 0) {
            must(strlen(out) < sizeof out && !netio__idn_needed(out));
            must(netio_utf8_valid(host, strlen(host)));
            must(netio__idn_encode(host, again, sizeof again) == 0 && strcmp(out, again) == 0);
        }
    }
    free(host);
    return 0;
}
