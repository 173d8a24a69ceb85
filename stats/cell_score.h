// SPDX-License-Identifier: Apache-2.0
// How far a window is from what is expected of it, cheaply: a few statistics whose distribution is
// not derived but calibrated, on many windows in which all was well (stats/alarm_budget.h). That
// is why none has a p-value, why overdispersion does no harm, and why they cost a few ns a cell.
#ifndef WEIR_STATS_CELL_SCORE_H
#define WEIR_STATS_CELL_SCORE_H

#include <stddef.h>
#include <stdint.h>

enum weir_cell_score {
    WEIR_SCORE_LEVEL,  // Anderson and Darling's; ordered cells
    WEIR_SCORE_CUT,    // the largest log likelihood ratio of a cut, or of a category
    WEIR_SCORE_SHAPE,  // log likelihood ratio (G) over all cells
    WEIR_SCORE_SCALE,  // n / 4 times the squared ln ratio of variances of normal scores; ordered
    WEIR_SCORE_TAIL,   // log likelihood ratio of the outermost cells; ordered cells
    WEIR_SCORE_NULL,   // G of the share of nulls
    WEIR_SCORE_UNSEEN, // G of the share of values never seen
    WEIR_SCORES
};

// What is expected of a field: shares of its cells, and how many rows that knowledge is worth.
struct weir_expectation {
    const double *share; // n, sum 1
    const double *score; // n: the mean normal score of each cell; NULL where cells are categories
    size_t n;
    double worth;                    // values
    double null_share, unseen_share; // of rows, of values
};

// Fills the mean normal score of each of n ordered cells with these shares (sum 1).
void weir_normal_scores(const double *share, size_t n, double *score);

struct weir_cell_observation {
    const uint64_t *cell;
    uint64_t rows, null, values, unseen;
};

// Each statistic is >= 0 and finite, or NAN where it does not apply (no values, categories). They
// grow with the number of values, as likelihoods do. *scale_ratio: ln of the variance ratio, 0
// where it does not apply.
void weir_cell_scores(const struct weir_expectation *expected,
                      const struct weir_cell_observation *now, double out[WEIR_SCORES],
                      double *scale_ratio);

#endif
