// SPDX-License-Identifier: Apache-2.0
// Bytes that live until a reset, at addresses that do not move. Allocates only to grow.
#ifndef WEIR_CODEC_ARENA_H
#define WEIR_CODEC_ARENA_H

#include <stddef.h>

struct weir_arena_chunk;

struct weir_arena {
    struct weir_arena_chunk *first; // all chunks, in the order of use
    struct weir_arena_chunk *current;
    char *at, *end; // what is free in the current one
};

// A zeroed struct is an empty arena.
void weir_arena_free(struct weir_arena *arena);
// All that was given out is gone. Chunks of ordinary size stay for the next time.
void weir_arena_reset(struct weir_arena *arena);
size_t weir_arena_memory(const struct weir_arena *arena); // bytes held
char *weir_arena_grow(struct weir_arena *arena, size_t length);

// `length` bytes, not aligned; NULL when memory is out.
static inline char *weir_arena_take(struct weir_arena *arena, size_t length)
{
    if ((size_t)(arena->end - arena->at) < length)
        return weir_arena_grow(arena, length);
    char *result = arena->at;
    arena->at += length;
    return result;
}

#endif
