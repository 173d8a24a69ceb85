// SPDX-License-Identifier: Apache-2.0
// Values are held against SciPy in tests/conformance; here are the edges and what can be had by
// hand.
#include "stats/samples.h"

#include <check.h>
#include <float.h>
#include <math.h>

#define COUNT(x) (sizeof(x) / sizeof *(x))

typedef struct weir_test (*statistic)(const struct weir_samples *);
static const statistic all[] = {weir_samples_ks,
                                weir_samples_ks_exact,
                                weir_samples_kuiper,
                                weir_samples_anderson_darling,
                                weir_samples_berk_jones,
                                weir_samples_cramer_von_mises,
                                weir_samples_mann_whitney,
                                weir_samples_welch_t,
                                weir_samples_energy,
                                weir_samples_variance_ratio,
                                weir_samples_wasserstein,
                                weir_samples_wasserstein_normalised,
                                weir_samples_quantile_shift};

START_TEST(by_hand)
{
    double a[] = {1, 2, 3, 4}, b[] = {3, 4, 5, 6};
    struct weir_samples s = {a, 4, b, 4};
    ck_assert_double_eq_tol(weir_samples_ks(&s).value, 0.5, 1e-15);
    // 70 paths: those that go two or more of four apart are 70 - 16.
    ck_assert_double_eq_tol(weir_samples_ks_exact(&s).p_value, 54.0 / 70, 1e-14);
    ck_assert_double_eq_tol(weir_samples_wasserstein(&s).value, 2, 1e-14);
    ck_assert_double_eq_tol(weir_samples_mann_whitney(&s).value, 2, 1e-14);
    ck_assert_double_eq_tol(weir_samples_variance_ratio(&s).value, 1, 1e-14);
    ck_assert_double_eq_tol(weir_samples_welch_t(&s).value, -2 / sqrt(5 / 6.0), 1e-13);
    ck_assert_double_eq_tol(weir_samples_quantile_shift(&s).value, 2 / sqrt(5 / 3.0), 1e-13);
    struct weir_test f = weir_fisher_exact(3, 1, 1, 3);
    ck_assert_double_eq_tol(f.value, 9, 1e-13);
    ck_assert_double_eq_tol(f.p_value, 34.0 / 70, 1e-12);
    // Upper points of the limit, as tabled by Anderson and Darling (1952).
    ck_assert_double_eq_tol(weir_cramer_von_mises_sf(0.34730), 0.1, 1e-5);
    ck_assert_double_eq_tol(weir_cramer_von_mises_sf(0.74346), 0.01, 1e-6);
    ck_assert_double_eq_tol(weir_cramer_von_mises_sf(1.16786), 0.001, 1e-7);
    // Both ways of computing it meet.
    ck_assert_double_eq_tol(weir_cramer_von_mises_sf(0.0499999), weir_cramer_von_mises_sf(0.05),
                            1e-5);
}
END_TEST

START_TEST(what_cannot_be_tested_says_why)
{
    double one[] = {3}, same[] = {3, 3, 3}, other[] = {4, 4}, huge[] = {-1e308, 1e308};
    const struct {
        struct weir_samples s;
        int empty;
    } cases[] = {
        {{one, 0, one, 0}, 1},   {{one, 0, one, 1}, 1},   {{one, 1, one, 0}, 1},
        {{one, 1, one, 1}, 0},   {{same, 3, same, 3}, 0}, {{same, 3, other, 2}, 0},
        {{one, 1, other, 2}, 0}, {{huge, 2, huge, 2}, 0}, {{huge, 2, same, 3}, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < COUNT(all); k++) {
            struct weir_test t = all[k](&cases[i].s);
            ck_assert(isfinite(t.value));
            ck_assert(t.p_value >= 0 && t.p_value <= 1);
            if (cases[i].empty)
                ck_assert(t.status == WEIR_TEST_REFERENCE_EMPTY ||
                          t.status == WEIR_TEST_CURRENT_EMPTY);
        }
    struct weir_samples s = {same, 3, same, 3};
    ck_assert_int_eq(weir_samples_welch_t(&s).status, WEIR_TEST_ONE_VALUE);
    ck_assert_int_eq(weir_samples_anderson_darling(&s).status, WEIR_TEST_ONE_VALUE);
    ck_assert_int_eq(weir_samples_mann_whitney(&s).status, WEIR_TEST_ONE_VALUE);
    ck_assert_int_eq(weir_samples_ks(&s).status, WEIR_TEST_OK);
    ck_assert_double_eq(weir_samples_ks(&s).p_value, 1);
    ck_assert_int_eq(weir_two_proportions(0, 0, 1, 2).status, WEIR_TEST_REFERENCE_EMPTY);
    ck_assert_int_eq(weir_two_proportions(3, 2, 1, 2).status, WEIR_TEST_BAD_INPUT);
    ck_assert_double_eq(weir_two_proportions(0, 5, 0, 9).p_value, 1);
    ck_assert_int_eq(weir_fisher_exact(1, 0, 1, 0).status, WEIR_TEST_ONE_VALUE);
    ck_assert_int_eq(weir_fisher_exact(0.5, 0, 1, 0).status, WEIR_TEST_BAD_INPUT);
}
END_TEST

START_TEST(exact_tests_of_counts_say_what_they_cannot)
{
    static const double few[] = {3, 0, 2}, others[] = {1, 4, 2}, none[] = {0, 0, 0};
    static const double many[] = {1e9, 1e9, 1e9}, half[] = {0.5, 1, 1}, wide[] = {1e12, 1};
    struct weir_test t = weir_exact_table(few, others, 3);
    ck_assert_int_eq(t.status, WEIR_TEST_OK);
    ck_assert_double_eq_tol(t.value, 4 * 1 * 6 / 792.0, 1e-12);
    ck_assert_int_eq(weir_exact_table(none, others, 3).status, WEIR_TEST_REFERENCE_EMPTY);
    ck_assert_int_eq(weir_exact_table(few, none, 3).status, WEIR_TEST_CURRENT_EMPTY);
    ck_assert_int_eq(weir_exact_table(few, others, 1).status, WEIR_TEST_ONE_VALUE);
    ck_assert_int_eq(weir_exact_table(many, many, 3).status, WEIR_TEST_TOO_MANY);
    ck_assert_int_eq(weir_exact_table(half, many, 3).status, WEIR_TEST_BAD_INPUT);
    ck_assert_double_eq_tol(weir_exact_table(wide, wide, 2).p_value, 1, 1e-6);
    ck_assert_int_eq(weir_two_proportions_exact(0, 0, 1, 2).status, WEIR_TEST_REFERENCE_EMPTY);
    ck_assert_int_eq(weir_two_proportions_exact(3, 2, 1, 2).status, WEIR_TEST_BAD_INPUT);
    ck_assert_double_eq(weir_two_proportions_exact(0, 5, 0, 9).p_value, 1);
    ck_assert_int_eq(weir_absence(1, 0, 3, 1).status, WEIR_TEST_REFERENCE_EMPTY);
    ck_assert_int_eq(weir_absence(4, 3, 3, 1).status, WEIR_TEST_BAD_INPUT);
    ck_assert_double_eq(weir_absence(0, 9, 9, 5).p_value, 1);
    ck_assert_int_eq(weir_beyond_range(0, 1, 5).status, WEIR_TEST_TOO_FEW);
    ck_assert_int_eq(weir_beyond_range(6, 9, 5).status, WEIR_TEST_BAD_INPUT);
    // One of one beyond the range of two: two of three places are.
    ck_assert_double_eq_tol(weir_beyond_range(1, 2, 1).p_value, 2 / 3.0, 1e-12);
    ck_assert_int_eq(weir_unseen_share(1, 0, 0.1).status, WEIR_TEST_CURRENT_EMPTY);
    ck_assert_int_eq(weir_unseen_share(1, 2, 0).status, WEIR_TEST_BAD_INPUT);
    ck_assert_double_eq_tol(weir_unseen_share(1, 2, 0.1).p_value, 0.19, 1e-12);
}
END_TEST

// Whatever the size of the values, and however far from zero they lie, what has no unit is the
// same.
START_TEST(neither_size_nor_place_matters)
{
    static const double a[] = {-3, -1, 0, 2, 3}, b[] = {-2, 0, 1, 4, 5, 7};
    static const double size[] = {1, 0x1p-1074, 0x1p-1000, 0x1p-600, 0x1p600, 0x1p1020, 1, 1};
    static const double place[] = {0, 0, 0, 0, 0, 0, 1e15, -0x1p52};
    struct weir_samples plain = {a, COUNT(a), b, COUNT(b)};
    double t = weir_samples_welch_t(&plain).value,
           ratio = weir_samples_variance_ratio(&plain).value;
    double distance = weir_samples_wasserstein_normalised(&plain).value;
    double shift = weir_samples_quantile_shift(&plain).value;
    double energy = weir_samples_energy(&plain).value;
    for (size_t k = 0; k < COUNT(size); k++) {
        double x[COUNT(a)], y[COUNT(b)], shifts[WEIR_QUANTILES];
        for (size_t i = 0; i < COUNT(a); i++)
            x[i] = a[i] * size[k] + place[k];
        for (size_t i = 0; i < COUNT(b); i++)
            y[i] = b[i] * size[k] + place[k];
        struct weir_samples s = {x, COUNT(a), y, COUNT(b)};
        struct weir_test welch = weir_samples_welch_t(&s);
        ck_assert_int_eq(welch.status, WEIR_TEST_OK);
        ck_assert_double_eq_tol(welch.value, t, 1e-14);
        ck_assert_double_eq_tol(weir_samples_variance_ratio(&s).value, ratio, 1e-14);
        ck_assert_double_eq_tol(weir_samples_wasserstein_normalised(&s).value, distance, 1e-14);
        ck_assert_double_eq_tol(weir_samples_energy(&s).value / sqrt(size[k]) / energy, 1, 1e-10);
        weir_samples_quantile_shifts(&s, shifts);
        for (int i = 0; i < WEIR_QUANTILES; i++)
            ck_assert(isfinite(shifts[i]));
        if (!(place[k] != 0)) // quantiles themselves are rounded
            ck_assert_double_eq_tol(weir_samples_quantile_shift(&s).value, shift, 1e-14);
    }
    // Of unlike sizes: what can be said is, what is beyond any double says so.
    static const double large[] = {-1e200, 0, 3e200}, small[] = {-1, 0, 2};
    struct weir_samples up = {small, 3, large, 3}, down = {large, 3, small, 3};
    ck_assert_double_eq_tol(weir_samples_welch_t(&up).value, -0.5547001962252291, 1e-12);
    ck_assert_int_eq(weir_samples_variance_ratio(&up).status, WEIR_TEST_NOT_APPLICABLE);
    ck_assert_double_eq(weir_samples_variance_ratio(&down).value, 0);
    ck_assert_double_eq_tol(weir_samples_wasserstein_normalised(&down).value, 0.6405126152203485,
                            1e-12);
    static const double ends[] = {-DBL_MAX, DBL_MAX};
    struct weir_samples widest = {ends, 2, ends + 1, 1};
    ck_assert_int_eq(weir_samples_wasserstein(&widest).status, WEIR_TEST_OK);
    ck_assert_double_eq_tol(weir_samples_wasserstein_normalised(&widest).value, sqrt(0.5), 1e-14);
}
END_TEST

// The methods of the one-sample distribution meet where one gives way to the next.
START_TEST(the_one_sample_tail_is_smooth)
{
    static const double sizes[] = {1, 2, 5, 20, 140, 141, 1000, 30000, 100001};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        double before = 1, n = sizes[i];
        for (double z = 0.02; z < 6; z += 0.02) {
            double p = weir_ks_one_sample_sf(n, z / sqrt(n));
            ck_assert(p >= 0 && p <= before + 1e-9);
            before = p;
            if (n > 20000 && z > 1.3)
                z += 0.5; // the exact sum is long
        }
    }
    ck_assert(isnan(weir_ks_one_sample_sf(0, 0.5)));
    ck_assert(isnan(weir_ks_one_sample_sf(2.5, 0.5)));
    ck_assert_double_eq(weir_ks_one_sample_sf(10, 1), 0);
    ck_assert_double_eq_tol(weir_ks_one_sample_sf(1, 0.75), 0.5, 1e-12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("samples");
    TCase *cases = tcase_create("samples");
    tcase_add_test(cases, by_hand);
    tcase_add_test(cases, what_cannot_be_tested_says_why);
    tcase_add_test(cases, exact_tests_of_counts_say_what_they_cannot);
    tcase_add_test(cases, neither_size_nor_place_matters);
    tcase_add_test(cases, the_one_sample_tail_is_smooth);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
