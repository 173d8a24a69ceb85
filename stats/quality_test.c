// SPDX-License-Identifier: Apache-2.0
// Counting, merging and bytes; the metrics themselves are held against others in
// tests/conformance/quality_test.py.
#include "stats/quality.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 900, KINDS = 3 };

static const char *const two[] = {"no", "yes"};
static const char *const three[] = {"a", "b", "c"};
static const double cuts[] = {-1, 0, .25, .5, .75, 1};

static const struct weir_quality_spec specs[KINDS] = {
    {.classes = two,
     .n_classes = 2,
     .predicted = 1,
     .positive = 1,
     .scored = 1,
     .cuts = cuts,
     .n_cuts = 6},
    {.classes = three, .n_classes = 3, .predicted = 1, .positive = -1},
    {.task = WEIR_QUALITY_NUMBERS, .positive = -1, .centre = 10, .scale = 4},
};

static struct weir_quality *empty(int kind)
{
    struct weir_quality *quality;
    ck_assert_int_eq(weir_quality_create(&specs[kind], &quality), 0);
    return quality;
}

static void add(struct weir_quality *quality, int kind, uint64_t i)
{
    uint64_t x = i * 0x9e3779b97f4a7c15;
    double u = (double)(x >> 11) * 0x1p-53;
    if (kind == 0) {
        weir_quality_add_score(quality, (int)(x & 1), u);
        weir_quality_add_class(quality, x & 1, u > .5);
    } else if (kind == 1) {
        weir_quality_add_class(quality, x % 4, x % 7 ? x % 4 : (x >> 8) % 4);
    } else {
        weir_quality_add_number(quality, 10 + 8 * u, 10 + 8 * u * (i % 5 ? 1 : .9));
    }
}

static void write(const struct weir_quality *quality, struct weir_buffer *out)
{
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    weir_quality_write(quality, out);
    ck_assert(!out->failed);
}

static void same_bytes(const struct weir_quality *a, const struct weir_quality *b)
{
    struct weir_buffer x, y;
    write(a, &x);
    write(b, &y);
    ck_assert_uint_eq(x.length, y.length);
    ck_assert_mem_eq(x.data, y.data, x.length);
    weir_buffer_free(&x);
    weir_buffer_free(&y);
}

START_TEST(neither_order_nor_parts_matter)
{
    struct weir_quality *whole = empty(_i), *back = empty(_i), *parts[3];
    for (int k = 0; k < 3; k++)
        parts[k] = empty(_i);
    for (uint64_t i = 0; i < ROWS; i++) {
        add(whole, _i, i);
        add(back, _i, ROWS - 1 - i);
        add(parts[i * i % 3], _i, i);
    }
    ck_assert_uint_eq(weir_quality_records(whole), ROWS);
    same_bytes(whole, back);
    ck_assert_int_eq(weir_quality_merge(parts[2], parts[0]), 0);
    ck_assert_int_eq(weir_quality_merge(parts[1], parts[2]), 0);
    same_bytes(whole, parts[1]);
    for (int k = 0; k < 3; k++)
        weir_quality_destroy(parts[k]);
    weir_quality_destroy(whole);
    weir_quality_destroy(back);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    struct weir_quality *quality = empty(_i), *read;
    struct weir_buffer bytes;
    for (uint64_t i = 0; i < ROWS; i++)
        add(quality, _i, i);
    write(quality, &bytes);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_quality_read(&in, &read), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    same_bytes(quality, read);
    weir_quality_destroy(read);
    for (size_t n = 0; n < bytes.length; n++) {
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, bytes.data, n);
        in = weir_reader_make(copy, n);
        ck_assert_int_eq(weir_quality_read(&in, &read), WEIR_ECORRUPT);
        free(copy);
    }
    // Whatever is read gives numbers, or none.
    for (size_t i = 0; i < bytes.length * 8; i++) {
        struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        in = weir_reader_make(bytes.data, bytes.length);
        if (!weir_quality_read(&in, &read)) {
            weir_quality_measure(read, metrics);
            for (int m = 0; m < WEIR_QUALITY_METRICS; m++)
                ck_assert(!metrics[m].name || !isinf(metrics[m].value));
            weir_quality_destroy(read);
        }
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    weir_buffer_free(&bytes);
    weir_quality_destroy(quality);
}
END_TEST

START_TEST(what_is_no_spec_is_refused)
{
    static const char *const twice[] = {"a", "a"};
    static const double down[] = {1, 0}, nan_cut[] = {NAN};
    const struct weir_quality_spec bad[] = {
        {.classes = two, .n_classes = 0, .predicted = 1, .positive = -1},
        {.classes = twice, .n_classes = 2, .predicted = 1, .positive = 1},
        {.classes = two, .n_classes = 2, .predicted = 1, .positive = -1},
        {.classes = two, .n_classes = 2, .positive = 1},
        {.classes = three, .n_classes = 3, .positive = -1, .scored = 1},
        {.classes = two, .n_classes = 2, .positive = 1, .scored = 1, .cuts = down, .n_cuts = 2},
        {.classes = two, .n_classes = 2, .positive = 1, .scored = 1, .cuts = nan_cut, .n_cuts = 1},
        {.task = WEIR_QUALITY_NUMBERS, .centre = 0, .scale = 0},
        {.task = WEIR_QUALITY_NUMBERS, .centre = NAN, .scale = 1},
    };
    struct weir_quality *quality = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(weir_quality_create(&bad[i], &quality), WEIR_EINVAL);
    struct weir_quality *a = empty(0), *b = empty(1);
    ck_assert_int_eq(weir_quality_merge(a, b), WEIR_EINVAL);
    weir_quality_destroy(a);
    weir_quality_destroy(b);
}
END_TEST

START_TEST(odd_records)
{
    struct weir_quality *quality = empty(0);
    struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
    weir_quality_add_score(quality, 1, NAN);
    weir_quality_add_class(quality, 0, 3); // not both are others
    weir_quality_add_class(quality, 4, 0);
    ck_assert_uint_eq(weir_quality_records(quality), 0);
    weir_quality_add_score(quality, 1, INFINITY);
    weir_quality_add_score(quality, 0, -INFINITY);
    weir_quality_measure(quality, metrics);
    ck_assert_double_eq(metrics[WEIR_QUALITY_ROC_AUC].value, 1);
    ck_assert_ptr_nonnull(metrics[WEIR_QUALITY_BRIER].reason);
    ck_assert_ptr_nonnull(metrics[WEIR_QUALITY_ACCURACY].reason);
    weir_quality_destroy(quality);
    quality = empty(2);
    weir_quality_add_number(quality, NAN, 1);
    ck_assert_uint_eq(weir_quality_records(quality), 0);
    weir_quality_add_number(quality, 1, 1e300);
    weir_quality_measure(quality, metrics);
    ck_assert_ptr_nonnull(metrics[WEIR_QUALITY_MAE].reason);
    ck_assert(isnan(metrics[WEIR_QUALITY_MAE].value));
    weir_quality_destroy(quality);
}
END_TEST

// Of values that many share a cell is of one value: there the area is exact.
START_TEST(cuts_hold_frequent_values)
{
    double sorted[1000], at[WEIR_QUALITY_CELLS];
    for (int i = 0; i < 1000; i++)
        sorted[i] = i < 400 ? 0 : i < 600 ? .5 : i / 1000.;
    size_t n = weir_quality_cuts(sorted, 1000, at);
    ck_assert_uint_gt(n, 100);
    ck_assert_uint_lt(n, WEIR_QUALITY_CELLS);
    ck_assert_double_eq(at[0], 0);
    ck_assert_double_eq(at[1], .5);
    for (size_t i = 1; i < n; i++)
        ck_assert_double_gt(at[i], at[i - 1]);
    ck_assert_uint_eq(weir_quality_cuts(sorted, 0, at), 0);
}
END_TEST

START_TEST(changes_have_intervals)
{
    struct weir_quality_metric a = {"accuracy", .8, .75, .84, 0, NULL};
    struct weir_quality_metric b = {"accuracy", .7, .66, .74, 0, NULL};
    double low, high;
    weir_quality_change(&a, &b, &low, &high);
    ck_assert_double_eq_tol(low, -.1 - hypot(.04, .04), 1e-12);
    ck_assert_double_eq_tol(high, -.1 + hypot(.04, .05), 1e-12);
    b.low = b.high = NAN;
    weir_quality_change(&a, &b, &low, &high);
    ck_assert(isnan(low) && isnan(high));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quality");
    TCase *cases = tcase_create("quality");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, neither_order_nor_parts_matter, 0, KINDS);
    tcase_add_loop_test(cases, what_is_written_is_read, 0, KINDS);
    tcase_add_test(cases, what_is_no_spec_is_refused);
    tcase_add_test(cases, odd_records);
    tcase_add_test(cases, cuts_hold_frequent_values);
    tcase_add_test(cases, changes_have_intervals);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
