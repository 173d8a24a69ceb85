// SPDX-License-Identifier: Apache-2.0
// Which way a window differs from what is expected of it, and by how much: a few numbers with a
// sign, zero where all is as expected, that add up over windows where distances do not. They are
// what control charts (stats/charts.h) and predictions of the next window are made of.
#ifndef WEIR_STATS_CELL_SIGNAL_H
#define WEIR_STATS_CELL_SIGNAL_H

#include "stats/cell_score.h"

// Of a field with ordered cells the first four, of categories the first WEIR_SIGNAL_CATEGORIES
// cells, of either the last two. Shares are compared as angles, 2 asin(sqrt(p)): 0.1 is 5 points at
// a half, and a sample's standard error 1 / sqrt(n) whatever the share.
enum weir_signal {
    WEIR_SIGNAL_LEVEL,    // the mean of normal scores: a shift in standard deviations
    WEIR_SIGNAL_SCALE,    // ln of the ratio of standard deviations
    WEIR_SIGNAL_LOW,      // the share of the lowest twentieth
    WEIR_SIGNAL_HIGH,     // and of the highest
    WEIR_SIGNAL_NULL = 8, // the share of nulls
    WEIR_SIGNAL_UNSEEN,   // and of values never seen
    WEIR_SIGNALS
};
enum { WEIR_SIGNAL_CATEGORIES = WEIR_SIGNAL_NULL };

double weir_share_angle(double share);
double weir_angle_share(double angle); // its inverse; beyond either end 0 or 1

// NAN where one does not apply: too few values, all of them alike, no such category.
void weir_cell_signals(const struct weir_expectation *expected,
                       const struct weir_cell_observation *now, double out[WEIR_SIGNALS]);

// Shares as they would be, had these signals been seen: the level of ordered cells, the angles of
// categories (others keep their proportions). The rest of `signal` is not looked at; NAN is 0.
// `share` and `out`: n, sum 1; may be the same.
void weir_cells_moved(const double *share, size_t n, int ordered, const double signal[WEIR_SIGNALS],
                      double *out);

#endif
