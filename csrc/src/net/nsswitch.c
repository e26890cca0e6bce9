/* Ring 1.  nsswitch.conf(5): where the C library would look for hosts; see nsswitch.h.
 * Called by resolve.c; it reads one file.
 *
 * The order of the sources and what stands in brackets behind them ("[NOTFOUND=return]") is not
 * looked at: hosts(5) and DNS, which resolve.c asks by itself, come first, and getent(1), which is
 * asked for the rest, follows the file to the letter. */
#include "nsswitch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NSSWITCH_PATH "/etc/nsswitch.conf"
#define BLANKS        " \t\r\n\v\f"

static void add_source(struct netio__nsswitch *sources, const char *name, size_t len)
{
    if (len == 3 && memcmp(name, "dns", len) == 0)
        sources->dns = 1;
    else if (len != 5 || memcmp(name, "files", len) != 0)
        sources->other = 1;
}

static void read_sources(struct netio__nsswitch *sources, const char *text)
{
    *sources = (struct netio__nsswitch){0};
    while (*(text += strspn(text, BLANKS)))
        if (*text == '[') {
            text += strcspn(text, "]");
            text += *text == ']';
        } else {
            size_t len = strcspn(text, BLANKS "[");
            add_source(sources, text, len);
            text += len;
        }
}

void netio__nsswitch_read(struct netio__nsswitch *sources, FILE *file)
{
    static const char database[] = "hosts";
    char *line = NULL;
    size_t size = 0;

    *sources = (struct netio__nsswitch){.dns = 1};
    while (file && getline(&line, &size, file) != -1) {
        line[strcspn(line, "#")] = '\0';
        const char *text = line + strspn(line, BLANKS);
        if (strncmp(text, database, sizeof database - 1) != 0)
            continue;
        text += sizeof database - 1;
        text += strspn(text, BLANKS);
        if (*text == ':')
            read_sources(sources, text + 1);
    }
    free(line);
}

int netio__nsswitch_load(struct netio__nsswitch *sources)
{
    FILE *file = fopen(NSSWITCH_PATH, "re");

    if (!file && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return -errno;
    netio__nsswitch_read(sources, file);
    if (file)
        fclose(file);
    return 0;
}
