// SPDX-License-Identifier: Apache-2.0
#include <avro.h>
#include <check.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/headers.h"
#include "consumer/alert/kinds.h"

static const char *const fields[] = {"amount", "tags[]"};
static const struct weir_slice_value slice[] = {
    {"route", "north"}, {"device", NULL}, {"route", "x"}};
static const struct weir_sample samples[] = {{"payments", 3, 17, NULL},
                                             {NULL, 0, INT64_MAX, "\"\xff"}};
static const struct weir_evidence evidence[] = {
    {"field", "amount", NULL, 0, "mean 3", "mean 465", .8, NULL, 0},
    {"samples", NULL, slice, 1, NULL, NULL, NAN, samples, 2}};
static const struct weir_offset_range offsets[] = {{"payments", 0, 5, 9}, {"payments", 1, 0, 0}};

static struct weir_alert make(void)
{
    struct weir_alert alert = {
        .id = "0123456789abcdef0123456789abcdef",
        .fingerprint = "fedcba9876543210fedcba9876543210",
        .sequence = 2,
        .status = WEIR_ALERT_UPDATE,
        .app = "payments fraud",
        .detector = "input/drift",
        .detector_type = "drift",
        .stream = "transactions",
        .runbook = "https://wiki.example/drift",
        .finding = {.rule = "omnibus",
                    .kind = "drift.feature",
                    .severity = WEIR_CRITICAL,
                    .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
                    .fields = fields,
                    .n_fields = 2,
                    .slice = slice,
                    .n_slice = 3,
                    .model_version = "v41",
                    .provisional = 1,
                    .share = .125,
                    .statistic = {"psi", .3, .1, 1e-9, NAN},
                    .summary = "amount is 155 times what it was \xe2\x80\x94 yen?\n",
                    .evidence = evidence,
                    .n_evidence = 2},
        .window_start = 1767225600000,
        .window_end = 1767229200000,
        .window_records = UINT64_MAX,
        .offsets = offsets,
        .n_offsets = 2,
        .opened_at = 1767229200000,
        .updated_at = 1767232800001,
        .resolved_at = -1,
        .occurrences = 3,
    };
    return alert;
}

static struct weir_alert make_bare(void)
{
    struct weir_alert alert = make();
    alert.status = WEIR_ALERT_RESOLVED;
    alert.resolved_at = 1767236400000;
    alert.stream = NULL;
    alert.runbook = NULL;
    alert.n_offsets = 0;
    alert.finding.n_fields = 0;
    alert.finding.n_slice = 0;
    alert.finding.model_version = NULL;
    alert.finding.provisional = 0;
    alert.finding.share = NAN;
    alert.finding.statistic.name = NULL;
    alert.finding.n_evidence = 0;
    return alert;
}

START_TEST(test_json)
{
    static const char expected[] =
        "{\"id\":\"0123456789abcdef0123456789abcdef\","
        "\"fingerprint\":\"fedcba9876543210fedcba9876543210\",\"sequence\":2,"
        "\"status\":\"update\",\"severity\":\"critical\",\"kind\":\"drift.feature\","
        "\"app\":\"payments fraud\",\"detector\":\"input/drift\",\"detector_type\":\"drift\","
        "\"rule\":\"omnibus\",\"stream\":\"transactions\",\"fields\":[\"amount\",\"tags[]\"],"
        "\"slice\":{\"route\":\"north\",\"device\":\"null\"},\"model_version\":\"v41\","
        "\"provisional\":true,\"share\":0.125,"
        "\"window\":{\"start\":1767225600000,\"end\":1767229200000,"
        "\"records\":9223372036854775807},"
        "\"statistic\":{\"name\":\"psi\",\"value\":0.3,\"threshold\":0.1,\"p_value\":1e-09,"
        "\"baseline\":null},"
        "\"summary\":\"amount is 155 times what it was \xe2\x80\x94 yen?\\n\","
        "\"evidence\":[{\"type\":\"field\",\"field\":\"amount\",\"slice\":{},"
        "\"before\":\"mean 3\",\"after\":\"mean 465\",\"contribution\":0.8,\"samples\":[]},"
        "{\"type\":\"samples\",\"field\":null,\"slice\":{\"route\":\"north\"},\"before\":null,"
        "\"after\":null,\"contribution\":null,\"samples\":[{\"topic\":\"payments\","
        "\"partition\":3,\"offset\":17,\"value\":null},{\"topic\":null,\"partition\":0,"
        "\"offset\":9223372036854775807,\"value\":\"\\\"\xef\xbf\xbd\"}]}],"
        "\"offsets\":[{\"topic\":\"payments\",\"partition\":0,\"first\":5,\"last\":9},"
        "{\"topic\":\"payments\",\"partition\":1,\"first\":0,\"last\":0}],"
        "\"opened_at\":1767229200000,\"updated_at\":1767232800001,\"resolved_at\":null,"
        "\"occurrences\":3,\"action\":\"investigate_upstream\","
        "\"runbook\":\"https://wiki.example/drift\"}";
    struct weir_alert alert = make();
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_alert_json(&alert, &out), 0);
    weir_buffer_byte(&out, 0);
    ck_assert_str_eq((char *)out.data, expected);
    weir_buffer_free(&out);
}
END_TEST

// ---- the datum, by Avro C and the schema, is what the JSON says

static void compare(avro_value_t *value, json_t *json);

static void compare_union(avro_value_t *value, json_t *json)
{
    avro_value_t branch;
    ck_assert_int_eq(avro_value_get_current_branch(value, &branch), 0);
    if (avro_value_get_type(&branch) == AVRO_NULL)
        ck_assert(json_is_null(json));
    else
        compare(&branch, json);
}

static void compare_children(avro_value_t *value, json_t *json)
{
    int list = avro_value_get_type(value) == AVRO_ARRAY;
    size_t n;
    ck_assert_int_eq(avro_value_get_size(value, &n), 0);
    ck_assert_uint_eq(n, list ? json_array_size(json) : json_object_size(json));
    for (size_t i = 0; i < n; i++) {
        avro_value_t child;
        const char *name = NULL;
        ck_assert_int_eq(avro_value_get_by_index(value, i, &child, &name), 0);
        json_t *other = list ? json_array_get(json, i) : json_object_get(json, name);
        ck_assert_msg(other != NULL, "%s", name ? name : "element");
        compare(&child, other);
    }
}

static void compare(avro_value_t *value, json_t *json)
{
    const char *text;
    size_t length;
    int64_t number;
    int32_t small;
    double real;
    switch (avro_value_get_type(value)) {
    case AVRO_UNION:
        compare_union(value, json);
        break;
    case AVRO_STRING:
        ck_assert_int_eq(avro_value_get_string(value, &text, &length), 0);
        ck_assert_str_eq(text, json_string_value(json));
        break;
    case AVRO_INT64:
        ck_assert_int_eq(avro_value_get_long(value, &number), 0);
        ck_assert_int_eq(number, json_integer_value(json));
        break;
    case AVRO_INT32:
        ck_assert_int_eq(avro_value_get_int(value, &small), 0);
        ck_assert_int_eq(small, json_integer_value(json));
        break;
    case AVRO_DOUBLE:
        ck_assert_int_eq(avro_value_get_double(value, &real), 0);
        ck_assert(real == json_number_value(json));
        break;
    case AVRO_BOOLEAN:
        ck_assert_int_eq(avro_value_get_boolean(value, &small), 0);
        ck_assert_int_eq(small, json_is_true(json));
        break;
    case AVRO_ENUM:
        ck_assert_int_eq(avro_value_get_enum(value, &small), 0);
        ck_assert_str_eq(avro_schema_enum_get(avro_value_get_schema(value), small),
                         json_string_value(json));
        break;
    default:
        compare_children(value, json);
    }
}

static void check_avro(const struct weir_alert *alert)
{
    struct weir_buffer text, datum;
    avro_schema_t schema;
    avro_value_t value;
    weir_buffer_init(&text, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_alert_json(alert, &text), 0);
    ck_assert_int_eq(weir_alert_avro(alert, &datum), 0);
    json_t *json = json_loadb((char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(
        avro_schema_from_json_length(weir_alert_schema, strlen(weir_alert_schema), &schema), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    ck_assert_int_eq(avro_generic_value_new(iface, &value), 0);
    avro_reader_t reader = avro_reader_memory((char *)datum.data, (int64_t)datum.length);
    ck_assert_int_eq(avro_value_read(reader, &value), 0);
    char left;
    ck_assert_int_ne(avro_read(reader, &left, 1), 0);
    compare(&value, json);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    json_decref(json);
    weir_buffer_free(&text);
    weir_buffer_free(&datum);
}

START_TEST(test_avro)
{
    struct weir_alert alert = make(), bare = make_bare();
    check_avro(&alert);
    check_avro(&bare);
}
END_TEST

START_TEST(test_headers)
{
    static const char *const expected[][2] = {{"ce_id", "0123456789abcdef0123456789abcdef"},
                                              {"ce_type", "weir.alert.update"},
                                              {"ce_source", "/weir/payments%20fraud/input%2Fdrift"},
                                              {"ce_time", "2026-01-01T02:00:00.001Z"},
                                              {"ce_specversion", "1.0"}};
    struct weir_alert alert = make();
    struct weir_alert_headers headers;
    weir_alert_headers(&alert, &headers);
    for (size_t i = 0; i < WEIR_ALERT_HEADERS; i++) {
        ck_assert_str_eq(headers.headers[i].name, expected[i][0]);
        ck_assert_uint_eq(headers.headers[i].value.length, strlen(expected[i][1]));
        ck_assert_mem_eq(headers.headers[i].value.data, expected[i][1], strlen(expected[i][1]));
    }
    char long_name[4096];
    memset(long_name, '%', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    alert.app = alert.detector = long_name;
    weir_alert_headers(&alert, &headers);
    ck_assert_uint_gt(headers.headers[2].value.length, 1000);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {951868799999, "2000-02-29T23:59:59.999Z"},
    {4107542400000, "2100-03-01T00:00:00.000Z"},
    {1798761599999, "2026-12-31T23:59:59.999Z"},
    {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    {-62162035200001, "0000-02-29T23:59:59.999Z"},
    {-62162035200000, "0000-03-01T00:00:00.000Z"},
    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
};

START_TEST(test_times)
{
    char out[WEIR_TEXT_TIME];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        ck_assert_str_eq(weir_text_time(times[i].ms, out), times[i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alert encode");
    TCase *encode = tcase_create("encode");
    tcase_add_test(encode, test_json);
    tcase_add_test(encode, test_avro);
    tcase_add_test(encode, test_headers);
    tcase_add_test(encode, test_times);
    suite_add_tcase(suite, encode);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
