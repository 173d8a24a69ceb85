// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/pool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16384, ALIGN = 16 };

struct weir_pool_block {
    struct weir_pool_block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
};

struct weir_pool *weir_pool_create(size_t maximum)
{
    struct weir_pool *pool = calloc(1, sizeof *pool);
    if (pool) {
        pool->maximum = maximum;
        pool->fail_after = -1;
    }
    return pool;
}

void weir_pool_destroy(struct weir_pool *pool)
{
    if (!pool)
        return;
    for (struct weir_pool_block *block = pool->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(pool);
}

_Noreturn static void run_out(struct weir_pool *pool)
{
    longjmp(*pool->out_of_memory, 1);
}

static void add_block(struct weir_pool *pool, size_t size)
{
    size_t room = size > BLOCK ? size : BLOCK;
    struct weir_pool_block *block = calloc(1, sizeof *block + room);
    if (!block)
        run_out(pool);
    block->size = room;
    block->next = pool->blocks;
    pool->blocks = block;
}

void *weir_pool_alloc(struct weir_pool *pool, size_t size)
{
    if (size > pool->maximum - pool->used || pool->fail_after == 0)
        run_out(pool);
    if (pool->fail_after > 0)
        pool->fail_after--;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!pool->blocks || pool->blocks->size - pool->blocks->used < size)
        add_block(pool, size);
    struct weir_pool_block *block = pool->blocks;
    void *at = block->bytes + block->used;
    block->used += size;
    pool->used = size > pool->maximum - pool->used ? pool->maximum : pool->used + size;
    return at;
}

void *weir_pool_array(struct weir_pool *pool, size_t n, size_t size)
{
    if (n && size > SIZE_MAX / 2 / n)
        run_out(pool);
    return weir_pool_alloc(pool, n * size);
}

char *weir_pool_copy(struct weir_pool *pool, const char *text, size_t length)
{
    char *copy = weir_pool_alloc(pool, length + 1);
    if (length)
        memcpy(copy, text, length);
    return copy;
}

char *weir_pool_printf(struct weir_pool *pool, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        run_out(pool);
    char *text = weir_pool_alloc(pool, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}
