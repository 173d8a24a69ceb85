// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/value.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "stats/rfc3339.h"

enum { NUMBER_BYTES = 48, FOLDED_BYTES = 256, TIME_BYTES = 19 };

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

static int spells_time(const char *text, size_t length, int64_t *ms)
{
    return length >= TIME_BYTES && length <= NUMBER_BYTES && isdigit((unsigned char)*text) &&
           text[4] == '-' && !weir_time_parse(text, length, ms);
}

struct skew_value skew_value_text(const char *text, size_t length, uint64_t hash)
{
    struct skew_value value = {hash, (uint32_t)hash, SKEW_TEXT};
    double number;
    int64_t ms;
    if (spells_number(text, length, &number)) {
        value.tag = SKEW_TEXT_NUMBER;
        value.bits = bits_of(number);
    } else if (spells_time(text, length, &ms)) {
        value.tag = SKEW_TEXT_TIME;
        value.bits = (uint64_t)ms;
    } else {
        value.folded = fold(text, length);
    }
    return value;
}

static struct skew_value of_double(double number)
{
    struct skew_value value = {0, 0, SKEW_ABSENT};
    if (!isnan(number)) {
        value.tag = SKEW_DOUBLE;
        value.bits = bits_of(number);
    }
    return value;
}

struct skew_value skew_value_read(const struct weir_column *column, uint32_t row, int as_double)
{
    struct skew_value value = {0, 0, SKEW_ABSENT};
    if (column->state[row] != WEIR_STATE_VALUE) {
        value.tag = column->state[row] >= WEIR_STATE_FAULT ? SKEW_FAULT : SKEW_ABSENT;
        return value;
    }
    switch (column->type) {
    case WEIR_TYPE_DOUBLE:
        return of_double(column->values.f64[row]);
    case WEIR_TYPE_LONG:
        if (as_double)
            return of_double((double)column->values.i64[row]);
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
    case SKEW_TEXT_TIME:
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

int skew_value_says(const struct skew_value *value)
{
    static const char *const words[] = {"true", "false", "t", "f",  "yes",
                                        "no",   "y",     "n", "on", "off"};
    for (size_t i = 0; value->tag == SKEW_TEXT && i < sizeof words / sizeof *words; i++) {
        if (value->folded == fold(words[i], strlen(words[i])))
            return i % 2 == 0;
    }
    return -1;
}

void skew_value_write(const struct skew_value *value, struct weir_buffer *out)
{
    weir_put_long(out, value->tag);
    weir_put_fixed64(out, value->bits);
    weir_put_long(out, value->folded);
}

struct skew_value skew_value_get(struct weir_reader *in)
{
    struct skew_value value = {0};
    value.tag = (uint32_t)weir_get_count(in, SKEW_TAGS - 1);
    value.bits = weir_get_fixed64(in);
    value.folded = (uint32_t)weir_get_count(in, UINT32_MAX);
    return value;
}
