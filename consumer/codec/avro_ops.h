// SPDX-License-Identifier: Apache-2.0
// The program of a plan (private to avro_plan.c, avro_bind.c, avro_run.c and avro_leaf.c).
#ifndef WEIR_CODEC_AVRO_OPS_H
#define WEIR_CODEC_AVRO_OPS_H

#include "consumer/codec/avro_plan.h"

enum weir_avro_code {
    WEIR_AVRO_OP_END,
    // A value of this kind to a column of the type that it fits best: written directly.
    WEIR_AVRO_OP_DOUBLE, // `jump`: how many of these follow each other, this one included
    WEIR_AVRO_OP_FLOAT,
    WEIR_AVRO_OP_LONG,
    WEIR_AVRO_OP_INT,
    WEIR_AVRO_OP_LONG_DOUBLE,
    WEIR_AVRO_OP_INT_DOUBLE,
    WEIR_AVRO_OP_BOOLEAN,
    WEIR_AVRO_OP_STRING,
    WEIR_AVRO_OP_LEAF,     // anything else: `type` by way of the builder's functions
    WEIR_AVRO_OP_TIME,     // a long, divided by `size`
    WEIR_AVRO_OP_OPTIONAL, // a union of null (branch `jump`) and what the next op reads
    WEIR_AVRO_OP_UNION,    // to the branch's code by `table`
    WEIR_AVRO_OP_JUMP,     // to `jump`
    WEIR_AVRO_OP_NULL,
    WEIR_AVRO_OP_FAULT,   // `jump` is the state
    WEIR_AVRO_OP_UNKNOWN, // `name`
    WEIR_AVRO_OP_ARRAY,   // `table`
    WEIR_AVRO_OP_MAP,
    WEIR_AVRO_OP_SKIP,        // `size` bytes
    WEIR_AVRO_OP_SKIP_LONG,   // a varint
    WEIR_AVRO_OP_SKIP_STRING, // a length and so many bytes
    WEIR_AVRO_OP_SKIP_TYPE    // `type`
};

struct weir_avro_key { // of a map
    const char *name;
    size_t length;
    uint32_t body;
};

struct weir_avro_table {
    const struct weir_avro_type *type; // the items, the values
    uint32_t n;                        // branches, keys; of an array 1 where it has a body
    uint32_t next;                     // what follows the array or map
    int length;                        // field that takes the number of elements, -1: none
    uint32_t *targets;                 // code of the branches; of an array's body
    struct weir_avro_key *keys;
    const char *unknown; // prefix for reporting keys that no field has; NULL: do not
};

struct weir_avro_op {
    uint32_t code;
    uint32_t jump;
    int32_t field; // of the stream, -1: none
    struct weir_builder_column *column;
    union {
        const struct weir_avro_type *type;
        struct weir_avro_table *table;
        const char *name;
        int64_t size;
    } of;
};

struct weir_avro_plan {
    const struct weir_stream *stream;
    struct weir_builder *builder;
    struct weir_avro_op *ops;
    uint32_t n_ops;
    size_t room_ops;
    void **owned; // tables and names
    size_t n_owned, room_owned;
};

struct weir_avro_cursor {
    const uint8_t *at, *end;
    const struct weir_avro_plan *plan;
    const struct weir_avro_op *op; // where a fault came up
    const char *fault;
    uint32_t row;
    uint32_t depth;
    uint32_t empty; // elements without bytes so far
};

// Each returns 0, or sets `fault` and returns WEIR_ECORRUPT.
int weir_avro_leaf(struct weir_avro_cursor *cursor, const struct weir_avro_op *op);
int weir_avro_skip(struct weir_avro_cursor *cursor, const struct weir_avro_type *type);

__attribute__((cold)) static inline int weir_avro_fault(struct weir_avro_cursor *cursor,
                                                        const char *fault)
{
    if (!cursor->fault)
        cursor->fault = fault;
    return WEIR_ECORRUPT;
}

static inline int weir_avro_get_long(struct weir_avro_cursor *cursor, int64_t *value)
{
    const uint8_t *at = cursor->at, *end = cursor->end;
    uint64_t zigzag = 0;
    for (unsigned shift = 0; at < end; shift += 7) {
        uint8_t byte = *at++;
        zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (shift == 63 && byte > 1)
                return weir_avro_fault(cursor, "a number of more than 64 bits");
            cursor->at = at;
            *value = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
            return 0;
        }
        if (shift == 63)
            return weir_avro_fault(cursor, "a number of more than 64 bits");
    }
    return weir_avro_fault(cursor, "the datum ends too early");
}

static inline int weir_avro_get_int(struct weir_avro_cursor *cursor, int64_t *value)
{
    int code = weir_avro_get_long(cursor, value);
    if (!code && *value != (int32_t)*value)
        return weir_avro_fault(cursor, "a number beyond an int");
    return code;
}

static inline int weir_avro_get_span(struct weir_avro_cursor *cursor, int64_t length,
                                     const uint8_t **data)
{
    if (length < 0)
        return weir_avro_fault(cursor, "a negative length");
    if (length > cursor->end - cursor->at)
        return weir_avro_fault(cursor, "the datum ends too early");
    *data = cursor->at;
    cursor->at += length;
    return 0;
}

static inline int weir_avro_get_bytes(struct weir_avro_cursor *cursor, const uint8_t **data,
                                      size_t *length)
{
    int64_t n;
    int code = weir_avro_get_long(cursor, &n);
    if (!code)
        code = weir_avro_get_span(cursor, n, data);
    if (!code)
        *length = (size_t)n;
    return code;
}

// The index of a branch or symbol, of `n`.
static inline int weir_avro_get_index(struct weir_avro_cursor *cursor, size_t n, size_t *index)
{
    int64_t value;
    int code = weir_avro_get_long(cursor, &value);
    if (!code && (value < 0 || (uint64_t)value >= n))
        return weir_avro_fault(cursor, "a union or enum of which there is no such branch");
    if (!code)
        *index = (size_t)value;
    return code;
}

// The head of the next block of an array or map: `count` elements, 0 at the end; `size` their
// bytes where the writer says, else -1. No more elements than bytes, unless `empty` (they take
// none).
int weir_avro_get_block(struct weir_avro_cursor *cursor, int empty, int64_t *count, int64_t *size);

#endif
