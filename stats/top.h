// SPDX-License-Identifier: Apache-2.0
// The most frequent values, with a bounded number of counters: Misra and Gries (1982), merged as
// in Agarwal et al., "Mergeable summaries" (PODS 2012). A value that made up more than
// 1 / (capacity + 1) of what was added is always among them.
//
// Once more than `capacity` distinct values were seen the result depends on the order, and
// therefore values must come one at a time in the stream's order and merges in task order.
#ifndef WEIR_STATS_TOP_H
#define WEIR_STATS_TOP_H

#include "stats/buffer.h"
#include "weir/summary.h"

enum { WEIR_TOP_TEXT = 120 }; // bytes kept of a value; longer ones are told apart by their hash

struct weir_top_entry {
    uint64_t hash;
    uint64_t count; // true count is within [count, count + weir_top_lost()]
    uint32_t length;
    char data[WEIR_TOP_TEXT]; // not NUL-terminated
};

struct weir_top *weir_top_create(uint32_t capacity); // NULL: memory is out
void weir_top_destroy(struct weir_top *top);
void weir_top_reset(struct weir_top *top);
int weir_top_add(struct weir_top *top, uint64_t hash, const char *data, size_t length);
// Capacities must be equal (WEIR_EINVAL).
int weir_top_merge(struct weir_top *into, const struct weir_top *from);
uint32_t weir_top_capacity(const struct weir_top *top); // 0 for NULL
uint64_t weir_top_lost(const struct weir_top *top);
// Writes the entries by count, highest first, ties by text, then hash; at most `limit`.
size_t weir_top_sorted(const struct weir_top *top, const struct weir_top_entry **out, size_t limit);
size_t weir_top_memory(const struct weir_top *top);
int weir_top_write(const struct weir_top *top, struct weir_buffer *out);
int weir_top_read(struct weir_top *top, struct weir_reader *in); // merges; a fault fails the reader

#endif
