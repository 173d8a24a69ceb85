// SPDX-License-Identifier: Apache-2.0
// Sums that do not depend on the order of their terms: fixed point, 128 bits.
// Reading them (mean, variance) is declared in stats/summary.h.
#ifndef WEIR_STATS_MOMENTS_H
#define WEIR_STATS_MOMENTS_H

#include "weir/summary.h"

// The farthest from the centre, in scales, that a value may be and still enter the sums.
#define WEIR_MOMENTS_REACH 4398046511104.0 // 2^42

// Adds finite values. `x` holds no negative zero (minima would depend on the order).
void weir_moments_add(struct weir_moments *moments, double centre, double scale, const double *x,
                      size_t n);
void weir_moments_merge(struct weir_moments *into, const struct weir_moments *from);

#endif
