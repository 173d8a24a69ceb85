// SPDX-License-Identifier: Apache-2.0
// Memory that is given back all at once. Allocations never return NULL: when memory or the
// stated maximum runs out, control leaves through `out_of_memory`, so that a reader of a large
// nested input needs no check at each step. Single-threaded.
#ifndef WEIR_CONFIG_ARENA_H
#define WEIR_CONFIG_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

struct weir_arena_block;

struct weir_arena {
    struct weir_arena_block *blocks;
    size_t used, maximum; // bytes
    jmp_buf *out_of_memory;
    long fail_after; // tests: so many allocations succeed; -1: all
};

// NULL when memory is out. The caller sets `out_of_memory` before the first allocation.
struct weir_arena *weir_arena_create(size_t maximum);
void weir_arena_destroy(struct weir_arena *arena);

void *weir_arena_alloc(struct weir_arena *arena, size_t size); // zeroed, aligned for anything
void *weir_arena_array(struct weir_arena *arena, size_t n, size_t size);          // n may be 0
char *weir_arena_copy(struct weir_arena *arena, const char *text, size_t length); // adds the NUL
__attribute__((format(printf, 2, 3))) char *weir_arena_printf(struct weir_arena *arena,
                                                              const char *format, ...);

#endif
