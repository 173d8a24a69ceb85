// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/csv.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { D, L, B, S, N };
static const struct weir_field fields[N] = {
    [D] = {.name = "d", .type = WEIR_TYPE_DOUBLE},
    [L] = {.name = "l", .type = WEIR_TYPE_LONG},
    [B] = {.name = "b", .type = WEIR_TYPE_BOOLEAN},
    [S] = {.name = "s", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = N, .key = -1, .time = -1};
static const char *const columns[] = {"s", "d", "x", "l", "b"};
static struct weir_builder *builder;
static struct weir_csv_decoder *csv;
static const struct weir_batch *batch;

static void start(char separator)
{
    struct weir_decoder_options options = {.format = WEIR_FORMAT_CSV,
                                           .builder = {.stream = &stream, .report_unknown = 1},
                                           .csv_columns = columns,
                                           .n_csv_columns = 5,
                                           .csv_separator = separator};
    struct weir_error error;
    ck_assert_int_eq(weir_builder_create(&options.builder, &builder, &error), 0);
    ck_assert_int_eq(weir_csv_decoder_create(&options, builder, &csv, &error), 0);
}

static void setup(void)
{
    start(0);
}

static void teardown(void)
{
    weir_csv_decoder_destroy(csv);
    weir_builder_destroy(builder);
}

static void decode_bytes(const char *text, size_t length)
{
    struct weir_record record = {.value = {(const uint8_t *)text, length}};
    weir_builder_begin(builder, "topic", 0);
    weir_csv_decoder_add(csv, &record);
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

static void check_string(const char *expected)
{
    ck_assert_uint_eq(state(S), WEIR_STATE_VALUE);
    const struct weir_column *column = &batch->columns[S];
    const struct weir_string *string = weir_column_string(column, column->values.code[0]);
    ck_assert_uint_eq(string->length, strlen(expected));
    ck_assert_mem_eq(string->data, expected, string->length);
}

START_TEST(rows)
{
    static const char *const ends[] = {"", "\n", "\r\n"};
    for (int i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "caf\xc3\xa9,1.5,?,-7,true%s", ends[i]);
        decode(text);
        check_string("caf\xc3\xa9");
        ck_assert_double_eq(batch->columns[D].values.f64[0], 1.5);
        ck_assert_int_eq(batch->columns[L].values.i64[0], -7);
        ck_assert_int_eq(batch->columns[B].values.i64[0], 1);
        ck_assert_uint_eq(batch->n_unknown, 1);
        ck_assert_str_eq(batch->unknown[0].name.data, "x");
    }
    decode("\"a \"\"b\"\",\r\nc\",\"2\",\"\",\" 5 \",False\n");
    check_string("a \"b\",\r\nc");
    ck_assert_double_eq(batch->columns[D].values.f64[0], 2);
    ck_assert_int_eq(batch->columns[L].values.i64[0], 5);
    decode("5\" pipe,,,,");
    check_string("5\" pipe");
    ck_assert_uint_eq(state(D), WEIR_STATE_NULL);
    ck_assert_uint_eq(state(B), WEIR_STATE_NULL);
    decode(",,,,");
    ck_assert_uint_eq(state(S), WEIR_STATE_NULL);
    decode("\"\",\"\",,,");
    check_string("");
    ck_assert_uint_eq(state(D), WEIR_STATE_FAULT_EMPTY);
    decode("\xff,,,,");
    ck_assert_uint_eq(state(S), WEIR_STATE_FAULT_UTF8);
    teardown();
    start('\t');
    decode("a,b\t2\t\t3\t0");
    check_string("a,b");
    ck_assert_int_eq(batch->columns[L].values.i64[0], 3);
}
END_TEST

START_TEST(typed_cells)
{
    static const struct {
        const char *text;
        enum weir_state real, integer, boolean;
    } cases[] = {
        {"nan", WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER, WEIR_STATE_FAULT_NUMBER},
        {"NaN", WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER, WEIR_STATE_FAULT_NUMBER},
        {"-Inf", WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER, WEIR_STATE_FAULT_NUMBER},
        {"Infinity", WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER, WEIR_STATE_FAULT_NUMBER},
        {"1e999", WEIR_STATE_FAULT_OVERFLOW, WEIR_STATE_FAULT_OVERFLOW, WEIR_STATE_FAULT_NUMBER},
        {"1.5", WEIR_STATE_VALUE, WEIR_STATE_FAULT_FRACTION, WEIR_STATE_FAULT_NUMBER},
        {"9223372036854775808", WEIR_STATE_VALUE, WEIR_STATE_FAULT_OVERFLOW,
         WEIR_STATE_FAULT_NUMBER},
        {"+5", WEIR_STATE_VALUE, WEIR_STATE_VALUE, WEIR_STATE_FAULT_NUMBER},
        {"1", WEIR_STATE_VALUE, WEIR_STATE_VALUE, WEIR_STATE_VALUE},
        {"12a", WEIR_STATE_FAULT_STRING, WEIR_STATE_FAULT_STRING, WEIR_STATE_FAULT_STRING},
        {"TRUE", WEIR_STATE_FAULT_BOOLEAN, WEIR_STATE_FAULT_BOOLEAN, WEIR_STATE_VALUE},
        {" ", WEIR_STATE_FAULT_EMPTY, WEIR_STATE_FAULT_EMPTY, WEIR_STATE_FAULT_EMPTY},
        {"NA", WEIR_STATE_FAULT_STRING, WEIR_STATE_FAULT_STRING, WEIR_STATE_FAULT_STRING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, ",%s,,%s,%s", cases[i].text, cases[i].text, cases[i].text);
        decode(text);
        ck_assert_msg(state(D) == cases[i].real, "%s: %d", cases[i].text, state(D));
        ck_assert_msg(state(L) == cases[i].integer, "%s: %d", cases[i].text, state(L));
        ck_assert_msg(state(B) == cases[i].boolean, "%s: %d", cases[i].text, state(B));
    }
}
END_TEST

START_TEST(what_does_not_decode)
{
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"a,1,2,3", "CSV: 4 cells where 5 are wanted"},
        {"a,1,2,3,true,6", "CSV: 6 cells where 5 are wanted"},
        {"", "CSV: empty"},
        {"\r\n", "CSV: empty"},
        {"\"a,1,2,3,true", "CSV: a quoted cell does not end, or goes on after its end"},
        {"\"a\"b,1,2,3,true", "CSV: a quoted cell does not end, or goes on after its end"},
        {"a,1,2,3,true\nb,1,2,3,true", "CSV: more than one line"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        decode(bad[i].text);
        ck_assert_uint_eq(batch->fault[0], WEIR_ROW_UNDECODABLE);
        ck_assert_str_eq(batch->reason[0], bad[i].reason);
        ck_assert_uint_eq(batch->columns[S].state[0], WEIR_STATE_MISSING);
    }
    decode_bytes(NULL, 0);
    ck_assert_uint_eq(batch->fault[0], WEIR_ROW_TOMBSTONE);
}
END_TEST

START_TEST(rows_end_outside_quotes)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {{"", 0},
                 {"a", 0},
                 {"a\n", 2},
                 {"a\nb\n", 2},
                 {"\"a\nb\"\nc\n", 6},
                 {"\"a\n", 0},
                 {"\"a\"\"\n\"\n", 7},
                 {"a\"b\nc\"\n", 4},
                 {"x,\"a\n\",y\n\n", 9},
                 {"\"a\"b\"\n\"\n", 6}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(weir_csv_row_length(cases[i].text, strlen(cases[i].text), ',') ==
                          cases[i].length,
                      "%zu: %s", i, cases[i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tcase = tcase_create("csv");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, rows);
    tcase_add_test(tcase, typed_cells);
    tcase_add_test(tcase, what_does_not_decode);
    tcase_add_test(tcase, rows_end_outside_quotes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
