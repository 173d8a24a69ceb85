// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16384, ALIGN = 16 };

struct weir_arena_block {
    struct weir_arena_block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
};

struct weir_arena *weir_arena_create(size_t maximum)
{
    struct weir_arena *arena = calloc(1, sizeof *arena);
    if (arena) {
        arena->maximum = maximum;
        arena->fail_after = -1;
    }
    return arena;
}

void weir_arena_destroy(struct weir_arena *arena)
{
    if (!arena)
        return;
    for (struct weir_arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

_Noreturn static void run_out(struct weir_arena *arena)
{
    longjmp(*arena->out_of_memory, 1);
}

static void add_block(struct weir_arena *arena, size_t size)
{
    size_t room = size > BLOCK ? size : BLOCK;
    struct weir_arena_block *block = calloc(1, sizeof *block + room);
    if (!block)
        run_out(arena);
    block->size = room;
    block->next = arena->blocks;
    arena->blocks = block;
}

void *weir_arena_alloc(struct weir_arena *arena, size_t size)
{
    if (size > arena->maximum - arena->used || arena->fail_after == 0)
        run_out(arena);
    if (arena->fail_after > 0)
        arena->fail_after--;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!arena->blocks || arena->blocks->size - arena->blocks->used < size)
        add_block(arena, size);
    struct weir_arena_block *block = arena->blocks;
    void *at = block->bytes + block->used;
    block->used += size;
    arena->used = size > arena->maximum - arena->used ? arena->maximum : arena->used + size;
    return at;
}

void *weir_arena_array(struct weir_arena *arena, size_t n, size_t size)
{
    if (n && size > SIZE_MAX / 2 / n)
        run_out(arena);
    return weir_arena_alloc(arena, n * size);
}

char *weir_arena_copy(struct weir_arena *arena, const char *text, size_t length)
{
    char *copy = weir_arena_alloc(arena, length + 1);
    if (length)
        memcpy(copy, text, length);
    return copy;
}

char *weir_arena_printf(struct weir_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        run_out(arena);
    char *text = weir_arena_alloc(arena, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}
