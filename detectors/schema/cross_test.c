// SPDX-License-Identifier: Apache-2.0
// Rules over several fields: what they flag, what they say, where their faults are.
#include "detectors/schema/record_harness.h"

enum { ID, START, END, AMOUNT, COUNTRY, VIP, FIELDS };
static const struct weir_field fields[FIELDS] = {
    [ID] = {.name = "id", .type = WEIR_TYPE_STRING, .optional = 1},
    [START] = {.name = "start", .type = WEIR_TYPE_LONG, .optional = 1, .nullable = 1},
    [END] = {.name = "end", .type = WEIR_TYPE_LONG, .optional = 1, .nullable = 1},
    [AMOUNT] = {.name = "amount", .type = WEIR_TYPE_DOUBLE, .optional = 1, .nullable = 1},
    [COUNTRY] = {.name = "country", .type = WEIR_TYPE_STRING, .optional = 1, .nullable = 1},
    [VIP] = {.name = "vip", .type = WEIR_TYPE_BOOLEAN, .optional = 1, .nullable = 1},
};
static const struct weir_stream stream = {
    .name = "orders", .fields = fields, .n_fields = FIELDS, .key = ID, .time = -1};

static struct weir_option_value options[64];

static void clear(void)
{
    memset(options, 0, sizeof options);
}

static void set(int option, const char *const *texts, size_t n)
{
    options[option] = (struct weir_option_value){.set = 1, .strings = texts, .n_strings = n};
}
#define RULES(...)                                                                                 \
    set(SCHEMA_OPTION_RULES, (const char *const[]){__VA_ARGS__},                                   \
        sizeof(const char *const[]){__VA_ARGS__} / sizeof(char *))

START_TEST(broken_rules_are_flagged)
{
    RULES("dates: end >= start", "jp: amount <= 1000 when country == 'JP' and not vip",
          "amount is null or end is not missing");
    start(&stream, options);
    ck_assert_str_eq(complained, "");
    ck_assert_str_eq(
        OBSERVE("{\"start\":5,\"end\":6,\"amount\":2000,\"country\":\"JP\",\"vip\":false}",
                "{\"start\":7,\"end\":6,\"amount\":2000,\"country\":\"JP\",\"vip\":true}", "",
                "not json", "{\"start\":7,\"amount\":10,\"country\":\"JP\",\"vip\":false}",
                "{\"start\":null,\"end\":1,\"amount\":3000,\"country\":null,\"vip\":false}"),
        "undecodable=3;rule:dates=1;rule:jp:when=0,4;rule:jp=0;"
        "rule:amount is null or end is not missing=4;");
    stop();
}
END_TEST

START_TEST(what_cannot_be_computed_is_told_apart)
{
    RULES("rate: amount / start > 2 when country == 'DE'", "sum: start + end > 0",
          "part: vip when amount / start > 2");
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"start\":0,\"amount\":1,\"country\":\"DE\"}",
                             "{\"start\":0,\"amount\":1,\"country\":\"FR\"}",
                             "{\"start\":1,\"amount\":1,\"country\":\"DE\"}",
                             "{\"amount\":1,\"country\":\"DE\"}",
                             "{\"start\":9223372036854775807,\"end\":1}"),
                     "rule:rate:when=0,2,3;rule:rate=2;rule:rate:undefined=0;rule:sum:undefined=4;"
                     "rule:part:undefined=0,1;");
    ck_assert_str_eq(sentence("rule:rate", 2048, NULL, 0),
                     "2,048 of 10,240 records with `country == 'DE'` break the rule "
                     "`amount / start > 2`; look at what fills amount");
    ck_assert_str_eq(sentence("rule:rate:undefined", 10240, NULL, 0),
                     "All 10,240 records cannot be judged by the rule `amount / start > 2 when "
                     "country == 'DE'`: it divides by zero or overflows there. Say in it what "
                     "should hold then");
    stop();
}
END_TEST

START_TEST(a_pattern_that_explodes_is_a_limit)
{
    char line[4096];
    RULES("matches(country, '^(a+)+$')", "not matches(country, '(a|aa|aaa)*b')");
    start(&stream, options);
    strcpy(line, "{\"country\":\"");
    memset(line + strlen(line), 'a', 3000);
    strcpy(line + 12 + 3000, "!\"}");
    observe((const char *const[]){line, "{\"country\":\"aab\"}", NULL}, NULL);
    ck_assert_str_eq(flagged, "rule:matches(country, '^(a+)+$')=1;"
                              "rule:not matches(country, '(a|aa|aaa)*b')=1;");
    ck_assert_uint_ge(limited, 1);
    stop();
}
END_TEST

START_TEST(only_alert_and_only_quarantine_know_them)
{
    RULES("dates: end >= start when vip", "amount > 0", "jp: country == 'JP'");
    set(SCHEMA_OPTION_ONLY_ALERT, (const char *const[]){"rule:dates"}, 1);
    set(SCHEMA_OPTION_ONLY_QUARANTINE, (const char *const[]){"rule:jp"}, 1);
    start(&stream, options);
    ck_assert_str_eq(complained, "");
    ck_assert_uint_eq(rules.flags[rule_named("rule:dates:when")], WEIR_RULE_CONDITION);
    ck_assert_uint_eq(rules.flags[rule_named("rule:dates")], 0);
    ck_assert_uint_eq(rules.flags[rule_named("rule:dates:undefined")], 0);
    ck_assert_uint_eq(rules.flags[rule_named("rule:amount > 0")], WEIR_RULE_QUARANTINE);
    ck_assert_uint_eq(rules.flags[rule_named("rule:jp")], WEIR_RULE_QUARANTINE | WEIR_RULE_SILENT);
    ck_assert_uint_eq(rules.flags[rule_named("rule:jp:undefined")], 0);
    stop();
    clear();
    RULES("dates: end >= start");
    set(SCHEMA_OPTION_ONLY_ALERT, (const char *const[]){"rule:date"}, 1);
    ck_assert_int_eq(create(&stream, options, 0), WEIR_EINVAL);
    ck_assert_str_eq(complained, "error only_alert[0]@0: there is no rule rule:date; did you mean "
                                 "rule:dates?\n");
}
END_TEST

START_TEST(faults_and_warnings_have_their_place)
{
    RULES("r: ende > 1", "amount + 1", "a: vip when", "b: 1 > 2", "b: vip", "c: vip when 2 > 1",
          "d: vip or amount / 0 > 1");
    ck_assert_int_eq(create(&stream, options, 0), WEIR_EINVAL);
    ck_assert_str_eq(complained,
                     "error rules[0]@3: stream orders has no field 'ende'; did you mean 'end'?\n"
                     "error rules[1]@0: a rule is a condition, and this is a number\n"
                     "error rules[2]@7: a condition is missing behind when\n"
                     "warning rules[3]@3: it is always false: every record breaks it\n"
                     "error rules[4]@0: another rule has this name: `name: condition` gives one\n"
                     "warning rules[5]@12: its condition is always true: leave it out\n"
                     "error rules[6]@17: this divides by zero\n");
    RULES("b: 1 > 2", "  true when vip", "c: vip when  2 > 1");
    ck_assert_int_eq(create(&stream, options, 0), 0);
    ck_assert_str_eq(complained,
                     "warning rules[0]@3: it is always false: every record breaks it\n"
                     "warning rules[1]@2: it is always true: no record can break it\n"
                     "warning rules[2]@13: its condition is always true: leave it out\n");
    weir_plugin.destroy(instance);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_cross");
    TCase *tests = tcase_create("cross");
    tcase_add_checked_fixture(tests, clear, NULL);
    tcase_add_test(tests, broken_rules_are_flagged);
    tcase_add_test(tests, what_cannot_be_computed_is_told_apart);
    tcase_add_test(tests, a_pattern_that_explodes_is_a_limit);
    tcase_add_test(tests, only_alert_and_only_quarantine_know_them);
    tcase_add_test(tests, faults_and_warnings_have_their_place);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
