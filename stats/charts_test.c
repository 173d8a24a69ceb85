// SPDX-License-Identifier: Apache-2.0
#include "stats/charts.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

START_TEST(cusum_by_hand)
{
    static const double x[] = {10, 12, 14, 9, 30, 30};
    static const double up[] = {0, 0.5, 2, 1, 10.5, 20};
    static const enum weir_chart_side side[] = {0, 0, 0, 0, WEIR_CHART_UP, WEIR_CHART_UP};
    struct weir_cusum_options options = {10, 2, 0.5, 5};
    struct weir_cusum chart = {0};
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(weir_cusum_add(&chart, &options, x[i]), side[i]);
        ck_assert_double_eq_tol(chart.up, up[i], 1e-12);
    }
    ck_assert_uint_eq(chart.up_from, 1);
    ck_assert_int_eq(weir_cusum_add(&chart, &options, NAN), WEIR_CHART_UP);
    ck_assert_double_eq_tol(chart.up, 20, 1e-12);
    for (int i = 0; i < 12; i++)
        weir_cusum_add(&chart, &options, -HUGE_VAL);
    ck_assert_double_eq_tol(chart.up, 20, 1e-12);
    memset(&chart, 0, sizeof chart);
    ck_assert_int_eq(weir_cusum_add(&chart, &options, -2), WEIR_CHART_DOWN);
    ck_assert_uint_eq(chart.down_from, 0);
    ck_assert_double_eq_tol(weir_cusum_slack(0.2, 100), 0.2, 1e-12);
    ck_assert_double_eq_tol(weir_cusum_slack(0.2, 1e6), 0.1, 1e-12);
    ck_assert_double_eq_tol(weir_cusum_slack(0.2, 0), 0.1, 1e-12);
}
END_TEST

static double mean_run(double slack, double threshold, double shift, int runs)
{
    struct weir_cusum_options options = {0, 1, slack, threshold};
    double values = 0;
    for (int i = 0; i < runs; i++) {
        struct weir_cusum chart = {0};
        do
            values++;
        while (weir_cusum_add(&chart, &options, normal() + shift) == WEIR_CHART_QUIET);
    }
    return values / runs;
}

// Montgomery's textbook has 370 values to a false alarm at slack .5 and threshold 4.77.
START_TEST(cusum_keeps_its_run_length)
{
    ck_assert_double_eq_tol(weir_cusum_threshold(0.5, 370), 4.77, 0.03);
    static const double slack[] = {0.1, 0.25, 0.5, 1}, values[] = {300, 720, 370, 1000};
    for (int i = 0; i < 4; i++) {
        double threshold = weir_cusum_threshold(slack[i], values[i]);
        double run = mean_run(slack[i], threshold, 0, 3000);
        ck_assert_msg(fabs(run / values[i] - 1) < 0.1, "slack %g: %g, not %g", slack[i], run,
                      values[i]);
        ck_assert(mean_run(slack[i], threshold, 2 * slack[i] + 0.5, 100) < 0.2 * values[i]);
    }
    ck_assert(isnan(weir_cusum_threshold(0, 100)));
    ck_assert(isnan(weir_cusum_threshold(0.1, 2)));
    ck_assert(isnan(weir_cusum_threshold(NAN, 100)));
}
END_TEST

START_TEST(ewma_scores_are_standard)
{
    static const double known[] = {0, 20};
    for (int k = 0; k < 2; k++) {
        struct weir_ewma_options options = {5, 3, 0.2, 3, known[k]};
        double sum = 0, squares[3] = {0, 0, 0};
        for (int run = 0; run < 20000; run++) {
            struct weir_ewma chart = {0};
            double error = known[k] > 0 ? normal() / sqrt(known[k]) : 0;
            for (int i = 0; i < 40; i++) {
                weir_ewma_add(&chart, &options, 5 + 3 * (normal() - error));
                double score = weir_ewma_score(&chart, &options);
                squares[0] += i == 0 ? score * score : 0;
                squares[1] += i == 4 ? score * score : 0;
                squares[2] += i == 39 ? score * score : 0;
                sum += i == 39 ? score : 0;
            }
        }
        ck_assert(fabs(sum / 20000) < 0.04);
        for (int i = 0; i < 3; i++)
            ck_assert(fabs(squares[i] / 20000 - 1) < 0.06);
    }
    struct weir_ewma_options options = {0, 1, 0.2, 3, 0};
    struct weir_ewma chart = {0};
    ck_assert_double_eq(weir_ewma_score(&chart, &options), 0);
    ck_assert_int_eq(weir_ewma_add(&chart, &options, NAN), WEIR_CHART_QUIET);
    ck_assert_int_eq(weir_ewma_add(&chart, &options, 4), WEIR_CHART_UP);
    memset(&chart, 0, sizeof chart);
    ck_assert_int_eq(weir_ewma_add(&chart, &options, -4), WEIR_CHART_DOWN);
}
END_TEST

START_TEST(page_hinkley_finds_both_sides)
{
    for (int side = -1; side <= 1; side += 2) {
        struct weir_page_hinkley chart = {0};
        enum weir_chart_side found = WEIR_CHART_QUIET;
        int at = -1;
        for (int i = 0; i < 400 && at < 0; i++) {
            double x = i < 200 ? 1 : 1 + side * 2.0;
            found = weir_page_hinkley_add(&chart, &weir_page_hinkley_defaults, x);
            at = found ? i : -1;
        }
        ck_assert_int_eq(found, side > 0 ? WEIR_CHART_UP : WEIR_CHART_DOWN);
        ck_assert(at > 220 && at < 240);
    }
    struct weir_page_hinkley chart = {0};
    ck_assert_int_eq(weir_page_hinkley_add(&chart, &weir_page_hinkley_defaults, NAN), 0);
    ck_assert_int_eq(weir_page_hinkley_add(&chart, &weir_page_hinkley_defaults, HUGE_VAL), 0);
    ck_assert_uint_eq(chart.n, 0);
}
END_TEST

START_TEST(states_survive)
{
    struct weir_cusum cusum = {1.5, 0, 9, 3, 8}, cusum_too = {0};
    struct weir_ewma ewma = {-0.25, 0.5, 7}, ewma_too = {0};
    struct weir_page_hinkley hinkley = {1, 2, 3, 4, 5, 6}, hinkley_too = {0};
    struct weir_buffer out;
    weir_buffer_init(&out, 1000);
    ck_assert_int_eq(weir_cusum_write(&cusum, &out), 0);
    ck_assert_int_eq(weir_ewma_write(&ewma, &out), 0);
    ck_assert_int_eq(weir_page_hinkley_write(&hinkley, &out), 0);
    for (size_t cut = 0; cut <= out.length; cut++) {
        struct weir_reader in = weir_reader_make(out.data, cut);
        weir_cusum_read(&cusum_too, &in);
        weir_ewma_read(&ewma_too, &in);
        weir_page_hinkley_read(&hinkley_too, &in);
        ck_assert_int_eq(in.failed != 0, cut < out.length);
    }
    ck_assert(cusum_too.up == 1.5 && cusum_too.n == 9 && cusum_too.down_from == 8);
    ck_assert(ewma_too.average == -0.25 && ewma_too.decay == 0.5 && ewma_too.n == 7);
    ck_assert(hinkley_too.fall_most == 5 && hinkley_too.n == 6);
    // Numbers that no chart has.
    cusum.up = NAN;
    weir_buffer_reset(&out);
    weir_cusum_write(&cusum, &out);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    weir_cusum_read(&cusum_too, &in);
    ck_assert(in.failed && cusum_too.up == 1.5);
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("charts");
    TCase *cases = tcase_create("charts");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, cusum_by_hand);
    tcase_add_test(cases, cusum_keeps_its_run_length);
    tcase_add_test(cases, ewma_scores_are_standard);
    tcase_add_test(cases, page_hinkley_finds_both_sides);
    tcase_add_test(cases, states_survive);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
