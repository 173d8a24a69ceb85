// SPDX-License-Identifier: Apache-2.0
// A bounded sample of whole rows: those with the smallest hashes (bottom-k), so that it is a
// uniform sample of all rows, joint over all fields, and mergeable in any order to the same bytes.
//
// Kept are the rows with a hash below `limit`, the first hash whose rows would make it too many
// (of rows or bytes): what comes before it has room in any part of the data, so the sample of
// the whole never lacks a row that a part has dropped.
#ifndef WEIR_STATS_RESERVOIR_H
#define WEIR_STATS_RESERVOIR_H

#include "stats/buffer.h"
#include "weir/batch.h"

enum {
    WEIR_RESERVOIR_TEXT = 256,        // bytes of a string that are kept; its hash is of all
    WEIR_RESERVOIR_LIST = 1024,       // elements of a list that are kept
    WEIR_RESERVOIR_ROW = 32,          // what a row counts for besides its bytes
    WEIR_RESERVOIR_ROWS_MOST = 10000, // what may be asked for
    WEIR_RESERVOIR_BYTES_MOST = 64 << 20
};

struct weir_reservoir_field {
    const char *name;
    enum weir_type type; // known
    int is_list;         // else the first element of a list is kept
    int column;          // of the batches that are added
};

struct weir_reservoir_spec { // lives as long as its reservoirs
    const struct weir_reservoir_field *fields;
    size_t n_fields;
    size_t rows, bytes; // at most; bytes of values, and WEIR_RESERVOIR_ROW a row
};

struct weir_reservoir;

int weir_reservoir_create(const struct weir_reservoir_spec *spec, struct weir_reservoir **out);
void weir_reservoir_destroy(struct weir_reservoir *reservoir); // may be NULL

// `rows` NULL: all `n` rows of the batch. A row's hash is of its partition and offset, and of
// `seed`. Rows over the limit cost their hash alone. WEIR_ENOMEM.
int weir_reservoir_add(struct weir_reservoir *reservoir, const struct weir_batch *batch,
                       const uint32_t *rows, size_t n, uint64_t seed);
// Specs must have equal fields and bounds. WEIR_ENOMEM: some rows may be missing.
int weir_reservoir_merge(struct weir_reservoir *into, const struct weir_reservoir *from);

size_t weir_reservoir_rows(const struct weir_reservoir *reservoir);
uint64_t weir_reservoir_seen(const struct weir_reservoir *reservoir); // rows it is a sample of
size_t weir_reservoir_memory(const struct weir_reservoir *reservoir);
const struct weir_reservoir_spec *weir_reservoir_spec(const struct weir_reservoir *reservoir);

// Writes rows from number *from on, in the order of their hashes, until there are about `bytes`
// more in `out`, and moves *from; all are written when it is weir_reservoir_rows(). What was
// written in parts is read part by part, in any order.
int weir_reservoir_write(const struct weir_reservoir *reservoir, size_t *from, size_t bytes,
                         struct weir_buffer *out);
// Adds one part. WEIR_ECORRUPT on anything that does not fit the spec.
int weir_reservoir_read_merge(struct weir_reservoir *reservoir, struct weir_reader *in);

// ---- what is in it, by columns

struct weir_rows_column {
    const char *name; // the spec's
    enum weir_type type;
    int is_list;
    size_t n;       // values: as many as rows, or a list's elements
    uint8_t *state; // of each, enum weir_state
    double *number; // double, long, boolean: NaN where there is no value. Else NULL
    uint64_t *code; // string, bytes: the XXH3 of the whole; long and boolean: the value itself; 0
                    // where there is no value. Double: NULL
    struct weir_span *text; // string, bytes: its beginning, in the reservoir. Else NULL
    uint32_t *length;       // string, bytes: of the whole, in bytes. Else NULL
    size_t *ends;           // lists: where each row's elements end. Else NULL
};

struct weir_rows {
    size_t n;
    uint64_t seen;                    // rows that these are a sample of
    struct weir_rows_column *columns; // as in the spec
    size_t n_columns;
    void *memory;
};

// The rows in the order of their hashes, which is the order of nothing else. Valid as long as the
// reservoir is not added to. Costs a copy: call it once. WEIR_ENOMEM: `out` is untouched.
int weir_rows_make(const struct weir_reservoir *reservoir, struct weir_rows *out);
void weir_rows_free(struct weir_rows *rows);
const struct weir_rows_column *weir_rows_find(const struct weir_rows *rows, const char *name);

#endif
