// SPDX-License-Identifier: Apache-2.0
// How many distinct values: a HyperLogLog with 4,096 registers (standard error 1.6%), small while
// few were seen. Estimated as in Ertl, "New cardinality estimation algorithms for HyperLogLog
// sketches" (2017), section 4, "improved raw estimator".
#ifndef WEIR_STATS_HLL_H
#define WEIR_STATS_HLL_H

#include "stats/buffer.h"
#include "weir/summary.h"

struct weir_hll *weir_hll_create(void); // NULL: memory is out
void weir_hll_destroy(struct weir_hll *hll);
void weir_hll_reset(struct weir_hll *hll);
// `hash` has 64 good bits. WEIR_ENOMEM: nothing was added.
int weir_hll_add(struct weir_hll *hll, uint64_t hash);
int weir_hll_merge(struct weir_hll *into, const struct weir_hll *from);
double weir_hll_estimate(const struct weir_hll *hll);
size_t weir_hll_memory(const struct weir_hll *hll);
int weir_hll_write(const struct weir_hll *hll, struct weir_buffer *out);
int weir_hll_read(struct weir_hll *hll, struct weir_reader *in); // adds; a fault fails the reader

// The hash of a number: equal for an integer and the double of the same value.
uint64_t weir_hll_hash_long(int64_t value);
uint64_t weir_hll_hash_double(double value);

#endif
