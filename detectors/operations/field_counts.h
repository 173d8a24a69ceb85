// SPDX-License-Identifier: Apache-2.0
// One field's values in several slices, counted in the same few cells.
#ifndef WEIR_OPERATIONS_FIELD_COUNTS_H
#define WEIR_OPERATIONS_FIELD_COUNTS_H

#include "weir/detector.h"

enum { OPERATIONS_CELLS = 16 };

// The summary parts that counting needs; WEIR_PART_MOMENTS and others of enum weir_part.
unsigned operations_count_parts(enum weir_type type);

struct operations_field_counts {
    int ordered;
    size_t n_cells;                     // 0: the field cannot be counted
    double (*slices)[OPERATIONS_CELLS]; // of each slice that was asked for
    double all[OPERATIONS_CELLS];       // of them together
};

// Counts `field` in window->slices[which[i]]. `out->slices` has room for n. The cells are the
// stream's deciles and outer quantiles, or its most frequent values.
void operations_field_counts(const struct weir_window *window, int field, const size_t *which,
                             size_t n, struct operations_field_counts *out);

// How unlike slice `i` is to all others together: total variation without what chance would
// show, and how unlikely chance is.
void operations_unlike_peers(const struct operations_field_counts *counts, size_t i, double *effect,
                             double *p_value);

#endif
