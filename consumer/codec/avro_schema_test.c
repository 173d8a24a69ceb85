// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/avro_schema.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/decoder.h"

// Forms and fingerprints after the test cases of the Avro specification's own implementations.
START_TEST(canonical_form)
{
    static const char *const cases[][2] = {
        {"\"int\"", "\"int\""},
        {" {\"type\" : \"long\", \"logicalType\": \"timestamp-millis\"} ", "\"long\""},
        {"{\"type\":\"fixed\", \"size\":15, \"name\":\"foo\", \"namespace\":\"x.y\"}",
         "{\"name\":\"x.y.foo\",\"type\":\"fixed\",\"size\":15}"},
        {"{\"type\":\"record\",\"name\":\"foo\",\"namespace\":\"x.y\",\"doc\":\"d\",\"fields\":["
         "{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]},"
         "\"default\":\"A\"},{\"name\":\"b\",\"type\":[\"null\",\"e\",\"foo\"]},"
         "{\"name\":\"c\",\"type\":{\"items\":{\"type\":\"map\",\"values\":\"bytes\"},"
         "\"type\":\"array\"}}]}",
         "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[{\"name\":\"a\",\"type\":{"
         "\"name\":\"x.y.e\",\"type\":\"enum\",\"symbols\":[\"A\",\"B\"]}},{\"name\":\"b\","
         "\"type\":"
         "[\"null\",\"x.y.e\",\"x.y.foo\"]},{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":"
         "{\"type\":\"map\",\"values\":\"bytes\"}}}]}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weir_avro_schema *schema;
        struct weir_error error;
        const char *text = cases[i][0];
        ck_assert_msg(!weir_avro_schema_parse(text, strlen(text), &schema, &error), "%s",
                      error.message);
        char *canonical = weir_avro_schema_canonical(schema);
        ck_assert_str_eq(canonical, cases[i][1]);
        free(canonical);
        weir_avro_schema_free(schema);
    }
}
END_TEST

START_TEST(fingerprints)
{
    static const struct {
        const char *schema;
        int64_t fingerprint;
    } cases[] = {{"\"null\"", 7195948357588979594},  {"\"boolean\"", -6970731678124411036},
                 {"\"int\"", 8247732601305521295},   {"\"long\"", -3434872931120570953},
                 {"\"float\"", 5583340709985441680}, {"\"double\"", -8181574048448539266}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t fingerprint;
        ck_assert_int_eq(weir_avro_fingerprint(cases[i].schema, &fingerprint, NULL), 0);
        ck_assert_int_eq((int64_t)fingerprint, cases[i].fingerprint);
    }
}
END_TEST

START_TEST(refuses)
{
    static const char *const cases[] = {
        "",
        "{",
        "[",
        "\"nothing\"",
        "{\"type\":\"record\",\"name\":\"R\"}",
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":\"R\"}]}",
        "{\"type\":\"array\"}",
        "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}",
        ("[{\"type\":\"fixed\",\"name\":\"F\",\"size\":1},"
         "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}]")};
    struct weir_avro_schema *schema = NULL;
    struct weir_error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = weir_avro_schema_parse(cases[i], strlen(cases[i]), &schema, &error);
        ck_assert_msg(code == WEIR_EINVAL, "%s", cases[i]);
        ck_assert_ptr_null(schema);
    }
}
END_TEST

START_TEST(refuses_deep_nesting)
{
    enum { DEPTH = 1000 };
    static const char item[] = "{\"type\":\"array\",\"items\":";
    char *text = calloc(DEPTH + 1, sizeof item + 1);
    struct weir_avro_schema *schema;
    struct weir_error error;
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < DEPTH; i++)
        memcpy(text + (size_t)i * (sizeof item - 1), item, sizeof item - 1);
    strcat(text, "\"int\"");
    memset(text + strlen(text), '}', DEPTH);
    ck_assert_int_eq(weir_avro_schema_parse(text, strlen(text), &schema, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "deep"));
    free(text);
}
END_TEST

START_TEST(fields_of_a_schema)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
        "{\"name\":\"amount\",\"type\":\"double\",\"weir.unit\":\"USD\",\"weir.semantic\":"
        "\"money\"},"
        "{\"name\":\"at\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":"
        "\"timestamp-micros\"}]},"
        "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]},"
        "\"default\":\"A\"},"
        "{\"name\":\"d\",\"default\":null,\"type\":[\"null\",{\"type\":\"record\",\"name\":\"D\","
        "\"fields\":["
        "{\"name\":\"os\",\"type\":\"string\"},{\"name\":\"up\",\"type\":[\"null\",\"R\"]}]}]},"
        "{\"name\":\"t\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"int\"]}},"
        "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"int\"}},"
        "{\"name\":\"u\",\"type\":[\"int\",\"string\",\"double\"]},"
        "{\"name\":\"p\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,"
        "\"scale\":2}},{\"name\":\"b\",\"type\":\"bytes\"},{\"name\":\"f\",\"type\":\"boolean\"}]}";
    static const struct {
        const char *name;
        enum weir_type type;
        int nullable, optional;
    } expected[] = {{"amount", WEIR_TYPE_DOUBLE, 0, 0}, {"at", WEIR_TYPE_LONG, 1, 0},
                    {"e", WEIR_TYPE_STRING, 0, 1},      {"d.os", WEIR_TYPE_STRING, 1, 1},
                    {"t.length", WEIR_TYPE_LONG, 0, 0}, {"t[]", WEIR_TYPE_LONG, 1, 0},
                    {"m.length", WEIR_TYPE_LONG, 0, 0}, {"u", WEIR_TYPE_DOUBLE, 0, 0},
                    {"p", WEIR_TYPE_DOUBLE, 0, 0},      {"b", WEIR_TYPE_BYTES, 0, 0},
                    {"f", WEIR_TYPE_BOOLEAN, 0, 0}};
    struct weir_schema_fields fields;
    struct weir_error error;
    ck_assert_msg(!weir_schema_fields_read(schema, &fields, &error), "%s", error.message);
    ck_assert_uint_eq(fields.n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < fields.n; i++) {
        ck_assert_str_eq(fields.fields[i].name, expected[i].name);
        ck_assert_int_eq(fields.fields[i].type, expected[i].type);
        ck_assert_int_eq(fields.fields[i].nullable, expected[i].nullable);
        ck_assert_int_eq(fields.fields[i].optional, expected[i].optional);
        ck_assert_int_eq(fields.fields[i].is_list, strstr(expected[i].name, "[]") != NULL);
        ck_assert_int_eq(fields.units[i], i == 1 ? WEIR_TIME_US : WEIR_TIME_AUTO);
    }
    ck_assert_str_eq(fields.fields[0].unit, "USD");
    ck_assert_str_eq(fields.fields[0].semantic, "money");
    ck_assert_uint_eq(fields.fields[2].n_values, 2);
    ck_assert_str_eq(fields.fields[2].values[1], "B");
    weir_schema_fields_free(&fields);
}
END_TEST

// Records of records of records, each with two fields of the next kind: 2^40 paths.
START_TEST(refuses_fields_without_end)
{
    char text[8192] = "";
    size_t at = 0;
    struct weir_schema_fields fields = {0};
    struct weir_error error;
    for (int i = 0; i < 40; i++)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\","
                               "\"type\":",
                               i);
    at += (size_t)snprintf(text + at, sizeof text - at, "\"int\"}]}");
    for (int i = 39; i > 0; i--)
        at += (size_t)snprintf(text + at, sizeof text - at, "},{\"name\":\"b\",\"type\":\"R%d\"}]}",
                               i);
    ck_assert_int_eq(weir_schema_fields_read(text, &fields, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "fields"));
    ck_assert_ptr_null(fields.fields);
}
END_TEST

START_TEST(joins_references)
{
    static const char *const references[] = {
        "{\"type\":\"enum\",\"name\":\"c.Level\",\"symbols\":[\"A\"]}",
        "{\"type\":\"record\",\"name\":\"b.Part\",\"fields\":[{\"name\":\"l\",\"type\":\"c.Level\"}"
        "]}"};
    struct weir_error error;
    struct weir_schema_fields fields;
    char *joined;
    ck_assert_int_eq(
        weir_avro_schema_join("{\"type\":\"record\",\"name\":\"a.Main\",\"fields\":["
                              "{\"name\":\"p\",\"type\":{\"type\":\"array\",\"items\":\"b.Part\"}},"
                              "{\"name\":\"l\",\"type\":\"c.Level\"},{\"name\":\"q\",\"type\":"
                              "[\"null\",\"b.Part\"]}]}",
                              references, 2, &joined, &error),
        0);
    ck_assert_msg(!weir_schema_fields_read(joined, &fields, &error), "%s: %s", error.message,
                  joined);
    ck_assert_uint_eq(fields.n, 4);
    ck_assert_str_eq(fields.fields[1].name, "p[].l");
    ck_assert_str_eq(fields.fields[3].name, "q.l");
    weir_schema_fields_free(&fields);
    free(joined);
    ck_assert_int_eq(weir_avro_schema_join("{", references, 2, &joined, &error), WEIR_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("avro_schema");
    TCase *tests = tcase_create("schema");
    tcase_add_test(tests, canonical_form);
    tcase_add_test(tests, fingerprints);
    tcase_add_test(tests, refuses);
    tcase_add_test(tests, refuses_deep_nesting);
    tcase_add_test(tests, fields_of_a_schema);
    tcase_add_test(tests, refuses_fields_without_end);
    tcase_add_test(tests, joins_references);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
