// SPDX-License-Identifier: Apache-2.0
#include "stats/cell_signal.h"

#include <check.h>
#include <math.h>

#include "stats/special.h"

enum { N = 20 };

// Shares of a normal distribution in cells of equal mass of the standard one.
static void normal_cells(double level, double width, double *share)
{
    double below = 0;
    for (int i = 0; i < N; i++) {
        double above =
            i + 1 == N ? 1 : weir_normal_cdf((weir_normal_quantile((i + 1.) / N) - level) / width);
        share[i] = above - below;
        below = above;
    }
}

static struct weir_cell_observation observed(const double *share, int n, uint64_t *cell)
{
    struct weir_cell_observation now = {.cell = cell};
    for (int i = 0; i < n; i++)
        now.rows += cell[i] = (uint64_t)(share[i] * 1e7 + .5);
    now.values = now.rows;
    return now;
}

START_TEST(signals_are_the_change)
{
    double share[N], score[N], moved[N], out[WEIR_SIGNALS];
    uint64_t cell[N];
    normal_cells(0, 1, share);
    weir_normal_scores(share, N, score);
    struct weir_expectation expected = {share, score, N, 1e6, 0, 0};
    normal_cells(.3, 1, moved);
    struct weir_cell_observation now = observed(moved, N, cell);
    weir_cell_signals(&expected, &now, out);
    ck_assert_double_eq_tol(out[WEIR_SIGNAL_LEVEL], .3, .02);
    ck_assert_double_eq_tol(out[WEIR_SIGNAL_SCALE], 0, .03);
    ck_assert_double_lt(out[WEIR_SIGNAL_LOW], 0);
    ck_assert_double_gt(out[WEIR_SIGNAL_HIGH], 0);
    normal_cells(0, 1.2, moved);
    now = observed(moved, N, cell);
    weir_cell_signals(&expected, &now, out);
    ck_assert_double_eq_tol(out[WEIR_SIGNAL_LEVEL], 0, .01);
    ck_assert_double_eq_tol(out[WEIR_SIGNAL_SCALE], log(1.2), .05);
    // A tenth of nulls where a twentieth is usual.
    expected.null_share = .05;
    now.null = now.rows / 10;
    weir_cell_signals(&expected, &now, out);
    ck_assert_double_eq_tol(weir_angle_share(weir_share_angle(.05) + out[WEIR_SIGNAL_NULL]), .1,
                            1e-6);
}
END_TEST

START_TEST(what_moved_is_moved_back)
{
    double share[N], moved[N], back[N], signal[WEIR_SIGNALS] = {[WEIR_SIGNAL_LEVEL] = .4};
    normal_cells(0, 1, share);
    weir_cells_moved(share, N, 1, signal, moved);
    normal_cells(.4, 1, back);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq_tol(moved[i], back[i], 1e-9);
    // Categories, more of them than have a signal.
    double angle[WEIR_SIGNALS] = {.2, -.1, NAN}, sum = 0;
    weir_cells_moved(share, N, 0, angle, moved);
    for (int i = 0; i < N; i++)
        sum += moved[i];
    ck_assert_double_eq_tol(sum, 1, 1e-12);
    ck_assert_double_gt(moved[0], share[0]);
    ck_assert_double_lt(moved[1], share[1]);
    ck_assert_double_eq_tol(moved[2] / moved[N - 1], share[2] / share[N - 1], 1e-12);
}
END_TEST

START_TEST(what_does_not_apply_is_not_a_number)
{
    double share[3] = {0, 1, 0}, score[3], out[WEIR_SIGNALS];
    uint64_t cell[3] = {0, 500, 0};
    weir_normal_scores(share, 3, score);
    struct weir_expectation expected = {share, score, 3, 500, 0, 0};
    struct weir_cell_observation now = {cell, 500, 0, 500, 0};
    weir_cell_signals(&expected, &now, out); // a constant
    for (int k = 0; k < WEIR_SIGNAL_CATEGORIES; k++)
        ck_assert(isnan(out[k]));
    ck_assert_double_eq(out[WEIR_SIGNAL_NULL], 0);
    cell[1] = 5; // few
    now = (struct weir_cell_observation){cell, 5, 0, 5, 0};
    weir_cell_signals(&expected, &now, out);
    for (int k = 0; k < WEIR_SIGNALS; k++)
        ck_assert(isnan(out[k]));
    cell[1] = 0; // all null
    now = (struct weir_cell_observation){cell, 500, 500, 0, 0};
    weir_cell_signals(&expected, &now, out);
    ck_assert_double_eq_tol(out[WEIR_SIGNAL_NULL], M_PI, 1e-12);
    expected.worth = 0; // nothing is expected
    weir_cell_signals(&expected, &now, out);
    ck_assert(isnan(out[WEIR_SIGNAL_NULL]));
    ck_assert_double_eq(weir_angle_share(-1), 0);
    ck_assert_double_eq_tol(weir_angle_share(9), 1, 1e-12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cell_signal");
    TCase *cases = tcase_create("cell_signal");
    tcase_add_test(cases, signals_are_the_change);
    tcase_add_test(cases, what_moved_is_moved_back);
    tcase_add_test(cases, what_does_not_apply_is_not_a_number);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
