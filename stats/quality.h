// SPDX-License-Identifier: Apache-2.0
// What a model's answers are worth against the truth: counts and fixed-point sums of a size that
// does not depend on the number of records, mergeable in any order to the same bytes, from which
// the usual metrics follow with intervals.
//
// Classes: a confusion matrix, and of two classes the scores in cells, with positives and
// negatives, so that areas under curves and calibration need no rows. Numbers: moments of the
// error and of the label.
#ifndef WEIR_STATS_QUALITY_H
#define WEIR_STATS_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"
#include "stats/wide.h"
#include "weir/error.h"

enum weir_quality_task {
    WEIR_QUALITY_CLASSES, // the label is one of some
    WEIR_QUALITY_NUMBERS  // the label is a number, as is what was predicted
};

enum {
    WEIR_QUALITY_MOST_CLASSES = 64,
    WEIR_QUALITY_CELLS = 256,         // of scores, as weir_quality_cuts() makes them
    WEIR_QUALITY_MOST_CUTS = 1 << 26, // that a spec may have
    WEIR_QUALITY_CLASS_TEXT = 256,    // bytes of a class's name, with its end
    WEIR_QUALITY_MOST_BINS = 64       // of a calibration table
};

struct weir_quality_spec {
    enum weir_quality_task task;
    // Classes. Those that are not listed are all number n_classes ("other").
    const char *const *classes; // distinct
    size_t n_classes;           // 1 to WEIR_QUALITY_MOST_CLASSES
    int predicted;              // whether there are predictions: else there are scores alone
    int positive;               // of two classes; -1: of more there is none
    int scored;                 // whether there are scores, the positive one's probability or such
    const double *cuts;         // of the scores' cells: ascending, finite; the last is above all
    size_t n_cuts;
    // Numbers: sums are fixed-point multiples of `scale` about `centre`, as those of summaries.
    double centre, scale;
};

struct weir_quality_cell {
    uint64_t positives, negatives;
    double least, most; // of the scores in it; 0 and 0 where there is none
    weir_wide score;    // their sum, in 2^-60; of probabilities alone
};

struct weir_quality {
    struct weir_quality_spec spec; // a copy
    // Classes.
    uint64_t *confusion; // n_classes + 1 labels by n_classes + 2 predictions; NULL without these
    struct weir_quality_cell *cells; // n_cuts + 1; NULL without scores
    uint64_t scored, improbable;     // scores; those of them that are outside 0 to 1
    weir_wide loss, loss_squares, brier, brier_squares; // of probabilities, in 2^-60
    // Numbers: powers of the error e (predicted less label) and of the label z, both in scales.
    uint64_t n, outside;                // within the sums; too far for them
    weir_wide e, e_absolute, z, e2, z2; // in 2^-60
    weir_wide e2z, z3;                  // in 2^-40
    weir_wide e4, z4, e2z2;             // in 2^-24
};

// Copies the spec. WEIR_EINVAL: one that is none; WEIR_ENOMEM.
int weir_quality_create(const struct weir_quality_spec *spec, struct weir_quality **out);
void weir_quality_destroy(struct weir_quality *quality); // may be NULL

// Cuts for scores, from a fair sample of them, sorted ascending and finite: 192 cells for the lower
// 95%, 64 for the upper 5%, where most decisions fall; every frequent value ends a cell. Returns
// how many; `cuts` has room for WEIR_QUALITY_CELLS.
size_t weir_quality_cuts(const double *sorted, size_t n, double *cuts);

// One record. Classes are numbers; `n_classes` where it is not listed. Where neither label nor
// prediction is and they differ, the prediction is n_classes + 1. Anything else: not counted.
void weir_quality_add_class(struct weir_quality *quality, size_t label, size_t predicted);
// `positive`: whether the label is. NaN is not counted.
void weir_quality_add_score(struct weir_quality *quality, int positive, double score);
// What is not finite is not counted; what is farther than 65,536 scales counts as outside.
void weir_quality_add_number(struct weir_quality *quality, double label, double predicted);

int weir_quality_same(const struct weir_quality *a, const struct weir_quality *b); // specs
// WEIR_EINVAL where specs differ: `into` is unchanged.
int weir_quality_merge(struct weir_quality *into, const struct weir_quality *from);
// With the spec.
void weir_quality_write(const struct weir_quality *quality, struct weir_buffer *out);
// WEIR_ECORRUPT, WEIR_ENOMEM.
int weir_quality_read(struct weir_reader *in, struct weir_quality **out);

uint64_t weir_quality_records(const struct weir_quality *quality); // that were counted

// ---- metrics

enum weir_quality_metric_id {
    // Of classes. Of two classes those of the positive one, where there is one; of more, the mean
    // over the listed classes that occur (an undefined one is 0, as in scikit-learn's macro).
    WEIR_QUALITY_ACCURACY,
    WEIR_QUALITY_PRECISION,
    WEIR_QUALITY_RECALL,
    WEIR_QUALITY_F1,
    WEIR_QUALITY_KAPPA,    // Cohen, 1960
    WEIR_QUALITY_MATTHEWS, // Gorodkin's for more than two, 2004
    // Of scores.
    WEIR_QUALITY_ROC_AUC,
    WEIR_QUALITY_LOG_LOSS, // nats; probabilities are kept 2.2e-16 away from 0 and 1
    WEIR_QUALITY_BRIER,
    WEIR_QUALITY_CALIBRATION, // root of the debiased squared gap (Kumar et al., 2019), 15 bins
    // Of numbers, in the label's unit.
    WEIR_QUALITY_MAE,
    WEIR_QUALITY_RMSE,
    WEIR_QUALITY_BIAS, // mean of predicted less label
    WEIR_QUALITY_R2,
    WEIR_QUALITY_METRICS
};

// Absent numbers are NaN.
struct weir_quality_metric {
    const char *name;
    double value;
    double low, high;   // 95% of the data that these records are drawn from, `bound` included
    double bound;       // of |value - the one from every score|; 0: it is exact
    const char *reason; // why there is no value; else NULL
};

const char *weir_quality_metric_name(enum weir_quality_metric_id id);
int weir_quality_larger_is_better(enum weir_quality_metric_id id);
// All that there can be of the task and what was given: `out` by id, name NULL where it is none.
//  Intervals: accuracy, precision and recall Wilson's; F1 through Wilson's of TP / (TP + FP + FN);
//  macro means, kappa and Matthews by the delta method; AUC DeLong's on the log odds; the others
//  by their standard errors.
void weir_quality_measure(const struct weir_quality *quality,
                          struct weir_quality_metric out[WEIR_QUALITY_METRICS]);
// 95% of b - a, which are of different records (Zou and Donner, 2008). NaN where one has none.
void weir_quality_change(const struct weir_quality_metric *a, const struct weir_quality_metric *b,
                         double *low, double *high);

struct weir_quality_class {
    uint64_t labels, predictions, right;
    double precision, recall, f1; // NaN where not defined
};
// `i` up to n_classes ("other", whose `right` are those that are equal).
void weir_quality_of_class(const struct weir_quality *quality, size_t i,
                           struct weir_quality_class *out);

struct weir_quality_bin {
    double low, high; // of the scores in it
    uint64_t n, positives;
    double score; // mean
};
// Scores in up to `bins` (at most WEIR_QUALITY_MOST_BINS) bins of about equal mass; returns how
// many. 0 where scores are not probabilities.
size_t weir_quality_calibration(const struct weir_quality *quality, size_t bins,
                                struct weir_quality_bin *out);

#endif
