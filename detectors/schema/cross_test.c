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
                     "`amount / start > 2`; look at what fills amount, start or country");
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
                     "error rules[3]@3: it is always false: every record breaks it\n"
                     "error rules[4]@0: another rule has this name: `name: condition` gives one\n"
                     "warning rules[5]@12: its condition is always true: leave it out\n"
                     "error rules[6]@17: this divides by zero\n");
    RULES("b: 1 > 2 when vip", "  true when vip", "c: vip when  2 > 1");
    ck_assert_int_eq(create(&stream, options, 0), 0);
    ck_assert_str_eq(complained,
                     "warning rules[0]@3: it is always false: every record breaks it\n"
                     "warning rules[1]@2: it is always true: no record can break it\n"
                     "warning rules[2]@13: its condition is always true: leave it out\n");
    weir_plugin.destroy(instance);
}
END_TEST

// What rules say of each other.
static const struct weir_field narrow_fields[] = {
    {.name = "a", .type = WEIR_TYPE_LONG, .declared = 1, .has_range = 1, .low = 0, .high = 9},
    {.name = "b", .type = WEIR_TYPE_DOUBLE, .declared = 1, .nullable = 1},
    {.name = "c",
     .type = WEIR_TYPE_STRING,
     .declared = 1,
     .values = (const char *const[]){"US", "DE"},
     .n_values = 2},
    {.name = "d", .type = WEIR_TYPE_STRING, .declared = 1, .pattern = "^[A-Z]+$"},
};
static const struct weir_stream narrow = {
    .name = "orders", .fields = narrow_fields, .n_fields = 4, .key = -1, .time = -1};

START_TEST(rules_that_contradict_each_other_are_faults)
{
    RULES("a > 5", "a < 3", "big: a > 20", "a > 8");
    ck_assert_int_eq(create(&narrow, options, 0), WEIR_EINVAL);
    ck_assert_str_eq(
        complained,
        "error rules[1]@0: no record can keep it and `a > 5`: none could be good; see rules[0]@0\n"
        "error rules[2]@5: no record can keep it and the range of a: none could be good; see "
        "a.range[0]@0\n"
        "warning rules[0]@0: it never fails where `a > 8` is kept: leave it out; see rules[3]@0\n");
    RULES("b > 1", "low:  b < 1");
    ck_assert_int_eq(create(&narrow, options, 0), WEIR_EINVAL);
    ck_assert_str_eq(complained, "error rules[1]@6: no record with a value of b can keep it and "
                                 "`b > 1`: none could be good; see rules[0]@0\n");
    RULES("d == 'abc'");
    ck_assert_int_eq(create(&narrow, options, 0), WEIR_EINVAL);
    ck_assert_str_eq(complained, "error rules[0]@0: no record can keep it and the pattern of d: "
                                 "none could be good; see d.pattern[0]@0\n");
}
END_TEST

START_TEST(rules_for_nothing_are_warned_of)
{
    RULES("a >= 0", "a > 1 when c == 'FR'", "c in ('DE', 'US', 'JP')", "a is not null",
          "b > 1 when c == 'DE'", "b < 1 when c == 'DE'", "b is null or d == 'A'");
    ck_assert_int_eq(create(&narrow, options, 0), 0);
    ck_assert_str_eq(
        complained,
        "warning rules[1]@11: its condition never holds where `c in ('DE', 'US', 'JP')` is "
        "kept: the rule is for nothing; see rules[2]@0\n"
        "warning rules[5]@0: no record for which the conditions hold with a value of b can keep it "
        "and `b > 1 when c == 'DE'`; see rules[4]@0\n"
        "warning rules[3]@0: it never fails where `nullable: false` of a is kept: leave it out; "
        "see "
        "a.nullable[0]@0\n"
        "warning rules[2]@0: it never fails where the values of c are kept: leave it out; see "
        "c.values[0]@0\n"
        "warning rules[0]@0: it never fails where the range of a is kept: leave it out; see "
        "a.range[0]@0\n");
    weir_plugin.destroy(instance);
}
END_TEST

START_TEST(what_is_done_otherwise_is_not_left_out)
{
    // Records out of range are told of and go on: the rule is what holds them back.
    RULES("a >= 0", "b > 1", "soft: b > 2", "a > 3 when b < 1");
    set(SCHEMA_OPTION_ONLY_ALERT, (const char *const[]){"range", "rule:soft"}, 2);
    options[SCHEMA_OPTION_QUARANTINE] = (struct weir_option_value){.set = 1, .integer = 1};
    ck_assert_int_eq(create(&narrow, options, 0), 0);
    ck_assert_str_eq(complained,
                     "warning rules[3]@11: its condition never holds where `b > 1` is kept: the "
                     "rule is for nothing; see rules[1]@0\n");
    weir_plugin.destroy(instance);
    // Of a field that is not looked at no range holds.
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "contract",
                                          .stream = &narrow,
                                          .fields = (const int[]){1},
                                          .n_fields = 1,
                                          .fields_given = 1,
                                          .options = options};
    RULES("a > 20");
    set(SCHEMA_OPTION_ONLY_ALERT, NULL, 0);
    rules.n = 0;
    *complained = 0;
    ck_assert_int_eq(weir_plugin.create(&config, &setup_host, &instance, &error), 0);
    ck_assert_str_eq(complained, "");
    weir_plugin.destroy(instance);
}
END_TEST

START_TEST(rules_of_windows_are_warned_of)
{
    set(SCHEMA_OPTION_WINDOW_RULES,
        (const char *const[]){"mean(a) < 2", "mean(a) > 2.5", "rows > 5", "rows > 7"}, 4);
    ck_assert_int_eq(create(&narrow, options, 0), 0);
    ck_assert_str_eq(complained,
                     "warning window_rules[1]@0: no window can keep it and `mean(a) < 2`; see "
                     "window_rules[0]@0\n"
                     "warning window_rules[2]@0: it never fails where `rows > 7` is kept: leave it "
                     "out; see window_rules[3]@0\n");
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
    tcase_add_test(tests, rules_that_contradict_each_other_are_faults);
    tcase_add_test(tests, rules_for_nothing_are_warned_of);
    tcase_add_test(tests, what_is_done_otherwise_is_not_left_out);
    tcase_add_test(tests, rules_of_windows_are_warned_of);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
