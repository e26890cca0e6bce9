/* fuzz/notify.c: a message of sd_notify(3), from whoever can write to the socket. */
#include "target.h"

#include <netio/notify.h>

/* In other words than those of the parser: some line is exactly NAME=1. */
static int has_line(const char *text, size_t size, const char *wanted)
{
    size_t len = strlen(wanted);

    for (size_t i = 0; i + len <= size; i++)
        if ((i == 0 || text[i - 1] == '\n') && memcmp(text + i, wanted, len) == 0 &&
            (i + len == size || text[i + len] == '\n'))
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct netio_notify_message message, again;

    memset(&message, 0x5a, sizeof message);
    netio_notify_parse(&message, text, size);
    must(message.pid == 0);
    must(message.ready == has_line(text, size, "READY=1"));
    must(message.reloading == has_line(text, size, "RELOADING=1"));
    must(message.stopping == has_line(text, size, "STOPPING=1"));
    must(message.watchdog == has_line(text, size, "WATCHDOG=1"));
    size_t len = strnlen(message.status, sizeof message.status);
    must(len < sizeof message.status);
    must_be_shown(message.status, len, "");
    /* A status that was shown says the same when it is sent on. */
    char sent[sizeof message.status + 8];
    int n = snprintf(sent, sizeof sent, "STATUS=%s", message.status);
    netio_notify_parse(&again, sent, (size_t)n);
    must(strcmp(again.status, message.status) == 0);
    must(!again.ready && !again.watchdog && !again.stopping && !again.reloading);
    return 0;
}
