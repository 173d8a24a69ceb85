// SPDX-License-Identifier: Apache-2.0
// The statistics of two summaries of one field.
#ifndef WEIR_COMPARE_SUMMARIES_H
#define WEIR_COMPARE_SUMMARIES_H

#include "consumer/compare/compare.h"
#include "weir/summary.h"

// Of the same shape; cells, moments and (numbers) sketches in both. `same_cells`: the current
// one counts in the reference's cells. 0 or WEIR_ENOMEM.
int weir_compare_summaries(const struct weir_summary *reference, const struct weir_summary *current,
                           int same_cells, struct weir_field_comparison *out);

// What both ways of comparing say the same of (fields.c). A test, with its reason.
struct weir_comparison *weir_comparison_add(struct weir_field_comparison *out, const char *name,
                                            struct weir_test test);
// A statistic without a p-value.
void weir_comparison_add_value(struct weir_field_comparison *out, const char *name, double value,
                               enum weir_test_status status);
// Null rates: so many of so many rows.
void weir_comparison_add_nulls(struct weir_field_comparison *out, double null_a, double n_a,
                               double null_b, double n_b);
// What cells say of values of any kind.
void weir_comparison_add_cells(struct weir_field_comparison *out,
                               const struct weir_cell_counts *counts);

#endif
