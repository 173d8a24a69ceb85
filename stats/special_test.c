// SPDX-License-Identifier: Apache-2.0
#include "stats/special.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static void close_to(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        ck_abort_msg("got %.17g, want %.17g", got, want);
}

// Expected values: SciPy 1.17.1.
START_TEST(tails_are_those_of_scipy)
{
    close_to(weir_chi_square_sf(60, 20), 7.121750862815593e-06, 1e-12);
    close_to(weir_chi_square_sf(0.01, 1), 0.920344325445942, 1e-12);
    close_to(weir_chi_square_sf(1400, 3), 2.945619361016289e-303, 1e-10);
    close_to(weir_chi_square_upper_quantile(1e-6, 5), 35.888186879672865, 1e-12);
    close_to(weir_student_t_sf(2.5, 7.5), 0.019410129136812764, 1e-12);
    close_to(weir_student_t_sf(-2.5, 7.5), 0.9805898708631873, 1e-12);
    close_to(weir_student_t_sf(40, 100), 1.2310538010700354e-63, 1e-10);
    close_to(weir_student_t_quantile(0.975, 10), 2.228138851986274, 1e-12);
    close_to(weir_student_t_quantile(0.025, 10), -2.228138851986274, 1e-12);
    close_to(weir_f_sf(1.3, 400, 300), 0.00811402575177743, 1e-11);
    close_to(weir_f_cdf(0.7, 400, 300), 0.0004430311138449841, 1e-11);
    close_to(weir_normal_sf(8), 6.22096057427174e-16, 1e-12);
    close_to(weir_normal_quantile(1e-12), -7.034483825301131, 1e-12);
    close_to(weir_kolmogorov_sf(0.5), 0.9639452436648751, 1e-13);
    close_to(weir_kolmogorov_sf(3), 3.045995948942526e-08, 1e-13);
    close_to(weir_kuiper_sf(1.5), 0.17774501071045945, 1e-12);
    close_to(weir_binomial_sf(12, 20, 0.25), 0.000935391579332645, 1e-12);
    close_to(weir_binomial_cdf(2, 20, 0.25), 0.09126043246487825, 1e-12);
    close_to(weir_gamma_p(3.5, 2), 0.22022259152428406, 1e-12);
    close_to(weir_beta_i(2, 5, 0.3), 0.579825, 1e-12);
    close_to(weir_binormal_sf(1, 2, 0.6), 0.015822775771617947, 1e-7);
    close_to(weir_binormal_sf(1, -2, -0.6), 0.14283247815983918, 1e-7);
    close_to(weir_binormal_sf(0, 0, 0.5), 1.0 / 3, 1e-13);
    close_to(weir_binormal_sf(0, 1, 0), 0.5 * weir_normal_sf(1), 1e-13);
}
END_TEST

START_TEST(the_hypergeometric_is_that_of_scipy)
{
    struct weir_hypergeometric h = weir_hypergeometric(7, 100, 20, 15);
    close_to(h.lower, 0.9982025597880138, 1e-10);
    close_to(h.upper, 0.010667446681566635, 1e-10);
    close_to(h.point, 0.008870006469580369, 1e-10);
    h = weir_hypergeometric(5900, 100000, 20000, 30000); // by the saddlepoint
    close_to(h.lower, 0.04290762964824176, 1e-5);
    close_to(h.upper, 0.9586465230209358, 1e-5);
    close_to(h.point, 0.001554152669176254, 1e-8);
}
END_TEST

// For small tables: every outcome sums to one, tails are sums of points, symmetry holds.
START_TEST(hypergeometric_points_sum_to_one)
{
    for (int population = 1; population < 14; population++)
        for (int marked = 0; marked <= population; marked++)
            for (int drawn = 0; drawn <= population; drawn++) {
                double sum = 0;
                for (int x = -1; x <= drawn + 1; x++) {
                    struct weir_hypergeometric h =
                        weir_hypergeometric(x, population, marked, drawn);
                    struct weir_hypergeometric swapped =
                        weir_hypergeometric(x, population, drawn, marked);
                    sum += h.point;
                    ck_assert_double_eq_tol(h.lower, sum, 1e-12);
                    ck_assert_double_eq_tol(h.upper, 1 - sum + h.point, 1e-12);
                    ck_assert_double_eq_tol(h.upper, swapped.upper, 1e-12);
                }
                ck_assert_double_eq_tol(sum, 1, 1e-12);
            }
}
END_TEST

START_TEST(the_saddlepoint_joins_the_sums)
{
    // At both sides of the switch the tail is smooth: its steps are the points.
    for (double drawn = 6000; drawn < 9000; drawn += 400) {
        double mean = drawn * 0.3;
        for (double x = floor(mean) - 300; x < mean + 300; x += 7) {
            struct weir_hypergeometric h = weir_hypergeometric(x, 1e6, 3e5, drawn);
            struct weir_hypergeometric next = weir_hypergeometric(x + 1, 1e6, 3e5, drawn);
            ck_assert_double_eq_tol(h.upper - next.upper, h.point, 1e-6 + 1e-3 * h.point);
            ck_assert_double_eq_tol(h.upper + next.lower, 1 + h.point + next.point, 1e-6);
        }
    }
}
END_TEST

START_TEST(faults_give_nan_and_never_throw)
{
    ck_assert(isnan(weir_chi_square_sf(1, 0)));
    ck_assert(isnan(weir_chi_square_sf(NAN, 1)));
    ck_assert(isnan(weir_gamma_p(-1, 1)));
    ck_assert(isnan(weir_gamma_q(1, -1)));
    ck_assert(isnan(weir_beta_i(1, 1, 2)));
    ck_assert(isnan(weir_normal_quantile(2)));
    ck_assert(isnan(weir_student_t_sf(1, -1)));
    ck_assert(isnan(weir_f_sf(1, 0, 1)));
    ck_assert(isnan(weir_binormal_sf(0, 0, 1)));
    ck_assert(isnan(weir_binomial_sf(1, 2.5, 0.5)));
    ck_assert(isnan(weir_hypergeometric(1, 10, 11, 5).upper));
    ck_assert(isnan(weir_hypergeometric(NAN, 10, 5, 5).lower));
    ck_assert(isnan(weir_kolmogorov_sf(NAN)));
    ck_assert(isnan(weir_ln_gamma(0)));
    ck_assert_double_eq(weir_chi_square_sf(INFINITY, 3), 0);
    ck_assert_double_eq(weir_chi_square_sf(-1, 3), 1);
    ck_assert_double_eq(weir_student_t_sf(INFINITY, 3), 0);
    ck_assert_double_eq(weir_normal_quantile(0), -INFINITY);
    ck_assert_double_eq(weir_f_sf(0, 3, 3), 1);
    ck_assert_double_eq(weir_kuiper_sf(0), 1);
    ck_assert_double_eq(weir_hypergeometric(0, 0, 0, 0).upper, 1);
}
END_TEST

START_TEST(normal_quantiles_turn_tails_round)
{
    for (double power = -700; power < -1e-3; power += 0.37) {
        double p = exp(power), z = weir_normal_upper_quantile(p);
        // A tail answers an error of z with z times it.
        ck_assert(fabs(weir_normal_sf(z) / p - 1) <= 4e-15 * fmax(1, z * z));
        ck_assert_double_eq(weir_normal_quantile(p), -z);
    }
    ck_assert_double_eq(weir_normal_upper_quantile(0.5), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("special");
    TCase *cases = tcase_create("special");
    tcase_add_test(cases, tails_are_those_of_scipy);
    tcase_add_test(cases, normal_quantiles_turn_tails_round);
    tcase_add_test(cases, the_hypergeometric_is_that_of_scipy);
    tcase_add_test(cases, hypergeometric_points_sum_to_one);
    tcase_add_test(cases, the_saddlepoint_joins_the_sums);
    tcase_add_test(cases, faults_give_nan_and_never_throw);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
