// SPDX-License-Identifier: Apache-2.0
#include "stats/alarm_budget.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cell_score.h"
#include "stats/draw_inside.h"
#include "stats/special.h"
#include "weir/error.h"

START_TEST(a_life_is_replayed)
{
    static const double score[] = {0, 5, 0, 5, 5, NAN, 0, 0, 5, 0, 0, 0, 5};
    size_t windows;
    ck_assert_uint_eq(weir_alarm_incidents(score, 13, 1, (struct weir_alarm_life){1, 3}, &windows),
                      2);
    ck_assert_uint_eq(windows, 11); // 1 to 10, and the last
    ck_assert_uint_eq(weir_alarm_incidents(score, 13, 1, (struct weir_alarm_life){2, 3}, &windows),
                      1);
    ck_assert_uint_eq(windows, 7); // 4 to 10
    ck_assert_uint_eq(weir_alarm_incidents(score, 13, 1, (struct weir_alarm_life){1, 1}, NULL), 4);
    ck_assert_uint_eq(weir_alarm_incidents(score, 13, 5, (struct weir_alarm_life){1, 1}, NULL), 0);
}
END_TEST

START_TEST(the_threshold_is_the_k_th_peak)
{
    double score[720];
    struct weir_alarm_budget budget;
    struct weir_alarm_life life = {1, 3};
    for (int i = 0; i < 720; i++)
        score[i] = i == 100 ? 9 : i == 101 ? 8.5 : i == 300 ? 7 : i == 500 ? 6 : draw_uniform();
    weir_alarm_budget(score, 720, 1, 720, life, &budget);
    ck_assert_uint_eq(budget.k, 1);
    ck_assert_int_eq(budget.kept, 1);
    ck_assert_double_eq(budget.threshold, 9);
    // Two peaks of one incident are one: the second largest is at 7.
    weir_alarm_budget(score, 720, 2, 720, life, &budget);
    ck_assert_uint_eq(budget.k, 2);
    ck_assert_double_eq(budget.threshold, 7);
    // Too short a stretch: above the highest peak, whose rate is what it keeps.
    weir_alarm_budget(score, 360, 1, 720, life, &budget);
    ck_assert_int_eq(budget.kept, 0);
    ck_assert_double_eq_tol(budget.threshold, 9 + log(-log(.1) * 720 / 361), 1e-12);
    ck_assert_double_eq_tol(budget.promised, 1.994, .01);
    ck_assert_double_eq_tol(budget.needed, 719, 1e-9);
    weir_alarm_budget(score, 0, 1, 720, life, &budget);
    ck_assert(isinf(budget.threshold));
    // Windows of a week, one alarm in 30 days: not one window in four.
    for (int i = 0; i < 26; i++)
        score[i] = i == 20 ? 5 : i % 4;
    weir_alarm_budget(score, 26, 1, 30 / 7., life, &budget);
    ck_assert_uint_eq(budget.k, 1);
    ck_assert_int_eq(budget.kept, 1);
    ck_assert_double_eq(budget.threshold, 5);
    ck_assert_double_eq_tol(budget.needed, 19, 1e-9);
    weir_alarm_budget(score, 12, 1, 30 / 7., life, &budget);
    ck_assert_int_eq(budget.kept, 0);
    ck_assert_double_eq_tol(budget.threshold, 3 + log(-log(.1) * 20 / 13), 1e-9);
}
END_TEST

START_TEST(a_little_lacking_is_made_up_for)
{
    double score[720];
    struct weir_alarm_life life = {1, 3};
    struct weir_alarm_budget whole, less;
    for (int i = 0; i < 720; i++)
        score[i] = -log(draw_uniform());
    weir_alarm_budget(score, 720, 1, 720, life, &whole);
    weir_alarm_budget(score, 720, .9, 720, life, &less);
    ck_assert(less.kept);
    ck_assert_uint_eq(less.k, 1);
    ck_assert_double_eq(less.promised, .9);
    ck_assert_double_eq_tol(less.threshold, whole.threshold - log(.9), .01);
    weir_alarm_budget(score, 720, .75, 720, life, &less);
    ck_assert(!less.kept);
}
END_TEST

START_TEST(a_part_is_the_share_where_there_are_windows_enough)
{
    ck_assert_double_eq(weir_alarm_part(1, 720, 1), 1);
    ck_assert_double_eq_tol(weir_alarm_part(1, 720, .4), .4, 1e-15);
    // No window in 20 may be false: of ten windows half an alarm, and that is what the part allows.
    ck_assert_double_eq(weir_alarm_part(1, 10, .6), 1);
    ck_assert_double_eq_tol(weir_alarm_part(1, 10, .25), .5, 1e-15);
}
END_TEST

static void check_rate(double share)
{
    // Autocorrelated maxima: calibrated on 30 days, counted on the next 90, many times over.
    enum { RUNS = 400, MONTH = 720 };
    static double score[4 * MONTH];
    struct weir_alarm_life life = {1, 3};
    double incidents = 0;
    for (int run = 0; run < RUNS; run++) {
        double level = draw_normal();
        for (int i = 0; i < 4 * MONTH; i++) {
            level = .9 * level + sqrt(1 - .81) * draw_normal();
            score[i] = -log(weir_normal_sf((3 * level + draw_normal()) / sqrt(10)));
        }
        struct weir_alarm_budget budget;
        weir_alarm_budget(score, MONTH, 1, MONTH, life, &budget);
        budget.threshold -= log(weir_alarm_part(1, MONTH, share));
        incidents +=
            (double)weir_alarm_incidents(score + MONTH, 3 * MONTH, budget.threshold, life, NULL) /
            3;
    }
    printf("%.3f promised: %.3f a month\n", share, incidents / RUNS);
    ck_assert_double_eq_tol(incidents / RUNS, share, .25 * share);
}

START_TEST(the_rate_is_what_is_promised)
{
    check_rate(1);
    check_rate(.4);
}
END_TEST

START_TEST(tails_are_those_of_the_sample)
{
    enum { N = 20000 };
    static double z[N];
    struct weir_tail tail, read;
    for (int i = 0; i < N; i++)
        z[i] = -log(draw_uniform());
    weir_tail_fit(&tail, z, N);
    for (double x = .5; x < 7; x += .5)
        ck_assert_double_eq_tol(weir_tail_score(&tail, x), x, .06 + .05 * x);
    ck_assert_double_eq_tol(weir_tail_score(&tail, 20), 20, 5);
    ck_assert_double_eq(weir_tail_score(&tail, NAN), 0);
    ck_assert_double_eq(weir_tail_score(&tail, -1), 0);
    for (double x = 0, last = 0; x < 30; x += .01) {
        double score = weir_tail_score(&tail, x);
        ck_assert(score >= last);
        last = score;
    }
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_tail_write(&tail, &out), 0);
    for (size_t length = 0; length < out.length; length++) {
        struct weir_reader in = weir_reader_make(out.data, length);
        ck_assert_int_eq(weir_tail_read(&read, &in), WEIR_ECORRUPT);
    }
    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_tail_read(&read, &in), 0);
    ck_assert_double_eq(weir_tail_score(&read, 3.3), weir_tail_score(&tail, 3.3));
    weir_buffer_free(&out);

    double same[100];
    for (int i = 0; i < 100; i++)
        same[i] = 2;
    weir_tail_fit(&tail, same, 100);
    ck_assert_double_eq(weir_tail_score(&tail, 2), 0);
    ck_assert(isfinite(weir_tail_score(&tail, 1e300)));
    weir_tail_fit(&tail, same, 0);
    ck_assert_double_eq(weir_tail_score(&tail, 5), 0);
}
END_TEST

START_TEST(what_is_usual_is_robust)
{
    double s[1000];
    struct weir_usual usual;
    for (int i = 0; i < 1000; i++)
        s[i] = exp(2 + .5 * draw_normal());
    for (int i = 0; i < 50; i++)
        s[i * 20] = 1e9;
    weir_usual_fit(&usual, s, 1000);
    ck_assert_double_eq_tol(usual.median, 2, .15);
    ck_assert_double_eq_tol(usual.spread, .5, .08);
    ck_assert(isnan(weir_usual_z(&usual, NAN)));
    weir_usual_fit(&usual, s, 0);
    ck_assert(isnan(weir_usual_z(&usual, 0)));
    memset(s, 0, sizeof s);
    weir_usual_fit(&usual, s, 1000);
    ck_assert_double_eq(weir_usual_z(&usual, 0), 0);
}
END_TEST

START_TEST(scores_of_cells)
{
    double share[5] = {.1, .2, .4, .2, .1}, score[5], out[WEIR_SCORES], ratio;
    weir_normal_scores(share, 5, score);
    ck_assert_double_eq_tol(score[2], 0, 1e-12);
    ck_assert_double_eq_tol(score[0], -1.755, .001); // phi(q(.1)) / .1
    struct weir_expectation expected = {share, score, 5, 1e6, .1, .01};
    uint64_t same[5] = {100, 200, 400, 200, 100}, shifted[5] = {50, 150, 400, 250, 150},
             wide[5] = {200, 200, 200, 200, 200};
    struct weir_cell_observation now = {same, 1111, 111, 1000, 10};
    weir_cell_scores(&expected, &now, out, &ratio);
    for (int k = 0; k < WEIR_SCORES; k++)
        ck_assert_double_eq_tol(out[k], 0, .01);
    now.cell = shifted;
    weir_cell_scores(&expected, &now, out, &ratio);
    // By hand: 4 cuts, n gap^2 / (F (1 - F)) weighted by the cells beside; G = 2 x shape.
    double level = (.3 / 2 * .05 * .05 / .09 + .6 / 2 * .01 / .21 + .6 / 2 * .01 / .21 +
                    .3 / 2 * .05 * .05 / .09) *
                   1000;
    ck_assert_double_eq_tol(out[WEIR_SCORE_LEVEL], level, .02 * level);
    double g = 50 * log(.5) + 150 * log(.75) + 250 * log(1.25) + 150 * log(1.5);
    ck_assert_double_eq_tol(out[WEIR_SCORE_SHAPE], g, .02 * g);
    ck_assert(out[WEIR_SCORE_CUT] > 20);
    ck_assert_double_eq_tol(ratio, 0, .1);
    now.cell = wide;
    now.null = 333;
    weir_cell_scores(&expected, &now, out, &ratio);
    ck_assert(ratio > .4);
    ck_assert(out[WEIR_SCORE_NULL] > 50);
    // Categories have no order; nothing at all has no scores.
    expected.score = NULL;
    weir_cell_scores(&expected, &now, out, &ratio);
    ck_assert(isnan(out[WEIR_SCORE_LEVEL]) && isnan(out[WEIR_SCORE_SCALE]));
    ck_assert(out[WEIR_SCORE_CUT] > 10);
    struct weir_cell_observation nothing = {.cell = (uint64_t[5]){0}};
    weir_cell_scores(&expected, &nothing, out, &ratio);
    for (int k = 0; k < WEIR_SCORES; k++)
        ck_assert(isnan(out[k]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alarm_budget");
    TCase *tests = tcase_create("alarm_budget");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_life_is_replayed);
    tcase_add_test(tests, the_threshold_is_the_k_th_peak);
    tcase_add_test(tests, a_little_lacking_is_made_up_for);
    tcase_add_test(tests, a_part_is_the_share_where_there_are_windows_enough);
    tcase_add_test(tests, the_rate_is_what_is_promised);
    tcase_add_test(tests, tails_are_those_of_the_sample);
    tcase_add_test(tests, what_is_usual_is_robust);
    tcase_add_test(tests, scores_of_cells);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
