// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/json.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { D, L, B, S, OS, DEEP, NTAGS, TAGS, PRICES, MORE, N };
static const struct weir_field fields[N] = {
    [D] = {.name = "d", .type = WEIR_TYPE_DOUBLE},
    [L] = {.name = "l", .type = WEIR_TYPE_LONG},
    [B] = {.name = "b", .type = WEIR_TYPE_BOOLEAN},
    [S] = {.name = "s", .type = WEIR_TYPE_STRING},
    [OS] = {.name = "device.os", .type = WEIR_TYPE_STRING},
    [DEEP] = {.name = "device.cpu.cores", .type = WEIR_TYPE_LONG},
    [NTAGS] = {.name = "tags.length", .type = WEIR_TYPE_LONG},
    [TAGS] = {.name = "tags[]", .type = WEIR_TYPE_STRING, .is_list = 1},
    [PRICES] = {.name = "items[].price", .type = WEIR_TYPE_DOUBLE, .is_list = 1},
    [MORE] = {.name = "more[][]", .type = WEIR_TYPE_LONG, .is_list = 1},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = N, .key = -1, .time = -1};
static struct weir_builder *builder;
static struct weir_json_decoder *json;
static const struct weir_batch *batch;

static void setup(void)
{
    struct weir_builder_options options = {.stream = &stream, .report_unknown = 1};
    struct weir_error error;
    ck_assert_int_eq(weir_builder_create(&options, &builder, &error), 0);
    ck_assert_int_eq(weir_json_decoder_create(&options, builder, &json, &error), 0);
}

static void teardown(void)
{
    weir_json_decoder_destroy(json);
    weir_builder_destroy(builder);
}

static void decode_bytes(const char *text, size_t length)
{
    struct weir_record record = {.value = {(const uint8_t *)text, length}};
    weir_builder_begin(builder, "topic", 0);
    weir_json_decoder_add(json, &record);
    batch = weir_builder_finish(builder);
    ck_assert_uint_eq(batch->n_rows, 1);
}

static void decode(const char *text)
{
    decode_bytes(text, strlen(text));
}

static enum weir_state state(int field)
{
    ck_assert_msg(batch->fault[0] == WEIR_ROW_GOOD, "%s",
                  batch->reason ? batch->reason[0] : "fault");
    return batch->columns[field].state[0];
}

static void check_string(int field, uint32_t row, const char *expected, size_t length)
{
    const struct weir_column *column = &batch->columns[field];
    ck_assert_uint_lt(row, column->n);
    ck_assert_uint_eq(column->state[row], WEIR_STATE_VALUE);
    const struct weir_string *string = weir_column_string(column, column->values.code[row]);
    ck_assert_uint_eq(string->length, length);
    ck_assert_mem_eq(string->data, expected, length);
}

START_TEST(a_plain_record)
{
    for (int round = 0; round < 3; round++) { // the second time keys are where expected
        decode(
            " {\"d\": 1.5, \"l\":-7,\"b\":true , \"zz\":[1,{\"x\":null}],\"s\":\"caf\xc3\xa9\"}\n");
        ck_assert_double_eq(batch->columns[D].values.f64[0], 1.5);
        ck_assert_int_eq(batch->columns[L].values.i64[0], -7);
        ck_assert_int_eq(batch->columns[B].values.i64[0], 1);
        check_string(S, 0, "caf\xc3\xa9", 5);
        ck_assert_uint_eq(state(OS), WEIR_STATE_MISSING);
        ck_assert_uint_eq(batch->n_unknown, 1);
        ck_assert_str_eq(batch->unknown[0].name.data, "zz");
    }
    decode("{\"s\":\"x\",\"d\":2}"); // in another order
    ck_assert_double_eq(batch->columns[D].values.f64[0], 2);
    check_string(S, 0, "x", 1);
    decode("{}");
    ck_assert_uint_eq(state(D), WEIR_STATE_MISSING);
    decode("\xef\xbb\xbf{\"d\":3}");
    ck_assert_double_eq(batch->columns[D].values.f64[0], 3);
}
END_TEST

START_TEST(nested_records)
{
    decode("{\"device\":{\"os\":\"linux\",\"cpu\":{\"cores\":8,\"ghz\":3}}}");
    check_string(OS, 0, "linux", 5);
    ck_assert_int_eq(batch->columns[DEEP].values.i64[0], 8);
    ck_assert_str_eq(batch->unknown[0].name.data, "device.cpu.ghz");
    decode("{\"device.os\":\"flat\"}");
    check_string(OS, 0, "flat", 4);
    decode("{\"device\":null}");
    ck_assert_uint_eq(state(OS), WEIR_STATE_NULL);
    ck_assert_uint_eq(state(DEEP), WEIR_STATE_NULL);
    decode("{\"device\":\"x\"}");
    ck_assert_uint_eq(state(OS), WEIR_STATE_FAULT_STRING);
    decode("{\"device\":[1]}");
    ck_assert_uint_eq(state(DEEP), WEIR_STATE_FAULT_ARRAY);
    decode("{\"device\":{\"os\":{}}}");
    ck_assert_uint_eq(state(OS), WEIR_STATE_FAULT_OBJECT);
    decode("{\"device\":{\"cpu\":5}}");
    ck_assert_uint_eq(state(OS), WEIR_STATE_MISSING);
    ck_assert_uint_eq(state(DEEP), WEIR_STATE_FAULT_NUMBER);
}
END_TEST

START_TEST(arrays)
{
    decode("{\"tags\":[\"a\",null,3,\"b\"],\"items\":[{\"price\":1},{\"n\":2},{\"price\":2.5}],"
           "\"more\":[[1,2],[],[3]]}");
    ck_assert_int_eq(batch->columns[NTAGS].values.i64[0], 4);
    ck_assert_uint_eq(batch->columns[TAGS].n, 4);
    check_string(TAGS, 3, "b", 1);
    ck_assert_uint_eq(batch->columns[TAGS].state[1], WEIR_STATE_NULL);
    ck_assert_uint_eq(batch->columns[TAGS].state[2], WEIR_STATE_FAULT_NUMBER);
    ck_assert_uint_eq(batch->columns[PRICES].n, 2);
    ck_assert_double_eq(batch->columns[PRICES].values.f64[1], 2.5);
    ck_assert_uint_eq(batch->columns[MORE].n, 3);
    ck_assert_uint_eq(batch->columns[MORE].offsets[1], 3);
    decode("{\"tags\":[]}");
    ck_assert_int_eq(batch->columns[NTAGS].values.i64[0], 0);
    ck_assert_uint_eq(batch->columns[TAGS].n, 0);
    decode("{\"tags\":null}");
    ck_assert_uint_eq(state(NTAGS), WEIR_STATE_NULL);
    ck_assert_uint_eq(batch->columns[TAGS].n, 0);
    decode("{\"tags\":\"one\"}");
    ck_assert_uint_eq(state(NTAGS), WEIR_STATE_FAULT_STRING);
    ck_assert_uint_eq(batch->columns[TAGS].n, 1);
    ck_assert_uint_eq(batch->columns[TAGS].state[0], WEIR_STATE_FAULT_STRING);
    decode("{\"s\":[1,2]}");
    ck_assert_uint_eq(state(S), WEIR_STATE_FAULT_ARRAY);
}
END_TEST

START_TEST(the_last_of_equal_keys_wins)
{
    decode("{\"d\":1,\"d\":2,\"s\":\"a\",\"s\":null,\"tags\":[\"a\",\"b\"],\"tags\":[\"c\"],"
           "\"device\":{\"os\":\"x\"},\"device\":{\"cpu\":{\"cores\":1}}}");
    ck_assert_double_eq(batch->columns[D].values.f64[0], 2);
    ck_assert_uint_eq(state(S), WEIR_STATE_NULL);
    ck_assert_uint_eq(batch->columns[TAGS].n, 1);
    check_string(TAGS, 0, "c", 1);
    ck_assert_int_eq(batch->columns[NTAGS].values.i64[0], 1);
    ck_assert_uint_eq(state(OS), WEIR_STATE_MISSING);
    ck_assert_int_eq(batch->columns[DEEP].values.i64[0], 1);
}
END_TEST

START_TEST(numbers)
{
    static const struct {
        const char *text;
        enum weir_state real, integer;
    } cases[] = {
        {"NaN", WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER},
        {"Infinity", WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER},
        {"-Infinity", WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER},
        {"1e999", WEIR_STATE_FAULT_OVERFLOW, WEIR_STATE_FAULT_OVERFLOW},
        {"-1e999", WEIR_STATE_FAULT_OVERFLOW, WEIR_STATE_FAULT_OVERFLOW},
        {"1e-999", WEIR_STATE_VALUE, WEIR_STATE_VALUE},
        {"1.5", WEIR_STATE_VALUE, WEIR_STATE_FAULT_FRACTION},
        {"1e3", WEIR_STATE_VALUE, WEIR_STATE_VALUE},
        {"9223372036854775807", WEIR_STATE_VALUE, WEIR_STATE_VALUE},
        {"9223372036854775808", WEIR_STATE_VALUE, WEIR_STATE_FAULT_OVERFLOW},
        {"-9223372036854775808", WEIR_STATE_VALUE, WEIR_STATE_VALUE},
        {"123456789012345678901234567890", WEIR_STATE_VALUE, WEIR_STATE_FAULT_OVERFLOW},
        {"\"123\"", WEIR_STATE_FAULT_NUMBER_STRING, WEIR_STATE_FAULT_NUMBER_STRING},
        {"\"abc\"", WEIR_STATE_FAULT_STRING, WEIR_STATE_FAULT_STRING},
        {"true", WEIR_STATE_FAULT_BOOLEAN, WEIR_STATE_FAULT_BOOLEAN},
        {"{}", WEIR_STATE_FAULT_OBJECT, WEIR_STATE_FAULT_OBJECT},
        {"[]", WEIR_STATE_FAULT_ARRAY, WEIR_STATE_FAULT_ARRAY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"d\":%s,\"l\":%s}", cases[i].text, cases[i].text);
        decode(text);
        ck_assert_msg(state(D) == cases[i].real, "%s: %d", cases[i].text, state(D));
        ck_assert_msg(state(L) == cases[i].integer, "%s: %d", cases[i].text, state(L));
    }
    decode("{\"l\":9007199254740993,\"d\":-0}");
    ck_assert_int_eq(batch->columns[L].values.i64[0], 9007199254740993);
    ck_assert(signbit(batch->columns[D].values.f64[0]));
    decode("{\"s\":5,\"b\":1}");
    ck_assert_uint_eq(state(S), WEIR_STATE_FAULT_NUMBER);
    ck_assert_uint_eq(state(B), WEIR_STATE_FAULT_NUMBER);
}
END_TEST

START_TEST(strings)
{
    decode("{\"s\":\"\\u0041\\n\\u20ac\\ud83d\\ude00\\\\\\/\\u0000\"}");
    check_string(S, 0, "A\n\xe2\x82\xac\xf0\x9f\x98\x80\\/\0", 12);
    decode("{\"\\u0073\":\"escaped key\"}");
    check_string(S, 0, "escaped key", 11);
    decode("{\"s\":\"\\ud83d\"}");
    ck_assert_uint_eq(state(S), WEIR_STATE_FAULT_UTF8);
    decode("{\"s\":\"\\ude00\\ud83d\"}");
    ck_assert_uint_eq(state(S), WEIR_STATE_FAULT_UTF8);
    decode("{\"s\":\"\"}");
    check_string(S, 0, "", 0);
    size_t size = 10 << 20;
    char *text = malloc(size + 16);
    memcpy(text, "{\"s\":\"", 6);
    memset(text + 6, 'x', size);
    memcpy(text + 6 + size, "\"}", 2);
    decode_bytes(text, size + 8);
    ck_assert_uint_eq(
        weir_column_string(&batch->columns[S], batch->columns[S].values.code[0])->length, size);
    text[6 + size / 2] = '\\';
    text[7 + size / 2] = 'n';
    decode_bytes(text, size + 8);
    ck_assert_uint_eq(
        weir_column_string(&batch->columns[S], batch->columns[S].values.code[0])->length, size - 1);
    free(text);
}
END_TEST

static void check_undecodable(const char *text, size_t length)
{
    decode_bytes(text, length);
    ck_assert_msg(batch->fault[0] == WEIR_ROW_UNDECODABLE, "%.*s", (int)length, text);
    ck_assert_ptr_nonnull(batch->reason[0]);
    ck_assert_uint_gt(strlen(batch->reason[0]), 8);
    for (int i = 0; i < N; i++)
        ck_assert(fields[i].is_list ? batch->columns[i].n == 0
                                    : batch->columns[i].state[0] == WEIR_STATE_MISSING);
}

START_TEST(what_does_not_decode)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "\xef\xbb\xbf",
                                      "null",
                                      "5",
                                      "[]",
                                      "[{\"d\":1}]",
                                      "\"x\"",
                                      "{",
                                      "}",
                                      "{\"d\"",
                                      "{\"d\":",
                                      "{\"d\":1",
                                      "{\"d\":1,",
                                      "{\"d\":1,}",
                                      "{\"d\" 1}",
                                      "{d:1}",
                                      "{\"d\":1}}",
                                      "{\"d\":1} x",
                                      "{\"d\":1}{\"d\":2}",
                                      "{\"d\":1 \"l\":2}",
                                      "{\"d\":01}",
                                      "{\"d\":1.}",
                                      "{\"d\":.5}",
                                      "{\"d\":+1}",
                                      "{\"d\":1e}",
                                      "{\"d\":nan}",
                                      "{\"d\":tru}",
                                      "{\"d\":truex}",
                                      "{\"d\":'x'}",
                                      "{\"s\":\"abc}",
                                      "{\"s\":\"a\\x\"}",
                                      "{\"s\":\"a\\u12\"}",
                                      "{\"s\":\"a\nb\"}",
                                      "{\"s\":\"\xff\"}",
                                      "{\"s\":\"\xed\xa0\x80\"}",
                                      "{\"q\":[1,]}",
                                      "{\"q\":[1}",
                                      "{\"q\":{]}",
                                      "{\"q\":[1 2]}",
                                      "{\"q\":{\"a\"}}",
                                      "{\"q\":\"\\q\"}",
                                      "{\"q\":tru}",
                                      "{\"tags\":[1,]}",
                                      "{\"tags\":[1",
                                      "{\"tags\":[1 2]}",
                                      "{\"tags\":[,1]}",
                                      "{\"device\":{\"os\":\"x\"}",
                                      "{\"d\":1\"x\":2}",
                                      "{\"d\":\"x\"y}",
                                      "{,}",
                                      "{\"d\":}",
                                      "{\"d\":,}",
                                      "{:1}",
                                      "{1:2}",
                                      "{\"d\":1}\x01",
                                      "{\"\\z\":1}",
                                      "{\"d\":-}",
                                      "{\"d\":--Infinity}",
                                      "{\"d\":/**/1}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_undecodable(bad[i], strlen(bad[i]));
    check_undecodable("{\"d\":1}\0", 8);
    check_undecodable("\0", 1);
    decode("{\"d\":1} x");
    ck_assert_str_eq(batch->reason[0], "JSON: something follows the object, at byte 8");
}
END_TEST

START_TEST(depth)
{
    static const char *const prefixes[] = {"{\"q\":", "{\"tags\":", "{\"more\":"};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(prefixes[i]);
        char *text = malloc(n + 20002);
        memcpy(text, prefixes[i], n);
        memset(text + n, '[', 10000);
        memset(text + n + 10000, ']', 10000);
        text[n + 20000] = '}';
        check_undecodable(text, n + 20001);
        check_undecodable(text, n + 10000);
        free(text);
    }
    char shallow[512] = "{\"q\":";
    memset(shallow + 5, '[', 200);
    memset(shallow + 205, ']', 200);
    memcpy(shallow + 405, ",\"d\":4}", 8);
    decode(shallow);
    ck_assert_double_eq(batch->columns[D].values.f64[0], 4);
}
END_TEST

START_TEST(every_truncation_is_undecodable)
{
    static const char text[] =
        "{\"d\":1.25,\"device\":{\"os\":\"a\\u20acb\",\"cpu\":{\"cores\":4}},"
        "\"tags\":[\"x\",\"y\"],\"q\":[{\"a\":[null,true]}],\"b\":false}";
    decode(text);
    ck_assert_uint_eq(state(B), WEIR_STATE_VALUE);
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *copy = malloc(n ? n : 1);
        memcpy(copy, text, n);
        check_undecodable(copy, n);
        free(copy);
    }
}
END_TEST

START_TEST(tombstones_and_strings_in_place)
{
    struct weir_record record = {.offset = 5, .timestamp = 9};
    static const char text[] = "{\"s\":\"a long string that is kept where it is\"}";
    struct weir_builder_options options = {.stream = &stream, .dictionary_bytes = 64};
    struct weir_error error;
    teardown();
    ck_assert_int_eq(weir_builder_create(&options, &builder, &error), 0);
    ck_assert_int_eq(weir_json_decoder_create(&options, builder, &json, &error), 0);
    weir_builder_begin(builder, "topic", 0);
    weir_json_decoder_add(json, &record);
    record.value = (struct weir_span){(const uint8_t *)text, sizeof text - 1};
    weir_json_decoder_add(json, &record);
    batch = weir_builder_finish(builder);
    ck_assert_uint_eq(batch->fault[0], WEIR_ROW_TOMBSTONE);
    ck_assert_uint_eq(batch->n_tombstones, 1);
    ck_assert_ptr_eq(batch->columns[S].local[0].data, text + 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_plain_record);
    tcase_add_test(tcase, nested_records);
    tcase_add_test(tcase, arrays);
    tcase_add_test(tcase, the_last_of_equal_keys_wins);
    tcase_add_test(tcase, numbers);
    tcase_add_test(tcase, strings);
    tcase_add_test(tcase, what_does_not_decode);
    tcase_add_test(tcase, depth);
    tcase_add_test(tcase, every_truncation_is_undecodable);
    tcase_add_test(tcase, tombstones_and_strings_in_place);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
