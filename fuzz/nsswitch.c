/* fuzz/nsswitch.c: nsswitch.conf(5), as far as it concerns hosts. */
#include "target.h"

#include "net/nsswitch.h"

/* What a file says with another line at its end. */
static struct netio__nsswitch read_with(const char *data, size_t size, const char *line)
{
    struct netio__nsswitch sources;
    size_t len = strlen(line);
    char *text = malloc(size + len);

    must(text != NULL);
    memcpy(text, data, size);
    memcpy(text + size, line, len);
    FILE *file = fmemopen(text, size + len, "r");
    must(file != NULL);
    memset(&sources, 0xa5, sizeof sources);
    netio__nsswitch_read(&sources, file);
    fclose(file);
    free(text);
    must(sources.dns == 0 || sources.dns == 1);
    must(sources.other == 0 || sources.other == 1);
    return sources;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = string_of(data, size);
    struct netio__nsswitch sources = read_with(text, size, "\n");

    /* strstr ends at the first NUL. */
    if (strlen(text) == size && !strstr(text, "hosts"))
        must(sources.dns && !sources.other);
    /* The last line counts, whatever stands before it. */
    sources = read_with(text, size, "\nhosts: files\n");
    must(!sources.dns && !sources.other);
    sources = read_with(text, size, "\n hosts : wins[SUCCESS=return]dns # files\n");
    must(sources.dns && sources.other);
    free(text);
    return 0;
}
