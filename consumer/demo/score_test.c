// SPDX-License-Identifier: Apache-2.0
#include "consumer/demo/score.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/demo/report.h"

#define HOUR INT64_C(3600000)

static const char *const also[] = {"drift.feature", NULL};
static const char *const moves[] = {"score", NULL};
static const struct weir_generate_incident incidents[] = {
    {.name = "yen",
     .kind = "schema.unit",
     .also = also,
     .field = "amount",
     .slice_field = "route",
     .slice = "partner",
     .moves = moves,
     .start_ms = 100 * HOUR,
     .end_ms = 110 * HOUR,
     .first_ms = -1},
};

static struct weir_alert alert_of(const char *kind, const char *const *field, int64_t opened_at)
{
    struct weir_alert alert = {.stream = "transactions",
                               .detector = "d",
                               .fingerprint = "0123456789abcdef0123456789abcdef",
                               .opened_at = opened_at};
    alert.finding.kind = kind;
    alert.finding.fields = field;
    alert.finding.n_fields = field ? 1 : 0;
    return alert;
}

START_TEST(names)
{
    static const char *const amount[] = {"amount"}, *const age[] = {"age"},
                             *const score[] = {"score"};
    struct weir_slice_value partner = {"route", "partner"}, app = {"route", "app"};
    const struct weir_generate_incident *yen = &incidents[0];
    struct weir_alert alert = alert_of("drift.feature", amount, 101 * HOUR);
    ck_assert(weir_demo_names(yen, &alert));
    alert.finding.slice = &partner;
    alert.finding.n_slice = 1;
    ck_assert(weir_demo_names(yen, &alert));
    alert.finding.slice = &app;
    ck_assert(!weir_demo_names(yen, &alert));
    alert = alert_of("drift.feature", age, 101 * HOUR);
    ck_assert(!weir_demo_names(yen, &alert));
    alert = alert_of("drift.feature", score, 101 * HOUR); // it follows from the amount
    ck_assert(weir_demo_names(yen, &alert));
    alert = alert_of("schema.nan", amount, 101 * HOUR);
    ck_assert(!weir_demo_names(yen, &alert));
    alert = alert_of("schema.unit", amount, 101 * HOUR);
    alert.stream = "labels";
    ck_assert(!weir_demo_names(yen, &alert));
    alert = alert_of("schema.unit", amount, 100 * HOUR - 1);
    ck_assert(!weir_demo_names(yen, &alert));
    alert = alert_of("schema.unit", amount, 113 * HOUR);
    ck_assert(weir_demo_names(yen, &alert));
    alert = alert_of("schema.unit", amount, 113 * HOUR + 1);
    ck_assert(!weir_demo_names(yen, &alert));
}
END_TEST

START_TEST(counts)
{
    static const char *const amount[] = {"amount"}, *const age[] = {"age"};
    const struct weir_demo_wrong *wrong;
    struct weir_demo_score *score = weir_demo_score_make(incidents, 1);
    struct weir_alert alert = alert_of("drift.feature", amount, 102 * HOUR);
    ck_assert_int_eq(weir_demo_score_event(score, &alert), 1);
    struct weir_demo_found found = weir_demo_score_of(score, 0);
    ck_assert_int_eq(found.alerts, 1);
    ck_assert(!found.right);
    // The same again is no news, another severity is, once; its end is.
    alert.status = WEIR_ALERT_UPDATE;
    ck_assert_int_eq(weir_demo_score_event(score, &alert), 0);
    alert.finding.severity = WEIR_CRITICAL;
    ck_assert_int_eq(weir_demo_score_event(score, &alert), 1);
    ck_assert_int_eq(weir_demo_score_event(score, &alert), 0);
    alert.status = WEIR_ALERT_RESOLVED;
    ck_assert_int_eq(weir_demo_score_event(score, &alert), 1);
    // An earlier one of the right kind, read later, is the one that counts.
    alert = alert_of("schema.unit", amount, 101 * HOUR);
    alert.fingerprint[0] = 'x';
    ck_assert_int_eq(weir_demo_score_event(score, &alert), 1);
    found = weir_demo_score_of(score, 0);
    ck_assert_int_eq(found.alerts, 2);
    ck_assert(found.right);
    ck_assert_str_eq(found.kind, "schema.unit");
    ck_assert_int_eq(found.opened_at, 101 * HOUR);
    for (int i = 0; i < WEIR_DEMO_WRONG + 3; i++) {
        alert = alert_of("drift.feature", age, 103 * HOUR);
        alert.fingerprint[0] = (char)('A' + i);
        ck_assert_int_eq(weir_demo_score_event(score, &alert), 1);
    }
    ck_assert_int_eq(weir_demo_score_alerts(score), 2 + WEIR_DEMO_WRONG + 3);
    ck_assert_int_eq(weir_demo_score_false(score, &wrong), WEIR_DEMO_WRONG + 3);
    ck_assert_str_eq(wrong[0].where, "age");
    ck_assert_int_eq(wrong[WEIR_DEMO_WRONG - 1].opened_at, 103 * HOUR);
    weir_demo_score_free(score);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        int64_t ms;
        const char *text;
    } table[] = {
        {-5, "0 s"},           {4080, "4 s"},       {99 * 1000, "99 s"},    {120 * 1000, "2 min"},
        {5 * HOUR / 2, "2 h"}, {45 * HOUR, "45 h"}, {60 * HOUR, "2.5 days"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[32];
        weir_demo_duration(table[i].ms, text, sizeof text);
        ck_assert_str_eq(text, table[i].text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("demo score");
    TCase *all = tcase_create("all");
    tcase_add_test(all, names);
    tcase_add_test(all, counts);
    tcase_add_test(all, durations);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
