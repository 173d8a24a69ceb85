// SPDX-License-Identifier: Apache-2.0
#include "stats/onset_line.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/draw_inside.h"
#include "weir/error.h"

enum { N = 400 };
static double y[N], weight[N];

// A ramp to `change` from `begins` on, over `length` windows (0: a step), in noise of sd 1.
static void fill(size_t n, double level, double begins, double length, double change)
{
    for (size_t w = 0; w < n; w++) {
        double sum = 0;
        for (int k = 0; k < 20; k++) {
            double gone = (double)w + (k + .5) / 20 - begins;
            sum += length > 0 ? fmin(fmax(gone / length, 0), 1) : gone > 0;
        }
        y[w] = level + change * sum / 20 + draw_normal();
        weight[w] = 1;
    }
}

static struct weir_onset_fit fitted(size_t n, int base, double nearly)
{
    struct weir_onset_line line = {y, weight, n, base, nearly};
    struct weir_onset_fit fit;
    ck_assert_int_eq(weir_onset_fit(&line, &fit), 0);
    ck_assert(0 <= fit.earliest && fit.earliest <= fit.begins && fit.begins <= fit.latest &&
              fit.latest <= (double)n);
    ck_assert(isfinite(fit.change));
    return fit;
}

START_TEST(starts_lie_in_their_interval)
{
    static const double lengths[] = {0, 40, 150, 1000};
    for (int base = 0; base < 2; base++) {
        for (size_t k = 0; k < 4; k++) {
            int inside = 0, ramps = 0;
            double wide = 0;
            for (int trial = 0; trial < 60; trial++) {
                double begins = 120 + 130 * draw_uniform();
                // The last is not over when it is looked at.
                fill(N, base ? 5 : 0, begins, lengths[k], k == 3 ? 25 : 3);
                struct weir_onset_fit fit = fitted(N, base, 6);
                inside += fit.earliest <= begins && begins <= fit.latest;
                ramps += fit.is_ramp;
                wide += (fit.latest - fit.earliest) / 60;
            }
            printf("base %d, length %g: %d of 60 inside, %d ramps, %.0f wide\n", base, lengths[k],
                   inside, ramps, wide);
            ck_assert_int_ge(inside, 56);
            ck_assert_int_ge(k ? ramps : 60 - ramps, k == 1 ? 40 : 57);
            ck_assert_double_lt(wide, k ? 120 : 12);
        }
    }
}
END_TEST

START_TEST(less_of_it_is_told_less_exactly)
{
    fill(N, 0, 150, 100, 4);
    struct weir_onset_fit once = fitted(N, 1, 6), surely = fitted(N, 1, 20);
    ck_assert_double_le(surely.earliest, once.earliest);
    ck_assert_double_ge(surely.latest, once.latest);
    for (size_t w = 0; w < N; w++)
        weight[w] = .05;
    struct weir_onset_fit vague = fitted(N, 1, 6);
    ck_assert_double_gt(vague.latest - vague.earliest, once.latest - once.earliest);
}
END_TEST

START_TEST(odd_series_have_an_answer)
{
    struct weir_onset_line line = {y, weight, 2, 1, 6};
    struct weir_onset_fit fit;
    ck_assert_int_eq(weir_onset_fit(&line, &fit), WEIR_EINVAL);
    for (size_t n = 3; n < 12; n++) {
        for (int base = 0; base < 2; base++) {
            for (int kind = 0; kind < 4; kind++) {
                for (size_t w = 0; w < n; w++) {
                    y[w] = kind == 0 ? 0 : kind == 1 ? 1e6 : kind == 2 ? (double)w : w + 1 == n;
                    weight[w] = kind == 3 ? 1e12 : 1e-6;
                }
                fitted(n, base, 6);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onset_line");
    TCase *tests = tcase_create("onset_line");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, starts_lie_in_their_interval);
    tcase_add_test(tests, less_of_it_is_told_less_exactly);
    tcase_add_test(tests, odd_series_have_an_answer);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
