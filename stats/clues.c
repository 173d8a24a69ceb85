// SPDX-License-Identifier: Apache-2.0
#include "stats/clues.h"

#include <math.h>
#include <string.h>

#include "stats/hll.h"
#include "weir/error.h"

int weir_clues_init(struct weir_clues *clues)
{
    memset(clues, 0, sizeof *clues);
    clues->distinct = weir_hll_create();
    return clues->distinct ? 0 : WEIR_ENOMEM;
}

void weir_clues_free(struct weir_clues *clues)
{
    weir_hll_destroy(clues->distinct);
    memset(clues, 0, sizeof *clues);
}

void weir_clues_reset(struct weir_clues *clues)
{
    struct weir_hll *distinct = clues->distinct;
    weir_hll_reset(distinct);
    memset(clues, 0, sizeof *clues);
    clues->distinct = distinct;
}

static void count_looks(struct weir_clues *clues, uint64_t bits)
{
    for (; bits; bits &= bits - 1)
        clues->look[__builtin_ctzll(bits)]++;
}

static void widen(struct weir_clues *clues, double low, double high)
{
    int any = clues->look[WEIR_LOOK_NUMBER] > 0;
    clues->minimum = any ? fmin(clues->minimum, low) : low;
    clues->maximum = any ? fmax(clues->maximum, high) : high;
}

static void add_order(struct weir_clues *clues, double value)
{
    if (clues->has_last) {
        double step = value - clues->last;
        clues->pairs++;
        clues->rose += step > 0;
        clues->fell += step < 0;
        clues->even_steps += step > 0 && step == clues->step;
        clues->step = step;
    }
    clues->last = value;
    clues->has_last = 1;
}

static void add_number(struct weir_clues *clues, double value)
{
    if (!isfinite(value))
        return;
    widen(clues, value, value);
    add_order(clues, value);
    double size = fabs(value);
    if (size > 0) {
        int digit = (int)(size / pow(10, floor(log10(size))));
        clues->first_digit[digit < 1 ? 1 : digit > 9 ? 9 : digit]++;
    }
    if (size == floor(size) && size < 9007199254740992)
        clues->last_digit[(uint64_t)size % 10]++;
}

static void add_text(struct weir_clues *clues, const struct weir_string *string)
{
    int any = clues->look[WEIR_LOOK_TEXT] > 0;
    for (uint32_t i = 0; i < string->length; i++) {
        char c = string->data[i];
        int upper = c >= 'A' && c <= 'Z';
        clues->uppers += (uint64_t)upper;
        clues->letters += (uint64_t)(upper || (c >= 'a' && c <= 'z') || (unsigned char)c >= 128);
        clues->digits += (uint64_t)(c >= '0' && c <= '9');
        clues->spaces += c == ' ';
    }
    clues->bytes += string->length;
    clues->shortest = any && clues->shortest < string->length ? clues->shortest : string->length;
    clues->longest = any && clues->longest > string->length ? clues->longest : string->length;
}

static int add_string(struct weir_clues *clues, const struct weir_string *string, int64_t time)
{
    double value;
    add_text(clues, string);
    if (weir_look_spells_number(string->data, string->length, &value))
        add_number(clues, value);
    count_looks(clues, weir_look_of_text(string->data, string->length, time));
    return weir_hll_add(clues->distinct, string->hash);
}

static int add_value(struct weir_clues *clues, const struct weir_column *column, uint32_t at,
                     int64_t time)
{
    clues->values++;
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES)
        return add_string(clues, weir_column_string(column, column->values.code[at]), time);
    if (column->type == WEIR_TYPE_DOUBLE) {
        double value = column->values.f64[at];
        add_number(clues, value);
        count_looks(clues, weir_look_of_number(value, time));
        return weir_hll_add(clues->distinct, weir_hll_hash_double(value));
    }
    int64_t value = column->values.i64[at];
    if (column->type == WEIR_TYPE_BOOLEAN) {
        count_looks(clues, (uint64_t)1 << WEIR_LOOK_BOOLEAN);
    } else {
        add_number(clues, (double)value);
        count_looks(clues, weir_look_of_long(value, time));
    }
    return weir_hll_add(clues->distinct, weir_hll_hash_long(value));
}

int weir_clues_add(struct weir_clues *clues, const struct weir_column *column, const int64_t *time,
                   const uint32_t *rows, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        uint32_t row = rows ? rows[r] : (uint32_t)r;
        if (clues->rows++ >= WEIR_CLUES_FIRST && clues->rows % WEIR_CLUES_EVERY)
            continue;
        uint32_t from = column->offsets ? column->offsets[row] : row;
        uint32_t to = column->offsets ? column->offsets[row + 1] : row + 1;
        for (uint32_t i = from; i < to; i++) {
            if (column->state[i] == WEIR_STATE_VALUE && add_value(clues, column, i, time[row]))
                return WEIR_ENOMEM;
        }
    }
    return 0;
}

// ---- merging and the wire

// What is summed, in one run.
enum { SUMS = 2 + WEIR_LOOKS + 4 + 20 + 5 };

static void gather(const struct weir_clues *clues, uint64_t sums[SUMS])
{
    size_t n = 0;
    sums[n++] = clues->rows;
    sums[n++] = clues->values;
    for (size_t i = 0; i < WEIR_LOOKS; i++)
        sums[n++] = clues->look[i];
    const uint64_t rest[] = {clues->pairs,      clues->rose,   clues->fell,
                             clues->even_steps, clues->bytes,  clues->letters,
                             clues->digits,     clues->spaces, clues->uppers};
    memcpy(sums + n, rest, sizeof rest);
    n += sizeof rest / sizeof *rest;
    memcpy(sums + n, clues->first_digit, sizeof clues->first_digit);
    memcpy(sums + n + 10, clues->last_digit, sizeof clues->last_digit);
}

static void add_sums(struct weir_clues *clues, const uint64_t sums[SUMS])
{
    size_t n = 0;
    clues->rows += sums[n++];
    clues->values += sums[n++];
    for (size_t i = 0; i < WEIR_LOOKS; i++)
        clues->look[i] += sums[n++];
    uint64_t *const rest[] = {&clues->pairs,      &clues->rose,   &clues->fell,
                              &clues->even_steps, &clues->bytes,  &clues->letters,
                              &clues->digits,     &clues->spaces, &clues->uppers};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        *rest[i] += sums[n++];
    for (size_t i = 0; i < 10; i++) {
        clues->first_digit[i] += sums[n + i];
        clues->last_digit[i] += sums[n + 10 + i];
    }
}

// Extremes before the sums: they ask the counts whether there is anything yet.
static void add_extremes(struct weir_clues *into, const struct weir_clues *from)
{
    if (from->look[WEIR_LOOK_NUMBER])
        widen(into, from->minimum, from->maximum);
    if (from->look[WEIR_LOOK_TEXT]) {
        int any = into->look[WEIR_LOOK_TEXT] > 0;
        into->shortest = any && into->shortest < from->shortest ? into->shortest : from->shortest;
        into->longest = any && into->longest > from->longest ? into->longest : from->longest;
    }
}

int weir_clues_merge(struct weir_clues *into, const struct weir_clues *from)
{
    uint64_t sums[SUMS];
    if (weir_hll_merge(into->distinct, from->distinct))
        return WEIR_ENOMEM;
    add_extremes(into, from);
    gather(from, sums);
    add_sums(into, sums);
    weir_text_shape_merge(&into->shape, &from->shape);
    return 0;
}

int weir_clues_write(const struct weir_clues *clues, struct weir_buffer *out)
{
    uint64_t sums[SUMS];
    gather(clues, sums);
    weir_put_long(out, SUMS);
    for (size_t i = 0; i < SUMS; i++)
        weir_put_long(out, (int64_t)sums[i]);
    weir_put_long(out, (int64_t)clues->shortest);
    weir_put_long(out, (int64_t)clues->longest);
    weir_put_double(out, clues->minimum);
    weir_put_double(out, clues->maximum);
    weir_text_shape_write(&clues->shape, out);
    return weir_hll_write(clues->distinct, out);
}

int weir_clues_read_merge(struct weir_clues *clues, struct weir_reader *in)
{
    uint64_t sums[SUMS];
    struct weir_clues from = {0};
    if (weir_get_count(in, SUMS) != SUMS)
        in->failed = 1;
    for (size_t i = 0; i < SUMS; i++)
        sums[i] = weir_get_count(in, (size_t)1 << 53);
    from.shortest = weir_get_count(in, UINT32_MAX);
    from.longest = weir_get_count(in, UINT32_MAX);
    from.minimum = weir_get_double(in);
    from.maximum = weir_get_double(in);
    if (!(isfinite(from.minimum) && isfinite(from.maximum)))
        in->failed = 1;
    weir_text_shape_read_merge(&from.shape, in);
    if (in->failed)
        return WEIR_ECORRUPT;
    int code = weir_hll_read(clues->distinct, in);
    if (code || in->failed)
        return code ? code : WEIR_ECORRUPT;
    add_sums(&from, sums);
    add_extremes(clues, &from);
    add_sums(clues, sums);
    weir_text_shape_merge(&clues->shape, &from.shape);
    return 0;
}
