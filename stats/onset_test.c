// SPDX-License-Identifier: Apache-2.0
#include "stats/onset.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/draw_inside.h"
#include "weir/error.h"

enum { WINDOWS = 48, CELLS = 10, ROWS = 1000 };

static uint64_t count[WINDOWS][CELLS];
static double share[WINDOWS][CELLS];

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
            double u = draw_uniform();
            int i = 0;
            while (i + 1 < CELLS && u >= share[w][i])
                u -= share[w][i++];
            count[w][draw_uniform() < part ? 0 : i]++;
        }
    }
}

static struct weir_onset found_in(double dispersion)
{
    struct weir_onset_series series = {.count = &count[0][0],
                                       .share = &share[0][0],
                                       .n = WINDOWS,
                                       .cells = CELLS,
                                       .dispersion = dispersion,
                                       .ordered = CELLS};
    struct weir_onset onset;
    ck_assert_int_eq(weir_onset_find(&series, &onset), 0);
    ck_assert(onset.first <= onset.at && onset.at <= onset.last && onset.last < WINDOWS);
    return onset;
}

START_TEST(a_step_is_dated)
{
    int inside = 0;
    for (int trial = 0; trial < 100; trial++) {
        size_t at = 5 + (size_t)(draw_uniform() * 40);
        fill(at, .1, 0);
        struct weir_onset onset = found_in(1);
        inside += onset.first <= at && at <= onset.last;
        ck_assert_uint_le(onset.last - onset.first, 6);
        ck_assert_int_eq(onset.kind, WEIR_ONSET_SUDDEN);
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
        gradual += onset.kind == WEIR_ONSET_GRADUAL;
        inside += onset.first <= 14 && 10 <= onset.last;
    }
    ck_assert_int_ge(gradual, 48);
    ck_assert_int_ge(inside, 40);
}
END_TEST

// Normal values in cells of equal mass; from window 12 on they are others.
enum way { AT_ONCE, STAIRCASE, STEADY, MIXED };
static void fill_normal(enum way way, double begins, double shift, int rows)
{
    static const double cuts[CELLS - 1] = {-1.2816, -.8416, -.5244, -.2533, 0,
                                           .2533,   .5244,  .8416,  1.2816};
    for (size_t w = 0; w < WINDOWS; w++) {
        for (int i = 0; i < CELLS; i++) {
            share[w][i] = 1. / CELLS;
            count[w][i] = 0;
        }
        for (int k = 0; k < rows; k++) {
            double time = (double)w + draw_uniform() - begins, t = fmin(fmax(time, 0) / 24, 1);
            double z =
                sqrt(-2 * log(draw_uniform() + 1e-300)) * cos(6.283185307179586 * draw_uniform());
            double move = way == AT_ONCE     ? time > 0
                          : way == STAIRCASE ? ceil(4 * t) / 4
                          : way == STEADY    ? t
                                             : draw_uniform() < t;
            int i = 0;
            while (i < CELLS - 1 && z + shift * move > cuts[i])
                i++;
            count[w][i]++;
        }
    }
}

START_TEST(a_step_is_dated_within_its_window)
{
    int inside = 0, near = 0;
    for (int trial = 0; trial < 100; trial++) {
        double begins = 5 + draw_uniform() * 40;
        fill_normal(AT_ONCE, begins, .6, 1000);
        struct weir_onset onset = found_in(1);
        inside += onset.earliest <= begins && begins <= onset.latest;
        near += fabs(onset.begins - begins) < 1. / 12;
        ck_assert(onset.earliest <= onset.begins && onset.begins <= onset.latest);
        ck_assert_int_eq(onset.kind, WEIR_ONSET_SUDDEN);
        if (begins < WINDOWS - 3)
            ck_assert_msg(onset.latest - onset.earliest < .8, "%g", onset.latest - onset.earliest);
    }
    printf("within a twelfth of a window %d, in the interval %d of 100\n", near, inside);
    ck_assert_int_ge(inside, 95);
    ck_assert_int_ge(near, 65);
}
END_TEST

START_TEST(what_is_mixed_is_told_from_what_moves)
{
    static const double shifts[] = {.8, 1.5, 3};
    for (size_t k = 0; k < 3; k++) {
        int right[4] = {0};
        for (int trial = 0; trial < 20; trial++) {
            for (int way = AT_ONCE; way <= MIXED; way++) {
                fill_normal((enum way)way, 12, shifts[k], 1000);
                enum weir_onset_kind kind = found_in(1).kind;
                right[way] += kind == (way == AT_ONCE ? WEIR_ONSET_SUDDEN
                                       : way == MIXED ? WEIR_ONSET_GRADUAL
                                                      : WEIR_ONSET_INCREMENTAL);
            }
        }
        printf("shift %g: at once %d, staircase %d, steady %d, mixed %d of 20\n", shifts[k],
               right[AT_ONCE], right[STAIRCASE], right[STEADY], right[MIXED]);
        for (int way = AT_ONCE; way <= MIXED; way++)
            ck_assert_int_ge(right[way], 18);
    }
}
END_TEST

START_TEST(what_takes_a_day_began_in_its_interval)
{
    static const double shifts[] = {.4, .8, 1.5, 3};
    static const char *const names[] = {"", "staircase", "steady", "mixed"};
    int all = 0;
    for (int way = STAIRCASE; way <= MIXED; way++) {
        for (size_t k = 0; k < 4; k++) {
            int inside = 0;
            double wide = 0;
            for (int trial = 0; trial < 40; trial++) {
                double begins = 8 + 8 * draw_uniform();
                fill_normal((enum way)way, begins, shifts[k], 1000);
                struct weir_onset onset = found_in(1);
                inside += onset.earliest <= begins && begins <= onset.latest;
                wide += (onset.latest - onset.earliest) / 40;
                ck_assert(onset.earliest <= onset.begins && onset.begins <= onset.latest);
            }
            printf("%s by %g: in the interval %d of 40, %.1f windows wide\n", names[way], shifts[k],
                   inside, wide);
            all += inside;
            ck_assert_int_ge(inside, 34);
            ck_assert_double_lt(wide, 9);
        }
    }
    ck_assert_int_ge(all, 456); // 95% of 480
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
    struct weir_onset_series series = {.count = &count[0][0],
                                       .share = &share[0][0],
                                       .n = WINDOWS,
                                       .cells = CELLS,
                                       .dispersion = 1};
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
    tcase_add_test(tests, a_step_is_dated_within_its_window);
    tcase_add_test(tests, what_is_mixed_is_told_from_what_moves);
    tcase_add_test(tests, what_takes_a_day_began_in_its_interval);
    tcase_add_test(tests, more_variation_makes_the_interval_wider);
    tcase_add_test(tests, nothing_has_no_onset);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
