// SPDX-License-Identifier: Apache-2.0
// What stats/buffer.h lacks for writing Avro data: its long, double, bytes and string are
// Avro's already. Errors stick to the buffer, as there.
#ifndef WEIR_CODEC_AVRO_ENCODE_H
#define WEIR_CODEC_AVRO_ENCODE_H

#include <math.h>

#include "stats/buffer.h"

static inline int weir_avro_put_boolean(struct weir_buffer *buffer, int value)
{
    return weir_buffer_byte(buffer, value != 0);
}

static inline int weir_avro_put_float(struct weir_buffer *buffer, float value)
{
    uint8_t bytes[4];
    union {
        float value;
        uint32_t bits;
    } u = {value};
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(u.bits >> (8 * i));
    return weir_buffer_append(buffer, bytes, sizeof bytes);
}

// The index of a union's branch, or of an enum's symbol.
static inline int weir_avro_put_branch(struct weir_buffer *buffer, int index)
{
    return weir_put_long(buffer, index);
}

// Of the union ["null", T]: NULL, respectively NaN, is null.
static inline int weir_avro_put_optional_string(struct weir_buffer *buffer, const char *text)
{
    int code = weir_avro_put_branch(buffer, text != 0);
    return code || !text ? code : weir_put_string(buffer, text);
}

static inline int weir_avro_put_optional_double(struct weir_buffer *buffer, double value)
{
    int code = weir_avro_put_branch(buffer, !isnan(value));
    return code || isnan(value) ? code : weir_put_double(buffer, value);
}

// An array or map: its elements (pairs of string and value for a map) follow a count, and end()
// follows the last of them. Nothing but end() for an empty one.
static inline int weir_avro_put_elements(struct weir_buffer *buffer, size_t count)
{
    return count ? weir_put_long(buffer, (int64_t)count) : 0;
}
static inline int weir_avro_put_end(struct weir_buffer *buffer)
{
    return weir_put_long(buffer, 0);
}

// Confluent's framing: a zero, the schema's id in network order; the datum follows.
static inline int weir_avro_put_confluent(struct weir_buffer *buffer, int32_t id)
{
    uint32_t u = (uint32_t)id;
    uint8_t bytes[5] = {0, (uint8_t)(u >> 24), (uint8_t)(u >> 16), (uint8_t)(u >> 8), (uint8_t)u};
    return weir_buffer_append(buffer, bytes, sizeof bytes);
}

// Single-object encoding: C3 01, the schema's fingerprint (weir_avro_fingerprint() in
// avro_schema.h), the datum follows.
static inline int weir_avro_put_single_object(struct weir_buffer *buffer, uint64_t fingerprint)
{
    static const uint8_t marker[2] = {0xc3, 0x01};
    int code = weir_buffer_append(buffer, marker, sizeof marker);
    return code ? code : weir_put_fixed64(buffer, fingerprint);
}

#endif
