/* Ring 0.  An environment built from nothing; see netio/environ.h.  Called before a program is
 * started; it reads the one that is there and changes nothing. */
#include <netio/environ.h>
#include <netio/error.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const usual[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    NULL,
};

/* The length of the name that variable begins with; 0: it is none ("=x", "x"). */
static size_t name_length(const char *variable)
{
    const char *end = strchr(variable, '=');

    return end ? (size_t)(end - variable) : 0;
}

static int is_entry(const char *entry)
{
    return *entry && *entry != '=' && strcmp(entry, "*") != 0;
}

/* Those chosen so far; first only counted, with room for all that might be chosen. */
struct chosen {
    const char **variables; /* NULL: counting */
    size_t count, bytes;
};

/* n: the length of the name.  Most names differ in their first letter: this runs at each start of a
 * program. */
static int is_same(const char *variable, const char *other, size_t n)
{
    return *variable == *other && strncmp(variable, other, n + 1) == 0;
}

static void choose(struct chosen *chosen, const char *variable)
{
    size_t i = 0, n = name_length(variable);

    if (chosen->variables)
        while (i < chosen->count && !is_same(chosen->variables[i], variable, n))
            i++;
    else
        i = chosen->count;
    if (chosen->variables)
        chosen->variables[i] = variable;
    if (i == chosen->count) {
        chosen->count++;
        chosen->bytes += strlen(variable) + 1;
    }
}

/* "NAME" and "NAME=VALUE" have to do with the one variable, "NAME*" with all that begin so.
 * Backwards: of two variables of one name getenv(3) finds the first, so it is to win. */
static void apply(struct chosen *chosen, const char *entry, char *const *from, size_t from_count)
{
    if (strchr(entry, '=')) {
        choose(chosen, entry);
        return;
    }
    size_t length = strlen(entry);
    int begins = length > 1 && entry[length - 1] == '*';
    if (begins)
        length--;
    while (from_count-- > 0) {
        const char *variable = from[from_count];
        if (strncmp(variable, entry, length) != 0)
            continue;
        size_t n = name_length(variable);
        if (n == length || (begins && n > length))
            choose(chosen, variable);
    }
}

static void apply_all(struct chosen *chosen, char *const *from, const char *const *allow)
{
    size_t count = 0;

    while (from && from[count])
        count++;
    for (; *allow; allow++)
        apply(chosen, *allow, from, count);
}

int netio_environ_new(char ***out, char *const *from, const char *const *allow)
{
    struct chosen room = {0}, chosen = {0};

    if (!allow)
        allow = usual;
    for (const char *const *entry = allow; *entry; entry++)
        if (!is_entry(*entry))
            return NETIO_EBADOPTION;
    apply_all(&room, from, allow);
    char **environment = malloc((room.count + 1) * sizeof *environment + room.bytes);
    if (!environment)
        return -ENOMEM;
    chosen.variables = (const char **)environment;
    apply_all(&chosen, from, allow);
    char *text = (char *)(environment + room.count + 1);
    for (size_t i = 0; i < chosen.count; i++) {
        size_t size = strlen(environment[i]) + 1;
        environment[i] = memcpy(text, environment[i], size);
        text += size;
    }
    environment[chosen.count] = NULL;
    *out = environment;
    return 0;
}

void netio_environ_free(char **environment)
{
    free(environment);
}

const char *netio_environ_get(char *const *environment, const char *name)
{
    size_t n = strlen(name);

    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            return *environment + n + 1;
    return NULL;
}
