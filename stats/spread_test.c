// SPDX-License-Identifier: Apache-2.0
#include "stats/spread.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "stats/draw_inside.h"
#include "stats/special.h"

enum { CELLS = 10, STRETCHES = 12, VALUES = 2000 };
static double score[CELLS];

// Stretches of a stream whose level differs by so many sd from one to the next.
static struct weir_spread spread_of(int stretches, double sd)
{
    static uint64_t one[64][CELLS], others[CELLS];
    struct weir_spread spread = {.n = 0};
    for (int s = 0; s < stretches; s++) {
        double level = sd * draw_normal();
        for (int i = 0; i < CELLS; i++)
            one[s][i] = 0;
        for (int v = 0; v < VALUES; v++) {
            int cell = (int)(CELLS * weir_normal_cdf(level + draw_normal()));
            one[s][cell < CELLS ? cell : CELLS - 1]++;
        }
    }
    for (int s = 0; s < stretches; s++) {
        for (int i = 0; i < CELLS; i++) {
            others[i] = 0;
            for (int k = 0; k < stretches; k++)
                others[i] += k == s ? 0 : one[k][i];
        }
        weir_spread_add(&spread, one[s], others, CELLS, score);
    }
    return spread;
}

static void setup(void)
{
    draw_state = 5;
    for (int i = 0; i < CELLS; i++)
        score[i] = weir_normal_quantile((i + .5) / CELLS);
}

START_TEST(of_one_distribution_it_is_one)
{
    int beyond = 0;
    for (int run = 0; run < 50; run++) {
        struct weir_spread spread = spread_of(STRETCHES, 0);
        ck_assert_uint_eq(spread.n, STRETCHES);
        ck_assert_double_eq(spread.df, STRETCHES * (CELLS - 1));
        ck_assert_double_eq_tol(spread.mean[WEIR_SPREAD_SHAPE], 1, .6);
        beyond += weir_spread_reckoned(&spread, 1e-4) > 1;
    }
    ck_assert_int_le(beyond, 8);
}
END_TEST

START_TEST(a_level_that_differs_is_reckoned_with)
{
    // The mean of 2,000 values would vary by 1 / 2,000; it varies by .2^2 beside: 81 times as much.
    double sum = 0;
    for (int run = 0; run < 20; run++) {
        struct weir_spread spread = spread_of(STRETCHES, .2);
        sum += spread.mean[WEIR_SPREAD_LEVEL] / 20;
        ck_assert_double_gt(weir_spread_reckoned(&spread, .01), spread.mean[WEIR_SPREAD_LEVEL]);
    }
    ck_assert_double_eq_tol(sum, 81, 25);
}
END_TEST

START_TEST(few_stretches_may_hide_more)
{
    struct weir_spread few = {{10, 50, 1}, 100, 4}, many = {{10, 50, 1}, 1000, 40}, none = {.n = 0},
                       two = {{10, 50, 1}, 100, 2};
    ck_assert_double_gt(weir_spread_reckoned(&few, 1e-4), weir_spread_reckoned(&many, 1e-4));
    ck_assert_double_le(weir_spread_reckoned(&few, 1e-9), 1 + 20 * 49);
    ck_assert_double_eq(weir_spread_reckoned(&none, 1e-4), 1);
    ck_assert_double_eq(weir_spread_reckoned(&two, 1e-4), 1);
    uint64_t nothing[CELLS] = {0}, some[CELLS] = {5, 5};
    weir_spread_add(&none, nothing, some, CELLS, score);
    weir_spread_add(&none, some, nothing, CELLS, NULL);
    ck_assert_uint_eq(none.n, 0);
    ck_assert(isnan(weir_spread_between(some, nothing, CELLS, 2, NULL)));
    weir_spread_add(&none, some, some, CELLS, NULL);
    ck_assert_uint_eq(none.n, 1);
    ck_assert_double_eq(none.mean[WEIR_SPREAD_SHAPE], 0);
}
END_TEST

START_TEST(bytes)
{
    struct weir_spread spread = {{10, 50, 1}, 100, 4}, read = {.n = 0};
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_spread_write(&spread, &out), 0);
    for (size_t length = 0; length < out.length; length++) {
        struct weir_reader in = weir_reader_make(out.data, length);
        ck_assert_int_ne(weir_spread_read(&read, &in), 0);
        ck_assert_uint_eq(read.n, 0);
    }
    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_spread_read(&read, &in), 0);
    ck_assert_uint_eq(read.n, 4);
    ck_assert_double_eq(read.mean[WEIR_SPREAD_LEVEL], 50);
    weir_buffer_free(&out);
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    spread.mean[0] = NAN;
    weir_spread_write(&spread, &out);
    in = weir_reader_make(out.data, out.length);
    ck_assert_int_ne(weir_spread_read(&read, &in), 0);
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spread");
    TCase *cases = tcase_create("spread");
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, of_one_distribution_it_is_one);
    tcase_add_test(cases, a_level_that_differs_is_reckoned_with);
    tcase_add_test(cases, few_stretches_may_hide_more);
    tcase_add_test(cases, bytes);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
