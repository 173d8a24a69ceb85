// SPDX-License-Identifier: Apache-2.0
// What was done to a field's values on one side of training and serving only: standardising,
// scaling, a logarithm, another clock, other codes, other letters. A name is given only where
// undoing it makes the two sides alike again; what merely differs has none.
#ifndef WEIR_STATS_PREPROCESSING_H
#define WEIR_STATS_PREPROCESSING_H

#include "stats/unlike.h"

enum weir_preprocessing_kind {
    WEIR_PREPROCESSING_NONE,
    WEIR_PREPROCESSING_STANDARDISED,   // mean 0, standard deviation 1 on the side `done_on`
    WEIR_PREPROCESSING_ROBUST,         // median 0, interquartile range 1
    WEIR_PREPROCESSING_MIN_MAX,        // 0 to 1
    WEIR_PREPROCESSING_MIN_MAX_SIGNED, // -1 to 1
    WEIR_PREPROCESSING_LOG,            // a logarithm: `map` says which
    WEIR_PREPROCESSING_UNIT,           // another unit, scale or sign: `map`, `from`, `to`
    WEIR_PREPROCESSING_CYCLE,     // `shift` steps round a cycle of `period`: another time zone,
                                  // another first day of the week
    WEIR_PREPROCESSING_BASE,      // counted from another first number: `shift` more
    WEIR_PREPROCESSING_CODES,     // the same codes for other things: their shares are permuted
    WEIR_PREPROCESSING_CASE,      // of letters
    WEIR_PREPROCESSING_SPACE,     // spaces about values
    WEIR_PREPROCESSING_SEPARATOR, // "_", "-", "." or spaces between words
    WEIR_PREPROCESSING_NUMBER,    // "1.0" or "01" for "1"
    WEIR_PREPROCESSING_SPELLING   // several of the last four
};

// Fields for which an order, or a permutation, was found: field `now` has what `was` had.
struct weir_preprocessing_pair {
    char training[48], serving[48];
    double share;
};
enum { WEIR_PREPROCESSING_EXAMPLES = 3 };

struct weir_preprocessing {
    enum weir_preprocessing_kind kind;
    int done_on;              // WEIR_TRAINING or WEIR_SERVING; of those that are done on one side
    struct weir_unit_map map; // serving from training, where it is one
    const char *from, *to;    // of a unit or logarithm; may be NULL; static
    int period, shift;        // of a cycle: serving = (training + shift) mod period
    double before, after;     // distance as it is, and when it is undone
    double share;             // of serving's values that are concerned
    struct weir_preprocessing_pair examples[WEIR_PREPROCESSING_EXAMPLES];
    size_t n_examples; // of codes and spellings
};

// `kind` is NONE where nothing explains the difference, or there is none. WEIR_ENOMEM.
int weir_preprocessing_find(const struct weir_unlike *field, struct weir_preprocessing *out);
// Parts of it: each returns whether it explains the difference.
int weir_preprocessing_of_scale(const struct weir_unlike *field, struct weir_preprocessing *out);
int weir_preprocessing_of_cycle(const struct weir_unlike *field, struct weir_preprocessing *out);
int weir_preprocessing_of_codes(const struct weir_unlike *field, struct weir_preprocessing *out);
int weir_preprocessing_of_spelling(const struct weir_unlike *field, struct weir_preprocessing *out);

// What was done, after the field's name: "is standardised in serving (mean 0, standard deviation
// 1) and was not in training".
void weir_preprocessing_text(const struct weir_preprocessing *found, char *out, size_t size);

// One-hot columns in another order: several fields of zeros and ones whose rates are those of
// training, but of other fields. of[i]: the field whose training rate field i has now, or i.
struct weir_one_hot {
    size_t n;             // fields that have another's rate; 0: nothing of the kind
    double before, after; // the largest difference of rates as they are, and when put in order
};
// WEIR_ENOMEM.
int weir_one_hot_find(const struct weir_unlike *fields, size_t n, size_t *of,
                      struct weir_one_hot *out);

#endif
