// SPDX-License-Identifier: Apache-2.0
// Requests that are late, that fail, and that wait for something that fails, through the whole
// engine.
#include <math.h>

#include "detectors/operations/engine.h"
#include "detectors/operations/outcome.h"

static const char *const columns[] = {"at", "took", "status", "calls", "pod", NULL};
static char yaml[1200];

static const char *configure(const char *options)
{
    snprintf(yaml, sizeof yaml,
             "version: 1\napp: test\n"
             "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
             "      at: {type: long}\n      took: {type: double, role: latency, unit: ms}\n"
             "      status: {type: int, role: status}\n      calls: {type: string}\n"
             "      pod: {type: string, role: host}\n"
             "alerts: {topic: a}\n"
             "detectors:\n"
             "  serving: {type: tested, stream: s, window: {size: 1m, lateness: 5s}, "
             "repeat: 30d%s}\n",
             options);
    return yaml;
}

enum { ROWS = 100000, STEP = 3000 }; // 20 records a window
static struct engine_row rows[ROWS];
static size_t n;

// From `from` to `to` hours such a share of requests is late, or fails, of one upstream or pod, or
// of all (0).
struct wrong {
    double from, to, late, failed;
    int upstream, pod;
};

static void make(double hours, const struct wrong *wrong)
{
    static const char *const upstreams[] = {"features", "ledger", "geo", "cards"};
    uint64_t seed = 3;
    for (n = 0; n < ROWS && (double)n * STEP < hours * HOUR; n++) {
        double hour = (double)n * STEP / HOUR;
        int upstream = (int)engine_draw(&seed, 4), pod = 1 + (int)engine_draw(&seed, 5);
        int concerned = hour >= wrong->from && hour < wrong->to &&
                        (!wrong->upstream || wrong->upstream == upstream) &&
                        (!wrong->pod || wrong->pod == pod);
        double late = concerned && wrong->late > 0 ? wrong->late : 0.003;
        double failed = concerned && wrong->failed > 0 ? wrong->failed : 0.004;
        int is_late = engine_draw(&seed, 100000) < 100000 * late;
        int fails = engine_draw(&seed, 100000) < 100000 * failed;
        rows[n].time = ENGINE_START + (int64_t)n * STEP;
        snprintf(rows[n].text, sizeof rows[n].text, "%u,%d,%s,pod-%d",
                 is_late ? 300 + engine_draw(&seed, 900) : 20 + engine_draw(&seed, 100),
                 fails ? 503 : 200, upstreams[upstream], pod);
    }
}

static char *play(const char *options)
{
    const char *text = configure(options);
    char *said = engine_play(text, columns, rows, n, &(struct engine_manner){0});
    char *again = engine_play(text, columns, rows, n,
                              &(struct engine_manner){.tasks = 3, .batch = 61, .restarts = 1});
    ck_assert_str_eq(said, again);
    free(again);
    return said;
}

#define ALL ", latency_at_most: 250, errors_at_most: 1%, dependencies: [calls]"

START_TEST(what_keeps_to_its_objectives_is_quiet)
{
    make(48, &(struct wrong){0});
    char *said = play(ALL);
    ck_assert_str_eq(said, "");
    free(said);
    said = play(", dependencies: calls");
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(a_latency_over_its_objective)
{
    make(34, &(struct wrong){.from = 30, .to = 32, .late = .2});
    char *said = play(ALL);
    engine_begins(said, "open operations.latency ");
    ck_assert_msg(strstr(said, " requests took over 250 ms in the last 5 min, where 0.") != NULL &&
                      strstr(said, "% is usual and 1% may be late") != NULL &&
                      strstr(said, "; now half take up to ") != NULL &&
                      strstr(said, "look at load, at what the service waits for") != NULL,
                  "%.3000s", said);
    ck_assert_msg(engine_count(said, "open ") == 1, "%.3000s", said);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
    // Without an objective nothing is known of what it may be.
    said = play("");
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(a_budget_that_burns_slowly)
{
    make(60, &(struct wrong){.from = 30, .to = 60, .late = .05});
    char *said = play(ALL);
    engine_begins(said, "open operations.latency warning took -: took: ");
    ck_assert_msg(strstr(said, " times too many over the last ") != NULL, "%.3000s", said);
    ck_assert_msg(engine_count(said, "open ") == 1, "%.3000s", said);
    free(said);
}
END_TEST

START_TEST(an_objective_holds_from_the_beginning)
{
    make(2, &(struct wrong){.from = 0, .to = 2, .failed = .5});
    char *said = play(ALL);
    engine_begins(said, "open operations.errors critical status -: status: ");
    ck_assert_msg(strstr(said, "% may fail: ") != NULL, "%.3000s", said);
    free(said);
    // Without one there is nothing to compare with.
    said = play("");
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(more_errors_than_usual)
{
    make(34, &(struct wrong){.from = 30, .to = 32, .failed = .3});
    char *said = play("");
    engine_begins(said, "open operations.errors warning status -: status: ");
    ck_assert_msg(strstr(said, " requests failed in the last 5 min, where 0.") != NULL, "%.3000s",
                  said);
    ck_assert_ptr_nonnull(strstr(said, "look at the service's log"));
    ck_assert_msg(engine_count(said, "open ") == 1, "%.3000s", said);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
    make(34, &(struct wrong){.from = 30, .to = 32, .failed = .9, .pod = 4});
    said = play("");
    ck_assert_msg(strstr(said, "of them are of pod pod-4: look there first.") != NULL, "%.3000s",
                  said);
    free(said);
}
END_TEST

START_TEST(a_dependency_that_fails)
{
    make(34, &(struct wrong){.from = 30, .to = 32, .failed = .6, .upstream = 2});
    char *said = play(ALL);
    engine_begins(said, "open operations.dependency ");
    ck_assert_msg(strstr(said, " calls=geo -: calls geo fails: ") != NULL, "%.3000s", said);
    ck_assert_ptr_nonnull(strstr(said, "(of the others' "));
    ck_assert_msg(engine_count(said, "open ") == 1, "%.3000s", said);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
    // All of them: it is none of them.
    make(34, &(struct wrong){.from = 30, .to = 32, .failed = .6});
    said = play(ALL);
    engine_begins(said, "open operations.errors ");
    ck_assert_msg(engine_count(said, "open ") == 1, "%.3000s", said);
    free(said);
    // Its status is a field of its own.
    said = play(", dependencies: [status]");
    engine_begins(said, "open operations.dependency warning status -: status: ");
    ck_assert_ptr_nonnull(strstr(said, "look at that dependency"));
    free(said);
}
END_TEST

static int fails(const char *text)
{
    return operations_failure_text(&(struct operations_failures){0}, text, strlen(text));
}

START_TEST(statuses_are_read_as_people_mean_them)
{
    static const char *const bad[] = {
        "error", "ERROR",     "Timeout", "TimeoutException", "connection-error", "failed", "500",
        "503",   "timed out", "5xx",     "read_error"};
    static const char *const good[] = {
        "ok",  "200",     "404",           "no_error",      "NoError",
        "",    "success", "timeout: none", "without error", "499",
        "600", "50x",     "terror-free"};
    static const char *const values[] = {"4xx", "7", "10-12", "lost"};
    struct operations_failures said = {.texts = values, .n = 4};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(fails(bad[i]), "%s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(!fails(good[i]), "%s", good[i]);
    ck_assert(operations_failure_number(&said, 404) && operations_failure_number(&said, 7));
    ck_assert(operations_failure_number(&said, 11) && !operations_failure_number(&said, 503));
    ck_assert(operations_failure_text(&said, "LOST", 4));
    ck_assert(operations_failure_text(&said, "499", 3));
    ck_assert(!operations_failure_text(&said, "error", 5));
    ck_assert(!operations_failure_number(&said, NAN));
    ck_assert(operations_failure_truth("is_error") && operations_failure_truth("timed_out"));
    ck_assert(!operations_failure_truth("ok") && !operations_failure_truth("success"));
    ck_assert(operations_failure_valid("5xx") && operations_failure_valid("500-599"));
    ck_assert(!operations_failure_valid("599-500") && !operations_failure_valid(""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *cases = tcase_create("service");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_keeps_to_its_objectives_is_quiet);
    tcase_add_test(cases, a_latency_over_its_objective);
    tcase_add_test(cases, a_budget_that_burns_slowly);
    tcase_add_test(cases, an_objective_holds_from_the_beginning);
    tcase_add_test(cases, more_errors_than_usual);
    tcase_add_test(cases, a_dependency_that_fails);
    tcase_add_test(cases, statuses_are_read_as_people_mean_them);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
