// SPDX-License-Identifier: Apache-2.0
// The two estimates behind a diagnosis of units: a line through quantiles, and the share of one
// known law in a mixture of two.
#ifndef WEIR_STATS_UNIT_MIXTURE_H
#define WEIR_STATS_UNIT_MIXTURE_H

#include <stddef.h>

// y = centre + shift + slope (x - centre) through the quantiles of two samples at the same levels:
// generalised least squares with the covariance of quantiles (Ogawa, 1951: the inverse of a
// Brownian bridge's is tridiagonal, and so the sum of squares is
// sum over i of (f_i e_i - f_{i-1} e_{i-1})^2 / (q_i - q_{i-1}), f the density at x_i, f e = 0 at
// both ends).
struct weir_quantile_line {
    double shift, slope;
    double se_shift, se_slope;
    size_t points; // that differ in x; under 3 there is no line, and all else is 0
};
enum { WEIR_QUANTILE_LINE_POINTS = 64 };
// `level` ascends within (0, 1), at most WEIR_QUANTILE_LINE_POINTS of them. Densities are chords of
// x and the levels (over two steps; at the ends extrapolated from the last two, at least a quarter
// of the last), so y = x is the null. Points with one x count as one, at their mean level and y.
// `n` and `m`: sizes of the samples of x and of y.
void weir_quantile_line(const double *x, const double *y, const double *level, size_t points,
                        double centre, double n, double m, struct weir_quantile_line *line);

// The w in [0, 1] that maximises sum of count ln((1 - w) f + w g): what EM converges to, found by
// Newton's steps within bounds, for the sum is concave in w. f, g > 0.
struct weir_mixture {
    double share, se; // se by the observed information; 0 at the ends
    double gain;      // the sum at `share` less the sum at 0: >= 0, in nats
};
void weir_mixture_fit(const double *count, const double *f, const double *g, size_t n,
                      struct weir_mixture *mixture);

#endif
