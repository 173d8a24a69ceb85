// SPDX-License-Identifier: Apache-2.0
#include "stats/depends.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hll.h"

// A field says others where its values come again in at least one row of so many.
enum { REPEATS = 100, AGAIN = 4, OTHERS = 50, SAYING = 64 };

uint64_t weir_depends_hash_number(const struct weir_column *column, uint32_t row)
{
    uint64_t hash;
    if (column->type != WEIR_TYPE_DOUBLE)
        hash = weir_hll_hash_long(column->values.i64[row]);
    else if (isnan(column->values.f64[row]))
        return 0;
    else
        hash = weir_hll_hash_double(column->values.f64[row] + 0.0);
    return hash ? hash : 1;
}

static size_t place_of(const struct weir_depends *depends, uint64_t key)
{
    size_t low = 0, high = depends->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (depends->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < depends->n && depends->keys[low] == key ? low : depends->n;
}

uint64_t weir_depends_value(const struct weir_depends *depends, uint64_t key)
{
    size_t at = place_of(depends, key);
    return at < depends->n ? depends->values[at] : 0;
}

void weir_depends_forget(struct weir_depends *depends, uint64_t key)
{
    size_t at = place_of(depends, key);
    if (at < depends->n)
        depends->values[at] = 0;
}

void weir_depends_pack(struct weir_depends *depends)
{
    size_t kept = 0;
    for (size_t i = 0; i < depends->n; i++) {
        depends->keys[kept] = depends->keys[i];
        depends->values[kept] = depends->values[i];
        kept += depends->values[i] != 0;
    }
    depends->n = kept;
}

void weir_depends_clear(struct weir_depends *depends)
{
    free(depends->by);
    free(depends->keys);
    free(depends->values);
    *depends = (struct weir_depends){0};
}

void weir_depends_free(struct weir_depends *by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        weir_depends_clear(&by[i]);
    free(by);
}

// ---- finding

struct keyed { // a row's key, or a value
    uint64_t hash;
    uint32_t row;
};

static int by_hash(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

// Marks the rows that are no copies of another, all their values taken together.
static void find_copies(const struct weir_depends_field *fields, size_t n_fields, size_t n_rows,
                        struct keyed *rows, uint8_t *original)
{
    for (size_t i = 0; i < n_rows; i++) {
        uint64_t hash = 0x9e3779b97f4a7c15u;
        for (size_t f = 0; f < n_fields; f++) {
            hash = (hash ^ fields[f].hash[i]) * 0xff51afd7ed558ccdu;
            hash ^= hash >> 32;
        }
        rows[i] = (struct keyed){hash, (uint32_t)i};
    }
    qsort(rows, n_rows, sizeof *rows, by_hash);
    for (size_t i = 0; i < n_rows; i++)
        original[rows[i].row] = !i || rows[i].hash != rows[i - 1].hash;
}

// The rows that have a value, those with the same one side by side.
static size_t sort_rows(const struct weir_depends_field *field, const uint8_t *original,
                        size_t n_rows, struct keyed *out)
{
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        if (field->hash[i] && original[i])
            out[n++] = (struct keyed){field->hash[i], (uint32_t)i};
    }
    qsort(out, n, sizeof *out, by_hash);
    return n;
}

// The chance that two rows differ.
static double differing(const struct keyed *rows, size_t n)
{
    double same = 0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && rows[end].hash == rows[i].hash; end++) {
        }
        double share = (double)(end - i) / (double)n;
        same += share * share;
    }
    return 1 - same;
}

struct count {
    uint64_t repeats, wrong;
    size_t known; // keys with one value
};

// The value that goes with the rows [from, to) of one key; 0 where there are several, or none.
static uint64_t value_of(const struct weir_depends_field *field, const struct keyed *rows,
                         size_t from, size_t to, struct count *count)
{
    uint64_t value = 0, lead = 0, several = 0, n = 0;
    for (size_t i = from; i < to; i++) { // a majority, where there is one
        uint64_t one = field->hash[rows[i].row];
        if (!one)
            continue;
        value = lead ? value : one;
        lead = one == value ? lead + 1 : lead - 1;
    }
    for (size_t i = from; i < to; i++) {
        uint64_t one = field->hash[rows[i].row];
        several += one && one != value;
        n += one != 0;
    }
    count->repeats += n ? n - 1 : 0;
    count->wrong += several;
    count->known += n && !several;
    return several ? 0 : value;
}

static size_t end_of(const struct keyed *rows, size_t n, size_t from)
{
    size_t end = from + 1;
    while (end < n && rows[end].hash == rows[from].hash)
        end++;
    return end;
}

static struct count count_pair(const struct weir_depends_field *field, const struct keyed *rows,
                               size_t n, double most_wrong)
{
    struct count count = {0, 0, 0};
    for (size_t i = 0, end; i < n && (double)count.wrong <= most_wrong; i = end) {
        end = end_of(rows, n, i);
        value_of(field, rows, i, end, &count);
    }
    return count;
}

static int keep_pair(const struct weir_depends_field *says, const struct weir_depends_field *field,
                     const struct keyed *rows, size_t n, const struct count *count,
                     struct weir_depends *out)
{
    *out = (struct weir_depends){.by = strdup(says->name),
                                 .by_type = says->type,
                                 .type = field->type,
                                 .repeats = count->repeats,
                                 .keys = malloc(count->known * sizeof *out->keys),
                                 .values = malloc(count->known * sizeof *out->values)};
    if (!out->by || !out->keys || !out->values)
        return WEIR_ENOMEM;
    struct count again = {0, 0, 0};
    for (size_t i = 0, end; i < n; i = end) {
        end = end_of(rows, n, i);
        uint64_t value = value_of(field, rows, i, end, &again);
        if (!value || (count->wrong && end - i == 1) || out->n == WEIR_DEPENDS_KEYS)
            continue;
        out->keys[out->n] = rows[i].hash;
        out->values[out->n++] = value;
    }
    return 0;
}

// Most repeats first; of equal ones the first that was found.
static int add_pair(struct weir_depends_field *field, struct weir_depends *pair)
{
    size_t at = field->n_by;
    if (!field->by && !(field->by = calloc(WEIR_DEPENDS_BY, sizeof *field->by)))
        return WEIR_ENOMEM;
    while (at && field->by[at - 1].repeats < pair->repeats)
        at--;
    struct weir_depends last = *pair;
    for (; at < WEIR_DEPENDS_BY; at++) {
        struct weir_depends swap = field->by[at];
        field->by[at] = last;
        last = swap;
        if (at == field->n_by) {
            field->n_by++;
            return 0;
        }
    }
    weir_depends_clear(&last);
    return 0;
}

static int is_better(const struct weir_depends_field *field, uint64_t repeats)
{
    return field->n_by < WEIR_DEPENDS_BY || field->by[field->n_by - 1].repeats < repeats;
}

static int try_pair(const struct weir_depends_field *says, struct weir_depends_field *field,
                    const struct keyed *rows, size_t n, double differ)
{
    struct count count = count_pair(field, rows, n, WEIR_DEPENDS_WRONG * (double)n);
    double repeats = (double)count.repeats;
    if (repeats < REPEATS || (double)count.wrong > WEIR_DEPENDS_WRONG * repeats ||
        differ * repeats < OTHERS || !count.known || !is_better(field, count.repeats))
        return 0;
    struct weir_depends pair;
    int code = keep_pair(says, field, rows, n, &count, &pair);
    if (!code)
        code = add_pair(field, &pair);
    if (code)
        weir_depends_clear(&pair);
    return code;
}

// Those with the fewest repeats go first where all together are too many.
static void bound_total(struct weir_depends_field *fields, size_t n_fields)
{
    for (;;) {
        struct weir_depends_field *worst = NULL;
        size_t total = 0;
        for (size_t f = 0; f < n_fields; f++) {
            for (size_t i = 0; i < fields[f].n_by; i++)
                total += fields[f].by[i].n;
            if (fields[f].n_by && (!worst || fields[f].by[fields[f].n_by - 1].repeats <
                                                 worst->by[worst->n_by - 1].repeats))
                worst = &fields[f];
        }
        if (total <= WEIR_DEPENDS_TOTAL)
            return;
        weir_depends_clear(&worst->by[--worst->n_by]);
    }
}

int weir_depends_find(struct weir_depends_field *fields, size_t n_fields, size_t n_rows)
{
    struct keyed *rows = malloc((n_rows + 1) * sizeof *rows);
    double *differ = calloc(n_fields + 1, sizeof *differ);
    uint8_t *original = malloc(n_rows + 1);
    int code = rows && differ && original ? 0 : WEIR_ENOMEM;
    if (!code)
        find_copies(fields, n_fields, n_rows, rows, original);
    for (size_t f = 0; f < n_fields && !code; f++)
        differ[f] = differing(rows, sort_rows(&fields[f], original, n_rows, rows));
    for (size_t a = 0, saying = 0; a < n_fields && !code && saying < SAYING; a++) {
        if (!fields[a].may_say || differ[a] <= 0)
            continue;
        size_t n = sort_rows(&fields[a], original, n_rows, rows), keys = 0;
        for (size_t i = 0; i < n; i = end_of(rows, n, i))
            keys++;
        if (n < keys + REPEATS || (n - keys) * AGAIN < n)
            continue;
        saying++;
        for (size_t b = 0; b < n_fields && !code; b++) {
            if (b != a && differ[b] * (double)(n - keys) >= OTHERS)
                code = try_pair(&fields[a], &fields[b], rows, n, differ[b]);
        }
    }
    bound_total(fields, n_fields);
    free(rows);
    free(differ);
    free(original);
    return code;
}

// ---- bytes

int weir_depends_write(const struct weir_depends *by, size_t n, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        weir_put_string(out, by[i].by);
        weir_put_long(out, by[i].by_type);
        weir_put_long(out, by[i].type);
        weir_put_long(out, (int64_t)by[i].repeats);
        weir_put_long(out, (int64_t)by[i].n);
        for (size_t k = 0; k < by[i].n; k++) {
            weir_put_fixed64(out, by[i].keys[k]);
            weir_put_fixed64(out, by[i].values[k]);
        }
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static int read_one(struct weir_reader *in, struct weir_depends *one)
{
    one->by = weir_get_string_alloc(in, WEIR_DEPENDS_NAME);
    one->by_type = (enum weir_type)weir_get_count(in, WEIR_TYPE_BYTES);
    one->type = (enum weir_type)weir_get_count(in, WEIR_TYPE_BYTES);
    one->repeats = weir_get_count(in, (size_t)1 << 60);
    size_t n = weir_get_count(in, WEIR_DEPENDS_KEYS);
    if (in->failed)
        return weir_reader_code(in);
    if (n > weir_reader_left(in) / 16)
        return WEIR_ECORRUPT;
    one->keys = malloc((n + 1) * sizeof *one->keys);
    one->values = malloc((n + 1) * sizeof *one->values);
    if (!one->keys || !one->values)
        return WEIR_ENOMEM;
    for (; one->n < n; one->n++) {
        one->keys[one->n] = weir_get_fixed64(in);
        one->values[one->n] = weir_get_fixed64(in);
        if (one->n && one->keys[one->n] <= one->keys[one->n - 1])
            return WEIR_ECORRUPT;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}

int weir_depends_read(struct weir_reader *in, struct weir_depends **by, size_t *n)
{
    size_t count = weir_get_count(in, WEIR_DEPENDS_BY), made = 0;
    if (in->failed)
        return WEIR_ECORRUPT;
    if (!count) {
        *by = NULL;
        *n = 0;
        return 0;
    }
    struct weir_depends *read = calloc(count, sizeof *read);
    int code = read ? 0 : WEIR_ENOMEM;
    while (made < count && !code)
        code = read_one(in, &read[made++]);
    if (code) {
        weir_depends_free(read, read ? made : 0);
        return code;
    }
    *by = read;
    *n = count;
    return 0;
}
