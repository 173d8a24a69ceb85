// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/json.h"
#include "detectors/schema/schema.h"

extern const struct weir_plugin weir_plugin;

enum { AGE, N, COUNTRY, NOTE, TAGS, FLAG, TIME, OPT, FIELDS };
static const char *const countries[] = {"US", "DE", "JP"};
static const char *const flags[] = {"true"};
static const struct weir_field fields[FIELDS] = {
    [AGE] = {.name = "age", .type = WEIR_TYPE_DOUBLE, .has_range = 1, .low = 1, .high = 120},
    [N] = {.name = "n", .type = WEIR_TYPE_LONG, .has_range = 1, .low = -0.5, .high = INFINITY},
    [COUNTRY] = {.name = "country", .type = WEIR_TYPE_STRING, .values = countries, .n_values = 3},
    [NOTE] = {.name = "note",
              .type = WEIR_TYPE_STRING,
              .optional = 1,
              .nullable = 1,
              .pattern = "^[a-z\xc3\xa9]*$",
              .has_length = 1,
              .shortest = 0,
              .longest = 5},
    [TAGS] = {.name = "tags[]",
              .type = WEIR_TYPE_DOUBLE,
              .is_list = 1,
              .has_range = 1,
              .low = 0,
              .high = 9,
              .has_length = 1,
              .shortest = 0,
              .longest = 3},
    [FLAG] =
        {.name = "flag", .type = WEIR_TYPE_BOOLEAN, .optional = 1, .values = flags, .n_values = 1},
    [TIME] = {.name = "time", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
    [OPT] = {.name = "opt", .type = WEIR_TYPE_DOUBLE, .optional = 1, .nullable = 1},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .closed = 1, .key = -1, .time = TIME};

static struct {
    char names[128][64];
    unsigned flags[128];
    int n;
} rules;
static char flagged[4096]; // "rule=row,row;"
static uint64_t limited;

static int on_rule(const struct weir_setup *setup, const struct weir_rule *rule,
                   struct weir_error *error)
{
    (void)setup;
    (void)error;
    snprintf(rules.names[rules.n], sizeof rules.names[0], "%s", rule->name);
    rules.flags[rules.n] = rule->flags;
    return rules.n++;
}

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *error)
{
    (void)setup;
    (void)by;
    (void)field;
    (void)parts;
    (void)error;
    return 0;
}

static void on_flag(const struct weir_edge *edge, unsigned rule, const uint32_t *rows, size_t n)
{
    size_t at = strlen(flagged);
    (void)edge;
    at += (size_t)snprintf(flagged + at, sizeof flagged - at, "%s=", rules.names[rule]);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(flagged + at, sizeof flagged - at, "%u%s", rows[i],
                               i + 1 < n ? "," : ";");
}

static char said[4096]; // "rule name=rows"

static void on_detail(const struct weir_edge *edge, unsigned rule, const char *name, size_t length,
                      const uint32_t *rows, const double *values, size_t n)
{
    size_t at = strlen(said);
    (void)edge;
    at += (size_t)snprintf(said + at, sizeof said - at, "%s %.*s=", rules.names[rule], (int)length,
                           name);
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(said + at, sizeof said - at, "%u", rows[i]);
        if (values)
            at += (size_t)snprintf(said + at, sizeof said - at, "(%g)", values[i]);
        at += (size_t)snprintf(said + at, sizeof said - at, i + 1 < n ? "," : ";");
    }
}

static void on_limit(const struct weir_edge *edge, const char *what, const uint32_t *rows, size_t n)
{
    (void)edge;
    (void)what;
    (void)rows;
    limited += n;
}

static const struct weir_summary *on_reference(const struct weir_setup *setup, size_t i, int field)
{
    (void)setup;
    (void)i;
    (void)field;
    return NULL;
}

static char complained[512];

static void on_complain(const struct weir_setup *setup, const struct weir_complaint *complaint)
{
    (void)setup;
    snprintf(complained, sizeof complained, "%s@%zu: %s", complaint->option, complaint->offset,
             complaint->message);
}

static const struct weir_setup setup_host = {.size = sizeof(struct weir_setup),
                                             .need = on_need,
                                             .rule = on_rule,
                                             .reference = on_reference,
                                             .complain = on_complain};
static const struct weir_edge edge_host = {
    .size = sizeof(struct weir_edge), .flag = on_flag, .limit_rows = on_limit, .detail = on_detail};

static void *instance, *edge;
static struct weir_builder *builder;
static struct weir_json_decoder *json;
static struct weir_error error;

static int create(const struct weir_stream *of, const struct weir_option_value *options,
                  const char *const *references, size_t n_references)
{
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "contract",
                                          .stream = of,
                                          .references = references,
                                          .n_references = n_references,
                                          .options = options};
    rules.n = 0;
    return weir_plugin.create(&config, &setup_host, &instance, &error);
}

static void start(int empty)
{
    struct weir_option_value options[64] = {
        [SCHEMA_OPTION_QUARANTINE] = {.set = 1, .integer = 1},
        [SCHEMA_OPTION_EMPTY] = {.set = 1, .string = empty ? "true" : "false"},
        [SCHEMA_OPTION_CRITICAL_SHARE] = {.set = 1, .number = 0.05}};
    static const char *const references[] = {"training"};
    struct weir_builder_options builder_options = {.stream = &stream, .report_unknown = 1};
    int code = create(&stream, options, references, 1);
    ck_assert_msg(code == 0, "%s", error.message);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    ck_assert_int_eq(weir_builder_create(&builder_options, &builder, &error), 0);
    ck_assert_int_eq(weir_json_decoder_create(&builder_options, builder, &json, &error), 0);
}

static void setup(void)
{
    start(0);
}

static void teardown(void)
{
    weir_plugin.edge_destroy(edge);
    weir_plugin.destroy(instance);
    weir_json_decoder_destroy(json);
    weir_builder_destroy(builder);
}

static void observe(const char *const *lines)
{
    weir_builder_begin(builder, "topic", 0);
    for (int i = 0; lines[i]; i++) {
        struct weir_record record = {i, i, {NULL, 0}, {NULL, 0}};
        if (*lines[i])
            record.value = (struct weir_span){(const uint8_t *)lines[i], strlen(lines[i])};
        weir_json_decoder_add(json, &record);
    }
    *flagged = *said = 0;
    ck_assert_int_eq(
        weir_plugin.edge_observe(edge, weir_builder_finish(builder), &edge_host, &error), 0);
}

#define GOOD "{\"age\":30,\"n\":1,\"country\":\"US\",\"time\":5}"

START_TEST(good_records_break_nothing)
{
    observe((const char *const[]){
        GOOD,
        "{\"age\":1,\"n\":9223372036854775807,\"country\":\"JP\",\"time\":5,\"note\":\"ab\","
        "\"tags\":[0,9,1],\"flag\":true,\"opt\":null}",
        "", // a tombstone
        NULL});
    ck_assert_str_eq(flagged, "");
}
END_TEST

START_TEST(each_rule_names_its_rows)
{
    static const struct {
        const char *record, *expected;
    } cases[] = {
        {"{\"age\":0.5,\"n\":1,\"country\":\"US\",\"time\":5}", "range:age=1;"},
        {"{\"age\":\"30\",\"n\":1,\"country\":\"US\",\"time\":5}", "type:age=1;"},
        {"{\"n\":1,\"country\":\"US\",\"time\":5}", "missing:age=1;"},
        {"{\"age\":null,\"n\":1,\"country\":\"US\",\"time\":5}", "null:age=1;"},
        {"{\"age\":NaN,\"n\":1,\"country\":\"US\",\"time\":5}", "nan:age=1;"},
        {"{\"age\":Infinity,\"n\":1,\"country\":\"US\",\"time\":5}", "nan:age=1;range:age=1;"},
        {"{\"age\":5,\"n\":-1,\"country\":\"US\",\"time\":5}", "range:n=1;"},
        {"{\"age\":5,\"n\":1.5,\"country\":\"US\",\"time\":5}", "type:n=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"FR\",\"time\":5}", "values:country=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"U\",\"time\":5}", "values:country=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"note\":\"ABC\"}", "pattern:note=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"note\":"
         "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}",
         ""},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"note\":\"abcdef\"}", "length:note=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"tags\":[1,10,11]}", "range:tags[]=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"tags\":[1,1,1,1]}",
         "length:tags[]=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"tags\":[\"x\",null]}",
         "null:tags[]=1;type:tags[]=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"flag\":false}", "values:flag=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\"}", "time=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":\"soon\"}", "time=1;"},
        {"{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"x\":1,\"y\":2}", "unknown_field=1;"},
        {"{\"age\":5", "undecodable=1;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        observe((const char *const[]){GOOD, cases[i].record, GOOD, NULL});
        ck_assert_msg(strcmp(flagged, cases[i].expected) == 0, "%s: %s", cases[i].record, flagged);
    }
}
END_TEST

START_TEST(rows_are_ascending_and_once)
{
    observe((const char *const[]){
        "{\"age\":500,\"n\":1,\"country\":\"XX\",\"time\":5,\"tags\":[10,11]}", GOOD,
        "{\"age\":-5,\"n\":1,\"country\":\"XX\",\"time\":5,\"tags\":[12]}", "{", "",
        "{\"age\":null,\"n\":1,\"country\":\"YY\",\"time\":5}", NULL});
    ck_assert_str_eq(flagged, "undecodable=3;null:age=5;range:age=0,2;values:country=0,2,5;"
                              "range:tags[]=0,2;");
    // What was remembered of the strings holds in the next batch, and good ones stay good.
    observe((const char *const[]){GOOD, "{\"age\":5,\"n\":1,\"country\":\"XX\",\"time\":5}", NULL});
    ck_assert_str_eq(flagged, "values:country=1;");
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    static const struct {
        const char *record, *expected;
    } cases[] = {
        {"{\"age\":\"30\"}", "type:age text that spells a number (\"123\")=0;"},
        {"{\"age\":\"2026-01-31\"}", "type:age a date written as text=0;"},
        {"{\"age\":\"2026-01-31T10:00:00Z\"}", "type:age a date written as text=0;"},
        {"{\"age\":\"TRUE\"}", "type:age text that spells true or false (\"true\")=0;"},
        {"{\"age\":\"old\"}", "type:age text=0;"},
        {"{\"age\":true}", "type:age true or false=0;"},
        {"{\"age\":[1]}", "type:age a list=0;"},
        {"{\"age\":{\"x\":1}}", "type:age an object=0;"},
        {"{\"n\":1.5}", "type:n a fraction (1.5)=0;"},
        {"{\"n\":1e300}", "type:n a number beyond what the type holds=0;"},
        {"{\"flag\":1}", "type:flag a number=0;"},
        {"{\"flag\":\"true\"}", "type:flag text that spells true or false (\"true\")=0;"},
        {"{\"country\":5}", "type:country a number=0;"},
        {"{\"country\":\"us\"}", "values:country us=0;"},
        {"{\"age\":0.5}", "range:age below=0(0.5);"},
        {"{\"age\":500}", "range:age above=0(500);"},
        {"{\"age\":Infinity}", "range:age above=0(1.79769e+308);"},
        {"{\"n\":-7}", "range:n below=0(-7);"},
        {"{\"tags\":[3,10,11]}", "range:tags[] above=0(10);"},
        {"{\"x\":1,\"y\":2}", "unknown_field x=0;unknown_field y=0;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        observe((const char *const[]){cases[i].record, NULL});
        ck_assert_msg(strcmp(said, cases[i].expected) == 0, "%s: %s", cases[i].record, said);
    }
    observe((const char *const[]){"{\"age\":\"1\"}", "{\"age\":true}", "{\"age\":\"2\"}", NULL});
    ck_assert_str_eq(said, "type:age text that spells a number (\"123\")=0,2;"
                           "type:age true or false=1;");
    observe((const char *const[]){"{\"country\":\"A\"}", "{\"country\":\"A\"}",
                                  "{\"country\":\"US\"}", "{\"country\":\"B\"}",
                                  "{\"country\":\"A\"}", NULL});
    ck_assert_str_eq(said, "values:country A=0,1;values:country B=3;values:country A=4;");
}
END_TEST

START_TEST(empty_strings_on_request)
{
    static const char record[] = "{\"age\":5,\"n\":1,\"country\":\"US\",\"time\":5,\"note\":\"\"}";
    observe((const char *const[]){record, NULL});
    ck_assert_str_eq(flagged, "");
    teardown();
    start(1);
    observe((const char *const[]){GOOD, record, NULL});
    ck_assert_str_eq(flagged, "empty:note=1;");
}
END_TEST

START_TEST(quarantine_is_an_option)
{
    for (int i = 0; i < rules.n; i++)
        ck_assert_uint_eq(rules.flags[i], WEIR_RULE_QUARANTINE);
    struct weir_option_value options[64] = {{.set = 1}};
    void *kept = instance;
    ck_assert_int_eq(create(&stream, options, NULL, 0), 0);
    for (int i = 0; i < rules.n; i++)
        ck_assert_uint_eq(rules.flags[i], 0);
    weir_plugin.destroy(instance);
    instance = kept;
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
    struct weir_option_value options[64] = {{.set = 1}};
    struct weir_field bad = {.name = "p", .type = WEIR_TYPE_STRING, .pattern = "a(b"};
    struct weir_stream one = {.name = "s", .fields = &bad, .n_fields = 1, .key = -1, .time = -1};
    void *kept = instance;
    ck_assert_int_eq(create(&one, options, NULL, 0), WEIR_EINVAL);
    ck_assert_str_eq(complained, "pattern@3: at character 3: missing closing parenthesis");
    bad = (struct weir_field){
        .name = "v", .type = WEIR_TYPE_LONG, .values = countries, .n_values = 1};
    ck_assert_int_eq(create(&one, options, NULL, 0), WEIR_EINVAL);
    ck_assert_str_eq(complained, "values@0: US is no long");
    ck_assert_ptr_eq(instance, kept);
}
END_TEST

START_TEST(a_pattern_that_explodes_is_cut_short)
{
    struct weir_option_value options[64] = {{.set = 1}};
    struct weir_field field = {
        .name = "p", .type = WEIR_TYPE_STRING, .pattern = "^(([a-z])+.)+[A-Z]([a-z])+$"};
    struct weir_stream one = {.name = "s", .fields = &field, .n_fields = 1, .key = -1, .time = -1};
    struct weir_builder_options builder_options = {.stream = &one};
    teardown();
    ck_assert_int_eq(create(&one, options, NULL, 0), 0);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    ck_assert_int_eq(weir_builder_create(&builder_options, &builder, &error), 0);
    ck_assert_int_eq(weir_json_decoder_create(&builder_options, builder, &json, &error), 0);
    limited = 0;
    observe((const char *const[]){
        "{\"p\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", NULL});
    ck_assert_uint_eq(limited, 1);
    ck_assert_str_eq(flagged, "");
}
END_TEST

static int rule_named(const char *name)
{
    for (int i = 0; i < rules.n; i++) {
        if (strcmp(rules.names[i], name) == 0)
            return i;
    }
    ck_abort_msg("no rule %s", name);
}

static struct weir_rule_detail details[8];
static size_t n_details;

static void check_sentence(const char *rule, uint64_t count, uint64_t rows,
                           enum weir_severity severity, const char *expected)
{
    struct weir_rule_count counted = {.size = sizeof counted,
                                      .rule = (unsigned)rule_named(rule),
                                      .count = count,
                                      .rows = rows,
                                      .details = details,
                                      .n_details = n_details};
    struct weir_finding finding = {.size = sizeof finding};
    char text[480];
    ck_assert_int_eq(weir_plugin.describe(instance, &counted, &finding, text, sizeof text), 0);
    ck_assert_str_eq(finding.summary, expected);
    ck_assert_int_eq(finding.severity, severity);
    ck_assert_uint_eq(finding.count, count);
    // However little room there is.
    for (size_t size = 1; size < 60; size++) {
        memset(text, 'x', sizeof text);
        ck_assert_int_eq(weir_plugin.describe(instance, &counted, &finding, text, size), 0);
        ck_assert_uint_lt(strlen(text), size);
    }
}

START_TEST(sentences)
{
    check_sentence("range:age", 312, 10240, WEIR_WARNING,
                   "age: 312 of 10,240 records have a value outside 1 to 120; look upstream for "
                   "another unit, a default or a fault; if they are right, widen the range");
    check_sentence("range:n", 1, 10, WEIR_WARNING,
                   "n: 1 of 10 records has a value below -0.5; look upstream for another unit, a "
                   "default or a fault; if they are right, widen the range");
    check_sentence("type:age", 1234567, 1234567, WEIR_CRITICAL,
                   "age: all 1,234,567 records have a value that is not of the type double; look "
                   "at the producer's last release");
    check_sentence("values:country", 3, 100, WEIR_WARNING,
                   "country: 3 of 100 records have a value that is none of US, DE, JP; if they are "
                   "right, add them, and see that the model knows them; else look upstream");
    check_sentence("length:note", 3, 100, WEIR_WARNING,
                   "note: 3 of 100 records do not have at most 5 characters; look upstream for "
                   "another source, or text that is cut");
    check_sentence("undecodable", 50, 100, WEIR_CRITICAL,
                   "50 of 100 records cannot be decoded: the producer's format or schema is "
                   "broken; look at its last release");
    check_sentence("time", 2, 100, WEIR_WARNING,
                   "2 of 100 records have no usable event time in time: the record's timestamp "
                   "stands in; look at the producer's last release");
    check_sentence("missing:age", 10, 100, WEIR_CRITICAL,
                   "age: 10 of 100 records lack the field; look at the producer's last release");
}
END_TEST

static void detail(const char *name, uint64_t count, double minimum, double maximum)
{
    details[n_details++] = (struct weir_rule_detail){name, strlen(name), count, minimum, maximum};
}

START_TEST(sentences_with_details)
{
    detail("text that spells a number (\"123\")", 12, NAN, NAN);
    check_sentence("type:age", 12, 3000, WEIR_WARNING,
                   "age: 12 of 3,000 records have text that spells a number (\"123\") where a "
                   "double is wanted; look at the producer's last release");
    detail("a date written as text", 3, NAN, NAN);
    check_sentence("type:age", 15, 3000, WEIR_WARNING,
                   "age: 15 of 3,000 records have a value that is not of the type double: 12 with "
                   "text that spells a number (\"123\"), 3 with a date written as text; look at "
                   "the producer's last release");
    n_details = 0;
    detail("below", 4, -5, 0.5);
    check_sentence(
        "range:age", 4, 100, WEIR_WARNING,
        "age: 4 of 100 records have a value outside 1 to 120: all below (down to -5); look "
        "upstream for another unit, a default or a fault; if they are right, widen the range");
    detail("above", 2, 130, 999);
    check_sentence("range:age", 6, 100, WEIR_WARNING,
                   "age: 6 of 100 records have a value outside 1 to 120: 4 below (down to -5), "
                   "2 above (up to 999); look upstream for another unit, a default or a fault; if "
                   "they are right, widen the range");
    n_details = 0;
    detail("below", 4, -5, -1);
    check_sentence("range:n", 4, 100, WEIR_WARNING,
                   "n: 4 of 100 records have a value below -0.5 (down to -5); look upstream for "
                   "another unit, a default or a fault; if they are right, widen the range");
    n_details = 0;
    detail("device_id", 1312, NAN, NAN);
    detail("os", 4, NAN, NAN);
    check_sentence("unknown_field", 1312, 20000, WEIR_CRITICAL,
                   "1,312 of 20,000 records have fields that the stream does not know: device_id "
                   "(1,312), os (4); look at the producer's last release");
    n_details = 0;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema");
    TCase *tcase = tcase_create("schema");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, good_records_break_nothing);
    tcase_add_test(tcase, each_rule_names_its_rows);
    tcase_add_test(tcase, rows_are_ascending_and_once);
    tcase_add_test(tcase, what_is_wrong_is_said);
    tcase_add_test(tcase, empty_strings_on_request);
    tcase_add_test(tcase, quarantine_is_an_option);
    tcase_add_test(tcase, bad_configurations_are_refused);
    tcase_add_test(tcase, a_pattern_that_explodes_is_cut_short);
    tcase_add_test(tcase, sentences);
    tcase_add_test(tcase, sentences_with_details);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
