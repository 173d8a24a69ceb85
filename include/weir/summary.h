// SPDX-License-Identifier: Apache-2.0
// What is kept of one field in one window and slice: small, of a size that does not depend on
// the number of records, and mergeable in any order to the same bytes. Detectors read these
// structs; libweir-stats fills and merges them (stats/summary.h).
#ifndef WEIR_SUMMARY_H
#define WEIR_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "weir/batch.h"

// Which parts are kept. Counts always are.
enum weir_part {
    WEIR_PART_MOMENTS = 1,   // sum, sum of squares, minimum, maximum
    WEIR_PART_CELLS = 2,     // counts in the reference's cells
    WEIR_PART_QUANTILES = 4, // a signed DDSketch, 1% relative error
    WEIR_PART_DISTINCT = 8,  // a HyperLogLog of the values' hashes
    WEIR_PART_TOP = 16       // the most frequent values that are no cell of the reference
};

enum weir_shape { // how a field's values are looked at
    WEIR_SHAPE_NUMERIC,
    WEIR_SHAPE_BOOLEAN,     // two cells: false, true
    WEIR_SHAPE_CATEGORICAL, // cells: the reference's top values, then 64 hashed ones
    WEIR_SHAPE_TEXT         // as categorical, and moments are of the length in bytes
};

enum { WEIR_HASHED_CELLS = 64 };

struct weir_cells_index; // stats/cells.h
struct weir_habits;      // stats/habits.h

// The cells of a field, taken from its reference. Immutable and shared once made.
struct weir_cells {
    enum weir_shape shape;
    size_t n; // cells in all
    // Numeric: n - 1 ascending cuts; cell i holds (cuts[i - 1], cuts[i]], the last what is above.
    // A value that holds more than 1/32 of the mass (an atom) has the cell (below it, it].
    const double *cuts;
    // Categorical, text: category i is cell i; the other values known to the reference fall by
    // hash into the WEIR_HASHED_CELLS that follow.
    const struct weir_string *categories;
    size_t n_categories;
    // Hashes of all values that the reference has seen, ascending; values that are not among
    // them count as `unseen` (and in a hashed cell). NULL where there were too many to keep.
    const uint64_t *known;
    size_t n_known;
    // The share of values never seen that more of the reference would have brought (Good and
    // Turing: values seen once / values). 0 for numbers.
    double unseen_share;
    // Moments are summed as fixed-point multiples of `scale` about `centre`, so that their sum
    // does not depend on the order. From the reference: about its median and robust sd.
    double centre, scale;
    // A faster search, made with the cells by libweir-stats; NULL: found the slow way.
    const struct weir_cells_index *index;
    // Minor 1. What else the reference knows of the field; NULL: nothing (an older profile). Not
    // copied, written or hashed with the cells.
    const struct weir_habits *habits;
};

// Sums in units of 2^-32 scale (first power) and 2^-24 scale^2 (second power), saturated values
// counted apart. Read them with weir_moments_mean() and weir_moments_variance().
struct weir_moments {
    uint64_t n;       // finite values within the sums
    uint64_t outside; // finite values too far from the centre for the sums
    __extension__ __int128 sum;
    __extension__ __int128 sum_squares;
    double minimum, maximum; // over all finite values; 0 and 0 where there is none
};

struct weir_ddsketch; // stats/ddsketch.h
struct weir_hll;      // stats/hll.h
struct weir_top;      // stats/top.h

struct weir_summary {
    enum weir_shape shape;
    unsigned parts; // of enum weir_part
    // rows = values + null + missing + fault (for lists: elements instead of rows)
    uint64_t rows, values, null, missing, fault;
    uint64_t nan, infinite_low, infinite_high; // among `values`
    uint64_t empty;                            // empty strings, among `values`
    uint64_t unseen;                           // values the reference never saw, among `values`
    struct weir_moments moments;               // of finite numbers; of lengths for text
    const struct weir_cells *cells;            // NULL: no reference; centre and scale 0 and 1
    uint64_t *cell; // cells->n counts, NULL without the part; finite numbers, all strings
    struct weir_ddsketch *quantiles; // of what moments are of; NULL without the part
    struct weir_hll *distinct;
    struct weir_top *top;
};

#endif
