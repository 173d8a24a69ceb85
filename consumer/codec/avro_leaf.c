// SPDX-License-Identifier: Apache-2.0
// Values that need more than a copy: mismatched types, list elements, logical types, enums.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_ops.h"

enum {
    DECIMAL_BYTES = 256, // an unscaled value of more is beyond a double's range
    DECIMAL_LIMBS = DECIMAL_BYTES * 8 / 29 + 2,
    LIMB = 1000000000
};

// The magnitude of a big-endian two's complement number, in limbs of nine digits, lowest first.
static size_t decimal_limbs(const uint8_t *data, size_t length, int negative, uint32_t *limbs)
{
    size_t n = 0;
    unsigned carry = (unsigned)negative;
    uint8_t magnitude[DECIMAL_BYTES];
    for (size_t i = length; i-- > 0;) {
        unsigned byte = (negative ? (unsigned)(uint8_t)~data[i] : data[i]) + carry;
        magnitude[i] = (uint8_t)byte;
        carry = byte >> 8;
    }
    // A carry out of the top is -2^k alone: k bits all zero, and the carry is the number's top.
    if (carry)
        limbs[n++] = carry;
    for (size_t i = 0; i < length; i++) {
        uint64_t more = magnitude[i];
        for (size_t k = 0; k < n; k++) {
            more += (uint64_t)limbs[k] << 8;
            limbs[k] = (uint32_t)(more % LIMB);
            more /= LIMB;
        }
        if (more)
            limbs[n++] = (uint32_t)more;
    }
    return n;
}

// By way of text, so that the nearest double comes out.
static double decimal_exact(const uint8_t *data, size_t length, int scale)
{
    uint32_t limbs[DECIMAL_LIMBS];
    char text[DECIMAL_LIMBS * 9 + 16], *at = text;
    int negative = data[0] >> 7;
    size_t n = decimal_limbs(data, length, negative, limbs);
    if (!n)
        return 0;
    if (negative)
        *at++ = '-';
    at += sprintf(at, "%u", limbs[n - 1]);
    for (size_t i = n - 1; i-- > 0;)
        at += sprintf(at, "%09u", limbs[i]);
    sprintf(at, "e-%d", scale);
    return strtod(text, NULL);
}

static double decimal(const uint8_t *data, size_t length, int scale)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t value = 0;
    while (length > 1 && (data[0] == 0 || data[0] == 0xff) && data[0] >> 7 == data[1] >> 7) {
        data++; // a sign byte that says nothing
        length--;
    }
    if (!length)
        return 0;
    if (length > DECIMAL_BYTES)
        return NAN;
    if (length > 7 || scale > 22)
        return decimal_exact(data, length, scale);
    for (size_t i = 0; i < length; i++)
        value = (int64_t)((uint64_t)value << 8 | data[i]);
    value = (int64_t)((uint64_t)value << (64 - 8 * length)) >> (64 - 8 * length);
    // Both are exact doubles where the value has at most 53 bits, and so the quotient is nearest.
    if (value > -((int64_t)1 << 53) && value < (int64_t)1 << 53)
        return (double)value / powers[scale];
    return decimal_exact(data, length, scale);
}

static void put_decimal(struct weir_builder *builder, int field, const uint8_t *data, size_t length,
                        int scale)
{
    double value = decimal(data, length, scale);
    if (isnan(value))
        weir_builder_fault(builder, field, WEIR_STATE_FAULT_OVERFLOW);
    else
        weir_builder_double(builder, field, value);
}

static void put_uuid(struct weir_builder *builder, int field, const uint8_t *data)
{
    char text[40], *at = text;
    for (int i = 0; i < 16; i++)
        at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", data[i]);
    weir_builder_string(builder, field, text, 36, 1);
}

static int leaf_bytes(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    const struct weir_avro_type *type = op->of.type;
    struct weir_builder *builder = cursor->plan->builder;
    const uint8_t *data;
    size_t length = (size_t)type->fixed_size;
    int code = type->kind == WEIR_AVRO_KIND_FIXED
                   ? weir_avro_get_span(cursor, type->fixed_size, &data)
                   : weir_avro_get_bytes(cursor, &data, &length);
    if (code)
        return code;
    if (type->kind == WEIR_AVRO_KIND_STRING)
        weir_builder_string(builder, op->field, (const char *)data, length, 0);
    else if (type->logical == WEIR_AVRO_LOGICAL_DECIMAL && op->column->type != WEIR_TYPE_BYTES)
        put_decimal(builder, op->field, data, length, type->scale);
    else if (type->logical == WEIR_AVRO_LOGICAL_UUID && op->column->type != WEIR_TYPE_BYTES)
        put_uuid(builder, op->field, data);
    else
        weir_builder_bytes(builder, op->field, data, length);
    return 0;
}

static int leaf_number(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    const struct weir_avro_type *type = op->of.type;
    int64_t number;
    int code = type->kind == WEIR_AVRO_KIND_INT ? weir_avro_get_int(cursor, &number)
                                                : weir_avro_get_long(cursor, &number);
    if (code)
        return code;
    if (type->logical == WEIR_AVRO_LOGICAL_DATE)
        number *= 86400000; // days; an int's fit
    weir_builder_long(cursor->plan->builder, op->field, number);
    return 0;
}

static int leaf_real(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    const uint8_t *data;
    double value;
    float single;
    int is_float = op->of.type->kind == WEIR_AVRO_KIND_FLOAT;
    int code = weir_avro_get_span(cursor, is_float ? 4 : 8, &data);
    if (code)
        return code;
    if (is_float) {
        memcpy(&single, data, 4);
        value = (double)single;
    } else {
        memcpy(&value, data, 8);
    }
    weir_builder_double(cursor->plan->builder, op->field, value);
    return 0;
}

int weir_avro_leaf(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    const struct weir_avro_type *type = op->of.type;
    struct weir_builder *builder = cursor->plan->builder;
    const uint8_t *data;
    size_t index;
    int code;
    switch (type->kind) {
    case WEIR_AVRO_KIND_NULL:
        weir_builder_null(builder, op->field);
        return 0;
    case WEIR_AVRO_KIND_BOOLEAN:
        code = weir_avro_get_span(cursor, 1, &data);
        if (code || *data > 1)
            return weir_avro_fault(cursor, "a boolean that is neither 0 nor 1");
        weir_builder_boolean(builder, op->field, *data);
        return 0;
    case WEIR_AVRO_KIND_INT:
    case WEIR_AVRO_KIND_LONG:
        return leaf_number(cursor, op);
    case WEIR_AVRO_KIND_FLOAT:
    case WEIR_AVRO_KIND_DOUBLE:
        return leaf_real(cursor, op);
    case WEIR_AVRO_KIND_ENUM:
        code = weir_avro_get_index(cursor, type->n, &index);
        if (!code)
            weir_builder_string(builder, op->field, type->symbols[index],
                                strlen(type->symbols[index]), 1);
        return code;
    default:
        return leaf_bytes(cursor, op);
    }
}
