// SPDX-License-Identifier: Apache-2.0
// Kinds of records that one sample of rows has and another lacks altogether: conjunctions of at
// most three conditions ("device = tv and country = JP"), the fewest conditions first, then the
// largest share. Each condition by itself is known to both samples, so that only together they
// are new.
//
// Conjunctions are looked for level by level (Agrawal and Srikant, "Fast algorithms for mining
// association rules", 1994) over bit sets of rows. One counts where chance would not put all of
// its rows on one side: (current / (reference + current)) ^ rows, times all that were looked at.
#ifndef WEIR_STATS_SEGMENTS_H
#define WEIR_STATS_SEGMENTS_H

#include "stats/contrast.h"

enum {
    WEIR_SEGMENT_CONDITIONS = 3,
    WEIR_SEGMENTS = 3,
    WEIR_SEGMENT_ROWS = 4096, // of each sample that are looked at
    WEIR_SEGMENT_COLUMNS = 64
};

struct weir_segment {
    struct weir_contrast_clause clauses[WEIR_SEGMENT_CONDITIONS];
    size_t n;
    size_t rows;  // of the current sample
    double share; // of it
};

struct weir_segments {
    struct weir_segment of[WEIR_SEGMENTS]; // none within another; the largest first
    size_t n;
    size_t rows[2]; // that were looked at
};

// `share`: the least of the current sample; `alpha`: chance of any segment where both samples are
// of one distribution; `dispersion` (1 and more): so many rows are worth one. Of columns with
// categories 15 values are looked at, those that are commonest in the current sample; of numbers
// the eighths of the reference. WEIR_ENOMEM; WEIR_EINVAL: too many columns. `out` is untouched
// then.
int weir_segments_find(const struct weir_contrast_samples *samples, double share, double alpha,
                       double dispersion, struct weir_segments *out);

#endif
