// SPDX-License-Identifier: Apache-2.0
#include "stats/co_moments.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/draw_inside.h"
#include "weir/error.h"

enum { NUMBERS = 5, ROWS = 1501, BLOCK = WEIR_CO_MOMENTS_BLOCK };

static double value[ROWS][NUMBERS]; // NAN: none

// The third number is often absent, the fifth always the same.
static void set_up(void)
{
    draw_state = 1;
    for (int r = 0; r < ROWS; r++) {
        double x = 4 * draw_uniform() - 2, y = x + draw_uniform(),
               z = draw_uniform() < .3 ? NAN : y * y / 2 - 1;
        double w = r % 7 ? -x / 3 : NAN;
        const double row[] = {x, y, z, w, .5};
        memcpy(value[r], row, sizeof row);
    }
}

static struct weir_co_moments *empty(void)
{
    struct weir_co_moments *moments;
    ck_assert_int_eq(weir_co_moments_create(NUMBERS, &moments), 0);
    return moments;
}

// Every `step`th row from `first`, so many at a time.
static void add(struct weir_co_moments *moments, size_t first, size_t step, size_t block)
{
    static double z[NUMBERS * BLOCK], present[NUMBERS * BLOCK];
    for (size_t r = first; r < ROWS;) {
        size_t n = 0;
        for (; n < block && r < ROWS; n++, r += step)
            for (size_t j = 0; j < NUMBERS; j++) {
                int there = !isnan(value[r][j]);
                z[j * BLOCK + n] = there ? value[r][j] : 0;
                present[j * BLOCK + n] = there;
            }
        weir_co_moments_add(moments, z, present, n);
    }
}

static void write(const struct weir_co_moments *moments, struct weir_buffer *out)
{
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    weir_co_moments_write(moments, out);
    ck_assert(!out->failed);
}

static void same_bytes(const struct weir_co_moments *a, const struct weir_co_moments *b)
{
    struct weir_buffer x, y;
    write(a, &x);
    write(b, &y);
    ck_assert_uint_eq(x.length, y.length);
    ck_assert_mem_eq(x.data, y.data, x.length);
    weir_buffer_free(&x);
    weir_buffer_free(&y);
}

START_TEST(correlations_are_those_of_the_rows_with_both)
{
    struct weir_co_moments *moments = empty();
    add(moments, 0, 1, BLOCK);
    for (size_t j = 0; j < NUMBERS; j++)
        for (size_t k = 0; k < NUMBERS; k++) {
            long double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
            if (j == k)
                continue;
            for (size_t r = 0; r < ROWS; r++) {
                if (isnan(value[r][j]) || isnan(value[r][k]))
                    continue;
                n++;
                x += value[r][j];
                y += value[r][k];
                xx += value[r][j] * value[r][j];
                yy += value[r][k] * value[r][k];
                xy += value[r][j] * value[r][k];
            }
            long double r = (xy - x * y / n) / sqrtl((xx - x * x / n) * (yy - y * y / n));
            struct weir_correlation got = weir_co_moments_correlation(moments, j, k);
            ck_assert_uint_eq(got.n, (uint64_t)n);
            if (j == 4 || k == 4) {
                ck_assert(isnan(got.r));
                continue;
            }
            ck_assert_double_lt(got.error, 2e-5);
            ck_assert_double_le(fabs(got.r - (double)r), got.error);
            ck_assert_double_le(fabs(got.r - (double)r), 1e-6);
        }
    weir_co_moments_destroy(moments);
}
END_TEST

START_TEST(neither_order_nor_parts_matter)
{
    struct weir_co_moments *whole = empty(), *blocks = empty(), *parts[3];
    add(whole, 0, 1, BLOCK);
    add(blocks, 0, 1, 7);
    same_bytes(whole, blocks);
    for (size_t k = 0; k < 3; k++) {
        parts[k] = empty();
        add(parts[k], k, 3, 64);
    }
    ck_assert_int_eq(weir_co_moments_merge(parts[2], parts[0]), 0);
    ck_assert_int_eq(weir_co_moments_merge(parts[1], parts[2]), 0);
    same_bytes(whole, parts[1]);
    for (size_t k = 0; k < 3; k++)
        weir_co_moments_destroy(parts[k]);
    weir_co_moments_destroy(whole);
    weir_co_moments_destroy(blocks);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    struct weir_co_moments *moments = empty(), *read;
    struct weir_buffer bytes;
    add(moments, 0, 1, BLOCK);
    write(moments, &bytes);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_co_moments_read(&in, &read), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    same_bytes(moments, read);
    weir_co_moments_destroy(read);
    for (size_t n = 0; n < bytes.length; n++) {
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, bytes.data, n);
        in = weir_reader_make(copy, n);
        ck_assert_int_eq(weir_co_moments_read(&in, &read), WEIR_ECORRUPT);
        free(copy);
    }
    for (size_t i = 0; i < bytes.length * 8; i++) {
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        in = weir_reader_make(bytes.data, bytes.length);
        if (!weir_co_moments_read(&in, &read)) {
            for (size_t j = 0; j < weir_co_moments_size(read); j++) {
                struct weir_correlation c = weir_co_moments_correlation(read, 0, j);
                ck_assert(isnan(c.r) || fabs(c.r) <= 1);
            }
            weir_co_moments_destroy(read);
        }
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    weir_buffer_free(&bytes);
    weir_co_moments_destroy(moments);
}
END_TEST

START_TEST(edges)
{
    struct weir_co_moments *moments = empty(), *other;
    ck_assert(isnan(weir_co_moments_correlation(moments, 0, 1).r));
    ck_assert(isnan(weir_co_moments_variance(moments, 0)));
    ck_assert_int_eq(weir_co_moments_create(0, &other), WEIR_EINVAL);
    ck_assert_int_eq(weir_co_moments_create(WEIR_CO_MOMENTS_MOST + 1, &other), WEIR_EINVAL);
    ck_assert_int_eq(weir_co_moments_create(NUMBERS + 1, &other), 0);
    ck_assert_int_eq(weir_co_moments_merge(moments, other), WEIR_EINVAL);
    weir_co_moments_destroy(other);
    weir_co_moments_destroy(moments);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("co_moments");
    TCase *cases = tcase_create("co_moments");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, correlations_are_those_of_the_rows_with_both);
    tcase_add_test(cases, neither_order_nor_parts_matter);
    tcase_add_test(cases, what_is_written_is_read);
    tcase_add_test(cases, edges);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
