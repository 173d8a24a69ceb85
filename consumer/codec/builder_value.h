// SPDX-License-Identifier: Apache-2.0
// The builder's inside, shared by builder.c and builder_value.c alone.
#ifndef WEIR_CODEC_BUILDER_VALUE_H
#define WEIR_CODEC_BUILDER_VALUE_H

#include "consumer/codec/builder.h"
#include "consumer/codec/dictionary.h"

// Years 1 to 9999. Beyond, a number is no time, and arithmetic on it need not fear overflow.
#define WEIR_TIME_LOW INT64_C(-62135596800000)
#define WEIR_TIME_HIGH INT64_C(253402300799999)

// Codes of short strings that came lately, found without a hash of the string: most values of a
// category are one of a few.
enum { WEIR_BUILDER_RECENT = 64, WEIR_BUILDER_SHORT = 16 };

struct weir_builder_recent {
    uint64_t head, tail; // with the length, all of a string of at most 16 bytes
    uint32_t length;     // 0: free
    uint32_t code;       // in the dictionary, where codes never change
};

// What a column needs beside what codecs see of it.
struct weir_builder_field {
    struct weir_builder_recent recent[WEIR_BUILDER_RECENT];
    struct weir_dictionary dictionary;
    uint32_t generation;             // how often the dictionary was begun anew
    uint64_t rows, missed, patience; // since it was full; rows until it is judged again
    struct weir_string *local;       // strings of this batch alone
    uint32_t n_local, local_capacity;
    uint32_t first_local;                  // code of local[0], fixed when the first is made
    uint32_t n_elements, element_capacity; // lists
    uint32_t *offsets;                     // lists: WEIR_BATCH_ROWS + 1
};

struct weir_builder {
    const struct weir_stream *stream;
    size_t n_fields;
    int has_lists;
    struct weir_builder_column *columns;
    struct weir_builder_field *fields;
    uint32_t n_rows, n_preset;
    struct weir_span row_value; // of the current row: strings in it need no copy
    int row_failed;             // memory ran out for a value of the current row
    enum weir_time_unit time_unit;
    int report_unknown, own_timestamp;
    uint32_t n_unknown, unknown_capacity;
    uint32_t row_unknown; // n_unknown when the current row began
    uint64_t unknown_dropped;
    struct weir_unknown *unknown;
    struct weir_float_written *floats;
    uint32_t n_floats, float_capacity;
    uint32_t row_floats;     // n_floats when the current row began
    struct weir_arena arena; // strings, names and reasons of this batch
    int64_t *time, *offset, *timestamp;
    uint8_t *fault, *writer;
    const struct weir_writer *const *writers;
    const char **reason;
    struct weir_span *key, *value;
    struct weir_column *out;
    void **blocks; // what the arrays of rows lie in
    size_t n_blocks;
    struct weir_batch batch;
};

// Event times from the time field, where it is one.
void weir_builder_times(struct weir_builder *builder);

#endif
