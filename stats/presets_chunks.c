// SPDX-License-Identifier: Apache-2.0
// NannyML's thresholds: what each of its statistics comes to on the chunks of its own reference,
// mean and three standard deviations.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/presets.h"
#include "stats/sort.h"
#include "weir/error.h"

enum { CHUNKS = 10 };
static const double SPREAD = 3;

struct spread {
    double n[WEIR_PRESET_VALUES], sum[WEIR_PRESET_VALUES], squares[WEIR_PRESET_VALUES];
};

// By a first chunk's values as origin: squares of small differences keep their digits.
static void add(struct spread *spread, const struct weir_preset_value *origin,
                const struct weir_preset_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (values[i].status != WEIR_TEST_OK)
            continue;
        double gap = values[i].value - origin[i].value;
        spread->n[i]++;
        spread->sum[i] += gap;
        spread->squares[i] += gap * gap;
    }
}

static void set(const struct spread *spread, const struct weir_preset_value *origin,
                struct weir_preset_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct weir_preset_value *v = &values[i];
        if (v->on_p || !(spread->n[i] > 0))
            continue;
        double shift = spread->sum[i] / spread->n[i];
        double sd = sqrt(fmax(spread->squares[i] / spread->n[i] - shift * shift, 0));
        double mean = origin[i].value + shift;
        v->low = fmax(mean - SPREAD * sd, 0);
        v->threshold = mean + SPREAD * sd;
        if (!strcmp(v->name, "ks"))
            v->threshold = fmin(v->threshold, 1);
        if (v->status == WEIR_TEST_OK)
            v->drift = v->value > v->threshold || v->value < v->low;
    }
}

static size_t finite_of(const double *rows, size_t n, double *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(rows[i]))
            out[kept++] = rows[i];
    weir_sort_doubles(out, kept);
    return kept;
}

int weir_preset_chunked_numbers(const double *rows, size_t n, struct weir_preset_value *values,
                                size_t n_values)
{
    struct spread spread = {0};
    struct weir_preset_value origin[WEIR_PRESET_VALUES], chunk[WEIR_PRESET_VALUES];
    size_t size = n / CHUNKS, count, chunks = 0;
    if (!size)
        return 0;
    double *all = malloc(2 * n * sizeof *all), *some = all ? all + n : NULL;
    if (!all)
        return WEIR_ENOMEM;
    struct weir_samples s = {all, finite_of(rows, n, all), some, 0};
    int code = 0;
    for (size_t from = 0; from < n && !code; from += size) {
        s.n_b = finite_of(rows + from, n - from < size ? n - from : size, some);
        if (!s.n_b)
            continue;
        code = weir_preset_numbers(WEIR_PRESET_NANNYML, &s, chunk, &count);
        if (code || count != n_values)
            break;
        if (!chunks++)
            memcpy(origin, chunk, sizeof origin);
        add(&spread, origin, chunk, count);
    }
    free(all);
    if (!code && chunks)
        set(&spread, origin, values, n_values);
    return code;
}

// ---- categories

// The different ones, in order.
static size_t distinct_of(const uint64_t *hash, const uint8_t *absent, size_t n, uint64_t *out)
{
    size_t kept = 0, distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (!absent[i])
            out[kept++] = hash[i];
    weir_sort_hashes(out, kept);
    for (size_t i = 0; i < kept; i++)
        if (!i || out[i] != out[i - 1])
            out[distinct++] = out[i];
    return distinct;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void count(const uint64_t *hash, const uint8_t *absent, size_t n, const uint64_t *distinct,
                  size_t n_distinct, double *out)
{
    memset(out, 0, n_distinct * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const uint64_t *at =
            absent[i] ? NULL : bsearch(&hash[i], distinct, n_distinct, sizeof *distinct, by_value);
        if (at)
            out[at - distinct]++;
    }
}

int weir_preset_chunked_categories(const uint64_t *hash, const uint8_t *absent, size_t n,
                                   struct weir_preset_value *values, size_t n_values)
{
    struct spread spread = {0};
    struct weir_preset_value origin[WEIR_PRESET_VALUES], chunk[WEIR_PRESET_VALUES];
    size_t size = n / CHUNKS, got, chunks = 0;
    if (!size)
        return 0;
    uint64_t *distinct = malloc(n * sizeof *distinct);
    size_t k = distinct ? distinct_of(hash, absent, n, distinct) : 0;
    double *all = distinct ? malloc((2 * k + 1) * sizeof *all) : NULL;
    int code = all ? 0 : WEIR_ENOMEM;
    if (!code)
        count(hash, absent, n, distinct, k, all);
    for (size_t from = 0; from < n && !code; from += size) {
        size_t rows = n - from < size ? n - from : size, kept = 0;
        count(hash + from, absent + from, rows, distinct, k, all + k);
        for (size_t i = 0; i < rows; i++)
            kept += !absent[from + i];
        if (!kept)
            continue;
        code = weir_preset_categories(WEIR_PRESET_NANNYML, all, all + k, k, chunk, &got);
        if (code || got != n_values)
            break;
        if (!chunks++)
            memcpy(origin, chunk, sizeof origin);
        add(&spread, origin, chunk, got);
    }
    free(all);
    free(distinct);
    if (!code && chunks)
        set(&spread, origin, values, n_values);
    return code;
}
