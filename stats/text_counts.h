// SPDX-License-Identifier: Apache-2.0
// What texts are made of, counted: kinds of characters, and words by hash. Sums: two may be added
// in any order.
#ifndef WEIR_STATS_TEXT_COUNTS_H
#define WEIR_STATS_TEXT_COUNTS_H

#include <stddef.h>
#include <stdint.h>

enum weir_character_class {
    WEIR_CHARACTER_LOWER,
    WEIR_CHARACTER_UPPER,
    WEIR_CHARACTER_DIGIT,
    WEIR_CHARACTER_SPACE, // and control characters
    WEIR_CHARACTER_PUNCTUATION,
    WEIR_CHARACTER_BEYOND, // ASCII
    WEIR_CHARACTER_CLASSES
};
enum { WEIR_TOKEN_BUCKETS = 1024 };

struct weir_text_counts {
    uint64_t texts, tokens;
    uint64_t classes[WEIR_CHARACTER_CLASSES]; // of code points
    uint64_t buckets[WEIR_TOKEN_BUCKETS];     // of words, by hash
};

// Words are runs of letters and digits, and of all that is beyond ASCII, without case; of longer
// ones the first 64 bytes count. `token` (may be NULL) is called with each one's hash.
void weir_text_counts_add(struct weir_text_counts *counts, const char *text, size_t length,
                          void (*token)(void *context, uint64_t hash), void *context);
void weir_text_counts_merge(struct weir_text_counts *into, const struct weir_text_counts *from);

// Jensen-Shannon distances (base 2) of the kinds of characters, and of the words' buckets. -1
// where a side has none.
double weir_text_class_distance(const struct weir_text_counts *a, const struct weir_text_counts *b);
double weir_text_token_distance(const struct weir_text_counts *a, const struct weir_text_counts *b);

#endif
