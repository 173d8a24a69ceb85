// SPDX-License-Identifier: Apache-2.0
// Every two-sample statistic of a field, and of all numeric fields together.
#ifndef WEIR_COMPARE_H
#define WEIR_COMPARE_H

#include "consumer/compare/table.h"
#include "stats/presets.h"
#include "stats/samples.h"
#include "stats/statistic.h"

// One statistic. Absent numbers are NaN here and null in JSON, never anything else.
struct weir_comparison {
    const char *name;
    double value;
    double p_value;
    double p_exact;            // beside an asymptotic p, where it can be had
    double reference, current; // of each side, where the value compares such (rates)
    double bound;              // of |value - exact value|, where it comes from summaries
    const char *reason;        // why `value` or `p_value` is absent though others have one
};

enum { WEIR_COMPARISONS = WEIR_STATISTICS };

struct weir_field_comparison {
    struct weir_comparison statistics[WEIR_COMPARISONS];
    size_t n;
    // For sorting and for people: how far it moved beyond what chance explains (debiased
    // Jensen-Shannon distance, or the change of the null rate if that is more), and the p-value
    // of the omnibus decision.
    double moved;
    double p_value;
    // Q(current) - Q(reference) at the 5, 10, ... 95% quantiles; NAN: none.
    double shifts[WEIR_QUANTILES];
    // As another program defines them, where that was asked for.
    struct weir_preset_value preset[WEIR_PRESET_VALUES];
    size_t n_preset;
};

// Columns of the same type. `preset` WEIR_PRESETS: none. 0 or WEIR_ENOMEM.
int weir_compare_field(const struct weir_table_column *reference,
                       const struct weir_table_column *current, enum weir_preset preset,
                       struct weir_field_comparison *out);

// Of the numeric fields that are not lists, at most 64 of them, in the reference's standard
// deviations, cut at 10; nulls stand as the reference's mean. mmd is of every row, the others of at
// most 2,000 of each file at even distances. Same input, same output.
//  mmd: distance of the mean embeddings by 256 random Fourier features (Rahimi and Recht, 2007),
//       bandwidth the mean distance of the reference's rows; p by how these scatter.
//  pca_error: mean squared reconstruction error of current over that of reference, by the
//       principal components of one half of the reference (80% of its variance), the other half
//       giving the reference's error; p by Welch's t on the rows' errors.
//  domain_auc: held-out AUC of a ridge logistic regression that tells the files apart, on values
//       and their squares; p by Mann-Whitney.
//  correlation_change: the largest |r - r'| of a pair; p by Fisher's z, times the pairs. (Of
//       every row: weir_compare_table_correlations().)
// `bound` is how far, in 19 of 20 cases, the value of all the rows that these are a sample of may
// be away (of domain_auc: that of the same classifier).
enum { WEIR_MULTIVARIATE = 4 };
int weir_compare_multivariate(const struct weir_table *reference, const struct weir_table *current,
                              struct weir_comparison out[WEIR_MULTIVARIATE]);

#endif
