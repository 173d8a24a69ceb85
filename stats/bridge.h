// SPDX-License-Identifier: Apache-2.0
// Null distributions of statistics of a sampled Brownian bridge: what becomes of the difference
// of two distribution functions that is only known at a few cuts.
//
// At cuts with cumulated mass F[0] < F[1] < ... (each strictly inside 0 and 1) the standardised
// differences are jointly normal with unit variances and, for j < k, the correlation
// sqrt(F_j (1 - F_k) / (F_k (1 - F_j))): a Markov chain, so that everything below takes one pass.
#ifndef WEIR_STATS_BRIDGE_H
#define WEIR_STATS_BRIDGE_H

#include <stddef.h>

// P(|Z_k| >= bound[k] for any k), bounds > 0: the first-order Markov product. In the tail it is
// the Hunter-Worsley upper bound. Against simulation never too small, and at most 25% too large
// (36 cells; exact for one cut). n = 0 gives 0.
double weir_bridge_crossing(const double *mass, const double *bound, size_t n);
// The same with one bound at all cuts, equal to 1e-11 and many times faster.
double weir_bridge_crossing_level(const double *mass, double level, size_t n);

// P(sum of weight[k] Z_k^2 >= x), weights > 0: Lugannani and Rice's saddlepoint formula for a
// quadratic form (Kuonen, 1999), its determinant by the tridiagonal inverse of the correlations.
// Relative error under 5% (under 12% where a single cut has nearly all the weight) for any p.
// n = 0 gives 1, and so do more than WEIR_BRIDGE_CUTS cuts.
enum { WEIR_BRIDGE_CUTS = 1024 };
double weir_bridge_quadratic(const double *mass, const double *weight, size_t n, double x);

#endif
