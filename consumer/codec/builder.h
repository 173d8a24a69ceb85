// SPDX-License-Identifier: Apache-2.0
// Builds batches: every codec writes its values here, and here alone are dictionaries kept.
// One builder a (task, stream); used batch after batch by one thread; allocates only to grow.
#ifndef WEIR_CODEC_BUILDER_H
#define WEIR_CODEC_BUILDER_H

#include <string.h>

#include "stats/rfc3339.h"
#include "weir/batch.h"
#include "weir/error.h"

enum weir_time_unit {
    WEIR_TIME_AUTO, // integers are epoch ms, strings RFC 3339
    WEIR_TIME_S,
    WEIR_TIME_MS,
    WEIR_TIME_US,
    WEIR_TIME_NS
};

struct weir_builder_options {
    const struct weir_stream *stream; // outlives the builder; every field has a type
    enum weir_time_unit time_unit;    // of the stream's time field
    uint32_t dictionary_entries;      // a field, 0: 10,000
    uint32_t dictionary_bytes;        // a field, 0: 4 MiB
    int report_unknown;               // collect fields that the stream does not have
    int own_timestamp; // a row of a file came when it says it happened: it has no other timestamp
};

// A column under construction. Codecs on the hot path write `state` and the values directly;
// `n` is the builder's number of rows but for lists.
struct weir_builder_column {
    enum weir_type type;
    int is_list;
    uint8_t *state; // preset to WEIR_STATE_MISSING for each new row
    union {
        double *f64;
        int64_t *i64;
        uint32_t *code;
    } values;
};

struct weir_builder; // opaque but for the columns

int weir_builder_create(const struct weir_builder_options *options, struct weir_builder **builder,
                        struct weir_error *error);
void weir_builder_destroy(struct weir_builder *builder);
// Bytes held: dictionaries and the columns of a batch.
size_t weir_builder_memory(const struct weir_builder *builder);

// Starts a batch; what the last one pointed to is gone. `topic` must live as long as the batch.
void weir_builder_begin(struct weir_builder *builder, const char *topic, int32_t partition);
uint32_t weir_builder_rows(const struct weir_builder *builder);
// Starts a row (at most WEIR_BATCH_ROWS). The spans' bytes must live as long as the batch.
// Returns its number.
uint32_t weir_builder_row(struct weir_builder *builder, int64_t offset, int64_t timestamp,
                          struct weir_span key, struct weir_span value);
struct weir_builder_column *weir_builder_column(struct weir_builder *builder, int field);

// Set one field of the current row; for a list field they append one element. A value of
// another numeric type is widened or told apart: a long to a double field, an integral double
// to a long field; everything else becomes the fitting WEIR_STATE_FAULT_*.
void weir_builder_double(struct weir_builder *builder, int field, double value);
void weir_builder_long(struct weir_builder *builder, int field, int64_t value);
void weir_builder_boolean(struct weir_builder *builder, int field, int value);
// The bytes are copied into the dictionary, or kept for the batch beyond its caps. Strings that
// are not UTF-8 in a field of type string are WEIR_STATE_FAULT_UTF8 unless `valid` says checked.
void weir_builder_string(struct weir_builder *builder, int field, const char *data, size_t length,
                         int valid);
void weir_builder_bytes(struct weir_builder *builder, int field, const void *data, size_t length);
void weir_builder_null(struct weir_builder *builder, int field);
void weir_builder_fault(struct weir_builder *builder, int field, enum weir_state state);
// As if the field had not been set in this row.
void weir_builder_clear(struct weir_builder *builder, int field);
// The row has a field that the stream does not know. The name is copied. Counted beyond a cap.
void weir_builder_unknown(struct weir_builder *builder, const char *name, size_t length);
// How many unknown fields went beyond the cap, over the builder's life.
uint64_t weir_builder_unknown_dropped(const struct weir_builder *builder);
// Whether the text is a decimal number and nothing else: "-1.5e3".
int weir_number_spelt(const char *data, size_t length);

// The writer schemas that rows may have: `writers` outlives the builder's batches and may grow at
// its end. Then, of the current row, its place there.
void weir_builder_writers(struct weir_builder *builder, const struct weir_writer *const *writers);
void weir_builder_writer(struct weir_builder *builder, uint8_t place);

// The current row does not decode (all it had is undone), or is a tombstone. `reason` is copied.
void weir_builder_undecodable(struct weir_builder *builder, const char *reason);
void weir_builder_tombstone(struct weir_builder *builder);
// The current row's value turned out to be only the first `length` bytes of what it was given.
void weir_builder_cut(struct weir_builder *builder, size_t length);
// Takes the current row back: there is none.
void weir_builder_drop(struct weir_builder *builder);

// Ends the batch: event times, counts, dictionaries. Valid until the next begin.
const struct weir_batch *weir_builder_finish(struct weir_builder *builder);

#endif
