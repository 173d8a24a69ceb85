// SPDX-License-Identifier: Apache-2.0
// The statistics of two summaries of one field.
#ifndef WEIR_COMPARE_SUMMARIES_H
#define WEIR_COMPARE_SUMMARIES_H

#include "consumer/compare/compare.h"
#include "stats/summary_statistics.h"

// Of the same shape; cells, moments and (numbers) sketches in both. `same_cells`: the current
// one counts in the reference's cells. 0 or WEIR_ENOMEM.
int weir_compare_summaries(const struct weir_summary *reference, const struct weir_summary *current,
                           enum weir_compare_type type, int same_cells,
                           struct weir_field_comparison *out);

// What both ways of comparing share (fields.c): an empty comparison, and one more statistic of it.
void weir_comparison_begin(struct weir_field_comparison *out);
struct weir_comparison *weir_comparison_add(struct weir_field_comparison *out,
                                            enum weir_statistic_id statistic,
                                            struct weir_test test);
// The statistics of a field of this type; bits.
uint64_t weir_comparison_wanted(enum weir_compare_type type);
// What texts and vectors have beside (vectors.c); sorts what the columns hold of words.
// WEIR_ENOMEM.
int weir_compare_texts(const struct weir_table_column *a, const struct weir_table_column *b,
                       struct weir_test out[WEIR_STATISTICS]);
int weir_compare_vectors(const struct weir_table_column *a, const struct weir_table_column *b,
                         struct weir_test out[WEIR_STATISTICS]);
// How far mean_shift, norm_shift and vector_mmd of all vectors may be away, in 19 of 20 cases,
// where these are a sample of them; NAN: not known.
enum { WEIR_VECTOR_STATISTICS = 3 };
int weir_compare_vector_bounds(const struct weir_table_column *a, const struct weir_table_column *b,
                               double bounds[WEIR_VECTOR_STATISTICS]);
// Replaces a statistic that the field has.
void weir_comparison_put(struct weir_field_comparison *field, enum weir_statistic_id statistic,
                         struct weir_test test, double bound);
// `moved` and the p-value of the whole, from what the cells and the null rate say.
void weir_comparison_judge(struct weir_field_comparison *out, const struct weir_cell_counts *counts,
                           const struct weir_test *nulls, double change_of_nulls);

#endif
