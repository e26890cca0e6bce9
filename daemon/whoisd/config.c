/* whoisd: its configuration file; see config.h.
 * A line is an option's long name, a blank and its value, to the end of the line; empty ones and
 * those that begin with "#" are passed over. */
#include "config.h"

#include "common/slurp.h"

#include <netio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS     " \t\r"
#define CONFIG_MAX (1 << 20) /* bytes */

/* line 0: all of it. */
static int say(char fault[OPTIONS_FAULT_MAX], const char *path, size_t line, const char *why)
{
    if (line)
        snprintf(fault, OPTIONS_FAULT_MAX, "%.255s:%zu: %.350s", path, line, why);
    else
        snprintf(fault, OPTIONS_FAULT_MAX, "%.255s: %.350s", path, why);
    return -1;
}

static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t len = strlen(text);
    while (len > 0 && strchr(BLANKS, text[len - 1]))
        text[--len] = '\0';
    return text;
}

static int set_line(struct options *options, char *line, char fault[OPTIONS_FAULT_MAX])
{
    char *name = trim(line);

    if (!*name || *name == '#')
        return 0;
    char *value = name + strcspn(name, BLANKS);
    if (*value)
        *value++ = '\0';
    return options_set(options, name, trim(value), fault);
}

int config_read(struct options *options, char fault[OPTIONS_FAULT_MAX])
{
    size_t size = 0, line = 1;
    char why[OPTIONS_FAULT_MAX];

    char *path = options_path(options, options->config);
    options->text = path ? slurp(path, CONFIG_MAX, &size, NULL) : NULL;
    free(path);
    if (!options->text)
        return say(fault, options->config, 0,
                   netio_error_text(errno == EINVAL ? NETIO_ENOTFILE : -errno));
    if (strlen(options->text) != size)
        return say(fault, options->config, 0, "a NUL in it");
    for (char *rest = options->text, *text; (text = strsep(&rest, "\n")); line++)
        if (set_line(options, text, why) < 0)
            return say(fault, options->config, line, why);
    return 0;
}
