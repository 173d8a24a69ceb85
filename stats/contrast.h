// SPDX-License-Identifier: Apache-2.0
// Rules that tell one sample of rows from another, for people to read: `amount > 900 and country =
// JP (31% of the new records, 2% of the old)`.
//
// A shallow tree (CART: Breiman, Friedman, Olshen and Stone, 1984; Gini, both samples weighing the
// same) is grown on one half of the rows and judged on the other, as Hinder et al. (2023) explain
// drift by a model that tells new from old. Shares, area under the curve and interval are all of
// the half that the tree has not seen.
#ifndef WEIR_STATS_CONTRAST_H
#define WEIR_STATS_CONTRAST_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"
#include "stats/two_sample.h"

enum {
    WEIR_CONTRAST_ROWS = 2000, // of each sample that are looked at
    WEIR_CONTRAST_LEAST = 60,  // rows that each sample must have
    WEIR_CONTRAST_COLUMNS = 256,
    WEIR_CONTRAST_DEPTH = 3, // clauses of a rule, at most
    WEIR_CONTRAST_RULES = 8,
    WEIR_CONTRAST_WITH = 4
};

enum weir_contrast_side { WEIR_CONTRAST_REFERENCE, WEIR_CONTRAST_CURRENT };

// One field; by side, then by row. Either numbers or categories (hashes of them, or any numbers
// that stand for them) on both sides. The caller owns them.
struct weir_contrast_column {
    const double *number[2]; // NaN: null
    const uint64_t *category[2];
    const uint8_t *absent[2]; // not 0: null. NULL: none is
};

struct weir_contrast_samples {
    const struct weir_contrast_column *columns;
    size_t n_columns; // at most WEIR_CONTRAST_COLUMNS
    size_t rows[2];
    uint64_t seed; // which rows are looked at, and which half learns
    double floor; // what the lower bound of the area must be over; below .5 it is .5. As a rule .55
};

enum weir_contrast_kind {
    WEIR_CONTRAST_ABOVE,   // a number > `number`
    WEIR_CONTRAST_AT_MOST, // a number <= `number`
    WEIR_CONTRAST_IS,      // the category `category`
    WEIR_CONTRAST_NULL
};

struct weir_contrast_clause {
    size_t column;
    enum weir_contrast_kind kind;
    int negated; // so that nulls, which are neither above nor at most, are in
    double number;
    uint64_t category;
};

struct weir_contrast_rule {
    struct weir_contrast_clause clauses[WEIR_CONTRAST_DEPTH]; // all of them hold
    size_t n;
    size_t count[2];           // rows that it holds for, of the half that judges
    double share[2], error[2]; // of that half's rows, with the standard error
};

struct weir_contrast {
    enum weir_test_status status; // OK, or why no tree was grown (TOO_FEW, NO_ROWS: no column)
    size_t learned[2], judged[2]; // rows of either half
    // Area under the curve of the tree's leaves, and its 95% interval (DeLong et al., 1988).
    double auc, low, high;
    // Empty where `low` is not over the floor: then there is nothing to say. Else those that tell
    // most apart first; what holds for the same records as one before, or for all others, is left
    // out, and so is what is within 3 standard errors of no difference.
    struct weir_contrast_rule rules[WEIR_CONTRAST_RULES];
    size_t n_rules;
    // Columns that say nearly the same as the first split (correlation .7 and more): what moved
    // together. Empty where there are no rules.
    size_t with[WEIR_CONTRAST_WITH];
    size_t n_with;
};

// The same for the same rows in any order. At most WEIR_CONTRAST_ROWS of each sample are looked
// at: those with the smallest hashes. Takes memory for 16 bytes a row and 50 bytes a looked at
// value, and time for hashing all values and sorting the looked at ones three times. A split is
// made where chance would make one of a hundred such trees; every clause takes part in the
// difference that a rule makes. WEIR_ENOMEM; WEIR_EINVAL: too many columns, or one with neither
// numbers nor categories. `out` is untouched then.
int weir_contrast_find(const struct weir_contrast_samples *samples, struct weir_contrast *out);

// Whether a rule holds for a row of a sample.
int weir_contrast_holds(const struct weir_contrast_samples *samples,
                        const struct weir_contrast_rule *rule, enum weir_contrast_side side,
                        size_t row);

// The rule without shares. `name` of a column; `category` gives the text of one, or NULL where it
// is not known, which prints its hash.
struct weir_contrast_texts {
    const char *(*name)(const void *state, size_t column);
    const char *(*category)(const void *state, size_t column, uint64_t category);
    const void *state;
};
int weir_contrast_write(const struct weir_contrast_rule *rule,
                        const struct weir_contrast_texts *texts, struct weir_buffer *out);

#endif
