// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/value.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"

enum { NUMBER_BYTES = 48, FOLDED_BYTES = 256 };

static uint64_t bits_of(double number)
{
    uint64_t bits;
    if (number == 0)
        number = 0; // no negative zero
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

// Texts longer than that are folded by their beginning; equal texts stay equal.
static uint32_t fold(const char *text, size_t length)
{
    char folded[FOLDED_BYTES];
    while (length && isspace((unsigned char)*text))
        text++, length--;
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    if (length > sizeof folded)
        length = sizeof folded;
    for (size_t i = 0; i < length; i++)
        folded[i] = (char)tolower((unsigned char)text[i]);
    return (uint32_t)weir_hash(folded, length);
}

static int spells_number(const char *text, size_t length, double *number)
{
    char copy[NUMBER_BYTES + 1];
    if (!length || length > NUMBER_BYTES || !strchr("+-.0123456789", *text))
        return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    // strtod() takes hexadecimal, "inf" and "nan" too.
    if (strspn(copy, "+-.0123456789eE") != length)
        return 0;
    char *end;
    *number = strtod(copy, &end);
    return end == copy + length && isfinite(*number);
}

struct skew_value skew_value_text(const char *text, size_t length, uint64_t hash)
{
    struct skew_value value = {hash, 0, SKEW_TEXT};
    double number;
    if (spells_number(text, length, &number)) {
        value.tag = SKEW_TEXT_NUMBER;
        value.bits = bits_of(number);
        value.folded = (uint32_t)hash;
    } else {
        value.folded = fold(text, length);
    }
    return value;
}

struct skew_value skew_value_read(const struct weir_column *column, uint32_t row)
{
    struct skew_value value = {0, 0, SKEW_ABSENT};
    if (column->state[row] != WEIR_STATE_VALUE) {
        value.tag = column->state[row] >= WEIR_STATE_FAULT ? SKEW_FAULT : SKEW_ABSENT;
        return value;
    }
    switch (column->type) {
    case WEIR_TYPE_DOUBLE:
        if (!isnan(column->values.f64[row])) {
            value.tag = SKEW_DOUBLE;
            value.bits = bits_of(column->values.f64[row]);
        }
        return value;
    case WEIR_TYPE_LONG:
        value.tag = SKEW_LONG;
        value.bits = (uint64_t)column->values.i64[row];
        return value;
    case WEIR_TYPE_BOOLEAN:
        value.tag = SKEW_BOOLEAN;
        value.bits = column->values.i64[row] != 0;
        return value;
    case WEIR_TYPE_STRING:
    case WEIR_TYPE_BYTES: {
        const struct weir_string *text = weir_column_string(column, column->values.code[row]);
        return skew_value_text(text->data, text->length, text->hash);
    }
    default:
        value.tag = SKEW_FAULT;
        return value;
    }
}

double skew_value_number(const struct skew_value *value)
{
    double number;
    switch (value->tag) {
    case SKEW_LONG:
        return (double)(int64_t)value->bits;
    case SKEW_BOOLEAN:
        return value->bits != 0;
    case SKEW_DOUBLE:
    case SKEW_TEXT_NUMBER:
        memcpy(&number, &value->bits, sizeof number);
        return number;
    default:
        return NAN;
    }
}
