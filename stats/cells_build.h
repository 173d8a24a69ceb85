// SPDX-License-Identifier: Apache-2.0
// Making a field's cells from what its reference holds. Free them with weir_cells_free().
//
// Numbers: 32 cells of equal mass, further cuts at the .1, .5, 99.5 and 99.9% quantiles, and a
// cell of its own for each atom (a value with more than 1/32 of the mass). Sums of moments are
// about the median, in steps of the power of two next to the robust standard deviation.
#ifndef WEIR_STATS_CELLS_BUILD_H
#define WEIR_STATS_CELLS_BUILD_H

#include "stats/ddsketch.h"
#include "weir/error.h"
#include "weir/summary.h"

enum { WEIR_CELLS_EQUAL = 32, WEIR_CELLS_TOP = 64 };

// From values, or a fair sample of them, in any order. Those that are not finite are left out;
// with none left there is a single cell. WEIR_ENOMEM.
int weir_cells_build_numeric(const double *x, size_t n, struct weir_cells **cells,
                             struct weir_error *error);
// From a sketch, where there are no values: cuts are edges of its buckets, the only atom is 0.
int weir_cells_build_sketch(const struct weir_ddsketch *sketch, struct weir_cells **cells,
                            struct weir_error *error);
int weir_cells_build_boolean(struct weir_cells **cells, struct weir_error *error);

struct weir_category {
    struct weir_string string;
    uint64_t count;
};

struct weir_category_counts {
    enum weir_shape shape;                  // categorical or text
    const struct weir_category *categories; // distinct, in any order
    size_t n;
    int complete; // every value of the reference is among them: what is not, was never seen
    size_t top;   // categories with a cell of their own, 0: WEIR_CELLS_TOP
    // Of the lengths in bytes, for text.
    double length_centre, length_scale;
};
// The most frequent get cells (ties by text, so that order does not matter).
int weir_cells_build_categories(const struct weir_category_counts *counts,
                                struct weir_cells **cells, struct weir_error *error);

#endif
