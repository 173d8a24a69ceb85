// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/builder.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { T, D, L, B, S, Y, XS, XD, N };
static const struct weir_field fields[N] = {
    [T] = {.name = "t", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
    [D] = {.name = "d", .type = WEIR_TYPE_DOUBLE},
    [L] = {.name = "l", .type = WEIR_TYPE_LONG},
    [B] = {.name = "b", .type = WEIR_TYPE_BOOLEAN},
    [S] = {.name = "s", .type = WEIR_TYPE_STRING},
    [Y] = {.name = "y", .type = WEIR_TYPE_BYTES},
    [XS] = {.name = "x[]", .type = WEIR_TYPE_STRING, .is_list = 1},
    [XD] = {.name = "v[]", .type = WEIR_TYPE_DOUBLE, .is_list = 1},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = N, .key = -1, .time = T};
static const struct weir_span none;

static struct weir_builder *make(struct weir_builder_options options)
{
    struct weir_builder *builder = NULL;
    struct weir_error error;
    if (!options.stream)
        options.stream = &stream;
    ck_assert_int_eq(weir_builder_create(&options, &builder, &error), 0);
    return builder;
}

static struct weir_span span(const char *text)
{
    return (struct weir_span){(const uint8_t *)text, strlen(text)};
}

static void check_string(const struct weir_column *column, uint32_t row, const char *expected)
{
    ck_assert_uint_eq(column->state[row], WEIR_STATE_VALUE);
    const struct weir_string *string = weir_column_string(column, column->values.code[row]);
    ck_assert_uint_eq(string->length, strlen(expected));
    ck_assert_mem_eq(string->data, expected, string->length);
}

START_TEST(values_and_widening)
{
    struct weir_builder *b = make((struct weir_builder_options){0});
    weir_builder_begin(b, "topic", 3);
    ck_assert_uint_eq(weir_builder_row(b, 7, 1000, none, span("v")), 0);
    weir_builder_long(b, T, 123456);
    weir_builder_long(b, D, 5);
    weir_builder_double(b, L, -4.0);
    weir_builder_boolean(b, B, 7);
    weir_builder_string(b, S, "ab", 2, 0);
    weir_builder_bytes(b, Y, "\xff\0z", 3);
    weir_builder_string(b, XS, "p", 1, 0);
    weir_builder_string(b, XS, "q", 1, 0);
    ck_assert_uint_eq(weir_builder_row(b, 8, 1001, none, span("v")), 1);
    const struct weir_batch *batch = weir_builder_finish(b);
    ck_assert_uint_eq(batch->n_rows, 2);
    ck_assert_int_eq(batch->partition, 3);
    ck_assert_int_eq(batch->time[0], 123456);
    ck_assert_int_eq(batch->time[1], 1001);
    ck_assert_uint_eq(batch->fault[1], WEIR_ROW_NO_TIME);
    ck_assert_uint_eq(batch->n_no_time, 1);
    ck_assert_ptr_nonnull(batch->reason);
    ck_assert_double_eq(batch->columns[D].values.f64[0], 5.0);
    ck_assert_int_eq(batch->columns[L].values.i64[0], -4);
    ck_assert_int_eq(batch->columns[B].values.i64[0], 1);
    check_string(&batch->columns[S], 0, "ab");
    ck_assert_uint_eq(batch->columns[D].n_missing, 1);
    ck_assert_uint_eq(batch->columns[XS].n, 2);
    ck_assert_uint_eq(batch->columns[XS].offsets[0], 0);
    ck_assert_uint_eq(batch->columns[XS].offsets[1], 2);
    ck_assert_uint_eq(batch->columns[XS].offsets[2], 2);
    check_string(&batch->columns[XS], 1, "q");
    weir_builder_destroy(b);
}
END_TEST

// Kafka takes any number as a record's timestamp.
START_TEST(timestamps_that_are_no_times)
{
    const int64_t given[] = {INT64_MAX, INT64_MIN, -1, 253402300799999, 253402300800000};
    const int64_t taken[] = {253402300799999, -62135596800000, -1, 253402300799999,
                             253402300799999};
    struct weir_stream timeless = stream;
    timeless.time = -1;
    struct weir_builder *b = make((struct weir_builder_options){.stream = &timeless});
    weir_builder_begin(b, "topic", 0);
    for (int i = 0; i < 5; i++)
        weir_builder_row(b, i, given[i], none, none);
    const struct weir_batch *batch = weir_builder_finish(b);
    ck_assert_mem_eq(batch->time, taken, sizeof taken);
    weir_builder_destroy(b);
}
END_TEST

START_TEST(faults_tell_what_was_there)
{
    struct weir_builder *b = make((struct weir_builder_options){0});
    weir_builder_begin(b, "topic", 0);
    uint32_t row = 0;
    const struct weir_batch *batch;
    uint8_t expected[16];
#define ROW(call, state)                                                                           \
    weir_builder_row(b, row, 0, none, none);                                                       \
    call;                                                                                          \
    expected[row++] = state
    ROW(weir_builder_string(b, L, "123", 3, 1), WEIR_STATE_FAULT_NUMBER_STRING);
    ROW(weir_builder_string(b, L, "-1.5e+3", 7, 1), WEIR_STATE_FAULT_NUMBER_STRING);
    ROW(weir_builder_string(b, L, "12a", 3, 1), WEIR_STATE_FAULT_STRING);
    ROW(weir_builder_string(b, L, "", 0, 1), WEIR_STATE_FAULT_STRING);
    ROW(weir_builder_boolean(b, L, 1), WEIR_STATE_FAULT_BOOLEAN);
    ROW(weir_builder_double(b, L, 1.5), WEIR_STATE_FAULT_FRACTION);
    ROW(weir_builder_double(b, L, 0x1p63), WEIR_STATE_FAULT_OVERFLOW);
    ROW(weir_builder_double(b, L, -0x1p63), WEIR_STATE_VALUE);
    ROW(weir_builder_double(b, L, NAN), WEIR_STATE_FAULT_NUMBER);
    ROW(weir_builder_null(b, L), WEIR_STATE_NULL);
    ROW(weir_builder_fault(b, L, WEIR_STATE_FAULT_OBJECT), WEIR_STATE_FAULT_OBJECT);
    batch = weir_builder_finish(b);
    ck_assert_mem_eq(batch->columns[L].state, expected, row);
    ck_assert_uint_eq(batch->columns[L].n_fault, 9);
    ck_assert_uint_eq(batch->columns[L].n_null, 1);
    weir_builder_begin(b, "topic", 0);
    row = 0;
    ROW(weir_builder_double(b, S, 1), WEIR_STATE_FAULT_NUMBER);
    ROW(weir_builder_long(b, S, 1), WEIR_STATE_FAULT_NUMBER);
    ROW(weir_builder_boolean(b, S, 1), WEIR_STATE_FAULT_BOOLEAN);
    ROW(weir_builder_string(b, S, "a\xc0\x80", 3, 0), WEIR_STATE_FAULT_UTF8);
    ROW(weir_builder_string(b, S, "\xed\xa0\x80", 3, 0), WEIR_STATE_FAULT_UTF8);
    ROW(weir_builder_string(b, S, "12345678\xe2\x82", 10, 0), WEIR_STATE_FAULT_UTF8);
    ROW(weir_builder_string(b, S, "\xe2\x82\xac\xf0\x9f\x98\x80", 7, 0), WEIR_STATE_VALUE);
    batch = weir_builder_finish(b);
    ck_assert_mem_eq(batch->columns[S].state, expected, row);
    weir_builder_destroy(b);
#undef ROW
}
END_TEST

START_TEST(codes_keep_their_meaning_and_caps_hold)
{
    struct weir_builder *b = make(
        (struct weir_builder_options){.dictionary_entries = 100, .dictionary_bytes = 64 * 1024});
    char text[32];
    for (int round = 0; round < 3; round++) {
        weir_builder_begin(b, "topic", 0);
        for (int i = 0; i < 1000; i++) {
            int n = snprintf(text, sizeof text, "value-%d", i);
            weir_builder_row(b, i, 0, none, none);
            weir_builder_string(b, S, text, (size_t)n, 0);
        }
        const struct weir_batch *batch = weir_builder_finish(b);
        ck_assert_uint_eq(batch->columns[S].n_dictionary, 100);
        ck_assert_uint_eq(batch->columns[S].n_local, 900);
        for (uint32_t i = 0; i < 1000; i++) {
            snprintf(text, sizeof text, "value-%u", i);
            check_string(&batch->columns[S], i, text);
            if (i < 100)
                ck_assert_uint_eq(batch->columns[S].values.code[i], i);
        }
    }
    weir_builder_destroy(b);
}
END_TEST

// A batch of strings from `first` on, each of them `times` times; how many are local.
static uint32_t batch_of(struct weir_builder *b, uint32_t first, uint32_t n, int times)
{
    char text[32];
    weir_builder_begin(b, "topic", 0);
    for (uint32_t i = 0; i < 4096; i++) {
        int length = snprintf(text, sizeof text, "category-number-%u", first + i / times % n);
        weir_builder_row(b, i, 0, none, none);
        weir_builder_string(b, S, text, (size_t)length, 0);
    }
    const struct weir_batch *batch = weir_builder_finish(b);
    for (uint32_t i = 0; i < 4096; i += 97) {
        snprintf(text, sizeof text, "category-number-%u", first + i / times % n);
        check_string(&batch->columns[S], i, text);
    }
    return batch->columns[S].n_local;
}

START_TEST(a_full_dictionary_follows_what_is_frequent)
{
    struct weir_builder *b = make((struct weir_builder_options){.dictionary_entries = 200});
    int batches = 0;
    ck_assert_uint_eq(batch_of(b, 0, 200, 1), 0);
    // Others come, and stay: they are not local for ever.
    while (batch_of(b, 1000, 150, 1))
        ck_assert_int_lt(batches++, 200);
    ck_assert_int_gt(batches, 60);
    ck_assert_uint_eq(weir_builder_finish(b)->columns[S].generation, 1);
    // What never comes twice fills it again and again, ever more seldom.
    for (uint32_t i = 0; i < 500; i++)
        batch_of(b, 10000 + i * 4096, 4096, 1);
    uint32_t generation = weir_builder_finish(b)->columns[S].generation;
    ck_assert_uint_ge(generation, 2);
    ck_assert_uint_le(generation, 4);
    weir_builder_destroy(b);
}
END_TEST

START_TEST(a_long_string_does_not_shift_codes)
{
    struct weir_builder *b = make((struct weir_builder_options){.dictionary_bytes = 6400});
    char *text = malloc(10 << 20);
    memset(text, 'x', 10 << 20);
    weir_builder_begin(b, "topic", 0);
    weir_builder_row(b, 0, 0, none, none);
    weir_builder_string(b, S, "a", 1, 0);
    weir_builder_row(b, 1, 0, none, none);
    weir_builder_string(b, S, text, 10 << 20, 0);
    weir_builder_row(b, 2, 0, none, none);
    weir_builder_string(b, S, "b", 1, 0);
    const struct weir_batch *batch = weir_builder_finish(b);
    ck_assert_uint_eq(batch->columns[S].n_dictionary, 1);
    check_string(&batch->columns[S], 0, "a");
    check_string(&batch->columns[S], 2, "b");
    ck_assert_uint_eq(
        weir_column_string(&batch->columns[S], batch->columns[S].values.code[1])->length, 10 << 20);
    // A string within the record is not copied.
    weir_builder_begin(b, "topic", 0);
    weir_builder_row(b, 0, 0, none, (struct weir_span){(uint8_t *)text, 10 << 20});
    weir_builder_string(b, S, text + 5, 1000, 0);
    batch = weir_builder_finish(b);
    ck_assert_ptr_eq(batch->columns[S].local[0].data, text + 5);
    free(text);
    weir_builder_destroy(b);
}
END_TEST

START_TEST(an_undecodable_row_has_nothing)
{
    struct weir_builder *b = make((struct weir_builder_options){.report_unknown = 1});
    char reason[16] = "cut off";
    weir_builder_begin(b, "topic", 0);
    weir_builder_row(b, 0, 42, none, none);
    weir_builder_long(b, T, 5);
    weir_builder_unknown(b, "kept", 4);
    weir_builder_row(b, 1, 43, none, none);
    weir_builder_long(b, T, 5);
    weir_builder_double(b, D, 2.5);
    weir_builder_string(b, S, "x", 1, 0);
    weir_builder_double(b, XD, 1);
    weir_builder_unknown(b, "gone", 4);
    weir_builder_undecodable(b, reason);
    memset(reason, '?', 4);
    weir_builder_row(b, 2, 44, none, none);
    weir_builder_tombstone(b);
    weir_builder_row(b, 3, 45, none, none);
    weir_builder_double(b, XD, 2);
    const struct weir_batch *batch = weir_builder_finish(b);
    ck_assert_uint_eq(batch->n_undecodable, 1);
    ck_assert_uint_eq(batch->n_tombstones, 1);
    ck_assert_uint_eq(batch->n_no_time, 1);
    ck_assert_uint_eq(batch->fault[1], WEIR_ROW_UNDECODABLE);
    ck_assert_uint_eq(batch->fault[2], WEIR_ROW_TOMBSTONE);
    ck_assert_str_eq(batch->reason[1], "cut off");
    ck_assert_ptr_null(batch->reason[0]);
    ck_assert_int_eq(batch->time[1], 43);
    for (int i = T; i <= Y; i++)
        ck_assert_uint_eq(batch->columns[i].state[1], WEIR_STATE_MISSING);
    ck_assert_double_eq(batch->columns[D].values.f64[1], 0);
    ck_assert_uint_eq(batch->columns[XD].n, 1);
    ck_assert_double_eq(batch->columns[XD].values.f64[0], 2);
    ck_assert_uint_eq(batch->n_unknown, 1);
    ck_assert_str_eq(batch->unknown[0].name.data, "kept");
    weir_builder_destroy(b);
}
END_TEST

START_TEST(full_batches_again_and_again)
{
    struct weir_builder *b = make((struct weir_builder_options){.report_unknown = 1});
    for (int round = 0; round < 3; round++) {
        weir_builder_begin(b, "topic", 0);
        for (int i = 0; i < WEIR_BATCH_ROWS; i++) {
            weir_builder_row(b, i, i, none, none);
            if (i % 2)
                weir_builder_double(b, D, i);
            for (int k = 0; k < 20; k++)
                weir_builder_unknown(b, "other", 5);
        }
        const struct weir_batch *batch = weir_builder_finish(b);
        ck_assert_uint_eq(batch->columns[D].n_missing, WEIR_BATCH_ROWS / 2);
        ck_assert_uint_eq(batch->n_unknown, 65536);
    }
    ck_assert_uint_eq(weir_builder_unknown_dropped(b), 3 * (20 * WEIR_BATCH_ROWS - 65536));
    weir_builder_destroy(b);
}
END_TEST

static int64_t event_time(enum weir_type type, enum weir_time_unit unit, double number,
                          const char *text)
{
    struct weir_field field = {.name = "t", .type = type, .role = WEIR_ROLE_TIME};
    struct weir_stream one = {.name = "s", .fields = &field, .n_fields = 1, .key = -1, .time = 0};
    struct weir_builder *b = make((struct weir_builder_options){.stream = &one, .time_unit = unit});
    weir_builder_begin(b, "topic", 0);
    weir_builder_row(b, 0, -77, none, none);
    if (text)
        weir_builder_string(b, 0, text, strlen(text), 0);
    else
        weir_builder_double(b, 0, number);
    int64_t time = weir_builder_finish(b)->time[0];
    weir_builder_destroy(b);
    return time;
}

START_TEST(event_times)
{
    ck_assert_int_eq(event_time(WEIR_TYPE_LONG, WEIR_TIME_AUTO, 1e12, NULL), 1000000000000);
    ck_assert_int_eq(event_time(WEIR_TYPE_LONG, WEIR_TIME_S, 1e9, NULL), 1000000000000);
    ck_assert_int_eq(event_time(WEIR_TYPE_LONG, WEIR_TIME_US, -1, NULL), -1);
    ck_assert_int_eq(event_time(WEIR_TYPE_LONG, WEIR_TIME_NS, 1999999, NULL), 1);
    ck_assert_int_eq(event_time(WEIR_TYPE_LONG, WEIR_TIME_S, 1e18, NULL), -77);
    ck_assert_int_eq(event_time(WEIR_TYPE_LONG, WEIR_TIME_MS, 1e18, NULL), -77);
    ck_assert_int_eq(event_time(WEIR_TYPE_DOUBLE, WEIR_TIME_S, 1700000000.123, NULL),
                     1700000000123);
    ck_assert_int_eq(event_time(WEIR_TYPE_DOUBLE, WEIR_TIME_MS, NAN, NULL), -77);
    ck_assert_int_eq(event_time(WEIR_TYPE_DOUBLE, WEIR_TIME_MS, 1e300, NULL), -77);
    ck_assert_int_eq(event_time(WEIR_TYPE_STRING, WEIR_TIME_AUTO, 0, "1970-01-01"), 0);
    ck_assert_int_eq(event_time(WEIR_TYPE_STRING, WEIR_TIME_AUTO, 0, "yesterday"), -77);
    ck_assert_int_eq(event_time(WEIR_TYPE_LONG, WEIR_TIME_AUTO, 0, "1970-01-01"), -77);
}
END_TEST

START_TEST(rfc_3339)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-02-28T12:34:56.789Z", 1772282096789},
        {"2026-02-28 12:34:56.789123456", 1772282096789},
        {"2026-02-28t12:34:56.7899z", 1772282096789},
        {"2026-02-28T12:34:56+02:00", 1772274896000},
        {"2026-02-28T12:34:56-0230", 1772291096000},
        {"2026-02-28T12:34:56+02", 1772274896000},
        {"2000-02-29", 951782400000},
        {"2100-12-31T23:59:59.999Z", 4133980799999},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2016-12-31T18:59:60-05:00", 1483228800000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"1900-03-01T00:00:00Z", -2203891200000},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59Z", 253402300799000},
    };
    static const char *const bad[] = {"",
                                      "2",
                                      "2026",
                                      "2026-02",
                                      "2026-02-29",
                                      "1900-02-29",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-01-00",
                                      "2026-01-32",
                                      "26-01-01",
                                      "2026-01-01T",
                                      "2026-01-01T1:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00Z",
                                      "2026-01-01T00:00:61Z",
                                      "2026-01-01T00:00:60Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00Zx",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-01-01T00:00:00+0",
                                      "2026-01-01T00:00:00+02:",
                                      "2026-01-01T00:00:00+02:60",
                                      "2026-01-01T00:00:00 Z",
                                      "2026/01/01",
                                      " 2026-01-01",
                                      "2026-01-01 ",
                                      "-026-01-01",
                                      "2026-01-01T00:00:00.1.2Z"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms = 99;
        ck_assert_msg(weir_time_parse(good[i].text, strlen(good[i].text), &ms) == 0, "%s",
                      good[i].text);
        ck_assert_msg(ms == good[i].ms, "%s: %lld", good[i].text, (long long)ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 99;
        ck_assert_msg(weir_time_parse(bad[i], strlen(bad[i]), &ms) == WEIR_EINVAL, "%s", bad[i]);
        ck_assert_int_eq(ms, 99);
    }
}
END_TEST

// JSON has both, and nobody said which: a string in RFC 3339, or an integer of epoch ms.
START_TEST(a_time_of_no_declared_type)
{
    static const struct weir_field one[] = {
        {.name = "t", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_TIME}};
    static const struct weir_stream free_time = {
        .name = "s", .fields = one, .n_fields = 1, .key = -1, .time = 0};
    struct weir_builder *b = make((struct weir_builder_options){.stream = &free_time});
    weir_builder_begin(b, "topic", 0);
    weir_builder_row(b, 0, 5, none, none);
    weir_builder_long(b, 0, 1700000000123);
    weir_builder_row(b, 1, 5, none, none);
    weir_builder_string(b, 0, "1700000000123", 13, 1);
    weir_builder_row(b, 2, 5, none, none);
    weir_builder_string(b, 0, "2023-11-14T22:13:20.123Z", 24, 1);
    weir_builder_row(b, 3, 5, none, none);
    weir_builder_string(b, 0, "yesterday", 9, 1);
    const struct weir_batch *batch = weir_builder_finish(b);
    for (uint32_t row = 0; row < 3; row++)
        ck_assert_int_eq(batch->time[row], 1700000000123);
    ck_assert_int_eq(batch->fault[3], WEIR_ROW_NO_TIME);
    weir_builder_destroy(b);
}
END_TEST

START_TEST(a_field_without_a_type_is_refused)
{
    struct weir_field field = {.name = "what"};
    struct weir_stream one = {.name = "s", .fields = &field, .n_fields = 1, .key = -1, .time = -1};
    struct weir_builder *b = NULL;
    struct weir_error error;
    struct weir_builder_options options = {.stream = &one};
    ck_assert_int_eq(weir_builder_create(&options, &b, &error), WEIR_EINVAL);
    ck_assert_ptr_null(b);
    ck_assert_ptr_nonnull(strstr(error.message, "what"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("builder");
    TCase *tcase = tcase_create("builder");
    tcase_add_test(tcase, values_and_widening);
    tcase_add_test(tcase, timestamps_that_are_no_times);
    tcase_add_test(tcase, faults_tell_what_was_there);
    tcase_add_test(tcase, codes_keep_their_meaning_and_caps_hold);
    tcase_add_test(tcase, a_full_dictionary_follows_what_is_frequent);
    tcase_add_test(tcase, a_long_string_does_not_shift_codes);
    tcase_add_test(tcase, an_undecodable_row_has_nothing);
    tcase_add_test(tcase, full_batches_again_and_again);
    tcase_add_test(tcase, event_times);
    tcase_add_test(tcase, rfc_3339);
    tcase_add_test(tcase, a_time_of_no_declared_type);
    tcase_add_test(tcase, a_field_without_a_type_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
