/* fuzz/service.c: names and numbers of services. */
#include "target.h"

#include <netio/error.h>
#include <netio/service.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = string_of(data, size), *end;
    int port = netio_service_port(text, "tcp");

    must(port == NETIO_EBADSERVICE || (port >= 1 && port <= 65535));
    if (port > 0) {
        for (const char *c = text; *c; c++)
            must(*c > ' ' && *c <= '~');
        if (*text >= '0' && *text <= '9') {
            long number = strtol(text, &end, 10);
            must(*end != '\0' || number == port);
        }
    }
    must(port == netio_service_port(text, "tcp"));
    /* A number to fall back on makes a service of any name, and of nothing else. */
    size_t len = strlen(text);
    if (len > 0 && len < 64 && strpbrk(text, "()") == NULL) {
        char with[96];
        snprintf(with, sizeof with, "%s(4343)", text);
        int also = netio_service_port(with, "tcp");
        must(also == 4343 || also == port || also == NETIO_EBADSERVICE);
        must(port < 0 || also > 0);
    }
    free(text);
    return 0;
}
