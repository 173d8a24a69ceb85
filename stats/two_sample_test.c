// SPDX-License-Identifier: Apache-2.0
#include "stats/two_sample.h"

#include <check.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stats/bridge.h"
#include "stats/special.h"

#define CELLS 36

// A small generator of its own (splitmix64): the same numbers on every machine.
static uint64_t state;

static double uniform(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static void draw(double *cell, size_t cells, int n, const double *mass)
{
    memset(cell, 0, cells * sizeof *cell);
    for (int i = 0; i < n; i++) {
        double u = uniform();
        size_t k = 0;
        while (k + 1 < cells && u >= mass[k])
            u -= mass[k++];
        cell[k]++;
    }
}

static void cells_of_methods(double *mass)
{
    for (int i = 0; i < CELLS; i++)
        mass[i] = 0.99 / 32;
    mass[0] = mass[CELLS - 1] = 0.001;
    mass[1] = mass[CELLS - 2] = 0.004;
}

START_TEST(distances_by_hand)
{
    double a[] = {50, 30, 20, 0}, b[] = {20, 30, 50, 0};
    struct weir_cell_counts counts = {a, b, 4, 1};
    struct weir_cell_distances d;
    ck_assert_int_eq(weir_cell_distances(&counts, &d), WEIR_TEST_OK);
    ck_assert_uint_eq(d.cells, 3);
    ck_assert_double_eq_tol(d.ks, 0.3, 1e-15);
    ck_assert_double_eq_tol(d.kuiper, 0.3, 1e-15);
    ck_assert_double_eq_tol(d.total_variation, 0.3, 1e-15);
    ck_assert_double_eq_tol(d.l_infinity, 0.3, 1e-15);
    double p = 0.5, q = 0.2;
    ck_assert_double_eq_tol(d.psi, 2 * (p - q) * log(p / q), 1e-12);
    ck_assert_double_eq_tol(d.psi_debiased, d.psi - 2 * 0.02, 1e-12);
    ck_assert_double_eq_tol(d.kl, q * log(q / p) + p * log(p / q), 1e-12);
    ck_assert_double_eq_tol(d.hellinger, sqrt(1 - 2 * sqrt(0.1) - 0.3), 1e-12);
    double js = 0.5 * log2(0.5 / 0.35) + 0.2 * log2(0.2 / 0.35);
    ck_assert_double_eq_tol(d.jensen_shannon, sqrt(js), 1e-12);
    ck_assert_double_eq_tol(d.cramers_v, sqrt(2 * 900.0 / 70 / 200), 1e-12);
    counts.ordered = 0;
    ck_assert_int_eq(weir_cell_distances(&counts, &d), WEIR_TEST_OK);
    ck_assert_double_eq(d.ks, 0);
    b[2] = 0; // a cell that vanished counts as half a value
    ck_assert_int_eq(weir_cell_distances(&counts, &d), WEIR_TEST_OK);
    double want = (0.4 - 0.5) * log(0.4 / 0.5) + 0.3 * log(2) + (0.01 - 0.2) * log(0.01 / 0.2);
    ck_assert_double_eq_tol(d.psi, want, 1e-12);
}
END_TEST

START_TEST(what_cannot_be_tested_says_why)
{
    double none[3] = {0, 0, 0}, some[3] = {4, 0, 5}, one[3] = {0, 7, 0}, single[3] = {1, 0, 0};
    double bad[3] = {1, -1, 3}, broken[3] = {NAN, 1, 1}, half[3] = {0.5, 1, 1};
    const struct {
        const double *a, *b;
        size_t n;
        enum weir_test_status want;
    } cases[] = {
        {none, some, 3, WEIR_TEST_REFERENCE_EMPTY},
        {some, none, 3, WEIR_TEST_CURRENT_EMPTY},
        {NULL, NULL, 0, WEIR_TEST_REFERENCE_EMPTY},
        {one, one, 3, WEIR_TEST_ONE_VALUE},
        {some, single, 3, WEIR_TEST_TOO_FEW},
        {bad, some, 3, WEIR_TEST_BAD_INPUT},
        {some, broken, 3, WEIR_TEST_BAD_INPUT},
        {some, half, 3, WEIR_TEST_BAD_INPUT},
        {half, some, 3, WEIR_TEST_OK},
        {some, one, 3, WEIR_TEST_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int ordered = 0; ordered < 2; ordered++) {
            struct weir_cell_counts counts = {cases[i].a, cases[i].b, cases[i].n, ordered};
            struct weir_omnibus o;
            ck_assert_int_eq(weir_omnibus(&counts, &o), cases[i].want);
            ck_assert_int_eq(o.status, cases[i].want);
            ck_assert(o.p_value > 0 && o.p_value <= 1);
            if (cases[i].want != WEIR_TEST_OK)
                ck_assert(o.p_value == 1 && o.value == 0 && o.tests == 0);
            ck_assert(strlen(weir_test_status_text(o.status)) > 0);
        }
}
END_TEST

// Whatever the counts, nothing is NaN, infinite or outside its range.
START_TEST(nothing_is_ever_nan)
{
    static const double sizes[] = {1, 2, 3, 10, 1e3, 1e6, 1e12};
    state = 7;
    for (int round = 0; round < 3000; round++) {
        double a[40], b[40];
        size_t n = 1 + (size_t)(uniform() * 40);
        for (size_t i = 0; i < n; i++) {
            a[i] = uniform() < 0.4 ? 0 : floor(uniform() * sizes[(int)(uniform() * 7)]);
            b[i] = uniform() < 0.4 ? 0 : floor(uniform() * sizes[(int)(uniform() * 7)]);
            if (uniform() < 0.1)
                a[i] += uniform();
        }
        struct weir_cell_counts counts = {a, b, n, round & 1};
        struct weir_cell_distances d;
        struct weir_cell_tests t;
        struct weir_omnibus o;
        weir_cell_distances(&counts, &d);
        weir_cell_tests(&counts, &t);
        weir_omnibus(&counts, &o);
        const double *numbers = &d.psi;
        for (size_t i = 0; i < offsetof(struct weir_cell_distances, l_infinity_cell) / 8; i++)
            ck_assert(isfinite(numbers[i]));
        ck_assert(isfinite(d.ks) && isfinite(d.kuiper) && isfinite(d.cramers_v));
        const struct weir_test *tests = &t.ks;
        for (size_t i = 0; i < sizeof t / sizeof *tests; i++)
            ck_assert(isfinite(tests[i].value) && tests[i].p_value >= 0 && tests[i].p_value <= 1);
        for (int i = 0; i < WEIR_OMNIBUS_PARTS; i++)
            ck_assert(isfinite(o.parts[i].value) && o.parts[i].p_value >= 0 &&
                      o.parts[i].p_value <= 1);
        ck_assert(o.p_value >= 1e-304 && o.p_value <= 1 && o.value >= 0 && o.value <= 700.01);
    }
}
END_TEST

START_TEST(under_no_change_p_values_are_not_too_small)
{
    double mass[CELLS], a[CELLS], b[CELLS];
    static const int sizes[][2] = {{2000, 400}, {500, 500}, {300, 30}};
    cells_of_methods(mass);
    state = 1;
    for (int s = 0; s < 3; s++) {
        int below[2] = {0, 0}, rounds = 1500;
        for (int i = 0; i < rounds; i++) {
            draw(a, CELLS, sizes[s][0], mass);
            draw(b, CELLS, sizes[s][1], mass);
            struct weir_omnibus o;
            weir_omnibus(&(struct weir_cell_counts){a, b, CELLS, 1}, &o);
            below[0] += o.p_value <= 0.1;
            below[1] += o.p_value <= 0.01;
        }
        // Of 1500, 150 and 15 at most are nominal; three standard deviations above fail.
        ck_assert_int_le(below[0], 185);
        ck_assert_int_ge(below[0], 30);
        ck_assert_int_le(below[1], 27);
    }
}
END_TEST

// METHODS.md 3: the four kinds of change, n = 1000 against a large reference.
START_TEST(each_kind_of_change_is_found)
{
    double mass[CELLS], moved[CELLS], a[CELLS], b[CELLS], cut = 0, cuts[CELLS];
    cells_of_methods(mass);
    for (int i = 0; i < CELLS; i++) {
        a[i] = 100000 * mass[i];
        cuts[i] = i == CELLS - 1 ? INFINITY : weir_normal_quantile(cut += mass[i]);
    }
    int found[4] = {0, 0, 0, 0};
    state = 11;
    for (int kind = 0; kind < 4; kind++) {
        double shift = kind == 0 ? 0.2 : 0, scale = kind == 1 ? 0.85 : 1, before = 0;
        for (int i = 0; i < CELLS; i++) {
            double up = weir_normal_cdf((cuts[i] - shift) / scale);
            moved[i] = up - before;
            before = up;
            if (kind == 2)
                moved[i] = 0.985 * moved[i] + (i == CELLS - 1) * 0.015;
            if (kind == 3)
                moved[i] = 0.95 * moved[i] + (i == CELLS / 2) * 0.05;
        }
        for (int i = 0; i < 40; i++) {
            draw(b, CELLS, 1000, moved);
            struct weir_omnibus o;
            weir_omnibus(&(struct weir_cell_counts){a, b, CELLS, 1}, &o);
            found[kind] += o.p_value < 1e-3;
        }
    }
    for (int kind = 0; kind < 4; kind++)
        ck_assert_int_ge(found[kind], 34);
}
END_TEST

START_TEST(two_cells_are_fishers_exact_test)
{
    double a[] = {990, 10}, b[] = {92, 8};
    struct weir_omnibus o;
    weir_omnibus(&(struct weir_cell_counts){a, b, 2, 1}, &o);
    struct weir_hypergeometric h = weir_hypergeometric(8, 1100, 18, 100);
    ck_assert_int_eq(o.tests, 1);
    ck_assert_double_eq_tol(o.p_value, 2 * h.upper, 1e-9);
    struct weir_omnibus categories;
    weir_omnibus(&(struct weir_cell_counts){a, b, 2, 0}, &categories);
    ck_assert_double_eq_tol(o.p_value, categories.p_value, 1e-9);
}
END_TEST

START_TEST(null_distributions_at_one_cut_are_the_normals)
{
    double mass[] = {0.3}, one[] = {1};
    for (double z = 0.5; z < 8; z += 0.5) {
        double bound[] = {z};
        ck_assert_double_eq_tol(weir_bridge_crossing(mass, bound, 1) / (2 * weir_normal_sf(z)), 1,
                                1e-9);
        // The documented accuracy of the saddlepoint for a single squared normal.
        ck_assert_double_eq_tol(
            weir_bridge_quadratic(mass, one, 1, z * z) / (2 * weir_normal_sf(z)), 1, 0.12);
    }
    ck_assert_double_eq(weir_bridge_crossing(mass, one, 0), 0);
    ck_assert_double_eq(weir_bridge_quadratic(mass, one, 0, 1), 1);
    ck_assert_double_eq(weir_bridge_quadratic(mass, one, 1, 0), 1);
}
END_TEST

// Many equal cells: the limit of Anderson and Darling (1954). Few: below Kolmogorov's limit.
START_TEST(null_distributions_of_many_cuts_are_the_known_limits)
{
    double mass[999], weight[999], bound[999];
    for (int i = 0; i < 999; i++) {
        mass[i] = (i + 1) / 1000.0;
        weight[i] = 1 / 1000.0;
    }
    ck_assert_double_eq_tol(weir_bridge_quadratic(mass, weight, 999, 2.492), 0.05, 0.002);
    ck_assert_double_eq_tol(weir_bridge_quadratic(mass, weight, 999, 3.857), 0.01, 0.0005);
    for (int i = 0; i < 35; i++) {
        mass[i] = (i + 1) / 36.0;
        bound[i] = 1.6276236 / sqrt(mass[i] * (1 - mass[i])); // Kolmogorov's 1% point
    }
    double crossing = weir_bridge_crossing(mass, bound, 35);
    ck_assert(crossing > 0.004 && crossing < 0.01);
}
END_TEST

// The fast way with one bound against the one with a bound for each cut.
START_TEST(a_level_is_a_bound_at_every_cut)
{
    static const double levels[] = {0.05, 0.4, 0.6, 1, 1.7, 2.5, 4, 9, 20, 37};
    for (size_t n = 1; n <= 60; n += n < 6 ? 1 : 18)
        for (size_t k = 0; k < sizeof levels / sizeof *levels; k++)
            for (int shape = 0; shape < 3; shape++) {
                double mass[60], bound[60];
                for (size_t i = 0; i < n; i++) {
                    double share = (double)(i + 1) / (double)(n + 1);
                    mass[i] = shape == 0 ? share : shape == 1 ? pow(share, 6) : 1e-9 + share * 1e-3;
                    bound[i] = levels[k];
                }
                double slow = weir_bridge_crossing(mass, bound, n);
                double fast = weir_bridge_crossing_level(mass, levels[k], n);
                ck_assert_msg(fabs(fast - slow) <= 1e-10 * slow, "%zu %g %d: %.17g, not %.17g", n,
                              levels[k], shape, fast, slow);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("two_sample");
    TCase *cases = tcase_create("two_sample");
    tcase_add_test(cases, distances_by_hand);
    tcase_add_test(cases, a_level_is_a_bound_at_every_cut);
    tcase_add_test(cases, what_cannot_be_tested_says_why);
    tcase_add_test(cases, nothing_is_ever_nan);
    tcase_add_test(cases, under_no_change_p_values_are_not_too_small);
    tcase_add_test(cases, each_kind_of_change_is_found);
    tcase_add_test(cases, two_cells_are_fishers_exact_test);
    tcase_add_test(cases, null_distributions_at_one_cut_are_the_normals);
    tcase_add_test(cases, null_distributions_of_many_cuts_are_the_known_limits);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
