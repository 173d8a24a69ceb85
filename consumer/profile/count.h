// SPDX-License-Identifier: Apache-2.0
// Exact counts of distinct strings, up to a cap.
#ifndef WEIR_PROFILE_COUNT_H
#define WEIR_PROFILE_COUNT_H

#include "consumer/codec/arena.h"
#include "stats/cells_build.h"
#include "stats/text_shape.h"
#include "weir/batch.h"

enum { WEIR_COUNT_DISTINCT = 1 << 16, WEIR_COUNT_BYTES = 8 << 20 };

struct weir_string_counts {
    struct weir_category *items; // distinct strings
    uint32_t n, room;
    uint32_t *slots; // 1 + item, by hash
    uint32_t n_slots;
    struct weir_arena texts;
    size_t bytes;
    int overflowed;          // there were more: the counts are not complete
    uint64_t values, length; // all of them; of all of them in bytes
    double length_squares;
    struct weir_text_shape shape; // of all of them
    uint32_t *of_code;            // 1 + item, by dictionary code
    uint32_t n_codes, generation;
};

// A zeroed struct is empty. WEIR_ENOMEM.
int weir_string_counts_add(struct weir_string_counts *counts, const struct weir_column *column,
                           const uint32_t *rows, size_t n);
void weir_string_counts_free(struct weir_string_counts *counts);

#endif
