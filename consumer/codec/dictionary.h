// SPDX-License-Identifier: Apache-2.0
// The distinct strings of one field, in order of arrival: append-only until cleared, capped. Open
// addressing over 8-byte slots, so that a hit costs one line of the table and one of the strings.
#ifndef WEIR_CODEC_DICTIONARY_H
#define WEIR_CODEC_DICTIONARY_H

#include <string.h>

#include "consumer/codec/arena.h"
#include "weir/batch.h"

#define WEIR_DICTIONARY_NONE UINT32_MAX

struct weir_dictionary {
    struct weir_string *strings;
    uint32_t n, capacity;
    uint32_t max_entries;
    size_t bytes, max_bytes;
    uint64_t *slots; // the hash's upper half, then code + 1; 0: free
    uint32_t mask;
    struct weir_arena arena;
};

// Nothing is allocated before the first insert. `max_entries` 0: nothing is ever kept.
void weir_dictionary_init(struct weir_dictionary *dictionary, uint32_t max_entries,
                          size_t max_bytes);
void weir_dictionary_free(struct weir_dictionary *dictionary);
// Appends a string that find() did not find, copied. WEIR_DICTIONARY_NONE: beyond a cap, or
// memory is out.
uint32_t weir_dictionary_insert(struct weir_dictionary *dictionary, const char *data, size_t length,
                                uint64_t hash);

// Forgets all strings and keeps the memory.
void weir_dictionary_clear(struct weir_dictionary *dictionary);
// Whether a string of middling length would be beyond a cap.
static inline int weir_dictionary_full(const struct weir_dictionary *dictionary)
{
    return dictionary->n >= dictionary->max_entries ||
           dictionary->bytes > dictionary->max_bytes - dictionary->max_bytes / 64;
}

static inline int weir_bytes_equal(const char *a, const char *b, size_t length)
{
    uint64_t x, y, v, w;
    if (length > 16)
        return memcmp(a, b, length) == 0;
    if (length >= 8) {
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        memcpy(&v, a + length - 8, 8);
        memcpy(&w, b + length - 8, 8);
        return ((x ^ y) | (v ^ w)) == 0;
    }
    if (length >= 4) {
        uint32_t p, q, r, s;
        memcpy(&p, a, 4);
        memcpy(&q, b, 4);
        memcpy(&r, a + length - 4, 4);
        memcpy(&s, b + length - 4, 4);
        return ((p ^ q) | (r ^ s)) == 0;
    }
    for (size_t i = 0; i < length; i++) {
        if (a[i] != b[i])
            return 0;
    }
    return 1;
}

static inline uint32_t weir_dictionary_find(const struct weir_dictionary *dictionary,
                                            const char *data, size_t length, uint64_t hash)
{
    if (!dictionary->slots)
        return WEIR_DICTIONARY_NONE;
    uint32_t at = (uint32_t)hash & dictionary->mask;
    for (;; at = (at + 1) & dictionary->mask) {
        uint64_t slot = dictionary->slots[at];
        if (!slot)
            return WEIR_DICTIONARY_NONE;
        if ((slot ^ hash) >> 32)
            continue;
        uint32_t code = (uint32_t)slot - 1;
        const struct weir_string *string = &dictionary->strings[code];
        if (string->length == length && weir_bytes_equal(string->data, data, length))
            return code;
    }
}

#endif
