// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/report.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct weir_alert event(int number, enum weir_alert_status status, int64_t hour)
{
    static const char *const fields[] = {"amount"};
    static const struct weir_slice_value slice[] = {{"route", "<north>"}};
    static const struct weir_sample samples[] = {{"payments", 1, 91835, NULL}};
    static const struct weir_evidence evidence[] = {
        {"field", "amount", slice, 1, "median 42.10", "median 6,521", .93, NULL, 0},
        {"samples", NULL, NULL, 0, NULL, NULL, NAN, samples, 1}};
    static const struct weir_offset_range offsets[] = {{"payments", 1, 91020, 95730}};
    static const char *const kinds[] = {"schema.range", "drift.feature", "outage.collapse"};
    const int64_t start = 1767225600000 + number * 5400000LL;
    struct weir_alert alert = {
        .id = "0123456789abcdef0123456789abcdef",
        .sequence = 1,
        .status = status,
        .app = "payments",
        .detector = number % 2 ? "input_drift" : "contract",
        .detector_type = "drift",
        .stream = "transactions",
        .runbook = number % 3 ? "https://wiki.example/?a=1&b=\"2\"" : "javascript:alert(1)",
        .finding = {.size = sizeof(struct weir_finding),
                    .rule = "range:amount",
                    .kind = kinds[number % 3],
                    .severity = (enum weir_severity)(number % 3),
                    .action = WEIR_ACTION_FIX_PRODUCER,
                    .fields = fields,
                    .n_fields = 1,
                    .slice = slice,
                    .n_slice = number % 4 == 0,
                    .provisional = number % 5 == 0,
                    .share = .0213,
                    .statistic = {"psi", .31, .1, 1e-9, NAN},
                    .summary = "amount is <b>155</b> times what it was: looks like USD to JPY",
                    .evidence = evidence,
                    .n_evidence = 2},
        .window_start = start,
        .window_end = start + 3600000,
        .window_records = 4711,
        .offsets = offsets,
        .n_offsets = 1,
        .opened_at = start + 3600000,
        .updated_at = start + 3600000 + hour * 3600000,
        .resolved_at = status == WEIR_ALERT_RESOLVED ? start + 3600000 + hour * 3600000 : -1,
        .occurrences = 10,
    };
    snprintf(alert.fingerprint, sizeof alert.fingerprint, "%032d", number);
    return alert;
}

static void add(struct weir_report *report, int number, enum weir_alert_status status, int64_t hour)
{
    struct weir_alert alert = event(number, status, hour);
    ck_assert_int_eq(weir_report_add(report, &alert), 0);
}

static const struct weir_report_pair files[] = {{"transactions", "features <1>.avro"}};
static const struct weir_report_pair stats[] = {{"records", "1,000,000"}, {"seconds", "0.31"}};
static const struct weir_report_context context = {
    "payments & fraud", "version: 1\napp: <payments>\n", files, 1, stats, 2};

static char *print(const struct weir_report *report)
{
    struct weir_buffer out;
    size_t length;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_report_print(report, &context, &out), 0);
    weir_buffer_byte(&out, 0);
    return (char *)weir_buffer_take(&out, &length);
}

static int occurrences(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

// With WEIR_REPORT_SAMPLE a page to look at is left there.
START_TEST(test_page)
{
    struct weir_report *report;
    ck_assert_int_eq(weir_report_create(&report), 0);
    for (int i = 0; i < 14; i++) {
        add(report, i, WEIR_ALERT_OPEN, 0);
        if (i % 2)
            add(report, i, WEIR_ALERT_UPDATE, 1);
        if (i % 4 != 3)
            add(report, i, WEIR_ALERT_RESOLVED, 2 + i % 5);
    }
    ck_assert_uint_eq(weir_report_incidents(report), 14);
    char *page = print(report);
    ck_assert_int_eq(occurrences(page, "<details><summary><span"), 14);
    ck_assert_int_eq(occurrences(page, "<rect class="), 14);
    ck_assert_int_eq(occurrences(page, "still open at the end, 2 events"), 3);
    ck_assert_ptr_nonnull(strstr(page, "<b class=\"\">3</b>open at the end"));
    ck_assert_ptr_nonnull(strstr(page, "<td>median 42.10</td><td>median 6,521</td>"));
    ck_assert_ptr_nonnull(strstr(page, "href=\"https://wiki.example/?a=1&amp;b=&quot;2&quot;\""));
    ck_assert_ptr_null(strstr(page, "href=\"javascript"));
    ck_assert_ptr_null(strstr(page, "<b>155"));
    ck_assert_ptr_null(strstr(page, "<north>"));
    ck_assert_ptr_null(strstr(page, "<payments>"));
    ck_assert_ptr_nonnull(strstr(page, "weir report: payments &amp; fraud"));
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_null(strstr(page, "src="));
    ck_assert_ptr_null(strstr(page, "url("));
    ck_assert_ptr_null(strstr(page, "nan"));
    ck_assert_int_eq(occurrences(page, "<details"), occurrences(page, "</details>"));
    if (getenv("WEIR_REPORT_SAMPLE"))
        ck_assert_int_eq(weir_report_write(report, &context, getenv("WEIR_REPORT_SAMPLE"), NULL),
                         0);
    free(page);
    weir_report_destroy(report);
}
END_TEST

START_TEST(test_nothing)
{
    struct weir_report *report;
    ck_assert_int_eq(weir_report_create(&report), 0);
    char *page = print(report);
    ck_assert_ptr_nonnull(strstr(page, "Nothing was found."));
    ck_assert_ptr_null(strstr(page, "<svg"));
    free(page);
    weir_report_destroy(report);
}
END_TEST

// A hundred thousand incidents are counted, and the page stays small.
START_TEST(test_many)
{
    struct weir_report *report;
    ck_assert_int_eq(weir_report_create(&report), 0);
    for (int i = 0; i < 100000; i++)
        add(report, i, WEIR_ALERT_OPEN, 0);
    ck_assert_uint_eq(weir_report_incidents(report), 100000);
    char *page = print(report);
    ck_assert_uint_lt(strlen(page), 4 << 20);
    ck_assert_int_eq(occurrences(page, "<details><summary><span"), WEIR_REPORT_INCIDENTS);
    ck_assert_int_eq(occurrences(page, "<rect class="), WEIR_REPORT_ROWS);
    ck_assert_ptr_nonnull(strstr(page, "99000 more incidents are counted"));
    ck_assert_ptr_nonnull(strstr(page, ">33334</b>as info"));
    free(page);
    weir_report_destroy(report);
}
END_TEST

// The same fingerprint again is another incident.
START_TEST(test_comes_back)
{
    struct weir_report *report;
    ck_assert_int_eq(weir_report_create(&report), 0);
    add(report, 1, WEIR_ALERT_OPEN, 0);
    add(report, 1, WEIR_ALERT_RESOLVED, 1);
    struct weir_alert again = event(1, WEIR_ALERT_OPEN, 0);
    again.opened_at = again.updated_at = again.opened_at + 36000000;
    ck_assert_int_eq(weir_report_add(report, &again), 0);
    char *page = print(report);
    ck_assert_int_eq(occurrences(page, "<details><summary><span"), 2);
    free(page);
    weir_report_destroy(report);
}
END_TEST

START_TEST(test_write)
{
    struct weir_report *report;
    struct weir_error error;
    char path[] = "/tmp/weir-report-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(weir_report_create(&report), 0);
    add(report, 1, WEIR_ALERT_OPEN, 0);
    ck_assert_int_eq(weir_report_write(report, &context, path, &error), 0);
    char *page = print(report), *written = calloc(1, strlen(page) + 2);
    FILE *file = fopen(path, "r");
    ck_assert_uint_eq(fread(written, 1, strlen(page) + 1, file), strlen(page));
    ck_assert_str_eq(written, page);
    fclose(file);
    unlink(path);
    ck_assert_int_eq(weir_report_write(report, &context, "/nowhere/at/all.html", &error), WEIR_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, "/nowhere/at/all.html"));
    free(page);
    free(written);
    weir_report_destroy(report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *report = tcase_create("report");
    tcase_add_test(report, test_page);
    tcase_add_test(report, test_nothing);
    tcase_add_test(report, test_many);
    tcase_add_test(report, test_comes_back);
    tcase_add_test(report, test_write);
    suite_add_tcase(suite, report);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
