// SPDX-License-Identifier: Apache-2.0
// What the values of one field have in common: a summary of a few hundred bytes from which the
// field's meaning is inferred (stats/meaning.h). Counts only, so merging is order-free, but for
// what is counted between one value and the next, which is of the order within each task.
#ifndef WEIR_STATS_CLUES_H
#define WEIR_STATS_CLUES_H

#include "stats/buffer.h"
#include "stats/look.h"
#include "stats/text_shape.h"
#include "weir/batch.h"

struct weir_hll;

enum { WEIR_CLUES_EVERY = 64, WEIR_CLUES_FIRST = 1024 };

struct weir_clues {
    uint64_t rows;   // that came by, whether or not they were looked at
    uint64_t values; // looked at
    uint64_t look[WEIR_LOOKS];
    // Between neighbours among the values looked at: pairs, those that rose, fell, stayed, and
    // the steps up that were as large as the one before.
    uint64_t pairs, rose, fell, even_steps;
    uint64_t first_digit[10], last_digit[10]; // of whole numbers; first: of all numbers
    // Of strings.
    uint64_t bytes, letters, digits, spaces, uppers;
    uint64_t shortest, longest;
    double minimum, maximum;   // of numbers; 0 where there is none
    struct weir_hll *distinct; // owned
    // Of every string, filled by who sees them all (weir_profile_make()); empty otherwise.
    struct weir_text_shape shape;
    // The last value, from which pairs go on. Not merged and not written.
    double last, step;
    int has_last;
};

// A zeroed struct is empty but for `distinct`. WEIR_ENOMEM.
int weir_clues_init(struct weir_clues *clues);
void weir_clues_free(struct weir_clues *clues);
void weir_clues_reset(struct weir_clues *clues);
// Looks at the values of `rows` (NULL: the first `n`) of a column: at each of the first
// WEIR_CLUES_FIRST rows, then at one in WEIR_CLUES_EVERY. `time` as in the batch.
int weir_clues_add(struct weir_clues *clues, const struct weir_column *column, const int64_t *time,
                   const uint32_t *rows, size_t n);
int weir_clues_merge(struct weir_clues *into, const struct weir_clues *from);
int weir_clues_write(const struct weir_clues *clues, struct weir_buffer *out);
// Adds what was written; a fault fails the reader.
int weir_clues_read_merge(struct weir_clues *clues, struct weir_reader *in);

#endif
