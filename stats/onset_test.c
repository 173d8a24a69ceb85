// SPDX-License-Identifier: Apache-2.0
#include "stats/onset.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "weir/error.h"

enum { WINDOWS = 48, CELLS = 10, ROWS = 1000 };

static uint64_t state = 88172645463325252u;
static uint64_t count[WINDOWS][CELLS];
static double share[WINDOWS][CELLS];

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)((state * 0x2545f4914f6cdd1du) >> 11) * 0x1p-53;
}

// Windows with a rhythm; from `at` on values go to cell 0 with a chance that grows to `most`.
static void fill(size_t at, double most, int ramp)
{
    for (size_t w = 0; w < WINDOWS; w++) {
        double sum = 0, part = w < at ? 0 : most;
        for (int i = 0; i < CELLS; i++)
            sum += share[w][i] = 1 + .5 * sin((double)w / 4 + i);
        for (int i = 0; i < CELLS; i++) {
            share[w][i] /= sum;
            count[w][i] = 0;
        }
        if (ramp && w >= at)
            part = most * (double)(w - at + 1) / (double)(WINDOWS - at);
        for (int k = 0; k < ROWS; k++) {
            double u = uniform();
            int i = 0;
            while (i + 1 < CELLS && u >= share[w][i])
                u -= share[w][i++];
            count[w][uniform() < part ? 0 : i]++;
        }
    }
}

static struct weir_onset found_in(double dispersion)
{
    struct weir_onset_series series = {&count[0][0], &share[0][0], WINDOWS, CELLS, dispersion};
    struct weir_onset onset;
    ck_assert_int_eq(weir_onset_find(&series, &onset), 0);
    ck_assert(onset.first <= onset.at && onset.at <= onset.last && onset.last < WINDOWS);
    return onset;
}

START_TEST(a_step_is_dated)
{
    int inside = 0;
    for (int trial = 0; trial < 100; trial++) {
        size_t at = 5 + (size_t)(uniform() * 40);
        fill(at, .1, 0);
        struct weir_onset onset = found_in(1);
        inside += onset.first <= at && at <= onset.last;
        ck_assert_uint_le(onset.last - onset.first, 6);
        ck_assert_int_eq(onset.gradual, 0);
    }
    ck_assert_int_ge(inside, 95);
}
END_TEST

START_TEST(a_ramp_is_told_from_a_step)
{
    int gradual = 0, inside = 0;
    for (int trial = 0; trial < 50; trial++) {
        fill(12, .3, 1);
        struct weir_onset onset = found_in(1);
        gradual += onset.gradual;
        inside += onset.first <= 14 && 10 <= onset.last;
    }
    ck_assert_int_ge(gradual, 48);
    ck_assert_int_ge(inside, 40);
}
END_TEST

START_TEST(more_variation_makes_the_interval_wider)
{
    fill(30, .06, 0);
    struct weir_onset narrow = found_in(1), wide = found_in(20);
    ck_assert_uint_ge(wide.last - wide.first, narrow.last - narrow.first);
    ck_assert_uint_eq(wide.at, narrow.at);
}
END_TEST

START_TEST(nothing_has_no_onset)
{
    struct weir_onset_series series = {&count[0][0], &share[0][0], WINDOWS, CELLS, 1};
    struct weir_onset onset;
    for (size_t i = 0; i < WINDOWS * CELLS; i++)
        count[i / CELLS][i % CELLS] = 0;
    ck_assert_int_eq(weir_onset_find(&series, &onset), WEIR_EINVAL);
    series.n = 0;
    ck_assert_int_eq(weir_onset_find(&series, &onset), WEIR_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onset");
    TCase *tests = tcase_create("onset");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_step_is_dated);
    tcase_add_test(tests, a_ramp_is_told_from_a_step);
    tcase_add_test(tests, more_variation_makes_the_interval_wider);
    tcase_add_test(tests, nothing_has_no_onset);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
