// SPDX-License-Identifier: Apache-2.0
#include "stats/text_counts.h"

#include "stats/hash.h"
#include "stats/two_sample.h"

enum { LONGEST = 64 };

static enum weir_character_class class_of(uint8_t byte)
{
    if (byte >= 'a' && byte <= 'z')
        return WEIR_CHARACTER_LOWER;
    if (byte >= 'A' && byte <= 'Z')
        return WEIR_CHARACTER_UPPER;
    if (byte >= '0' && byte <= '9')
        return WEIR_CHARACTER_DIGIT;
    if (byte <= ' ' || byte == 0x7f)
        return WEIR_CHARACTER_SPACE;
    return byte < 0x80 ? WEIR_CHARACTER_PUNCTUATION : WEIR_CHARACTER_BEYOND;
}

void weir_text_counts_add(struct weir_text_counts *counts, const char *text, size_t length,
                          void (*token)(void *context, uint64_t hash), void *context)
{
    char word[LONGEST];
    size_t in_word = 0;
    counts->texts++;
    for (size_t i = 0; i <= length; i++) {
        uint8_t byte = i < length ? (uint8_t)text[i] : 0;
        enum weir_character_class class = class_of(byte);
        if (i < length && (byte & 0xc0) != 0x80) // a code point begins here
            counts->classes[class]++;
        if (class != WEIR_CHARACTER_SPACE && class != WEIR_CHARACTER_PUNCTUATION) {
            if (in_word < LONGEST)
                word[in_word++] = (char)(class == WEIR_CHARACTER_UPPER ? byte + 32 : byte);
        } else if (in_word) {
            uint64_t hash = weir_hash(word, in_word);
            counts->tokens++;
            counts->buckets[hash % WEIR_TOKEN_BUCKETS]++;
            if (token)
                token(context, hash);
            in_word = 0;
        }
    }
}

void weir_text_counts_merge(struct weir_text_counts *into, const struct weir_text_counts *from)
{
    into->texts += from->texts;
    into->tokens += from->tokens;
    for (int i = 0; i < WEIR_CHARACTER_CLASSES; i++)
        into->classes[i] += from->classes[i];
    for (int i = 0; i < WEIR_TOKEN_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

static double distance(const uint64_t *a, const uint64_t *b, size_t n)
{
    double counts[2][WEIR_TOKEN_BUCKETS];
    struct weir_cell_distances d;
    for (size_t i = 0; i < n; i++) {
        counts[0][i] = (double)a[i];
        counts[1][i] = (double)b[i];
    }
    struct weir_cell_counts cells = {counts[0], counts[1], n, 0};
    return weir_cell_distances(&cells, &d) == WEIR_TEST_OK ? d.jensen_shannon : -1;
}

double weir_text_class_distance(const struct weir_text_counts *a, const struct weir_text_counts *b)
{
    return distance(a->classes, b->classes, WEIR_CHARACTER_CLASSES);
}

double weir_text_token_distance(const struct weir_text_counts *a, const struct weir_text_counts *b)
{
    return distance(a->buckets, b->buckets, WEIR_TOKEN_BUCKETS);
}
