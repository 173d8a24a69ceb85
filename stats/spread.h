// SPDX-License-Identifier: Apache-2.0
// How much more stretches of a stream differ than samples of one distribution would: chi-square by
// its degrees of freedom. 1 where records are independent of each other and of their time; where it
// is D, D of them are worth one.
#ifndef WEIR_STATS_SPREAD_H
#define WEIR_STATS_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

// What is asked: all cells; and of numbers, whose cells have an order, the level and the scale, for
// stretches that differ by these alone hide among many cells.
enum weir_spread_part {
    WEIR_SPREAD_SHAPE,
    WEIR_SPREAD_LEVEL,
    WEIR_SPREAD_SCALE,
    WEIR_SPREAD_PARTS
};

// Of stretches of one length, each of them held against others.
struct weir_spread {
    double mean[WEIR_SPREAD_PARTS]; // of chi-square by its degrees of freedom
    double df;                      // of the shape, of all of them together
    uint64_t n;                     // stretches
};

// Chi-square by its degrees of freedom (*df of them, which may be NULL) of two counts in the same
// cells, which are taken together in their order until `expected` values are expected of the
// smaller one. NAN: fewer than two are left.
double weir_spread_between(const uint64_t *a, const uint64_t *b, size_t n_cells, double expected,
                           double *df);
// Holds one stretch against the others; `score` has a value for each cell, by their order, or is
// NULL. Too few values count for nothing.
void weir_spread_add(struct weir_spread *spread, const uint64_t *one, const uint64_t *others,
                     size_t n_cells, const double *score);
// Holds `one`, which is a part of `all`, against the rest; `ordered`: the cells are of numbers.
// WEIR_ENOMEM.
int weir_spread_add_part(struct weir_spread *spread, const uint64_t *all, const uint64_t *one,
                         size_t n_cells, int ordered);
// The spread to reckon with at a chance of `p`: beyond what chance makes of independent records,
// and by as much more as so few stretches may hide (Student's t for the normal distribution,
// twentyfold at most). 1 where there are fewer than three.
double weir_spread_reckoned(const struct weir_spread *spread, double p);

int weir_spread_write(const struct weir_spread *spread, struct weir_buffer *out);
int weir_spread_read(struct weir_spread *spread, struct weir_reader *in); // WEIR_ECORRUPT

#endif
