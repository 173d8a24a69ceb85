// SPDX-License-Identifier: Apache-2.0
#include "stats/statistic.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_every_row_is_whole)
{
    for (unsigned i = 0; i < WEIR_STATISTICS; i++) {
        const struct weir_statistic_info *info = weir_statistic_info((enum weir_statistic_id)i);
        ck_assert_ptr_nonnull(info);
        ck_assert_ptr_nonnull(info->name);
        ck_assert_ptr_nonnull(info->definition);
        ck_assert_uint_ne(info->kinds, 0);
        ck_assert_uint_eq(weir_statistic_find(info->name, strlen(info->name)), i);
        // What p alone can tell needs one.
        ck_assert(info->has_p || info->direction != WEIR_CHANGE_P_ONLY);
        ck_assert(info->floor >= 0);
    }
    ck_assert_ptr_null(weir_statistic_info(WEIR_STATISTICS));
    ck_assert_uint_eq(weir_statistic_find("k", 1), WEIR_STATISTICS);
    ck_assert_uint_eq(weir_statistic_find("", 0), WEIR_STATISTICS);
}
END_TEST

START_TEST(test_defaults_fit_the_table)
{
    size_t n = 0;
    for (const struct weir_statistic_default *d = weir_statistic_defaults(); d->program; d++, n++) {
        const struct weir_statistic_info *info = weir_statistic_info(d->statistic);
        ck_assert_ptr_nonnull(info);
        ck_assert(!d->on_p || info->has_p);
        ck_assert(d->on_p || info->direction != WEIR_CHANGE_P_ONLY);
        ck_assert(d->threshold > 0 && d->threshold < 1);
    }
    ck_assert_uint_ge(n, 15);
}
END_TEST

START_TEST(test_size)
{
    ck_assert_double_eq(weir_statistic_size(WEIR_STATISTIC_PSI, 0.3, NAN), 0.3);
    ck_assert_double_eq(weir_statistic_size(WEIR_STATISTIC_WELCH_T, -4, NAN), 4);
    ck_assert_double_eq(weir_statistic_size(WEIR_STATISTIC_VARIANCE_RATIO, 0.5, NAN), 2);
    ck_assert_double_eq(weir_statistic_size(WEIR_STATISTIC_VARIANCE_RATIO, 0, NAN), HUGE_VAL);
    ck_assert_double_eq_tol(weir_statistic_size(WEIR_STATISTIC_NULL_RATE, 0.1, 0.3), 0.2, 1e-15);
    ck_assert_double_eq(weir_statistic_size(WEIR_STATISTIC_NULL_RATE, 0.1, NAN), 0);
    ck_assert_double_eq(weir_statistic_size(WEIR_STATISTIC_MANN_WHITNEY, 1e9, NAN), 0);
    ck_assert_double_eq(weir_statistic_size(WEIR_STATISTIC_PSI, NAN, NAN), 0);
}
END_TEST

START_TEST(test_rules)
{
    struct weir_statistic_rule rule;
    struct weir_error error;
    ck_assert_int_eq(weir_statistic_rule_parse("psi > 0.2", &rule, &error), 0);
    ck_assert(rule.statistic == WEIR_STATISTIC_PSI && rule.set && !rule.on_p);
    ck_assert_double_eq(rule.threshold, 0.2);
    ck_assert_int_eq(weir_statistic_rule_parse(" ks p<1e-3 ", &rule, &error), 0);
    ck_assert(rule.statistic == WEIR_STATISTIC_KS && rule.set && rule.on_p);
    ck_assert_double_eq(rule.threshold, 1e-3);
    ck_assert_int_eq(weir_statistic_rule_parse("wasserstein_normalised", &rule, &error), 0);
    ck_assert(rule.statistic == WEIR_STATISTIC_WASSERSTEIN_NORMALISED && !rule.set);
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "no statistic"},
               {"psii > 1", "no statistic 'psii'"},
               {"psi p < 0.1", "no p-value"},
               {"g > 5", "depends on how many"},
               {"ks p < 2", "between 0 and 1"},
               {"ks p < 0", "between 0 and 1"},
               {"ks < 0.1", "'> NUMBER'"},
               {"ks > x", "not a number"},
               {"ks > 1 2", "not a number"},
               {"ks > -1", "not a number"},
               {"ks > nan", "not a number"},
               {"ks > inf", "not a number"},
               {"ks p", "'> NUMBER'"},
               {"variance_ratio > 0.5", "from 1 on"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rule.threshold = 77;
        ck_assert_int_eq(weir_statistic_rule_parse(bad[i].text, &rule, &error), WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, bad[i].says) != NULL, "%s: %s", bad[i].text,
                      error.message);
        ck_assert_double_eq(rule.threshold, 77);
    }
}
END_TEST

START_TEST(test_charts)
{
    struct weir_statistic_rule rule;
    struct weir_error error;
    char name[160];
    static const struct {
        const char *text, *name;
    } good[] = {{"cusum(psi) > 5", "cusum(psi)"},
                {" ewma( ks weight=0.2,learn=100 )>3", "ewma(ks learn=100 weight=0.2)"},
                {"page_hinkley(g, delta=0.005, alpha=0.9999, minimum=30) > 50",
                 "page_hinkley(g delta=0.005 alpha=0.9999 minimum=30)"},
                {"cusum(null_rate slack=.5)", "cusum(null_rate slack=0.5)"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(!weir_statistic_rule_parse(good[i].text, &rule, &error), "%s", error.message);
        ck_assert_str_eq(weir_statistic_rule_name(&rule, name, sizeof name), good[i].name);
        ck_assert_int_eq(rule.set, strchr(good[i].text, '>') != NULL);
    }
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"cusum > 5", "'cusum > 5': cusum charts a statistic: write 'cusum(psi) > NUMBER'"},
        {"cusum()", "'cusum()': there is no statistic ''"},
        {"cusum(psii) > 5", "'cusum(psii) > 5': there is no statistic 'psii'"},
        {"cusum(psi", "'cusum(psi': its parenthesis is not closed"},
        {"cusum(psi > 5)", "'cusum(psi > 5)': cusum takes one statistic and NAME=NUMBER of learn, "
                           "slack, as in 'cusum(psi learn=100) > 5'"},
        {"ewma(psi slack=1)", "'ewma(psi slack=1)': ewma has no 'slack'; it has learn, weight"},
        {"ewma(psi weight=2)", "'ewma(psi weight=2)': weight is a number from 0.001 to 1"},
        {"ewma(psi learn=9)", "'ewma(psi learn=9)': learn is a whole number from 10 to 5000"},
        {"ewma(psi learn=10.5)", "learn is a whole number"},
        {"ewma(psi learn=nan)", "learn is a whole number"},
        {"ewma(psi learn)", "ewma takes one statistic and NAME=NUMBER of learn, weight"},
        {"page_hinkley(ks) > 0", "'page_hinkley(ks) > 0': a chart starts at 0: from some number "
                                 "above it on"},
        {"page_hinkley(ks) p < 0.1", "after the chart comes nothing, or '> NUMBER'"},
        {"cusum(psi) > 5 6", "'5 6' is not a number of at least 0"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(weir_statistic_rule_parse(bad[i].text, &rule, &error), WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, bad[i].says) != NULL, "%s: %s", bad[i].text,
                      error.message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statistic");
    TCase *tests = tcase_create("table");
    tcase_add_test(tests, test_every_row_is_whole);
    tcase_add_test(tests, test_defaults_fit_the_table);
    tcase_add_test(tests, test_size);
    tcase_add_test(tests, test_rules);
    tcase_add_test(tests, test_charts);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
