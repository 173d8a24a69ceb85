// SPDX-License-Identifier: Apache-2.0
// What every string of a field has in common, none left out: lengths, characters, the classes at
// each position. From it a pattern follows that all of them match. Order-free; looking at a
// string twice changes nothing.
#ifndef WEIR_STATS_TEXT_SHAPE_H
#define WEIR_STATS_TEXT_SHAPE_H

#include "stats/buffer.h"
#include "stats/look.h"
#include "weir/batch.h"

enum { WEIR_TEXT_POSITIONS = 48 };

struct weir_text_shape {
    uint64_t n;                             // strings looked at
    uint64_t all;                           // looks that every one of them had; 1 << enum weir_look
    uint64_t shortest, longest;             // characters (code points)
    uint64_t shortest_bytes, longest_bytes; // bytes
    uint64_t bytes[4];                      // which bytes occur: bit b of 256
    // Of the first bytes: classes that occur at a position, and the one byte where it is always
    // the same (0: it differs).
    struct {
        uint8_t classes, only;
    } at[WEIR_TEXT_POSITIONS];
};

enum weir_text_class {
    WEIR_TEXT_DIGIT = 1,
    WEIR_TEXT_LOWER = 2,
    WEIR_TEXT_UPPER = 4,
    WEIR_TEXT_OTHER = 8
};

// A zeroed struct has seen nothing.
void weir_text_shape_add(struct weir_text_shape *shape, const struct weir_string *string);
void weir_text_shape_merge(struct weir_text_shape *into, const struct weir_text_shape *from);
// A PCRE2 pattern that every string looked at matches, and few others; 0 where none says enough.
// Digits are never fixed, letters only where 100 strings or more agree. `out` has `size` bytes.
int weir_text_shape_pattern(const struct weir_text_shape *shape, char *out, size_t size);
// The same without the last resort, which says no more than that strings are one word of certain
// characters.
int weir_text_shape_format(const struct weir_text_shape *shape, char *out, size_t size);
void weir_text_shape_write(const struct weir_text_shape *shape, struct weir_buffer *out);
// Adds what was written; a fault fails the reader.
void weir_text_shape_read_merge(struct weir_text_shape *shape, struct weir_reader *in);

#endif
