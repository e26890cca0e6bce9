/* netiod: memory of one configuration; see config_arena.h.  Called by config*.c; it touches nothing
 * else. */
#include "config_arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4096
#define WORDS 8 /* that a list has room for at first, its NULL included; a power of two */

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

/* A piece that is large gets a block of its own, behind the one that is being filled. */
static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t room = size > BLOCK / 4 ? size : BLOCK - sizeof(struct arena_block);
    struct arena_block *block = calloc(1, sizeof *block + room);

    if (!block) {
        arena->failed = 1;
        return NULL;
    }
    block->size = room;
    if (room == size && arena->blocks) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

static void *get(struct arena *arena, size_t size, size_t align)
{
    struct arena_block *block = arena->blocks;
    size_t from = block ? (block->used + align - 1) / align * align : 0;

    if (!block || from > block->size || block->size - from < size) {
        block = add_block(arena, size);
        from = 0;
    }
    if (!block)
        return NULL;
    block->used = from + size;
    return block->bytes + from;
}

void *arena_get(struct arena *arena, size_t size)
{
    return get(arena, size, alignof(void *));
}

char *arena_copy(struct arena *arena, const char *text, size_t len)
{
    char *copy = get(arena, len + 1, 1);

    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

char **arena_add(struct arena *arena, char **words, size_t count, char *word)
{
    size_t used = count + 1;
    int full = used >= WORDS && (used & (used - 1)) == 0;

    if (count == 0 || full) {
        char **more = arena_get(arena, (full ? 2 * used : WORDS) * sizeof *more);
        if (!more)
            return NULL;
        if (count)
            memcpy(more, words, count * sizeof *more);
        words = more;
    }
    words[count] = word;
    return words;
}

void arena_clear(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
