// SPDX-License-Identifier: Apache-2.0
// A value of either side, in a form in which two of them can be compared: small, of one size, and
// free of the batch that it came with. Texts are kept as hashes.
#ifndef WEIR_SKEW_VALUE_H
#define WEIR_SKEW_VALUE_H

#include "stats/buffer.h"
#include "weir/batch.h"

enum skew_tag {
    SKEW_ABSENT,      // null, missing or NaN
    SKEW_FAULT,       // something that is not of the field's type: never compared
    SKEW_LONG,        // bits: int64
    SKEW_DOUBLE,      // bits: double
    SKEW_BOOLEAN,     // bits: 0 or 1
    SKEW_TEXT,        // bits: the text's hash; folded: a hash of it in lower case and trimmed
    SKEW_TEXT_NUMBER, // a text that spells a number; bits: a double; folded: a hash of the text
    SKEW_TEXT_TIME,   // a text that is a time; bits: int64, epoch ms; folded: as above
    SKEW_TAGS
};

struct skew_value {
    uint64_t bits;
    uint32_t folded;
    uint32_t tag; // enum skew_tag
};

// `as_double`: integers too, where the other side has doubles.
struct skew_value skew_value_read(const struct weir_column *column, uint32_t row, int as_double);
struct skew_value skew_value_text(const char *text, size_t length, uint64_t hash);

// The number that a value is, whichever way it is written (booleans: 0 and 1, times: epoch ms);
// NAN: it is none.
double skew_value_number(const struct skew_value *value);
// 1: a text that says yes, 0: no, -1: neither ("true", "F", "yes", "n").
int skew_value_says(const struct skew_value *value);

static inline int skew_value_same(const struct skew_value *a, const struct skew_value *b)
{
    return a->tag == b->tag && a->bits == b->bits && a->folded == b->folded;
}

void skew_value_write(const struct skew_value *value, struct weir_buffer *out);
struct skew_value skew_value_get(struct weir_reader *in);

#endif
