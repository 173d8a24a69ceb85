// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/avro_plan.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "consumer/codec/avro_decoder.h"
#include "consumer/codec/avro_encode.h"

#define R(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define F(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

// One datum decoded for a stream of up to eight fields.
struct fixture {
    struct weir_field fields[8];
    struct weir_stream stream;
    struct weir_builder_options options;
    struct weir_avro_schema *schema;
    struct weir_builder *builder;
    struct weir_avro_plan *plan;
    struct weir_buffer datum;
    const struct weir_batch *batch;
    char reason[WEIR_AVRO_REASON];
};

static struct fixture f;

static void set_up(void)
{
    memset(&f, 0, sizeof f);
    f.stream = (struct weir_stream){.name = "s", .fields = f.fields, .key = -1, .time = -1};
    f.options.stream = &f.stream;
    weir_buffer_init(&f.datum, WEIR_BUFFER_MAXIMUM);
}

static void tear_down(void)
{
    weir_avro_plan_destroy(f.plan);
    weir_avro_schema_free(f.schema);
    weir_builder_destroy(f.builder);
    weir_buffer_free(&f.datum);
}

static void field(const char *name, enum weir_type type)
{
    f.fields[f.stream.n_fields++] =
        (struct weir_field){.name = name, .type = type, .is_list = strstr(name, "[]") != NULL};
}

static int run(const char *schema)
{
    struct weir_error error;
    struct weir_span key = {0}, value = {f.datum.data, f.datum.length};
    size_t used = 0;
    ck_assert_msg(!weir_avro_schema_parse(schema, strlen(schema), &f.schema, &error), "%s",
                  error.message);
    ck_assert_int_eq(weir_builder_create(&f.options, &f.builder, &error), 0);
    ck_assert_int_eq(weir_avro_plan_create(f.schema, f.builder, &f.options, &f.plan, &error), 0);
    weir_builder_begin(f.builder, "t", 0);
    uint32_t row = weir_builder_row(f.builder, 0, 0, key, value);
    int code = weir_avro_plan_run(f.plan, row, f.datum.data, f.datum.length, &used, f.reason);
    if (code)
        weir_builder_undecodable(f.builder, f.reason);
    else
        ck_assert_uint_eq(used, f.datum.length);
    f.batch = weir_builder_finish(f.builder);
    return code;
}

static int state(int i)
{
    return f.batch->columns[i].state[0];
}

static const char *string(int i)
{
    static char text[64];
    const struct weir_column *column = &f.batch->columns[i];
    ck_assert_int_eq(column->state[0], WEIR_STATE_VALUE);
    const struct weir_string *s = weir_column_string(column, column->values.code[0]);
    snprintf(text, sizeof text, "%.*s", (int)s->length, s->data);
    return text;
}

START_TEST(widens_as_avro_does)
{
    field("i", WEIR_TYPE_DOUBLE);
    field("l", WEIR_TYPE_DOUBLE);
    field("f", WEIR_TYPE_DOUBLE);
    field("i2", WEIR_TYPE_LONG);
    field("s", WEIR_TYPE_BYTES);
    field("b", WEIR_TYPE_STRING);
    weir_put_long(&f.datum, -3);
    weir_put_long(&f.datum, INT64_MAX);
    weir_avro_put_float(&f.datum, 0.1f);
    weir_put_long(&f.datum, INT32_MIN);
    weir_put_string(&f.datum, "\xff");
    weir_put_string(&f.datum, "text");
    ck_assert_int_eq(run(R(F("i", "\"int\"") "," F("l", "\"long\"") "," F("f", "\"float\"") "," F(
                         "i2", "\"int\"") "," F("s", "\"string\"") "," F("b", "\"bytes\""))),
                     0);
    ck_assert(f.batch->columns[0].values.f64[0] == -3);
    ck_assert(f.batch->columns[1].values.f64[0] == 0x1p63);
    ck_assert(f.batch->columns[2].values.f64[0] == (double)0.1f);
    ck_assert_int_eq(f.batch->columns[3].values.i64[0], INT32_MIN);
    ck_assert_str_eq(string(4), "\xff");
    ck_assert_str_eq(string(5), "text");
}
END_TEST

START_TEST(tells_faults_apart)
{
    field("a", WEIR_TYPE_DOUBLE);
    field("b", WEIR_TYPE_DOUBLE);
    field("c", WEIR_TYPE_STRING);
    field("d", WEIR_TYPE_LONG);
    field("e", WEIR_TYPE_STRING);
    field("g", WEIR_TYPE_LONG);
    field("h", WEIR_TYPE_LONG);
    field("k", WEIR_TYPE_LONG);
    weir_put_string(&f.datum, "12.5");
    weir_avro_put_boolean(&f.datum, 1);
    weir_put_long(&f.datum, 5);
    weir_put_double(&f.datum, 1.5);
    weir_put_string(&f.datum, "\xff");
    weir_put_long(&f.datum, 0);
    weir_put_long(&f.datum, 0);
    ck_assert_int_eq(
        run(R(F("a", "\"string\"") "," F("b", "\"boolean\"") "," F("c", "\"long\"") "," F(
            "d", "\"double\"") "," F("e", "\"string\"") "," F("g",
                                                              "{\"type\":\"array\",\"items\":"
                                                              "\"int\"}") "," F("h",
                                                                                "{\"type\":\"map\","
                                                                                "\"values\":"
                                                                                "\"int\"}"))),
        0);
    ck_assert_int_eq(state(0), WEIR_STATE_FAULT_NUMBER_STRING);
    ck_assert_int_eq(state(1), WEIR_STATE_FAULT_BOOLEAN);
    ck_assert_int_eq(state(2), WEIR_STATE_FAULT_NUMBER);
    ck_assert_int_eq(state(3), WEIR_STATE_FAULT_FRACTION);
    ck_assert_int_eq(state(4), WEIR_STATE_FAULT_UTF8);
    ck_assert_int_eq(state(5), WEIR_STATE_FAULT_ARRAY);
    ck_assert_int_eq(state(6), WEIR_STATE_FAULT_OBJECT);
    ck_assert_int_eq(state(7), WEIR_STATE_MISSING);
}
END_TEST

START_TEST(binds_by_alias)
{
    // `amount` goes by a former name; `old` belongs to the field that bears it.
    field("amt", WEIR_TYPE_DOUBLE);
    field("old", WEIR_TYPE_LONG);
    field("dev.os", WEIR_TYPE_STRING);
    weir_put_double(&f.datum, 9.5);
    weir_put_long(&f.datum, 4);
    weir_put_string(&f.datum, "ios");
    ck_assert_int_eq(
        run(R("{\"name\":\"amount\",\"type\":\"double\",\"aliases\":[\"old\",\"amt\"]}," F(
            "old", "\"long\"") ",{\"name\":\"device\",\"aliases\":[\"dev\"],\"type\":{"
                               "\"type\":\"record\",\"name\":\"D\",\"fields\":[" F(
                                   "os", "\"string\"") "]}}")),
        0);
    ck_assert(f.batch->columns[0].values.f64[0] == 9.5);
    ck_assert_int_eq(f.batch->columns[1].values.i64[0], 4);
    ck_assert_str_eq(string(2), "ios");
}
END_TEST

static void decimal_is(const uint8_t *bytes, size_t length, int scale, double expected)
{
    char schema[256];
    tear_down();
    set_up();
    field("d", WEIR_TYPE_DOUBLE);
    weir_put_bytes(&f.datum, bytes, length);
    snprintf(schema, sizeof schema,
             R(F("d", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":60,"
                      "\"scale\":%d}")),
             scale);
    ck_assert_int_eq(run(schema), 0);
    ck_assert_int_eq(state(0), WEIR_STATE_VALUE);
    double found = f.batch->columns[0].values.f64[0];
    ck_assert_msg(found == expected, "%.17g, %.17g", found, expected);
}

START_TEST(decimals_are_the_nearest_double)
{
    decimal_is((const uint8_t *)"\x30\x39", 2, 2, 123.45);
    decimal_is((const uint8_t *)"\xcf\xc7", 2, 2, -123.45);
    decimal_is((const uint8_t *)"\xff", 1, 0, -1);
    decimal_is((const uint8_t *)"\x80", 1, 0, -128);
    decimal_is((const uint8_t *)"", 0, 3, 0);
    decimal_is((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 10, 1, -0.2);
    // 2^63 + 1 and -2^127, beyond what is done in integers.
    decimal_is((const uint8_t *)"\x00\x80\0\0\0\0\0\0\x01", 9, 3, 9223372036854775.809);
    decimal_is((const uint8_t *)"\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0, -0x1p127);
    decimal_is((const uint8_t *)"\x01", 1, 400, 0); // below what a double can be
    decimal_is((const uint8_t *)"\x01\x86\xa0", 3, 30, 1e-25);
}
END_TEST

START_TEST(random_decimals)
{
    uint64_t seed = 12345;
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[8];
        char text[64];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t value = (int64_t)seed >> (i % 60);
        for (int k = 0; k < 8; k++)
            bytes[k] = (uint8_t)((uint64_t)value >> (56 - 8 * k));
        snprintf(text, sizeof text, "%llde-%d", (long long)value, i % 30);
        decimal_is(bytes, 8, i % 30, strtod(text, NULL));
    }
}
END_TEST

START_TEST(logical_types)
{
    field("day", WEIR_TYPE_LONG);
    field("t", WEIR_TYPE_LONG);
    field("id", WEIR_TYPE_STRING);
    field("e", WEIR_TYPE_STRING);
    field("m", WEIR_TYPE_LONG);
    f.stream.time = 1;
    weir_put_long(&f.datum, -1);
    weir_put_long(&f.datum, -1500);
    weir_buffer_append(&f.datum, "\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde\xf0",
                       16);
    weir_avro_put_branch(&f.datum, 1);
    weir_put_long(&f.datum, 1700000000123456);
    ck_assert_int_eq(
        run(R(F("day", "{\"type\":\"int\",\"logicalType\":\"date\"}") "," F(
            "t",
            "{\"type\":"
            "\"long\","
            "\"logicalType\""
            ":\"timestamp-"
            "micros\"}") "," F("id",
                               "{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":"
                               "\"uuid\"}") "," F("e",
                                                  "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":["
                                                  "\"A\","
                                                  "\"B\"]}") "," F("m", "{\"type\":\"long\","
                                                                        "\"logicalType\":"
                                                                        "\"timestamp-micros\"}"))),
        0);
    ck_assert_int_eq(f.batch->columns[0].values.i64[0], -86400000);
    ck_assert_int_eq(f.batch->columns[1].values.i64[0], -2); // rounded down, to milliseconds
    ck_assert_int_eq(f.batch->time[0], -2);
    ck_assert_str_eq(string(2), "12345678-9abc-def0-1234-56789abcdef0");
    ck_assert_str_eq(string(3), "B");
    ck_assert_int_eq(f.batch->columns[4].values.i64[0], 1700000000123456);
}
END_TEST

START_TEST(blocks_with_sizes)
{
    static const char schema[] = R(F("x", "{\"type\":\"array\",\"items\":\"double\"}") "," F(
        "y", "{\"type\":\"array\",\"items\":\"string\"}") "," F("z", "\"int\""));
    field("x.length", WEIR_TYPE_LONG);
    field("x[]", WEIR_TYPE_DOUBLE);
    field("z", WEIR_TYPE_LONG);
    weir_put_long(&f.datum, -2);
    weir_put_long(&f.datum, 16);
    weir_put_double(&f.datum, 1);
    weir_put_double(&f.datum, 2);
    weir_put_long(&f.datum, 1);
    weir_put_double(&f.datum, 3);
    weir_put_long(&f.datum, 0);
    weir_put_long(&f.datum, -1); // skipped by its size
    weir_put_long(&f.datum, 3);
    weir_put_string(&f.datum, "ab");
    weir_put_long(&f.datum, 0);
    weir_put_long(&f.datum, 7);
    ck_assert_int_eq(run(schema), 0);
    ck_assert_int_eq(f.batch->columns[0].values.i64[0], 3);
    ck_assert_uint_eq(f.batch->columns[1].n, 3);
    ck_assert(f.batch->columns[1].values.f64[2] == 3);
    ck_assert_int_eq(f.batch->columns[2].values.i64[0], 7);
}
END_TEST

START_TEST(huge_counts_do_not_hang)
{
    static const struct {
        const char *type, *field;
        int good;
    } cases[] = {{"{\"type\":\"array\",\"items\":\"null\"}", "x.length", 1},
                 {"{\"type\":\"array\",\"items\":\"null\"}", "x[]", 0},
                 {"{\"type\":\"array\",\"items\":\"null\"}", "other", 1},
                 {"{\"type\":\"array\",\"items\":\"int\"}", "x.length", 0},
                 {"{\"type\":\"array\",\"items\":\"double\"}", "other", 0},
                 {"{\"type\":\"map\",\"values\":\"null\"}", "x.length", 0}};
    char schema[256];
    field(cases[_i].field, WEIR_TYPE_LONG);
    weir_put_long(&f.datum, INT64_MAX);
    weir_put_long(&f.datum, 0);
    snprintf(schema, sizeof schema, R(F("x", "%s")), cases[_i].type);
    ck_assert_int_eq(run(schema), cases[_i].good ? 0 : WEIR_ECORRUPT);
}
END_TEST

START_TEST(recursion_ends)
{
    field("next.next.v", WEIR_TYPE_LONG);
    for (int i = 0; i < (_i ? 100000 : 100); i++) {
        weir_put_long(&f.datum, i);
        weir_avro_put_branch(&f.datum, 1);
    }
    weir_put_long(&f.datum, 0);
    weir_avro_put_branch(&f.datum, 0);
    ck_assert_int_eq(run(R(F("v", "\"long\"") "," F("next", "[\"null\",\"R\"]"))),
                     _i ? WEIR_ECORRUPT : 0);
    if (_i)
        ck_assert_ptr_nonnull(strstr(f.reason, "nested too deep"));
    else
        ck_assert_int_eq(f.batch->columns[0].values.i64[0], 2);
}
END_TEST

START_TEST(a_null_record_nulls_its_fields)
{
    field("d.x", WEIR_TYPE_DOUBLE);
    field("d.y.z", WEIR_TYPE_DOUBLE);
    field("d.t[]", WEIR_TYPE_DOUBLE);
    weir_avro_put_branch(&f.datum, 0);
    ck_assert_int_eq(run(R(F("d", "[\"null\",{\"type\":\"record\",\"name\":\"D\",\"fields\":[" F(
                                      "x", "\"double\"") "]}]"))),
                     0);
    ck_assert_int_eq(state(0), WEIR_STATE_NULL);
    ck_assert_int_eq(state(1), WEIR_STATE_NULL);
    ck_assert_uint_eq(f.batch->columns[2].n, 0);
}
END_TEST

START_TEST(maps_by_key)
{
    field("m.a.b", WEIR_TYPE_DOUBLE);
    field("m.c", WEIR_TYPE_DOUBLE);
    field("m.length", WEIR_TYPE_LONG);
    f.options.report_unknown = 1;
    weir_put_long(&f.datum, 3);
    weir_put_string(&f.datum, "c");
    weir_put_double(&f.datum, 1);
    weir_put_string(&f.datum, "new");
    weir_put_double(&f.datum, 2);
    weir_put_string(&f.datum, "a.b");
    weir_put_double(&f.datum, 3);
    weir_put_long(&f.datum, 0);
    weir_put_long(&f.datum, 1);
    ck_assert_int_eq(
        run(R(F("m", "{\"type\":\"map\",\"values\":\"double\"}") "," F("more", "\"long\""))), 0);
    ck_assert(f.batch->columns[0].values.f64[0] == 3);
    ck_assert(f.batch->columns[1].values.f64[0] == 1);
    ck_assert_int_eq(f.batch->columns[2].values.i64[0], 3);
    ck_assert_uint_eq(f.batch->n_unknown, 2);
    ck_assert_str_eq(f.batch->unknown[0].name.data, "m.new");
    ck_assert_str_eq(f.batch->unknown[1].name.data, "more");
}
END_TEST

START_TEST(data_that_are_no_records)
{
    field("value", WEIR_TYPE_DOUBLE);
    weir_put_double(&f.datum, 4);
    ck_assert_int_eq(run("\"double\""), 0);
    ck_assert(f.batch->columns[0].values.f64[0] == 4);
}
END_TEST

START_TEST(says_where_it_fails)
{
    field("a", WEIR_TYPE_DOUBLE);
    field("s", WEIR_TYPE_STRING);
    weir_put_double(&f.datum, 4);
    weir_put_long(&f.datum, 100);
    ck_assert_int_eq(run(R(F("a", "\"double\"") "," F("s", "\"string\""))), WEIR_ECORRUPT);
    ck_assert_str_eq(f.batch->reason[0],
                     "Avro: the datum ends too early, at byte 10 of 10, field s");
}
END_TEST

START_TEST(single_objects)
{
    static const char schema[] = R(F("a", "\"double\""));
    uint64_t fingerprint;
    struct weir_error error;
    struct weir_builder *builder;
    struct weir_avro_decoder *decoder;
    field("a", WEIR_TYPE_DOUBLE);
    struct weir_decoder_options options = {
        .format = WEIR_FORMAT_AVRO_SINGLE_OBJECT, .builder = f.options, .schema = schema};
    ck_assert_int_eq(weir_avro_fingerprint(schema, &fingerprint, &error), 0);
    ck_assert_int_eq(weir_builder_create(&f.options, &builder, &error), 0);
    ck_assert_int_eq(weir_avro_decoder_create(&options, builder, &decoder, &error), 0);
    weir_avro_put_single_object(&f.datum, fingerprint);
    weir_put_double(&f.datum, 8);
    uint8_t other[18];
    memcpy(other, f.datum.data, 18);
    other[2] ^= 1;
    weir_builder_begin(builder, "t", 0);
    struct weir_record record = {.value = {f.datum.data, f.datum.length}};
    ck_assert_int_eq(weir_avro_decoder_add(decoder, &record, NULL, &error), 0);
    record.value.data = other;
    ck_assert_int_eq(weir_avro_decoder_add(decoder, &record, NULL, &error), 0);
    record.value.length = 9;
    ck_assert_int_eq(weir_avro_decoder_add(decoder, &record, NULL, &error), 0);
    const struct weir_batch *batch = weir_builder_finish(builder);
    ck_assert_int_eq(batch->fault[0], WEIR_ROW_GOOD);
    ck_assert(batch->columns[0].values.f64[0] == 8);
    ck_assert_ptr_nonnull(strstr(batch->reason[1], "fingerprint"));
    ck_assert_int_eq(batch->fault[2], WEIR_ROW_UNDECODABLE);
    weir_avro_decoder_destroy(decoder);
    weir_builder_destroy(builder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("avro_plan");
    TCase *tests = tcase_create("plan");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, widens_as_avro_does);
    tcase_add_test(tests, tells_faults_apart);
    tcase_add_test(tests, binds_by_alias);
    tcase_add_test(tests, decimals_are_the_nearest_double);
    tcase_add_test(tests, random_decimals);
    tcase_add_test(tests, logical_types);
    tcase_add_test(tests, blocks_with_sizes);
    tcase_add_loop_test(tests, huge_counts_do_not_hang, 0, 6);
    tcase_add_loop_test(tests, recursion_ends, 0, 2);
    tcase_add_test(tests, a_null_record_nulls_its_fields);
    tcase_add_test(tests, maps_by_key);
    tcase_add_test(tests, data_that_are_no_records);
    tcase_add_test(tests, says_where_it_fails);
    tcase_add_test(tests, single_objects);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
