// SPDX-License-Identifier: Apache-2.0
// The line for people, and the reading of events that it is made from.
#include "consumer/alert/print.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/read.h"
#include "consumer/alert/text.h"
#include "consumer/codec/utf8.h"

static const char *const fields[] = {"amount", "country", "age", "route", "device"};
static const struct weir_slice_value slice[] = {{"route", "north"}, {"device", NULL}};
static const struct weir_evidence evidence[] = {
    {"field", "amount", NULL, 0, "mean 3", "mean 465", .8, NULL, 0}};
static const struct weir_offset_range offsets[] = {{"payments", 0, 5, 9}};

static struct weir_alert make(void)
{
    struct weir_alert alert = {
        .id = "0123456789abcdef0123456789abcdef",
        .fingerprint = "fedcba9876543210fedcba9876543210",
        .sequence = 1,
        .app = "payments",
        .detector = "drift",
        .detector_type = "drift",
        .stream = "transactions",
        .finding = {.size = sizeof(struct weir_finding),
                    .rule = "omnibus",
                    .kind = "drift.feature",
                    .severity = WEIR_CRITICAL,
                    .action = WEIR_ACTION_RETRAIN,
                    .fields = fields,
                    .n_fields = 5,
                    .slice = slice,
                    .n_slice = 2,
                    .model_version = "v41",
                    .provisional = 1,
                    .share = .1,
                    .statistic = {"psi", .3, .1, 1e-9, NAN},
                    .summary = "amount is 155 times what it was",
                    .evidence = evidence,
                    .n_evidence = 1},
        .window_end = 5,
        .window_records = 7,
        .offsets = offsets,
        .n_offsets = 1,
        .opened_at = 1767229200000,
        .updated_at = 1767229200000,
        .resolved_at = -1,
        .occurrences = 3,
    };
    return alert;
}

// The text lives until the fourth one behind it.
static char *line(const struct weir_alert *alert, int colour, int width)
{
    static char *kept[4];
    static unsigned at;
    struct weir_alert_style style = {colour, width, 1};
    struct weir_buffer out;
    size_t length;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_alert_line(alert, &style, &out), 0);
    ck_assert(weir_utf8_valid((const char *)out.data, out.length));
    weir_buffer_byte(&out, 0);
    at = (at + 1) % 4;
    free(kept[at]);
    return kept[at] = (char *)weir_buffer_take(&out, &length);
}

static void check_line(const struct weir_alert *alert, int colour, const char *expected)
{
    char *text = line(alert, colour, 0);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_line)
{
    struct weir_alert alert = make();
    check_line(&alert, 0,
               "2026-01-01 01:00:00  OPEN      critical  drift.feature       "
               "transactions/drift amount, country, age, route and 1 more route=north "
               "device=null model v41  amount is 155 times what it was (provisional)");
    alert.stream = NULL;
    alert.finding.n_fields = alert.finding.n_slice = 0;
    alert.finding.model_version = NULL;
    alert.finding.provisional = 0;
    alert.status = WEIR_ALERT_RESOLVED;
    check_line(&alert, 1,
               "\033[2m2026-01-01 01:00:00  \033[0m\033[32mRESOLVED  critical  \033[0m"
               "drift.feature       \033[1mdrift\033[0m  amount is 155 times what it was");
}
END_TEST

// Whatever the width, the line stays within it and is cut between characters.
START_TEST(test_width)
{
    struct weir_alert alert = make();
    alert.finding.summary = "\xe9\x87\x91\xe9\xa1\x8d is 155 \xe2\x82\xac\n\xff\xc2\x9b e\xcc\x81";
    for (int width = 40; width < 200; width++) {
        char *text = line(&alert, 0, width);
        int columns = 0;
        size_t left = strlen(text), length;
        for (const char *at = text; left; at += length, left -= length) {
            columns += weir_text_width(at, left, &length);
            ck_assert_uint_ge((unsigned char)*at, 0x20);
        }
        ck_assert_int_le(columns, width);
        if (width < 150)
            ck_assert_ptr_nonnull(strstr(text, "\xe2\x80\xa6"));
    }
}
END_TEST

START_TEST(test_far_times)
{
    struct weir_alert alert = make();
    alert.updated_at = INT64_MAX;
    line(&alert, 0, 0);
    alert.updated_at = INT64_MIN;
    line(&alert, 0, 0);
}
END_TEST

// What was written reads back as it was.
START_TEST(test_read)
{
    struct weir_alert alert = make();
    struct weir_buffer json, datum, again;
    weir_buffer_init(&json, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    char *expected = line(&alert, 0, 0);
    ck_assert_int_eq(weir_alert_json(&alert, &json), 0);
    ck_assert_int_eq(weir_alert_avro(&alert, &datum), 0);
    for (int avro = 0; avro < 2; avro++) {
        struct weir_alert_copy copy;
        struct weir_error error = {0};
        int code =
            avro ? weir_alert_from_avro(weir_alert_schema, datum.data, datum.length, &copy, &error)
                 : weir_alert_from_json(json.data, json.length, &copy, &error);
        ck_assert_msg(!code, "%s", error.message);
        check_line(&copy.alert, 0, expected);
        weir_buffer_reset(&again);
        ck_assert_int_eq(weir_alert_copy_print(&copy, &again), 0);
        ck_assert_uint_eq(again.length, json.length);
        ck_assert_mem_eq(again.data, json.data, json.length);
        // and so does the struct
        weir_buffer_reset(&again);
        ck_assert_int_eq(weir_alert_json(&copy.alert, &again), 0);
        ck_assert_uint_eq(again.length, json.length);
        weir_alert_copy_free(&copy);
    }
    for (size_t length = 0; length < datum.length; length++) {
        struct weir_alert_copy copy;
        ck_assert_int_eq(weir_alert_from_avro(weir_alert_schema, datum.data, length, &copy, NULL),
                         WEIR_ECORRUPT);
    }
    free(expected);
    weir_buffer_free(&json);
    weir_buffer_free(&datum);
    weir_buffer_free(&again);
}
END_TEST

static const char *const no_alerts[] = {
    "",
    "{",
    "[]",
    "null",
    "{}",
    "{\"fingerprint\":\"a\",\"status\":\"open\"}",
    "{\"fingerprint\":\"a\",\"status\":\"gone\",\"kind\":\"schema.range\"}",
    "{\"fingerprint\":1,\"status\":\"open\",\"kind\":\"schema.range\"}"};

START_TEST(test_no_alert)
{
    struct weir_alert_copy copy;
    struct weir_error error;
    const char *text = no_alerts[_i];
    ck_assert_int_eq(weir_alert_from_json(text, strlen(text), &copy, &error), WEIR_ECORRUPT);
}
END_TEST

START_TEST(test_lenient)
{
    static const char text[] =
        "{\"fingerprint\":\"a\",\"status\":\"open\",\"kind\":\"schema.range\",\"fields\":[1,\"b\"],"
        "\"slice\":{\"c\":3},\"statistic\":7,\"evidence\":[1],\"offsets\":[{}],\"future\":true}";
    struct weir_alert_copy copy;
    ck_assert_int_eq(weir_alert_from_json(text, strlen(text), &copy, NULL), 0);
    ck_assert_uint_eq(copy.alert.finding.n_fields, 1);
    line(&copy.alert, 0, 0);
    weir_alert_copy_free(&copy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alert print");
    TCase *print = tcase_create("print");
    tcase_add_test(print, test_line);
    tcase_add_test(print, test_width);
    tcase_add_test(print, test_far_times);
    tcase_add_test(print, test_read);
    tcase_add_loop_test(print, test_no_alert, 0, sizeof no_alerts / sizeof *no_alerts);
    tcase_add_test(print, test_lenient);
    suite_add_tcase(suite, print);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
