/* netiod: the key of a definition that says what its program has in its environment; see
 * config_reader.h.  Called by config_keyset.c. */
#include "config_reader.h"

#include <string.h>

/* The names that netiod has itself, by netio_environ_new's default; of the last one any number that
 * begin so. */
static const char *const own[] = {"PATH", "LANG", "LANGUAGE", "TZ", "LC_"};
#define LAST (sizeof own / sizeof *own - 1)

/* Whether "NAME", or "NAME*", which begins with its first len bytes, can be one of them. */
static int is_own(const char *word, size_t len, int begins)
{
    for (size_t i = 0; i < LAST; i++)
        if (strncmp(own[i], word, len) == 0 && (begins || !own[i][len]))
            return 1;
    size_t last = strlen(own[LAST]);
    return len > last ? strncmp(own[LAST], word, last) == 0
                      : begins && strncmp(own[LAST], word, len) == 0;
}

/* NAME, NAME*, NAME=VALUE. */
static const char *wrong(const char *word)
{
    size_t len = strlen(word);
    int begins = len > 0 && word[len - 1] == '*';

    len -= (size_t)begins;
    if (len == 0 || *word == '=')
        return "a variable without a name";
    if (strchr(word, '=') || is_own(word, len, begins))
        return NULL;
    return "netiod itself has only PATH, LANG, LANGUAGE, LC_* and TZ; any other wants a value";
}

int environment_set(struct reader *reader, struct draft *draft, const struct values *values)
{
    struct arena *arena = &reader->config->own->arena;
    const char **list = arena_get(arena, (values->count + 1) * sizeof *list);
    int code = list ? 0 : -1;

    for (size_t i = 0; list && i < values->count; i++) {
        const char *why = wrong(values->words[i]);
        if (why)
            code = value_wrong(reader, values, i, why);
        list[i] = arena_string(arena, values->words[i]);
    }
    draft->service.environment = list;
    return code;
}
