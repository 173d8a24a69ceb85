// SPDX-License-Identifier: Apache-2.0
// What reservoir.c (rows come and go) and reservoir_rows.c (what is in them) share.
//
// A row's bytes are those of its fields, one after the other. An element is its state, and for
// values: a double; a varint; a byte, 0 or 1; a length, the text cut at WEIR_RESERVOIR_TEXT, and
// where it was cut its hash. A list is its length and so many elements.
#ifndef WEIR_STATS_RESERVOIR_INSIDE_H
#define WEIR_STATS_RESERVOIR_INSIDE_H

#include "stats/reservoir.h"

struct weir_reservoir_row {
    uint64_t hash;
    size_t length;
    uint8_t *data;
};

struct weir_reservoir {
    const struct weir_reservoir_spec *spec;
    struct weir_reservoir_row *heap;
    size_t n, capacity;
    size_t bytes;   // of rows, as spec->bytes counts them
    uint64_t limit; // hashes from here on were dropped
    uint64_t seen;
    struct weir_buffer scratch;
};

// By hash, then bytes. The caller frees the list. NULL without memory.
const struct weir_reservoir_row **weir_reservoir_sorted(const struct weir_reservoir *reservoir);
// Whether bytes from outside are a row of these fields.
int weir_reservoir_is_row(const struct weir_reservoir_spec *spec, const uint8_t *data,
                          size_t length);

#endif
