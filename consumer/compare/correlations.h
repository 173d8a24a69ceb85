// SPDX-License-Identifier: Apache-2.0
// How correlations have changed, from sums over all rows.
#ifndef WEIR_COMPARE_CORRELATIONS_H
#define WEIR_COMPARE_CORRELATIONS_H

#include "consumer/compare/compare.h"
#include "stats/co_moments.h"

// One number of both sides.
struct weir_correlated {
    size_t in[2]; // its number in each side's sums
    // How far the cut at 10 standard deviations turned it, as an angle; 0: nothing was cut.
    double turned[2];
    // Sampled rows of each side, standardised in any way, NAN where there is none; NULL: no rows.
    const double *z[2];
};

struct weir_correlations {
    const struct weir_co_moments *sums[2]; // reference, current
    struct weir_correlated *fields;
    size_t n;
    size_t rows[2]; // sampled
};

// The largest |r - r'|; p by Fisher's z, with its variance widened by how heavy the tails of the
// sampled rows are (the elliptical factor, Muirhead, 1982), times the pairs; the bound is of the
// sums' rounding and of the cut.
void weir_compare_correlations(const struct weir_correlations *c, struct weir_comparison *out);
// acos of the share of the standard deviation that the cut has left. The value less its cut, and
// the cut value, grow together, so that their correlation is at least that.
double weir_correlations_turned(double cut_variance, double variance);
// Of two files, every row; as weir_compare_multivariate() chooses the fields. WEIR_ENOMEM.
int weir_compare_table_correlations(const struct weir_table *reference,
                                    const struct weir_table *current, struct weir_comparison *out);

#endif
