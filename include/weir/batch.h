// SPDX-License-Identifier: Apache-2.0
// Records of one partition of one stream, as columns. Nothing downstream parses again.
#ifndef WEIR_BATCH_H
#define WEIR_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "weir/stream.h"

enum { WEIR_BATCH_ROWS = 4096 }; // at most

// Bytes owned by somebody else. A NULL `data` is "absent", not "empty".
struct weir_span {
    const uint8_t *data;
    size_t length;
};

// The state of one value. From WEIR_STATE_FAULT on there was something that is not of the
// field's type; which one says what was there instead.
enum weir_state {
    WEIR_STATE_VALUE = 0,
    WEIR_STATE_NULL,
    WEIR_STATE_MISSING,             // the record has no such field
    WEIR_STATE_FAULT = 16,          // not further known
    WEIR_STATE_FAULT_NUMBER_STRING, // a string that spells a number: "123"
    WEIR_STATE_FAULT_STRING,        // any other string
    WEIR_STATE_FAULT_BOOLEAN,
    WEIR_STATE_FAULT_NUMBER,   // a number where none is wanted
    WEIR_STATE_FAULT_FRACTION, // 1.5 where an integer is wanted
    WEIR_STATE_FAULT_OVERFLOW, // beyond the type: 1e999, integers beyond int64
    WEIR_STATE_FAULT_OBJECT,
    WEIR_STATE_FAULT_ARRAY,
    WEIR_STATE_FAULT_UTF8,  // a string that is not valid UTF-8
    WEIR_STATE_FAULT_EMPTY, // an empty cell where a value is wanted
    // Minor 1, strings both:
    WEIR_STATE_FAULT_BOOLEAN_STRING, // "true" or "false", in any case
    WEIR_STATE_FAULT_DATE            // a date, or a date and time, as in RFC 3339
};

struct weir_string {
    const char *data; // not NUL-terminated
    uint32_t length;
    uint64_t hash; // XXH3 64 of the bytes, seed 0
};

// One field of the batch. `n` is the number of rows, or for a list where its elements end.
// Numbers of rows whose state is not WEIR_STATE_VALUE are 0 (doubles: 0.0, codes: 0) and mean
// nothing.
struct weir_column {
    enum weir_type type;
    uint32_t n;
    const uint8_t *state; // `n` of enum weir_state
    uint32_t n_null, n_missing, n_fault;
    union {
        const double *f64;    // WEIR_TYPE_DOUBLE: NaN and infinities are values
        const int64_t *i64;   // WEIR_TYPE_LONG, and WEIR_TYPE_BOOLEAN as 0 and 1
        const uint32_t *code; // WEIR_TYPE_STRING and WEIR_TYPE_BYTES
    } values;
    // Lists: n_rows + 1 of them, row i has [offsets[i], offsets[i + 1]). The column's elements are
    // those from offsets[0] to before `n`, which is offsets[n_rows]; the first need not be 0.
    const uint32_t *offsets;

    // Strings are codes. Codes below `n_dictionary` keep their meaning from batch to batch, as
    // long as `generation` does; those from there on are `local` to this batch (and may repeat a
    // string). So work done once a distinct string can be kept by code. Nothing that weir
    // decides or prints may depend on a code: only on the string.
    const struct weir_string *dictionary;
    uint32_t n_dictionary;
    const struct weir_string *local;
    uint32_t n_local;
    uint32_t generation;
};

static inline const struct weir_string *weir_column_string(const struct weir_column *column,
                                                           uint32_t code)
{
    return code < column->n_dictionary ? &column->dictionary[code]
                                       : &column->local[code - column->n_dictionary];
}

// Why a row has no values at all. Its columns are WEIR_STATE_MISSING then.
enum weir_row_fault {
    WEIR_ROW_GOOD = 0,
    WEIR_ROW_UNDECODABLE, // the bytes do not decode; `reason` says why
    WEIR_ROW_TOMBSTONE,   // no value at all: legal on a compacted topic, never looked at
    WEIR_ROW_NO_TIME      // its event time is absent or no time; the Kafka timestamp stands in
};

// A field that the record has and the stream does not know. Filled where the codec was asked
// to (closed streams, and streams with a profile).
struct weir_unknown {
    uint32_t row;
    struct weir_string name; // hash is 0
};

// What the schema that a record was written with says of a field. Since minor 1.
struct weir_writer_field {
    const char *name;           // as of struct weir_field
    const char *type;           // in its own words: "float", "timestamp-micros", "enum"
    enum weir_type as;          // that weir reads it as
    int nullable;               // it may be null
    const char *missing;        // JSON of its default; NULL: none
    const char *const *aliases; // other names, of which one may be the stream's
    size_t n_aliases;
    const char *const *symbols; // of an enum
    size_t n_symbols;
};

struct weir_writer {
    int32_t id; // a registry's
    const struct weir_writer_field *fields;
    size_t n_fields;
};

enum { WEIR_WRITER_NONE = 255 };

// An integer that was written as a float: 3.0 or 3e2, or as a type of Avro's that has fractions. It
// is a value like any other. Not of lists. Since minor 1.
struct weir_float_written {
    uint32_t row;   // less the batch's `floats_from`
    uint32_t field; // of type WEIR_TYPE_LONG
};

struct weir_batch {
    const struct weir_stream *stream;
    const char *topic; // or the file's name in a replay
    int32_t partition;
    uint32_t n_rows;
    const int64_t *time;       // event time, epoch ms
    const int64_t *offset;     // Kafka offset, or row number in a replay
    const int64_t *timestamp;  // Kafka timestamp, epoch ms
    const uint8_t *fault;      // enum weir_row_fault
    const char *const *reason; // of undecodable rows, static or as long as the batch; else NULL.
                               // NULL itself where no row has a fault
    uint32_t n_undecodable, n_tombstones, n_no_time;
    const struct weir_column *columns; // one a field of `stream`, in its order
    const struct weir_span *key;       // raw Kafka keys
    const struct weir_span *value;     // raw bytes
    const struct weir_unknown *unknown;
    uint32_t n_unknown;
    // Since minor 1. Rows' writer schemas, where records come with ids: places in `writers`, or
    // WEIR_WRITER_NONE (undecodable rows, and schemas beyond the first 255 of a task). `writer` is
    // NULL where there are none.
    const uint8_t *writer;
    const struct weir_writer *const *writers;
    const struct weir_float_written *floats; // by row
    uint32_t n_floats, floats_from;          // rows of a part of a batch count from there
};

#endif
