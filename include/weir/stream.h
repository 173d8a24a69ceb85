// SPDX-License-Identifier: Apache-2.0
// What is known of a stream before its first record: its fields and what may be in them.
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum weir_type {
    WEIR_TYPE_UNKNOWN, // not declared, and not yet known from a schema or a profile
    WEIR_TYPE_BOOLEAN,
    WEIR_TYPE_LONG,
    WEIR_TYPE_DOUBLE,
    WEIR_TYPE_STRING,
    WEIR_TYPE_BYTES
};

enum weir_role {
    WEIR_ROLE_FEATURE,
    WEIR_ROLE_PREDICTION,
    WEIR_ROLE_SCORE,
    WEIR_ROLE_LABEL,
    WEIR_ROLE_ANNOTATOR,
    WEIR_ROLE_SOURCE,
    WEIR_ROLE_SLICE,
    WEIR_ROLE_MODEL_VERSION,
    WEIR_ROLE_ENTITY,
    WEIR_ROLE_HOST,
    WEIR_ROLE_LATENCY,
    WEIR_ROLE_STATUS,
    WEIR_ROLE_WEIGHT,
    WEIR_ROLE_KEY,
    WEIR_ROLE_TIME
};

struct weir_field {
    const char *name; // a dotted path below nested records: "device.os"; "tags.length" is the
                      // number of elements of the array `tags`, "tags[]" its elements
    enum weir_type type;
    enum weir_role role;
    int declared;         // it stands in the configuration (and not only in a schema or profile)
    int nullable;         // a null is legal
    int optional;         // its absence is legal
    int is_list;          // values are the elements of an array ("tags[]")
    const char *unit;     // may be NULL
    const char *semantic; // may be NULL
    int has_range;
    double low, high; // inclusive
    int has_length;
    int64_t shortest, longest; // characters of a string, elements of an array; inclusive
    const char *const *values; // the allowed ones; NULL: any
    size_t n_values;
    const char *pattern; // PCRE2; may be NULL
};

// What else is said of a field: struct weir_field cannot grow, this can, at its end (minor 1).
struct weir_field_more {
    int precision;                // decimals that a number may have; -1: any
    const char *const *sentinels; // values that stand for "none"
    size_t n_sentinels;
    int nan, infinite; // NaN is legal; infinities are
};

struct weir_stream {
    const char *name;
    const struct weir_field *fields;
    size_t n_fields;
    int closed; // fields that are not listed are a fault
    int key;    // index of the key field, -1: the Kafka key or none
    int time;   // index of the event-time field, -1: the Kafka timestamp or row number
    // Minor 1: one a field; NULL, or NULL for a field of which no more is said. Read it with
    // weir_stream_more().
    const struct weir_field_more *const *more;
};

static inline const struct weir_field_more *weir_stream_more(const struct weir_stream *stream,
                                                             int field)
{
    return stream->more ? stream->more[field] : NULL;
}

const char *weir_type_name(enum weir_type type);
const char *weir_role_name(enum weir_role role);

#endif
