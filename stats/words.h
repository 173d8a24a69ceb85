// SPDX-License-Identifier: Apache-2.0
// What the texts of a field are made of, in a bounded place: counts (stats/text_counts.h), and
// which words there are (a Bloom filter: Bloom, 1970). Two may be added in any order to the same
// bytes.
#ifndef WEIR_STATS_WORDS_H
#define WEIR_STATS_WORDS_H

#include "stats/buffer.h"
#include "stats/text_counts.h"
#include "weir/batch.h"

enum { WEIR_VOCABULARY_BITS = 1 << 18, WEIR_VOCABULARY_HASHES = 3 };

struct weir_words { // zeroed: nothing was seen
    struct weir_text_counts counts;
    uint64_t vocabulary[WEIR_VOCABULARY_BITS / 64];
};

void weir_words_add(struct weir_words *words, const char *text, size_t length);
// Of the values of a string column; `rows` NULL: all `n` rows, and of a list all its elements.
void weir_words_add_column(struct weir_words *words, const struct weir_column *column,
                           const uint32_t *rows, size_t n);
void weir_words_merge(struct weir_words *into, const struct weir_words *from);
// Whether a word (its hash as in weir_text_counts_add) was seen: never wrong where it was.
int weir_words_know(const struct weir_words *words, uint64_t word);
// The share of words never seen that are taken for seen: the share of bits set, cubed. .1% at
// 10,000 distinct words, 8% at 50,000.
double weir_words_chance(const struct weir_words *words);

void weir_words_write(const struct weir_words *words, struct weir_buffer *out);
// Adds what was written; a fault fails the reader.
void weir_words_read_merge(struct weir_words *words, struct weir_reader *in);

#endif
