// SPDX-License-Identifier: Apache-2.0
// From a record's bytes to a row of a batch. One decoder a (task, stream), one thread.
#ifndef WEIR_CODEC_DECODER_H
#define WEIR_CODEC_DECODER_H

#include "consumer/codec/builder.h"

enum weir_format {
    WEIR_FORMAT_AVRO,               // Confluent wire format, schemas from the registry
    WEIR_FORMAT_AVRO_SINGLE_OBJECT, // C3 01, fingerprint, datum; schema from a file
    WEIR_FORMAT_AVRO_PLAIN,         // the datum alone; schema from a file
    WEIR_FORMAT_JSON,
    WEIR_FORMAT_CSV
};

// A record as it came. Bytes are the source's and live as long as the batch.
struct weir_record {
    int64_t offset;
    int64_t timestamp;
    struct weir_span key, value; // data NULL: null (a value: a tombstone)
};

struct weir_registry; // consumer/codec/registry.h

struct weir_decoder_options {
    enum weir_format format;
    struct weir_builder_options builder;
    struct weir_registry *registry; // for WEIR_FORMAT_AVRO; shared, thread-safe
    const char *schema;             // JSON text of the schema, for plain and single object
    // CSV: the names of the columns, and what separates them
    const char *const *csv_columns;
    size_t n_csv_columns;
    char csv_separator; // 0: comma
};

struct weir_decoder;

int weir_decoder_create(const struct weir_decoder_options *options, struct weir_decoder **decoder,
                        struct weir_error *error);
void weir_decoder_destroy(struct weir_decoder *decoder);
size_t weir_decoder_memory(const struct weir_decoder *decoder); // of its builder, which grows
void weir_decoder_begin(struct weir_decoder *decoder, const char *topic, int32_t partition);
// Adds one row. A record that does not decode becomes a WEIR_ROW_UNDECODABLE row and is no
// error. WEIR_EAGAIN: its schema cannot be had now (registry down): nothing was added, offer the
// same record again later, and no later one before it. `consumed` is NULL where the value must
// be used up, else takes the number of bytes that the datum had (blocks of a container file).
int weir_decoder_add(struct weir_decoder *decoder, const struct weir_record *record,
                     size_t *consumed, struct weir_error *error);
uint32_t weir_decoder_rows(const struct weir_decoder *decoder);
const struct weir_batch *weir_decoder_finish(struct weir_decoder *decoder);

// What a schema says of its fields, for streams that do not declare them: appended to `fields`
// in schema order, flattened by dotted path. The strings live as long as `arena` is not freed
// with weir_schema_fields_free().
struct weir_schema_fields {
    struct weir_field *fields;
    enum weir_time_unit *units; // of logical timestamps; WEIR_TIME_AUTO elsewhere
    size_t n;
    void *arena;
};
int weir_schema_fields_read(const char *schema_json, struct weir_schema_fields *out,
                            struct weir_error *error);
void weir_schema_fields_free(struct weir_schema_fields *fields);

#endif
