// SPDX-License-Identifier: Apache-2.0
#include "stats/words.h"

enum { PLACES = WEIR_VOCABULARY_BITS / 64 };

// The hash has 64 good bits: each place takes 18 of its own.
static uint32_t place_of(uint64_t word, int k)
{
    return (uint32_t)(word >> (10 + 18 * k)) % WEIR_VOCABULARY_BITS;
}

static void add_word(void *context, uint64_t word)
{
    struct weir_words *words = context;
    for (int k = 0; k < WEIR_VOCABULARY_HASHES; k++)
        words->vocabulary[place_of(word, k) / 64] |= (uint64_t)1 << place_of(word, k) % 64;
}

void weir_words_add(struct weir_words *words, const char *text, size_t length)
{
    weir_text_counts_add(&words->counts, text, length, add_word, words);
}

void weir_words_add_column(struct weir_words *words, const struct weir_column *column,
                           const uint32_t *rows, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        uint32_t row = rows ? rows[r] : (uint32_t)r;
        uint32_t first = column->offsets ? column->offsets[row] : row;
        uint32_t end = column->offsets ? column->offsets[row + 1] : row + 1;
        for (uint32_t i = first; i < end; i++) {
            if (column->state[i] != WEIR_STATE_VALUE)
                continue;
            const struct weir_string *text = weir_column_string(column, column->values.code[i]);
            weir_words_add(words, text->data, text->length);
        }
    }
}

void weir_words_merge(struct weir_words *into, const struct weir_words *from)
{
    weir_text_counts_merge(&into->counts, &from->counts);
    for (int i = 0; i < PLACES; i++)
        into->vocabulary[i] |= from->vocabulary[i];
}

int weir_words_know(const struct weir_words *words, uint64_t word)
{
    for (int k = 0; k < WEIR_VOCABULARY_HASHES; k++) {
        if (!(words->vocabulary[place_of(word, k) / 64] >> place_of(word, k) % 64 & 1))
            return 0;
    }
    return 1;
}

double weir_words_chance(const struct weir_words *words)
{
    double set = 0, chance = 1;
    for (int i = 0; i < PLACES; i++)
        set += __builtin_popcountll(words->vocabulary[i]);
    for (int k = 0; k < WEIR_VOCABULARY_HASHES; k++)
        chance *= set / WEIR_VOCABULARY_BITS;
    return chance;
}

static void put_count(struct weir_buffer *out, uint64_t count)
{
    weir_put_long(out, (int64_t)count);
}

void weir_words_write(const struct weir_words *words, struct weir_buffer *out)
{
    const struct weir_text_counts *counts = &words->counts;
    put_count(out, counts->texts);
    put_count(out, counts->tokens);
    for (int i = 0; i < WEIR_CHARACTER_CLASSES; i++)
        put_count(out, counts->classes[i]);
    for (int i = 0; i < WEIR_TOKEN_BUCKETS; i++)
        put_count(out, counts->buckets[i]);
    for (int i = 0; i < PLACES; i++)
        weir_put_fixed64(out, words->vocabulary[i]);
}

void weir_words_read_merge(struct weir_words *words, struct weir_reader *in)
{
    const size_t most = (size_t)1 << 53; // counts are used as doubles
    struct weir_text_counts *counts = &words->counts;
    counts->texts += weir_get_count(in, most);
    counts->tokens += weir_get_count(in, most);
    for (int i = 0; i < WEIR_CHARACTER_CLASSES; i++)
        counts->classes[i] += weir_get_count(in, most);
    for (int i = 0; i < WEIR_TOKEN_BUCKETS; i++)
        counts->buckets[i] += weir_get_count(in, most);
    for (int i = 0; i < PLACES; i++)
        words->vocabulary[i] |= weir_get_fixed64(in);
}
