// SPDX-License-Identifier: Apache-2.0
// An Avro schema as a graph of types, with what Avro C drops: aliases, logical types and custom
// properties. Immutable once parsed, so threads may share it.
#ifndef WEIR_CODEC_AVRO_SCHEMA_H
#define WEIR_CODEC_AVRO_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"
#include "weir/stream.h"

enum weir_avro_kind {
    WEIR_AVRO_KIND_NULL,
    WEIR_AVRO_KIND_BOOLEAN,
    WEIR_AVRO_KIND_INT,
    WEIR_AVRO_KIND_LONG,
    WEIR_AVRO_KIND_FLOAT,
    WEIR_AVRO_KIND_DOUBLE,
    WEIR_AVRO_KIND_BYTES,
    WEIR_AVRO_KIND_STRING,
    WEIR_AVRO_KIND_RECORD,
    WEIR_AVRO_KIND_ENUM,
    WEIR_AVRO_KIND_FIXED,
    WEIR_AVRO_KIND_ARRAY,
    WEIR_AVRO_KIND_MAP,
    WEIR_AVRO_KIND_UNION
};

// Those that weir reads; a logical type on an underlying type that it does not fit is none.
enum weir_avro_logical {
    WEIR_AVRO_LOGICAL_NONE,
    WEIR_AVRO_LOGICAL_DATE,
    WEIR_AVRO_LOGICAL_TIMESTAMP_MILLIS, // also local-timestamp-*
    WEIR_AVRO_LOGICAL_TIMESTAMP_MICROS,
    WEIR_AVRO_LOGICAL_TIMESTAMP_NANOS,
    WEIR_AVRO_LOGICAL_DECIMAL,
    WEIR_AVRO_LOGICAL_UUID // of a fixed of 16
};

enum {
    WEIR_AVRO_MAX_TEXT = 4 << 20, // bytes of a schema's JSON
    WEIR_AVRO_MAX_TYPES = 50000,
    WEIR_AVRO_MAX_NESTING = 128, // of types in a schema
    WEIR_AVRO_MAX_SCALE = 400    // digits after the point of a decimal
};

struct weir_avro_type;

struct weir_avro_field {
    const char *name;
    const struct weir_avro_type *type;
    const char *const *aliases;
    size_t n_aliases;
    const char *unit, *semantic; // "weir.unit", "weir.semantic"; may be NULL
    int has_default;             // writers of other versions may lack it
    const char *default_json;    // NULL: none
};

struct weir_avro_type {
    enum weir_avro_kind kind;
    enum weir_avro_logical logical;
    int scale;        // of a decimal
    uint32_t index;   // of all types of the schema
    const char *name; // full, of a record, enum or fixed; else NULL
    // Bytes that every datum takes; -1: they vary (and are at least one).
    int64_t fixed_size;
    size_t n;                                  // fields, symbols, branches, or 1 (items, values)
    const struct weir_avro_field *fields;      // of a record
    const char *const *symbols;                // of an enum
    const struct weir_avro_type *const *types; // branches, items, values
};

struct weir_avro_schema;

// WEIR_EINVAL: not a schema, or beyond the limits above. Avro C has the first say.
int weir_avro_schema_parse(const char *json, size_t length, struct weir_avro_schema **schema,
                           struct weir_error *error);
void weir_avro_schema_free(struct weir_avro_schema *schema);
const struct weir_avro_type *weir_avro_schema_root(const struct weir_avro_schema *schema);
uint32_t weir_avro_schema_types(const struct weir_avro_schema *schema); // how many there are

// The Parsing Canonical Form, to be freed with free(); NULL when memory is out.
char *weir_avro_schema_canonical(const struct weir_avro_schema *schema);
// CRC-64-AVRO of the canonical form. 0, or WEIR_ENOMEM.
int weir_avro_schema_fingerprint(const struct weir_avro_schema *schema, uint64_t *fingerprint);
// The same from the JSON text.
int weir_avro_fingerprint(const char *json, uint64_t *fingerprint, struct weir_error *error);

// One self-contained schema: the definitions in `references` (JSON texts, each after those that
// it uses itself) are put in where `json` first names them. To be freed with free().
int weir_avro_schema_join(const char *json, const char *const *references, size_t n_references,
                          char **joined, struct weir_error *error);

// As what values of a type are read; WEIR_TYPE_UNKNOWN of one that has others in it.
enum weir_type weir_avro_column_type(const struct weir_avro_type *type);

const char *weir_avro_kind_name(enum weir_avro_kind kind); // "record"

#endif
