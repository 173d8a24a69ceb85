// SPDX-License-Identifier: Apache-2.0
// Every statistic that tells a current sample from its reference, one row each: the table drives
// `weir compare`, the drift detector's `tests:` and docs/statistics.md.
#ifndef WEIR_STATS_STATISTIC_H
#define WEIR_STATS_STATISTIC_H

#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum weir_statistic_id {
    // Numbers
    WEIR_STATISTIC_KS,
    WEIR_STATISTIC_ANDERSON_DARLING,
    WEIR_STATISTIC_CRAMER_VON_MISES,
    WEIR_STATISTIC_KUIPER,
    WEIR_STATISTIC_BERK_JONES,
    // Cells: of numbers, or categories
    WEIR_STATISTIC_PSI,
    WEIR_STATISTIC_JENSEN_SHANNON,
    WEIR_STATISTIC_KL,
    WEIR_STATISTIC_HELLINGER,
    WEIR_STATISTIC_TOTAL_VARIATION,
    WEIR_STATISTIC_CHI_SQUARE,
    WEIR_STATISTIC_G,
    WEIR_STATISTIC_L_INFINITY,
    WEIR_STATISTIC_CRAMERS_V,
    // Numbers again
    WEIR_STATISTIC_WASSERSTEIN,
    WEIR_STATISTIC_WASSERSTEIN_NORMALISED,
    WEIR_STATISTIC_ENERGY,
    WEIR_STATISTIC_MANN_WHITNEY,
    WEIR_STATISTIC_WELCH_T,
    WEIR_STATISTIC_VARIANCE_RATIO,
    WEIR_STATISTIC_QUANTILE_SHIFT,
    // Categories
    WEIR_STATISTIC_FISHER,
    WEIR_STATISTIC_NEW_CATEGORIES,
    WEIR_STATISTIC_VANISHED_CATEGORIES,
    // Shares
    WEIR_STATISTIC_NULL_RATE,
    WEIR_STATISTIC_INFINITE_SHARE,
    WEIR_STATISTIC_EMPTY_SHARE,
    WEIR_STATISTIC_UNSEEN_SHARE,
    WEIR_STATISTIC_VANISHED_SHARE,
    // Texts
    WEIR_STATISTIC_TEXT_LENGTH,
    WEIR_STATISTIC_CHARACTER_CLASSES,
    WEIR_STATISTIC_OUT_OF_VOCABULARY,
    WEIR_STATISTIC_TOKEN_DISTRIBUTION,
    // Vectors
    WEIR_STATISTIC_MEAN_SHIFT,
    WEIR_STATISTIC_NORM_SHIFT,
    WEIR_STATISTIC_VECTOR_MMD,
    // All numeric fields together
    WEIR_STATISTIC_MMD,
    WEIR_STATISTIC_PCA_ERROR,
    WEIR_STATISTIC_DOMAIN_AUC,
    WEIR_STATISTIC_CORRELATION_CHANGE,
    WEIR_STATISTICS
};

// Kinds of columns; bits.
enum weir_statistic_kind {
    WEIR_KIND_NUMERIC = 1,
    WEIR_KIND_CATEGORICAL = 2,
    WEIR_KIND_BOOLEAN = 4,
    WEIR_KIND_TEXT = 8,
    WEIR_KIND_VECTOR = 16,
    WEIR_KIND_JOINT = 32 // several numeric fields at once
};

// What it is computed from. Rows are only at hand where two files are compared.
enum weir_statistic_needs {
    WEIR_NEEDS_ROWS,
    WEIR_NEEDS_SKETCH,  // quantile sketches
    WEIR_NEEDS_CELLS,   // counts in the reference's cells
    WEIR_NEEDS_MOMENTS, // size, mean, variance
    WEIR_NEEDS_COUNTS   // rows, nulls, values never seen
};

// Which values say that something changed.
enum weir_statistic_direction {
    WEIR_CHANGE_LARGER, // the larger, from 0
    WEIR_CHANGE_SIGNED, // far from 0 on either side
    WEIR_CHANGE_RATIO,  // far from 1 on either side
    WEIR_CHANGE_RATE,   // far from the reference's own rate
    WEIR_CHANGE_P_ONLY  // its size says nothing without the sizes of the samples: only p does
};

struct weir_statistic_info {
    const char *name;
    unsigned kinds;
    enum weir_statistic_needs exact;  // for the value on whole files
    enum weir_statistic_needs window; // on profiles and windows; ROWS: it cannot be had there
    enum weir_statistic_direction direction;
    int has_p;
    // What a shift by .2 standard deviations gives, the smallest change that is worth a warning;
    // 0: there is none, who asks for it by name says from where on.
    double floor;
    const char *definition; // with its source
    const char *bound;      // of the error on profiles and windows beside `exact`; NULL: none
};

// NULL outside the table.
const struct weir_statistic_info *weir_statistic_info(enum weir_statistic_id statistic);
// WEIR_STATISTICS: there is none of that name.
enum weir_statistic_id weir_statistic_find(const char *name, size_t length);
// How far a value is from no change, by the direction; `reference` is the reference's own value
// (of rates). 0 for P_ONLY.
double weir_statistic_size(enum weir_statistic_id statistic, double value, double reference);

// From where on other programs call it drift, by default.
struct weir_statistic_default {
    const char *program;
    enum weir_statistic_id statistic;
    int on_p; // p < threshold, else value > threshold (Evidently: >=)
    double threshold;
    const char *note; // may be NULL
};
// Ended by a row without a program.
const struct weir_statistic_default *weir_statistic_defaults(void);

// Charts over windows, for slow change that no window shows by itself (stats/chart_series.h).
enum weir_chart_kind {
    WEIR_CHART_OF_NONE,
    WEIR_CHART_OF_CUSUM,
    WEIR_CHART_OF_EWMA,
    WEIR_CHART_OF_PAGE_HINKLEY,
    WEIR_CHART_KINDS
};
const char *weir_chart_name(enum weir_chart_kind kind); // NULL for NONE and outside
// What may be said of a chart; 0: it was not.
struct weir_chart_parameters {
    double learn;        // windows; of all charts
    double slack;        // CUSUM
    double weight;       // EWMA
    double delta, alpha; // Page-Hinkley
    double minimum;
};

// A statistic and from where on it is a change, as people write it: "psi > 0.2", "ks p < 0.01",
// "cusum(psi) > 5", "ewma(ks weight=0.2 learn=100) > 3", or without a threshold. `set` says whether
// there was one.
struct weir_statistic_rule {
    enum weir_statistic_id statistic;
    int set, on_p;
    double threshold;
    enum weir_chart_kind chart;
    struct weir_chart_parameters parameters;
};
// WEIR_EINVAL with what was wrong, and where it can be told what to write.
int weir_statistic_rule_parse(const char *text, struct weir_statistic_rule *rule,
                              struct weir_error *error);
// The rule without its threshold, spelt in one way: what incidents and state are named by. Returns
// `out`, cut where it does not fit; 160 bytes always do.
const char *weir_statistic_rule_name(const struct weir_statistic_rule *rule, char *out,
                                     size_t size);

#endif
