// SPDX-License-Identifier: Apache-2.0
#include "stats/chart_series.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252;
static const char *const rules[] = {"cusum(psi learn=100)", "ewma(psi learn=100)",
                                    "page_hinkley(psi learn=100)"};
enum { KINDS = 3 };

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

static struct weir_chart_options options_of(const char *text, double windows)
{
    struct weir_statistic_rule rule;
    struct weir_error error;
    ck_assert_msg(!weir_statistic_rule_parse(text, &rule, &error), "%s", error.message);
    return weir_chart_options_of(&rule, 200, windows);
}

static enum weir_chart_side add(struct weir_chart_series *series,
                                const struct weir_chart_options *options, double x, int64_t time)
{
    enum weir_chart_side side;
    ck_assert_int_eq(weir_chart_series_add(series, options, x, time, &side), 0);
    return side;
}

// PSI-like: about .05, windows vary by .01. Returns windows in alarm from `from` on.
static int windows_in_alarm(const struct weir_chart_options *options, int n, int from, double step,
                            double slope, double memory, double rhythm)
{
    struct weir_chart_series series = {0};
    double kept = 0;
    int alarms = 0;
    for (int i = 0; i < n; i++) {
        kept = memory * kept + sqrt(1 - memory * memory) * normal();
        double z = kept + rhythm * sin(i * 6.283185307179586 / 24);
        double moved = i < from ? 0 : step + slope * (i - from);
        alarms +=
            add(&series, options, .05 + .01 * (z + moved), i) != WEIR_CHART_QUIET && i >= from;
    }
    weir_chart_series_free(&series);
    return alarms;
}

START_TEST(quiet_where_nothing_changes)
{
    struct weir_chart_options options = options_of(rules[_i], 720 * 20);
    int alarmed = 0;
    for (int field = 0; field < 20; field++)
        alarmed += windows_in_alarm(&options, 820, 100, 0, 0, 0, 0) > 0;
    ck_assert_int_le(alarmed, 3); // of 20 fields in a month, where one is promised
    options = options_of(rules[_i], 720 * 20);
    for (int field = 0; field < 20; field++)
        ck_assert_int_eq(windows_in_alarm(&options, 820, 100, 0, 0, 0, 2), 0);
}
END_TEST

START_TEST(what_creeps_is_found_before_a_window_shows_it)
{
    struct weir_chart_options options = options_of(rules[_i], 720);
    for (int field = 0; field < 10; field++) {
        // One sd by the end of 200 windows, then it stays.
        ck_assert_int_gt(windows_in_alarm(&options, 300, 100, 0, .01, 0, 0), 0);
        ck_assert_int_gt(windows_in_alarm(&options, 250, 100, 1.5, 0, 0, 0), 0);
    }
}
END_TEST

START_TEST(it_says_since_when_and_by_how_much)
{
    struct weir_chart_options options = options_of(rules[_i], 720);
    struct weir_chart_series series = {0};
    enum weir_chart_side side = WEIR_CHART_QUIET;
    int64_t at = 0;
    for (int64_t i = 0; i < 400 && !side; i++, at = i)
        side = add(&series, &options, .05 + .01 * (normal() + (i < 200 ? 0 : 1.5)), 1000 * i);
    ck_assert_int_eq(side, WEIR_CHART_UP);
    ck_assert_int_gt(at, 202);
    ck_assert_int_lt(at, 260);
    ck_assert_msg(series.up.since >= 185000 && series.up.since <= 210000, "%lld",
                  (long long)series.up.since);
    ck_assert_double_eq_tol(series.up.sum / series.up.n, .065, .006);
    ck_assert_double_eq_tol(series.mean, .05, .004);
    ck_assert(weir_chart_series_score(&series, &options, WEIR_CHART_UP) > options.threshold);
    weir_chart_series_free(&series);
}
END_TEST

START_TEST(it_ends_when_values_are_back)
{
    struct weir_chart_options options = options_of("cusum(psi learn=100) > 10", 720);
    struct weir_chart_series series = {0};
    int last = 0;
    for (int i = 0; i < 700; i++) {
        double x = .05 + .01 * (normal() + (i >= 200 && i < 500 ? 4 : 0));
        if (add(&series, &options, x, i))
            last = i;
    }
    ck_assert_int_ge(last, 499);
    ck_assert_int_lt(last, 620); // not after as long as it took
    weir_chart_series_free(&series);
}
END_TEST

START_TEST(page_hinkley_starts_anew_after_its_alarm)
{
    struct weir_chart_options options = options_of("page_hinkley(psi learn=100) > 20", 720);
    struct weir_chart_series series = {0};
    int alarms = 0;
    for (int i = 0; i < 600; i++)
        alarms += add(&series, &options, .05 + .01 * (normal() + (i < 200 ? 0 : 2)), i) != 0;
    ck_assert_int_eq(alarms, 1);
    weir_chart_series_free(&series);
    options.hold = 3;
    alarms = 0;
    for (int i = 0; i < 600; i++)
        alarms += add(&series, &options, .05 + .01 * (normal() + (i < 200 ? 0 : 2)), i) != 0;
    ck_assert_int_eq(alarms, 3);
    weir_chart_series_free(&series);
}
END_TEST

// Values that do not vary, infinite ones, the largest there are: never an alarm without a reason,
// never anything that is not finite.
START_TEST(odd_values_are_learnt_from_or_passed_over)
{
    static const char *const odd[] = {"cusum(l_infinity learn=20)", "ewma(psi learn=20)",
                                      "page_hinkley(welch_t learn=20)", "cusum(psi learn=20)"};
    for (size_t k = 0; k < 4; k++) {
        struct weir_chart_options options = options_of(odd[k], 100);
        struct weir_chart_series series = {0};
        for (int i = 0; i < 500; i++)
            ck_assert_int_eq(add(&series, &options, 0, i), 0); // constant
        // Where nothing says what would be much, it learns on.
        ck_assert_int_eq(series.sd > 0, k == 1 || k == 3);
        static const double x[] = {1e308, -1e308, 5e-324, 0, 1, HUGE_VAL, -HUGE_VAL, NAN};
        for (int i = 0; i < 2000; i++) {
            add(&series, &options, x[i % 8], i);
            for (int side = -1; side <= 1; side += 2)
                ck_assert(isfinite(
                    weir_chart_series_score(&series, &options, (enum weir_chart_side)side)));
            ck_assert(isfinite(series.mean) && isfinite(series.sd) && isfinite(series.up.sum) &&
                      isfinite(series.down.sum));
        }
        struct weir_buffer out;
        struct weir_chart_series again = {0};
        weir_buffer_init(&out, 1 << 20);
        ck_assert_int_eq(weir_chart_series_write(&series, &options, &out), 0);
        struct weir_reader in = weir_reader_make(out.data, out.length);
        ck_assert_int_eq(weir_chart_series_read(&again, &options, &in), 0);
        weir_buffer_free(&out);
        weir_chart_series_free(&again);
        weir_chart_series_free(&series);
    }
    // One wild window among those learnt from is not what the others are measured by.
    struct weir_chart_options options = options_of("cusum(psi learn=100)", 720);
    struct weir_chart_series series = {0};
    for (int i = 0; i < 100; i++)
        add(&series, &options, i == 50 ? 1e6 : .05 + .01 * normal(), i);
    ck_assert(series.sd < .05 && series.mean < .06);
    weir_chart_series_free(&series);
}
END_TEST

START_TEST(what_is_charted_of_each_kind_of_statistic)
{
    ck_assert_double_eq(weir_chart_value(WEIR_STATISTIC_PSI, .3, NAN, NAN), .3);
    ck_assert_double_eq(weir_chart_value(WEIR_STATISTIC_WELCH_T, -2, .1, NAN), -2);
    ck_assert_double_eq_tol(weir_chart_value(WEIR_STATISTIC_VARIANCE_RATIO, .5, .1, NAN), -log(2),
                            1e-12);
    ck_assert(isfinite(weir_chart_value(WEIR_STATISTIC_VARIANCE_RATIO, 0, .1, NAN)));
    ck_assert(isfinite(weir_chart_value(WEIR_STATISTIC_VARIANCE_RATIO, HUGE_VAL, .1, NAN)));
    ck_assert_double_eq_tol(weir_chart_value(WEIR_STATISTIC_NULL_RATE, .3, .1, .1), .2, 1e-12);
    ck_assert_double_eq_tol(weir_chart_value(WEIR_STATISTIC_G, 99, .5, NAN), 0, 1e-9);
    ck_assert(isfinite(weir_chart_value(WEIR_STATISTIC_G, 99, 0, NAN)));
    ck_assert(isfinite(weir_chart_value(WEIR_STATISTIC_G, 99, 1, NAN)));
    ck_assert(isnan(weir_chart_value(WEIR_STATISTIC_G, 99, NAN, NAN)));
    ck_assert(isnan(weir_chart_value(WEIR_STATISTIC_NULL_RATE, .1, 1, NAN)));
    for (unsigned i = 0; i < WEIR_STATISTICS; i++) {
        enum weir_statistic_id id = (enum weir_statistic_id)i;
        double shown = weir_statistic_info(id)->direction == WEIR_CHANGE_P_ONLY ? .02 : 1.5;
        double x = weir_chart_value(id, 1.5, .02, .25);
        ck_assert_double_eq_tol(weir_chart_shown(id, x, .25), shown, 1e-9);
    }
}
END_TEST

START_TEST(restored_at_any_value_it_goes_on)
{
    struct weir_chart_options options = options_of(rules[_i], 720);
    struct weir_chart_series one = {0}, other = {0};
    struct weir_buffer out;
    weir_buffer_init(&out, 1 << 20);
    for (int i = 0; i < 260; i++) {
        double x = .05 + .01 * (normal() + (i < 150 ? 0 : .05 * (i - 150)));
        ck_assert_int_eq(add(&one, &options, x, i), add(&other, &options, x, i));
        weir_buffer_reset(&out);
        ck_assert_int_eq(weir_chart_series_write(&one, &options, &out), 0);
        if (i % 50 == 49)
            for (size_t cut = 0; cut < out.length; cut++) {
                struct weir_chart_series none = {0};
                struct weir_reader in = weir_reader_make(out.data, cut);
                ck_assert_int_eq(weir_chart_series_read(&none, &options, &in), WEIR_ECORRUPT);
                ck_assert(!none.learning && !none.n_learning && !(none.sd > 0));
            }
        weir_chart_series_free(&other);
        struct weir_reader in = weir_reader_make(out.data, out.length);
        ck_assert_int_eq(weir_chart_series_read(&other, &options, &in), 0);
        ck_assert_uint_eq(weir_reader_left(&in), 0);
    }
    weir_chart_series_free(&one);
    weir_chart_series_free(&other);
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chart series");
    TCase *cases = tcase_create("chart series");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, quiet_where_nothing_changes, 0, KINDS);
    tcase_add_loop_test(cases, what_creeps_is_found_before_a_window_shows_it, 0, KINDS);
    tcase_add_loop_test(cases, it_says_since_when_and_by_how_much, 0, KINDS);
    tcase_add_test(cases, it_ends_when_values_are_back);
    tcase_add_test(cases, page_hinkley_starts_anew_after_its_alarm);
    tcase_add_test(cases, odd_values_are_learnt_from_or_passed_over);
    tcase_add_test(cases, what_is_charted_of_each_kind_of_statistic);
    tcase_add_loop_test(cases, restored_at_any_value_it_goes_on, 0, KINDS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
