/* netiod: where the strings of one configuration live: many small pieces, freed together.
 *
 * Used by config*.c.
 */
#ifndef NETIOD_CONFIG_ARENA_H
#define NETIOD_CONFIG_ARENA_H

#include <stddef.h>

struct arena {                  /* zero: empty */
    struct arena_block *blocks; /* the one that is being filled first */
    int failed;                 /* there was no memory at some time */
};

/* Zeroed, aligned for pointers; NULL without memory. */
void *arena_get(struct arena *arena, size_t size);
/* len bytes of it with a NUL behind. */
char *arena_copy(struct arena *arena, const char *text, size_t len);
/* The whole string; NULL stays NULL. */
char *arena_string(struct arena *arena, const char *text);
/* A list of count words with one more, and NULL behind it: the same list, or a copy that has room
 * for twice as many.  words is what this has returned before, or NULL.  NULL without memory. */
char **arena_add(struct arena *arena, char **words, size_t count, char *word);
/* Frees all of it. */
void arena_clear(struct arena *arena);

#endif
