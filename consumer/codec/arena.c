// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/arena.h"

#include <stdlib.h>

enum { CHUNK = 64 * 1024 };

struct weir_arena_chunk {
    struct weir_arena_chunk *next;
    size_t size;
    char bytes[];
};

void weir_arena_free(struct weir_arena *arena)
{
    for (struct weir_arena_chunk *chunk = arena->first, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *arena = (struct weir_arena){0};
}

size_t weir_arena_memory(const struct weir_arena *arena)
{
    size_t bytes = 0;
    for (const struct weir_arena_chunk *chunk = arena->first; chunk; chunk = chunk->next)
        bytes += sizeof *chunk + chunk->size;
    return bytes;
}

static void use(struct weir_arena *arena, struct weir_arena_chunk *chunk)
{
    arena->current = chunk;
    arena->at = chunk ? chunk->bytes : NULL;
    arena->end = chunk ? chunk->bytes + chunk->size : NULL;
}

void weir_arena_reset(struct weir_arena *arena)
{
    // A chunk made for one huge value must not stay for ever.
    for (struct weir_arena_chunk **link = &arena->first; *link;) {
        struct weir_arena_chunk *chunk = *link;
        if (chunk->size > CHUNK) {
            *link = chunk->next;
            free(chunk);
        } else {
            link = &chunk->next;
        }
    }
    use(arena, arena->first);
}

char *weir_arena_grow(struct weir_arena *arena, size_t length)
{
    if (length > (size_t)1 << 40)
        return NULL;
    struct weir_arena_chunk *after = arena->current;
    struct weir_arena_chunk *chunk = after ? after->next : arena->first;
    if (!chunk || chunk->size < length) {
        size_t size = length > CHUNK ? length : CHUNK;
        struct weir_arena_chunk *made = malloc(sizeof *made + size);
        if (!made)
            return NULL;
        made->size = size;
        made->next = chunk;
        if (after)
            after->next = made;
        else
            arena->first = made;
        chunk = made;
    }
    use(arena, chunk);
    char *result = arena->at;
    arena->at += length;
    return result;
}
