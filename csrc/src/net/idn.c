/* Ring 1.  Host names beyond ASCII; see idn.h.
 * Called by resolve.c; it loads libidn2 when it meets the first such name, and keeps it.
 *
 * Not linked: loading libidn2 and its tables of Unicode would cost every program that uses NetIO
 * more than half of what NetIO itself costs, for names that few ever ask for.  The C library does
 * the same for AI_IDN, with the same library and rules. */
#include "idn.h"

#include <netio/error.h>
#include <netio/text.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define LIBRARY "libidn2.so.0"

/* Of its interface, idn2.h, so that it need not be there to build. */
typedef int lookup_function(const uint8_t *name, uint8_t **encoded, int flags);
typedef void free_function(void *encoded);
#define IDN2_NFC_INPUT       1
#define IDN2_NONTRANSITIONAL 8
#define IDN2_MALLOC          (-100)

#define UTF8_MAX 1012 /* four bytes for each that a name may have in DNS */

int netio__idn_needed(const char *host)
{
    for (; *host; host++)
        if ((unsigned char)*host >= 0x80)
            return 1;
    return 0;
}

/* A function of the library, NULL for none.  Asked for again, it is there at once; after a
 * failure, which may be a lack of descriptors, there is another try. */
static void *find(const char *name)
{
    static _Atomic(void *) library;

    if (!library)
        library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, name) : NULL;
}

int netio__idn_encode(const char *host, char *out, size_t size)
{
    size_t len = strnlen(host, UTF8_MAX + 1);
    uint8_t *encoded = NULL;

    if (len > UTF8_MAX || !netio_utf8_valid(host, len))
        return NETIO_EBADHOST;
    lookup_function *lookup = (lookup_function *)find("idn2_lookup_u8");
    free_function *release = (free_function *)find("idn2_free");
    if (!lookup || !release)
        return NETIO_ENOIDN;
    int status =
        lookup((const uint8_t *)host, &encoded, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (status)
        return status == IDN2_MALLOC ? -ENOMEM : NETIO_EBADHOST;
    len = strlen((const char *)encoded);
    if (len < size)
        memcpy(out, encoded, len + 1);
    release(encoded);
    return len < size ? 0 : NETIO_EBADHOST;
}
