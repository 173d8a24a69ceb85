// SPDX-License-Identifier: Apache-2.0
// Columns of numbers: a pass that counts what is bad, and a second one where there is any.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"

typedef double doubles __attribute__((vector_size(16)));
typedef int64_t longs __attribute__((vector_size(16)));

int schema_is_calm(const struct schema_pass *pass)
{
    const double *values = pass->column->values.f64;
    double low = pass->field->calm_low, high = pass->field->calm_high;
    uint32_t i = pass->first, n = pass->column->n, odd = 0;
    if (pass->column->type != WEIR_TYPE_DOUBLE)
        return 0;
    // Two at a time by hand, which GCC does not do of its own; and counted, as it takes masks that
    // are combined apart again.
    const doubles zero = {0}, lows = zero + low, highs = zero + high;
    longs within = {0}; // less one for each that is
    for (; n - i >= 4; i += 4) {
        doubles a, b;
        memcpy(&a, values + i, sizeof a);
        memcpy(&b, values + i + 2, sizeof b);
        within += a >= lows;
        within += a <= highs;
        within += b >= lows;
        within += b <= highs;
    }
    uint32_t looked_at = i - pass->first;
    for (; i < n; i++)
        odd += !((values[i] >= low) & (values[i] <= high));
    return !odd && within[0] + within[1] == -2 * (int64_t)looked_at;
}

int schema_observe_nan(struct schema_pass *pass)
{
    const double *values = pass->column->values.f64;
    const struct weir_field_more *more = pass->field->more;
    int nan_is_bad = !more || !more->nan, infinite_is_bad = !more || !more->infinite;
    uint32_t bad = 0, n = 0;
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += !(fabs(values[i]) <= 0x1.fffffffffffffp1023);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if (isnan(values[i]) ? nan_is_bad : isinf(values[i]) && infinite_is_bad)
            pass->edge->found[n++] = i;
    }
    schema_flag(pass, SCHEMA_NAN, n);
    return 0;
}

enum { BELOW, ABOVE };
static const char *const sides[] = {[BELOW] = "below", [ABOVE] = "above"};

// One value outside; infinities have no distance.
static void outside(struct schema_edge *edge, uint32_t n, uint32_t at, double value, double low)
{
    edge->found[n] = at;
    edge->kinds[n] = value < low ? BELOW : ABOVE;
    edge->values[n] = fmin(fmax(value, -0x1.fffffffffffffp1023), 0x1.fffffffffffffp1023);
}

// A sentinel is one thing that is wrong, and not two.
static int is_explained(const struct schema_field *field, double value)
{
    return field->sentinel_explains && schema_sentinel_number(field, value) >= 0;
}

// NaN is no number out of range: it has its own rule, infinities both.
static uint32_t range_double(const struct schema_pass *pass)
{
    const double *values = pass->column->values.f64;
    double low = pass->field->field->low, high = pass->field->field->high;
    uint32_t bad = 0, n = 0;
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += (values[i] < low) | (values[i] > high);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if ((values[i] < low || values[i] > high) && pass->column->state[i] == WEIR_STATE_VALUE &&
            !is_explained(pass->field, values[i]))
            outside(pass->edge, n++, i, values[i], low);
    }
    return n;
}

// The bounds of a double as those of an int64, the same integers within.
static void long_bounds(double low, double high, int64_t *from, int64_t *to)
{
    low = ceil(low);
    high = floor(high);
    *from = low >= 0x1p63 ? INT64_MAX : low > -0x1p63 ? (int64_t)low : INT64_MIN;
    *to = high < -0x1p63 ? INT64_MIN : high < 0x1p63 ? (int64_t)high : INT64_MAX;
}

static uint32_t range_long(const struct schema_pass *pass)
{
    const int64_t *values = pass->column->values.i64;
    int64_t low, high;
    uint32_t bad = 0, n = 0;
    long_bounds(pass->field->field->low, pass->field->field->high, &low, &high);
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += (values[i] < low) | (values[i] > high);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if ((values[i] < low || values[i] > high) && pass->column->state[i] == WEIR_STATE_VALUE &&
            !is_explained(pass->field, (double)values[i]))
            outside(pass->edge, n++, i, (double)values[i], (double)low);
    }
    return n;
}

int schema_observe_range(struct schema_pass *pass)
{
    uint32_t n = pass->column->type == WEIR_TYPE_DOUBLE ? range_double(pass) : range_long(pass);
    schema_flag_kinds(pass, SCHEMA_RANGE, n, sides, 2, 1);
    return 0;
}

// How far is a single record's own value: only without redaction.
static void say_how_far(const struct schema_said *said, struct schema_text *text,
                        const struct weir_rule_detail *detail)
{
    int below = detail->name[0] == *sides[BELOW];
    if (!said->schema->redact)
        schema_put(text, below ? " (down to %.15g)" : " (up to %.15g)",
                   below ? detail->minimum : detail->maximum);
}

void schema_say_range(const struct schema_said *said, struct schema_text *text)
{
    const struct weir_field *field = said->field->field;
    const struct weir_rule_count *count = said->count;
    const char *space = field->unit ? " " : "", *unit = field->unit ? field->unit : "";
    int one_sided = isinf(field->low) || isinf(field->high);
    schema_put(text, "have a value ");
    if (isinf(field->low))
        schema_put(text, "above %.15g%s%s", field->high, space, unit);
    else if (isinf(field->high))
        schema_put(text, "below %.15g%s%s", field->low, space, unit);
    else
        schema_put(text, "outside %.15g to %.15g%s%s", field->low, field->high, space, unit);
    for (size_t i = 0; i < count->n_details; i++) {
        if (!one_sided) {
            schema_put(text, i ? ", " : ": ");
            if (count->n_details == 1)
                schema_put(text, "all");
            else
                schema_put_count(text, count->details[i].count);
            schema_put(text, " %s", count->details[i].name);
        }
        say_how_far(said, text, &count->details[i]);
    }
}

static int is_same(const struct weir_column *column, uint32_t a, uint32_t b)
{
    return column->type == WEIR_TYPE_DOUBLE ? column->values.f64[a] == column->values.f64[b]
                                            : column->values.i64[a] == column->values.i64[b];
}

// Says of each row which number it has: in the order of rows, equal neighbours together.
static void detail_numbers(const struct schema_pass *pass, uint32_t n)
{
    const struct schema_edge *edge = pass->edge;
    const struct weir_column *column = pass->column;
    unsigned rule = (unsigned)pass->field->rule[SCHEMA_VALUES];
    for (uint32_t i = 0; i < n;) {
        uint32_t at = edge->elements[i], end = i + 1;
        char text[32];
        while (end < n && is_same(column, at, edge->elements[end]))
            end++;
        int length = column->type == WEIR_TYPE_DOUBLE
                         ? snprintf(text, sizeof text, "%.15g", column->values.f64[at])
                         : snprintf(text, sizeof text, "%" PRId64, column->values.i64[at]);
        pass->host->detail(pass->host, rule, text, (size_t)length, edge->found + i, NULL, end - i);
        i = end;
    }
}

int schema_observe_values(struct schema_pass *pass)
{
    const struct weir_column *column = pass->column;
    const struct schema_field *field = pass->field;
    uint32_t n = 0;
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES)
        return 0; // strings are judged once each
    for (uint32_t i = pass->first; i < column->n; i++) {
        double value = column->type == WEIR_TYPE_DOUBLE ? column->values.f64[i]
                                                        : (double)column->values.i64[i];
        if (column->state[i] == WEIR_STATE_VALUE && !isnan(value) &&
            !schema_values_have_number(field->values, value) && !is_explained(field, value))
            pass->edge->found[n++] = i;
    }
    n = schema_flag(pass, SCHEMA_VALUES, n);
    detail_numbers(pass, n);
    return 0;
}

int schema_observe_length(struct schema_pass *pass)
{
    const struct weir_field *field = pass->field->field;
    const uint32_t *offsets = pass->column->offsets;
    uint32_t n = 0;
    if (!offsets)
        return 0;
    for (uint32_t row = 0; row < pass->batch->n_rows; row++) {
        int64_t length = offsets[row + 1] - offsets[row];
        if ((length < field->shortest || length > field->longest) &&
            schema_has_record(pass->batch, row))
            pass->edge->found[n++] = row;
    }
    if (n)
        pass->host->flag(pass->host, (unsigned)pass->field->rule[SCHEMA_LENGTH], pass->edge->found,
                         n);
    return 0;
}

// Whether a value that is not near a decimal of so few places is so by the rounding of a float.
static int is_rounded_float(double value, double scaled, double nearest)
{
    return (double)(float)value == value && fabs(scaled - nearest) <= fabs(scaled) * 0x1p-22;
}

int schema_observe_precision(struct schema_pass *pass)
{
    // Added and taken away again it rounds to a whole number, without a call.
    static const double ROUND = 0x1.8p52, WHOLE = 0x1p51;
    const double *values = pass->column->values.f64;
    double scale = 1;
    uint32_t bad = 0, n = 0;
    for (int i = 0; i < pass->field->more->precision; i++)
        scale *= 10;
    for (uint32_t i = pass->first; i < pass->column->n; i++) {
        double scaled = values[i] * scale, nearest = (scaled + ROUND) - ROUND;
        // The nearest double of a decimal is a few units in the last place away at most.
        bad += fabs(scaled - nearest) > fabs(scaled) * 0x1p-50 && fabs(scaled) < WHOLE;
    }
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        double scaled = values[i] * scale, nearest = (scaled + ROUND) - ROUND;
        if (fabs(scaled - nearest) > fabs(scaled) * 0x1p-50 && fabs(scaled) < WHOLE &&
            pass->column->state[i] == WEIR_STATE_VALUE &&
            !is_rounded_float(values[i], scaled, nearest))
            pass->edge->found[n++] = i;
    }
    schema_flag(pass, SCHEMA_PRECISION, n);
    return 0;
}

void schema_say_precision(const struct schema_said *said, struct schema_text *text)
{
    int precision = said->field->more->precision;
    if (precision)
        schema_put(text, "have more than %d decimal%s", precision, precision == 1 ? "" : "s");
    else
        schema_put(text, "are not whole numbers");
}
