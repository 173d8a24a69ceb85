// SPDX-License-Identifier: Apache-2.0
// Scores that are no scores, through the whole engine.
#include "detectors/operations/engine.h"

static const char *const columns[] = {"at", "score", NULL};
static char yaml[1000];

static const char *configure(const char *field)
{
    snprintf(yaml, sizeof yaml,
             "version: 1\napp: test\n"
             "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
             "      at: {type: long}\n      score: {type: double, role: score%s}\n"
             "alerts: {topic: a}\n"
             "detectors:\n"
             "  serving: {type: tested, stream: s, window: {size: 5m, lateness: 5s}}\n",
             field);
    return yaml;
}

enum { ROWS = 20000, STEP = 2000 }; // 150 records a window
static struct engine_row rows[ROWS];
static size_t n;
static uint64_t seed;

static void begin(void)
{
    n = 0;
    seed = 1;
}

// Rows until `hours`; texts of scores in `low` to `high` thousandths.
static void until(double hours, uint32_t low, uint32_t high)
{
    for (; n < ROWS && (double)n * STEP < hours * HOUR; n++) {
        rows[n].time = ENGINE_START + (int64_t)n * STEP;
        snprintf(rows[n].text, sizeof rows[n].text, "%.3f",
                 (low + engine_draw(&seed, high - low + 1)) / 1000.0);
    }
}

static char *play(const char *field)
{
    return engine_play(configure(field), columns, rows, n, &(struct engine_manner){0});
}

START_TEST(no_number_is_found_at_once)
{
    begin();
    until(2, 0, 1000);
    for (size_t i = 1000; i < 1010; i++)
        strcpy(rows[i].text, i % 2 ? "NaN" : "inf");
    char *said = engine_play_all(configure(""), columns, rows, n);
    engine_begins(said, "open operations.score_invalid critical score -: score is NaN or "
                        "infinite in ");
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    free(said);
}
END_TEST

START_TEST(a_declared_range_holds_from_the_first_record)
{
    begin();
    until(1, 0, 1000);
    strcpy(rows[3].text, "1.25");
    char *said = play(", range: [0, 1]");
    ck_assert_msg(strstr(said, "score lies outside 0 to 1 in 1 of ") != NULL, "%s", said);
    free(said);
    said = play(", range: [0, 2]");
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(what_has_been_a_probability_stays_one)
{
    begin();
    until(2, 0, 1000);
    until(2.5, 0, 3000);
    until(4, 0, 1000);
    char *said = engine_play_all(configure(""), columns, rows, n);
    ck_assert_msg(strstr(said, "lie outside 0 to 1, where it always was") != NULL, "%s", said);
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
    // What never was one may be anything.
    begin();
    until(4, 0, 5000);
    said = play("");
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(scores_that_stand_still_are_found)
{
    begin();
    until(2, 0, 1000);
    until(3, 500, 500);
    until(4, 0, 1000);
    char *said = engine_play_all(configure(""), columns, rows, n);
    ck_assert_msg(strstr(said, "score is the same for all 300 predictions since 02:00 UTC, and it "
                               "varied before") != NULL,
                  "%s", said);
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
    // Those that hardly ever move may stand still for longer.
    begin();
    until(10, 0, 0);
    for (size_t i = 0; i < n; i += 1 + engine_draw(&seed, 300))
        strcpy(rows[i].text, "1");
    said = play("");
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(scores_that_never_moved_are_found)
{
    begin();
    until(3, 100, 100);
    char *said = play("");
    ck_assert_msg(strstr(said, "score is the same for all ") != NULL, "%s", said);
    free(said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scores");
    TCase *cases = tcase_create("scores");
    tcase_add_test(cases, no_number_is_found_at_once);
    tcase_add_test(cases, a_declared_range_holds_from_the_first_record);
    tcase_add_test(cases, what_has_been_a_probability_stays_one);
    tcase_add_test(cases, scores_that_stand_still_are_found);
    tcase_add_test(cases, scores_that_never_moved_are_found);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
