// SPDX-License-Identifier: Apache-2.0
// What the files of stats/contrast.h share.
#ifndef WEIR_STATS_CONTRAST_INSIDE_H
#define WEIR_STATS_CONTRAST_INSIDE_H

#include "stats/contrast.h"
#include "weir/error.h"

struct weir_contrast_key {
    uint64_t cell;
    uint8_t side;
};

struct weir_contrast_split {
    struct weir_contrast_clause clause;
    double gain;       // of weighted Gini impurity; 0: there is none
    double chi_square; // of the 2 x 2 table of the rows that learn
};

struct weir_contrast_leaf {
    struct weir_contrast_rule rule;
    size_t learned[2], judged[2];
};

enum { WEIR_CONTRAST_LEAVES = 1 << WEIR_CONTRAST_DEPTH };

// The rows that are looked at, column by column.
struct weir_contrast_work {
    size_t columns, rows, capacity;
    uint64_t *cell; // numbers as bits in their order, or categories
    uint8_t *null;
    uint8_t *side, *judges, *leaf; // by row
    uint8_t *masks;                // of rules, by row
    struct weir_contrast_key *sorted;
    size_t total[2][2]; // by half (learns, judges), then by side
    uint8_t numeric[WEIR_CONTRAST_COLUMNS], has_null[WEIR_CONTRAST_COLUMNS];
    struct weir_contrast_leaf leaves[WEIR_CONTRAST_LEAVES];
    size_t n_leaves;
    struct weir_contrast_split root[WEIR_CONTRAST_COLUMNS]; // the best of each column
};

// WEIR_ENOMEM: close it all the same.
int weir_contrast_open(const struct weir_contrast_samples *samples, struct weir_contrast_work *w);
void weir_contrast_close(struct weir_contrast_work *w);
double weir_contrast_number(uint64_t cell);
int weir_contrast_clause_holds(const struct weir_contrast_work *w,
                               const struct weir_contrast_clause *clause, size_t row);

// Grows the tree; `leaf` says where each row is, also of those that judge. Returns the column of
// the first split, or WEIR_CONTRAST_COLUMNS: nothing is told apart.
size_t weir_contrast_grow(struct weir_contrast_work *w);

#endif
