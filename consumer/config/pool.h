// SPDX-License-Identifier: Apache-2.0
// Memory that is given back all at once. Allocations never return NULL: when memory or the
// stated maximum runs out, control leaves through `out_of_memory`, so that a reader of a large
// nested input needs no check at each step. Single-threaded.
#ifndef WEIR_CONFIG_POOL_H
#define WEIR_CONFIG_POOL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

struct weir_pool_block;

struct weir_pool {
    struct weir_pool_block *blocks;
    size_t used, maximum; // bytes
    jmp_buf *out_of_memory;
    long fail_after; // tests: so many allocations succeed; -1: all
};

// NULL when memory is out. The caller sets `out_of_memory` before the first allocation.
struct weir_pool *weir_pool_create(size_t maximum);
void weir_pool_destroy(struct weir_pool *pool);

void *weir_pool_alloc(struct weir_pool *pool, size_t size); // zeroed, aligned for anything
void *weir_pool_array(struct weir_pool *pool, size_t n, size_t size);          // n may be 0
char *weir_pool_copy(struct weir_pool *pool, const char *text, size_t length); // adds the NUL
__attribute__((format(printf, 2, 3))) char *weir_pool_printf(struct weir_pool *pool,
                                                             const char *format, ...);

#endif
