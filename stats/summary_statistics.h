// SPDX-License-Identifier: Apache-2.0
// The statistics of stats/statistic.h between two summaries of one field: what profiles and
// windows can tell. Where the exact value needs rows, the result says how far it may be from it.
#ifndef WEIR_STATS_SUMMARY_STATISTICS_H
#define WEIR_STATS_SUMMARY_STATISTICS_H

#include "stats/samples.h"
#include "stats/statistic.h"
#include "weir/summary.h"

struct weir_statistic_result {
    struct weir_test test;
    // The most by which `value` may differ from that of the rows themselves (numbers) or of counts
    // in the reference's cells (statistics of cells); NAN: not known. Rounding is not in it.
    double bound;
    double reference, current; // each side's own, of rates; else NAN
};

#define WEIR_ALL_STATISTICS (~(uint64_t)0)

// Fills out[i] for every bit i of `wanted`; the others say NOT_APPLICABLE, and those that need
// rows NO_ROWS. Both have the same shape and cells of their own counted; `same_cells`: in the same
// cells, else the current one is put into the reference's. Sketches and moments are used where
// both have them. `shifts` of the quantiles may be NULL; NAN where they are not computed.
// WEIR_ENOMEM.
int weir_summary_statistics(const struct weir_summary *reference,
                            const struct weir_summary *current, int same_cells, uint64_t wanted,
                            struct weir_statistic_result out[WEIR_STATISTICS],
                            double shifts[WEIR_QUANTILES]);

// The current one's counts in the reference's cells: its own where they are the same, else by its
// sketch or categories. `astray` (may be NULL) has for each cell how many of them may belong into
// another. Both have room for reference->cells->n. WEIR_ENOMEM.
int weir_summary_counts_in_cells(const struct weir_summary *reference,
                                 const struct weir_summary *current, int same_cells, double *counts,
                                 double *astray);

#endif
