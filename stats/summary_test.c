// SPDX-License-Identifier: Apache-2.0
#include "stats/summary.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/ddsketch.h"
#include "stats/hash.h"
#include "stats/hll.h"
#include "stats/top.h"

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

static double uniform(void)
{
    return (double)(next_random() >> 11) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform() + 1e-300)) * cos(6.283185307179586 * uniform());
}

enum { N = 3000, DICTIONARY = 40, LOCAL = 25 };

static double doubles[N];
static int64_t longs[N];
static uint32_t codes[N];
static uint8_t states[N];
static struct weir_string dictionary[DICTIONARY], local[LOCAL];
static char texts[DICTIONARY + LOCAL][160];

static double cuts[] = {-1e300, -2, -1.5, -1,  -.5, -0x0.0000000000001p-1022,
                        0,      .5, 1,    1.5, 2,   1e300};
static struct weir_cells *numeric, *categorical;

static struct weir_string string_of(const char *text)
{
    struct weir_string string = {text, (uint32_t)strlen(text), weir_hash(text, strlen(text))};
    return string;
}

static void setup(void)
{
    static const double special[] = {NAN,    INFINITY, -INFINITY, 0.0,    -0.0,    1e308, -1e308,
                                     5e-324, -5e-324,  1e15,      -1e15,  2.5e-20, 8192,  -8192,
                                     1e-310, 0x1p63,   -0x1p63,   0x1p64, 0x1p42,  1e5};
    for (size_t i = 0; i < N; i++) {
        doubles[i] = normal();
        if (next_random() % 4 == 0)
            doubles[i] = special[next_random() % (sizeof special / sizeof *special)];
        longs[i] = (int64_t)(next_random() >> (next_random() % 64));
        if (next_random() % 20 == 0)
            longs[i] = next_random() % 2 ? INT64_MIN : INT64_MAX;
        codes[i] = (uint32_t)(next_random() % (DICTIONARY + LOCAL));
        uint64_t r = next_random() % 12;
        states[i] = r < 9    ? WEIR_STATE_VALUE
                    : r < 10 ? WEIR_STATE_NULL
                    : r < 11 ? WEIR_STATE_MISSING
                             : WEIR_STATE_FAULT_STRING;
    }
    for (size_t i = 0; i < DICTIONARY + LOCAL; i++) {
        snprintf(texts[i], sizeof texts[i], "value-%zu", i % 50);
        if (i == 7)
            texts[i][0] = 0;
        if (i == 9)
            memset(texts[i], 'x', sizeof texts[i] - 1);
        struct weir_string string = string_of(texts[i]);
        if (i < DICTIONARY)
            dictionary[i] = string;
        else
            local[i - DICTIONARY] = string;
    }
    struct weir_cells cells = {.shape = WEIR_SHAPE_NUMERIC,
                               .n = sizeof cuts / sizeof *cuts + 1,
                               .cuts = cuts,
                               .centre = .125,
                               .scale = .75};
    ck_assert_int_eq(weir_cells_copy(&cells, &numeric, NULL), 0);
    struct weir_string categories[10];
    uint64_t known[30];
    for (size_t i = 0; i < 10; i++)
        categories[i] = dictionary[i];
    for (size_t i = 0; i < 30; i++) {
        uint64_t hash = dictionary[i].hash;
        size_t k = i;
        for (; k && known[k - 1] > hash; k--)
            known[k] = known[k - 1];
        known[k] = hash;
    }
    struct weir_cells strings = {.shape = WEIR_SHAPE_TEXT,
                                 .n = 10 + WEIR_HASHED_CELLS,
                                 .categories = categories,
                                 .n_categories = 10,
                                 .known = known,
                                 .n_known = 30,
                                 .centre = 7,
                                 .scale = 1};
    ck_assert_int_eq(weir_cells_copy(&strings, &categorical, NULL), 0);
}

static void teardown(void)
{
    weir_cells_free(numeric);
    weir_cells_free(categorical);
}

// A column of elements [from, to), counted as a codec would.
static struct weir_column column_of(enum weir_type type, size_t from, size_t to)
{
    struct weir_column column = {.type = type, .n = (uint32_t)(to - from), .state = states + from};
    for (size_t i = from; i < to; i++) {
        column.n_null += states[i] == WEIR_STATE_NULL;
        column.n_missing += states[i] == WEIR_STATE_MISSING;
        column.n_fault += states[i] >= WEIR_STATE_FAULT;
    }
    if (type == WEIR_TYPE_DOUBLE)
        column.values.f64 = doubles + from;
    else if (type == WEIR_TYPE_STRING)
        column.values.code = codes + from;
    else
        column.values.i64 = longs + from;
    column.dictionary = dictionary;
    column.n_dictionary = DICTIONARY;
    column.local = local;
    column.n_local = LOCAL;
    return column;
}

struct kind {
    enum weir_type type;
    enum weir_shape shape;
    int with_cells;
};
static const struct kind kinds[] = {
    {WEIR_TYPE_DOUBLE, WEIR_SHAPE_NUMERIC, 1}, {WEIR_TYPE_DOUBLE, WEIR_SHAPE_NUMERIC, 0},
    {WEIR_TYPE_LONG, WEIR_SHAPE_NUMERIC, 1},   {WEIR_TYPE_LONG, WEIR_SHAPE_NUMERIC, 0},
    {WEIR_TYPE_LONG, WEIR_SHAPE_BOOLEAN, 0},   {WEIR_TYPE_STRING, WEIR_SHAPE_TEXT, 1},
    {WEIR_TYPE_STRING, WEIR_SHAPE_TEXT, 0},    {WEIR_TYPE_STRING, WEIR_SHAPE_CATEGORICAL, 0},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

// Everything but the top-k, unless it is asked for.
static struct weir_summary_spec spec_of(const struct kind *kind, unsigned more)
{
    struct weir_summary_spec spec = {.shape = kind->shape,
                                     .parts = WEIR_PART_MOMENTS | WEIR_PART_QUANTILES |
                                              WEIR_PART_DISTINCT | more};
    if (kind->with_cells) {
        spec.cells = kind->shape == WEIR_SHAPE_NUMERIC ? numeric : categorical;
        spec.parts |= WEIR_PART_CELLS;
    }
    return spec;
}

static struct weir_summary made(const struct weir_summary_spec *spec)
{
    struct weir_summary summary;
    ck_assert_int_eq(weir_summary_init(&summary, spec), 0);
    return summary;
}

static struct weir_buffer bytes_of(const struct weir_summary *summary)
{
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_summary_write(summary, &out), 0);
    return out;
}

static void assert_same_bytes(const struct weir_summary *a, const struct weir_summary *b)
{
    struct weir_buffer x = bytes_of(a), y = bytes_of(b);
    ck_assert_uint_eq(x.length, y.length);
    ck_assert_mem_eq(x.data, y.data, x.length);
    weir_buffer_free(&x);
    weir_buffer_free(&y);
}

// Absorbs [from, to) in random pieces, each by some other way.
static void absorb_somehow(struct weir_summary *into, const struct kind *kind, size_t from,
                           size_t to, struct weir_absorb_scratch *scratch)
{
    uint32_t rows[N];
    while (from < to) {
        size_t n = next_random() % (to - from) + 1;
        struct weir_column column = column_of(kind->type, from, from + n);
        if (next_random() % 2) {
            ck_assert_int_eq(weir_summary_absorb(into, &column, NULL, 0, scratch), 0);
        } else {
            // First the rows of one kind, then the others: another order, too.
            for (uint64_t part = 0; part < 2; part++) {
                size_t k = 0;
                for (uint32_t i = 0; i < n; i++) {
                    if ((i * 2654435761u >> 7 & 1) == part)
                        rows[k++] = i;
                }
                ck_assert_int_eq(weir_summary_absorb(into, &column, rows, k, scratch), 0);
            }
        }
        from += n;
    }
}

START_TEST(any_order_and_grouping_gives_the_same_bytes)
{
    const struct kind *kind = &kinds[_i];
    struct weir_summary_spec spec = spec_of(kind, 0);
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    struct weir_summary whole = made(&spec);
    struct weir_column all = column_of(kind->type, 0, N);
    ck_assert_int_eq(weir_summary_absorb(&whole, &all, NULL, 0, scratch), 0);
    ck_assert_uint_eq(whole.rows, N);
    ck_assert_uint_eq(whole.null, all.n_null);
    ck_assert_uint_eq(whole.missing, all.n_missing);
    ck_assert_uint_eq(whole.fault, all.n_fault);
    for (int round = 0; round < 12; round++) {
        enum { PARTS = 7 };
        struct weir_summary parts[PARTS];
        size_t ends[PARTS + 1] = {0, 1, 3, 100, 700, 1500, 2990, N};
        for (size_t p = 0; p < PARTS; p++) {
            parts[p] = made(&spec);
            absorb_somehow(&parts[p], kind, ends[p], ends[p + 1], scratch);
        }
        for (size_t left = PARTS; left > 1; left--) {
            size_t a = next_random() % left, b = next_random() % (left - 1);
            b += b >= a;
            if (next_random() % 2) {
                ck_assert_int_eq(weir_summary_merge(&parts[a], &parts[b]), 0);
            } else {
                struct weir_buffer bytes = bytes_of(&parts[b]);
                struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
                ck_assert_int_eq(weir_summary_read_merge(&parts[a], &in), 0);
                ck_assert_uint_eq(weir_reader_left(&in), 0);
                weir_buffer_free(&bytes);
            }
            weir_summary_free(&parts[b]);
            parts[b] = parts[left - 1];
            if (a == left - 1)
                a = b;
        }
        assert_same_bytes(&whole, &parts[0]);
        weir_summary_free(&parts[0]);
    }
    weir_summary_reset(&whole);
    struct weir_summary empty = made(&spec);
    assert_same_bytes(&whole, &empty);
    weir_summary_free(&empty);
    weir_summary_free(&whole);
    weir_absorb_scratch_destroy(scratch);
}
END_TEST

START_TEST(truncated_and_changed_bytes_are_refused)
{
    const struct kind *kind = &kinds[_i];
    struct weir_summary_spec spec = spec_of(kind, WEIR_PART_TOP);
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    struct weir_summary summary = made(&spec), into = made(&spec), untouched = made(&spec);
    struct weir_column column = column_of(kind->type, 0, 200);
    ck_assert_int_eq(weir_summary_absorb(&summary, &column, NULL, 0, scratch), 0);
    struct weir_buffer bytes = bytes_of(&summary);
    for (size_t n = 0; n < bytes.length; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, bytes.data, n);
        struct weir_reader in = weir_reader_make(copy, n);
        ck_assert_int_eq(weir_summary_read_merge(&into, &in), WEIR_ECORRUPT);
        ck_assert_int_eq(in.failed, 1);
        free(copy);
    }
    assert_same_bytes(&into, &untouched);
    for (size_t i = 0; i < bytes.length; i++) {
        uint8_t kept = bytes.data[i];
        bytes.data[i] = (uint8_t)(kept ^ (1u << next_random() % 8));
        struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
        weir_summary_read_merge(&into, &in);
        bytes.data[i] = kept;
    }
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_summary_read_merge(&untouched, &in), 0);
    assert_same_bytes(&summary, &untouched);
    weir_buffer_free(&bytes);
    weir_summary_free(&summary);
    weir_summary_free(&into);
    weir_summary_free(&untouched);
    weir_absorb_scratch_destroy(scratch);
}
END_TEST

START_TEST(counts_and_cells_are_what_a_plain_loop_gives)
{
    struct weir_summary_spec spec = spec_of(&kinds[0], 0);
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    struct weir_summary summary = made(&spec);
    struct weir_column column = column_of(WEIR_TYPE_DOUBLE, 0, N);
    ck_assert_int_eq(weir_summary_absorb(&summary, &column, NULL, 0, scratch), 0);
    uint64_t cell[sizeof cuts / sizeof *cuts + 1] = {0}, nan = 0, low = 0, high = 0, outside = 0;
    double minimum = INFINITY, maximum = -INFINITY;
    long double sum = 0;
    uint64_t n = 0;
    for (size_t i = 0; i < N; i++) {
        double x = doubles[i];
        if (states[i] != WEIR_STATE_VALUE)
            continue;
        nan += isnan(x) != 0;
        low += x == -INFINITY;
        high += x == INFINITY;
        if (!isfinite(x))
            continue;
        size_t k = 0;
        while (k < sizeof cuts / sizeof *cuts && cuts[k] < x)
            k++;
        cell[k]++;
        minimum = fmin(minimum, x);
        maximum = fmax(maximum, x);
        if (fabs((x - .125) / .75) < 0x1p42) {
            sum += (long double)x;
            n++;
        } else {
            outside++;
        }
    }
    ck_assert_uint_eq(summary.nan, nan);
    ck_assert_uint_eq(summary.infinite_low, low);
    ck_assert_uint_eq(summary.infinite_high, high);
    ck_assert_mem_eq(summary.cell, cell, sizeof cell);
    ck_assert_uint_eq(summary.moments.n, n);
    ck_assert_uint_eq(summary.moments.outside, outside);
    ck_assert(summary.moments.minimum == minimum && summary.moments.maximum == maximum);
    double mean = weir_moments_mean(&summary.moments, numeric);
    ck_assert_double_eq_tol(mean, (double)(sum / n), 1e-9 * fabs((double)(sum / n)) + 1e-9);
    ck_assert_int_eq(weir_cells_is_atom(numeric, 6), 1);
    ck_assert_int_eq(weir_cells_is_atom(numeric, 7), 0);
    weir_summary_free(&summary);
    weir_absorb_scratch_destroy(scratch);
}
END_TEST

START_TEST(strings_fall_into_categories_hashes_and_unseen)
{
    struct weir_summary_spec spec = spec_of(&kinds[5], WEIR_PART_TOP);
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    struct weir_summary summary = made(&spec);
    struct weir_column column = column_of(WEIR_TYPE_STRING, 0, N);
    ck_assert_int_eq(weir_summary_absorb(&summary, &column, NULL, 0, scratch), 0);
    uint64_t listed[10] = {0}, unseen = 0, empty = 0, others = 0;
    for (size_t i = 0; i < N; i++) {
        if (states[i] != WEIR_STATE_VALUE)
            continue;
        const char *text = texts[codes[i]];
        size_t k = 0;
        while (k < 30 && strcmp(text, texts[k]))
            k++;
        if (k < 10)
            listed[k]++;
        others += k >= 10;
        unseen += k == 30;
        empty += !*text;
    }
    for (size_t k = 0; k < 10; k++)
        ck_assert_uint_eq(summary.cell[k], listed[k]);
    uint64_t hashed = 0;
    for (size_t k = 10; k < categorical->n; k++)
        hashed += summary.cell[k];
    ck_assert_uint_eq(hashed, others);
    ck_assert_uint_eq(summary.unseen, unseen);
    ck_assert_uint_eq(summary.empty, empty);
    const struct weir_top_entry *top[64];
    size_t n = weir_top_sorted(summary.top, top, 64);
    ck_assert_uint_eq(n, 42); // 52 texts, of which 10 are categories
    uint64_t in_top = 0;
    for (size_t i = 0; i < n; i++)
        in_top += top[i]->count;
    ck_assert_uint_eq(in_top, others);
    ck_assert_double_eq_tol(weir_hll_estimate(summary.distinct), 52, 2.5);
    weir_summary_free(&summary);
    weir_absorb_scratch_destroy(scratch);
}
END_TEST

START_TEST(a_list_counts_elements)
{
    struct weir_column column = column_of(WEIR_TYPE_DOUBLE, 0, 100);
    uint32_t offsets[] = {0, 10, 10, 35, 100}, rows[] = {0, 1, 3};
    column.offsets = offsets;
    struct weir_summary_spec spec = spec_of(&kinds[0], 0);
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    struct weir_summary summary = made(&spec);
    ck_assert_int_eq(weir_summary_absorb(&summary, &column, rows, 3, scratch), 0);
    ck_assert_uint_eq(summary.rows, 75);
    ck_assert_uint_eq(summary.values + summary.null + summary.missing + summary.fault, 75);
    // The last two rows of four: elements before theirs are not looked at.
    column.offsets = offsets + 2;
    ck_assert_int_eq(weir_summary_absorb(&summary, &column, NULL, 0, scratch), 0);
    ck_assert_uint_eq(summary.rows, 75 + 90);
    ck_assert_uint_eq(summary.values + summary.null + summary.missing + summary.fault, 75 + 90);
    column.type = WEIR_TYPE_STRING;
    ck_assert_int_eq(weir_summary_absorb(&summary, &column, rows, 3, scratch), WEIR_EINVAL);
    weir_summary_free(&summary);
    weir_absorb_scratch_destroy(scratch);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void assert_quantiles_near(const double *x, size_t n, double origin)
{
    double sorted[5000];
    struct weir_ddsketch *sketch = weir_ddsketch_create(origin);
    ck_assert_int_eq(weir_ddsketch_add(sketch, x, n), 0);
    memcpy(sorted, x, n * sizeof *x);
    qsort(sorted, n, sizeof *sorted, by_value);
    for (int k = 0; k <= 100; k++) {
        double truth = sorted[(size_t)(k / 100. * (double)(n - 1) + .5)] - origin;
        double got = weir_ddsketch_quantile(sketch, k / 100.) - origin;
        ck_assert_double_le(fabs(got - truth), 0.01 * fabs(truth) + 1e-300);
    }
    weir_ddsketch_destroy(sketch);
}

START_TEST(quantiles_are_within_one_percent)
{
    double x[5000];
    static const double origins[] = {0, 0, 0, 1e6};
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < 5000; i++)
            x[i] = kind == 0   ? normal()
                   : kind == 1 ? exp(3 * normal())
                   : kind == 2 ? (double)(int)(10 * normal())
                               : 1e6 + normal();
        assert_quantiles_near(x, 5000, origins[kind]);
        assert_quantiles_near(x, 50, origins[kind]);
        assert_quantiles_near(x, 1, origins[kind]);
    }
    struct weir_ddsketch *sketch = weir_ddsketch_create(0);
    ck_assert(isnan(weir_ddsketch_quantile(sketch, .5)));
    double out_of_range[] = {1e300, -1e300, 1e-300};
    ck_assert_int_eq(weir_ddsketch_add(sketch, out_of_range, 3), 0);
    ck_assert(fabs(weir_ddsketch_quantile(sketch, .5)) < 1e-18);
    ck_assert(weir_ddsketch_quantile(sketch, 1) > 1e19);
    weir_ddsketch_destroy(sketch);
}
END_TEST

START_TEST(counters_beyond_32_bits)
{
    struct weir_ddsketch *sketch = weir_ddsketch_create(0), *other = weir_ddsketch_create(0);
    double x[] = {1, 2, 3, 0, -1};
    ck_assert_int_eq(weir_ddsketch_add(sketch, x, 5), 0);
    for (int i = 0; i < 34; i++) {
        ck_assert_int_eq(weir_ddsketch_merge(other, sketch), 0);
        struct weir_ddsketch *swap = sketch;
        sketch = other;
        other = swap;
    }
    // Fibonacci numbers of the first sketch.
    ck_assert_uint_eq(weir_ddsketch_count(sketch), 5 * (uint64_t)9227465);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(weir_ddsketch_merge(other, sketch), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(weir_ddsketch_merge(sketch, other), 0);
    uint64_t n = weir_ddsketch_count(sketch);
    ck_assert_uint_gt(n, UINT32_MAX);
    ck_assert_double_eq_tol(weir_ddsketch_quantile(sketch, .5), 1, .01);
    struct weir_buffer out;
    weir_buffer_init(&out, 1 << 20);
    ck_assert_int_eq(weir_ddsketch_write(sketch, &out), 0);
    struct weir_ddsketch *again = weir_ddsketch_create(0);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_ddsketch_read(again, &in), 0);
    ck_assert_uint_eq(weir_ddsketch_count(again), n);
    weir_buffer_free(&out);
    weir_ddsketch_destroy(again);
    weir_ddsketch_destroy(sketch);
    weir_ddsketch_destroy(other);
}
END_TEST

START_TEST(distinct_is_within_five_percent)
{
    struct weir_hll *hll = weir_hll_create();
    size_t n = 0;
    for (size_t target = 1; target <= 1000000; target *= 10) {
        for (; n < target; n++)
            ck_assert_int_eq(weir_hll_add(hll, weir_hll_hash_long((int64_t)n * 1000)), 0);
        ck_assert_double_eq_tol(weir_hll_estimate(hll), (double)n, .05 * (double)n + .01);
    }
    ck_assert(weir_hll_hash_double(12) == weir_hll_hash_long(12));
    weir_hll_destroy(hll);
}
END_TEST

START_TEST(frequent_values_stay_on_top)
{
    struct weir_top *top = weir_top_create(8), *other = weir_top_create(8);
    char text[32];
    for (int i = 0; i < 6000; i++) {
        // One in three is "hot"; all others come once.
        int length =
            i % 3 ? snprintf(text, sizeof text, "cold-%d", i) : snprintf(text, sizeof text, "hot");
        ck_assert_int_eq(weir_top_add(i < 4000 ? top : other, weir_hash(text, (size_t)length), text,
                                      (size_t)length),
                         0);
    }
    ck_assert_int_eq(weir_top_merge(top, other), 0);
    const struct weir_top_entry *first;
    ck_assert_uint_eq(weir_top_sorted(top, &first, 1), 1);
    ck_assert_uint_eq(first->length, 3);
    ck_assert_uint_le(first->count, 2000);
    ck_assert_uint_ge(first->count + weir_top_lost(top), 2000);
    weir_top_destroy(top);
    weir_top_destroy(other);
}
END_TEST

START_TEST(every_way_to_find_a_cell_agrees)
{
    // Even, log-even, crossing zero with heavy tails, one cut, none, hundreds.
    static const size_t sizes[] = {36, 36, 36, 1, 0, 300, 40};
    double many[300], x[400];
    for (size_t kind = 0; kind < sizeof sizes / sizeof *sizes; kind++) {
        size_t n = sizes[kind];
        for (size_t i = 0; i < n; i++) {
            double z = ((double)i + 1) / (double)n;
            many[i] = kind == 1   ? exp(20 * z)
                      : kind == 2 ? tan(3.1 * (z - .5)) * fabs(tan(3.1 * (z - .5)))
                                  : z * 100 - 30;
        }
        if (kind == 6) {
            many[0] = -1e308;
            many[39] = 1e308;
        }
        struct weir_cells cells = {.shape = WEIR_SHAPE_NUMERIC,
                                   .n = n + 1,
                                   .cuts = many,
                                   .scale = 1},
                          *made_cells;
        ck_assert_int_eq(weir_cells_copy(&cells, &made_cells, NULL), 0);
        uint64_t fast[301] = {0}, plain[301] = {0};
        for (int round = 0; round < 20; round++) {
            for (size_t i = 0; i < 400; i++) {
                x[i] = normal() * exp(8 * normal());
                if (n && i % 3 == 0)
                    x[i] = many[next_random() % n];
                if (n && i % 9 == 0)
                    x[i] = nextafter(x[i], i % 2 ? INFINITY : -INFINITY);
                x[i] += 0.0;
            }
            weir_cells_count(made_cells, x, 400, fast);
            weir_cells_count(&cells, x, 400, plain);
        }
        ck_assert_mem_eq(fast, plain, sizeof fast);
        weir_cells_free(made_cells);
    }
}
END_TEST

START_TEST(cells_are_written_and_read)
{
    struct weir_cells *from = _i ? categorical : numeric, *read = NULL;
    struct weir_buffer out;
    weir_buffer_init(&out, 1 << 20);
    ck_assert_int_eq(weir_cells_write(from, &out), 0);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    struct weir_error error;
    ck_assert_int_eq(weir_cells_read(&in, &read, &error), 0);
    ck_assert_uint_eq(weir_cells_hash(read), weir_cells_hash(from));
    char name[64];
    weir_cells_name(read, _i ? 3 : 6, name, sizeof name);
    ck_assert_str_eq(name, _i ? "value-3" : "= 0");
    weir_cells_free(read);
    for (size_t n = 0; n < out.length; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, out.data, n);
        in = weir_reader_make(copy, n);
        ck_assert_int_eq(weir_cells_read(&in, &read, &error), WEIR_ECORRUPT);
        free(copy);
    }
    for (size_t i = 0; i < out.length; i++) {
        uint8_t kept = out.data[i];
        out.data[i] = (uint8_t)(kept ^ (1u << next_random() % 8));
        in = weir_reader_make(out.data, out.length);
        if (!weir_cells_read(&in, &read, &error))
            weir_cells_free(read);
        out.data[i] = kept;
    }
    weir_buffer_free(&out);
}
END_TEST

START_TEST(quantiles_come_from_cells_where_there_is_no_sketch)
{
    struct weir_summary_spec spec = {
        .shape = WEIR_SHAPE_NUMERIC, .parts = WEIR_PART_CELLS, .cells = numeric};
    struct weir_summary summary = made(&spec);
    ck_assert(isnan(weir_summary_quantile(&summary, .5)));
    summary.cell[8] = 100; // (.5, 1]
    ck_assert_double_eq_tol(weir_summary_quantile(&summary, .5), .75, 1e-9);
    ck_assert_double_eq_tol(weir_summary_quantile(&summary, 0), .5, 1e-9);
    ck_assert_double_eq_tol(weir_summary_quantile(&summary, 1), 1, 1e-9);
    ck_assert(isnan(weir_summary_quantile(&summary, 1.5)));
    ck_assert_uint_lt(weir_summary_memory(&summary), 400);
    weir_summary_free(&summary);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summary");
    TCase *cases = tcase_create("summary");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, any_order_and_grouping_gives_the_same_bytes, 0, N_KINDS);
    tcase_add_loop_test(cases, truncated_and_changed_bytes_are_refused, 0, N_KINDS);
    tcase_add_test(cases, counts_and_cells_are_what_a_plain_loop_gives);
    tcase_add_test(cases, strings_fall_into_categories_hashes_and_unseen);
    tcase_add_test(cases, a_list_counts_elements);
    tcase_add_test(cases, quantiles_are_within_one_percent);
    tcase_add_test(cases, counters_beyond_32_bits);
    tcase_add_test(cases, distinct_is_within_five_percent);
    tcase_add_test(cases, frequent_values_stay_on_top);
    tcase_add_test(cases, every_way_to_find_a_cell_agrees);
    tcase_add_loop_test(cases, cells_are_written_and_read, 0, 2);
    tcase_add_test(cases, quantiles_come_from_cells_where_there_is_no_sketch);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
