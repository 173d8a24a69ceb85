// SPDX-License-Identifier: Apache-2.0
// Two quantile sketches beside each other, and what they say of the samples behind them, each
// with how far it may be from what the samples themselves would say.
#ifndef WEIR_STATS_SKETCH_PAIR_H
#define WEIR_STATS_SKETCH_PAIR_H

#include "stats/ddsketch.h"
#include "stats/samples.h"

// Values in [low, high), about 0, stand at x; `a` of the reference, `b` of the current sample.
struct weir_sketch_bucket {
    double low, high, x;
    double a, b;
};

struct weir_sketch_pair {
    struct weir_sketch_bucket *buckets; // ascending by x; those of both sides are one where they
    size_t n;                           // are the same interval
    double n_a, n_b;
    int aligned; // all intervals are the same on both sides or apart
};

// Where the values end: the outermost buckets of a sketch have no bound of their own.
struct weir_sketch_range {
    double minimum, maximum;
};

// WEIR_ENOMEM. Free with weir_sketch_pair_free(); a zeroed one may be freed too.
int weir_sketch_pair_make(struct weir_sketch_pair *pair, const struct weir_ddsketch *a,
                          struct weir_sketch_range range_a, const struct weir_ddsketch *b,
                          struct weir_sketch_range range_b);
void weir_sketch_pair_free(struct weir_sketch_pair *pair);

// A statistic by buckets, and the most by which its value may differ from the exact one of
// stats/samples.h (beside rounding). Statuses are the same.
struct weir_bounded_test {
    struct weir_test test;
    double bound;
};
struct weir_bounded_test weir_sketch_wasserstein(const struct weir_sketch_pair *pair);
struct weir_bounded_test weir_sketch_energy(const struct weir_sketch_pair *pair);
struct weir_bounded_test weir_sketch_mann_whitney(const struct weir_sketch_pair *pair);
// Not divided by anything. `shifts` may be NULL.
struct weir_bounded_test weir_sketch_quantile_shift(const struct weir_sketch_pair *pair,
                                                    double shifts[WEIR_QUANTILES]);

#endif
