// SPDX-License-Identifier: Apache-2.0
// Model versions over time, through the whole engine.
#include "detectors/operations/engine.h"

static const char *const columns[] = {"at", "model", NULL};
static char yaml[1000];

static const char *configure(const char *options)
{
    snprintf(yaml, sizeof yaml,
             "version: 1\napp: test\n"
             "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
             "      at: {type: long}\n      model: {type: string, role: model_version}\n"
             "alerts: {topic: a}\n"
             "detectors:\n"
             "  serving: {type: tested, stream: s, window: {size: 5m, lateness: 5s}%s}\n",
             options);
    return yaml;
}

enum { ROWS = 60000, STEP = 10000 }; // 30 records a window
static struct engine_row rows[ROWS];
static size_t n;
static uint64_t seed;

static void begin(void)
{
    n = 0;
    seed = 1;
}

// Records until `hours` after the start; `share` in a hundred of them are of `other`.
static void until(double hours, const char *model, const char *other, uint32_t share)
{
    for (; n < ROWS && (double)n * STEP < hours * HOUR; n++) {
        rows[n].time = ENGINE_START + (int64_t)n * STEP;
        strcpy(rows[n].text, other && engine_draw(&seed, 100) < share ? other : model);
    }
}

static char *play(const char *options)
{
    return engine_play(configure(options), columns, rows, n, &(struct engine_manner){0});
}

static void is_quiet(const char *options)
{
    char *said = play(options);
    ck_assert_str_eq(said, "");
    free(said);
}

START_TEST(an_old_version_that_comes_back_is_found)
{
    begin();
    until(10, "v41", NULL, 0);
    until(30, "v42", NULL, 0);
    until(34, "v42", "v41", 12);
    until(44, "v42", NULL, 0);
    char *said = engine_play_all(configure(""), columns, rows, n);
    engine_begins(said, "open operations.stale_model critical model=v41 v41: ");
    ck_assert_ptr_nonnull(strstr(said, "Model v41 answers again since 06:0"));
    ck_assert_ptr_nonnull(strstr(said, "after v42 had taken over at 2026-03-02 10:00 UTC"));
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

START_TEST(a_few_answers_are_enough)
{
    begin();
    until(10, "v41", NULL, 0);
    until(30, "v42", NULL, 0);
    until(34, "v42", "v41", 1);
    until(44, "v42", NULL, 0);
    char *said = play("");
    ck_assert_uint_eq(engine_count(said, "open operations.stale_model"), 1);
    free(said);
    // But not where so many may.
    is_quiet(", canary: 5%");
}
END_TEST

START_TEST(roll_outs_are_quiet)
{
    begin();
    until(10, "v41", NULL, 0);
    until(10.2, "v41", "v42", 5);
    until(10.5, "v41", "v42", 30);
    until(10.7, "v41", "v42", 90);
    until(20, "v42", NULL, 0);
    until(20.5, "v42", "v43", 50);
    until(20.6, "v43", NULL, 0);
    until(20.9, "v43", "v42", 20); // a straggler within the hour
    until(30, "v43", NULL, 0);
    is_quiet("");
    // One that is called off.
    until(30.5, "v43", "v44", 30);
    until(40, "v43", NULL, 0);
    is_quiet("");
    // And one that got through, and was called off within the hour.
    until(40.5, "v45", NULL, 0);
    until(50, "v43", NULL, 0);
    is_quiet("");
    // v45, mended.
    until(60, "v45", NULL, 0);
    is_quiet("");
}
END_TEST

START_TEST(a_slow_roll_out_is_mixed)
{
    begin();
    until(10, "v41", NULL, 0);
    until(14, "v41", "v42", 30);
    until(20, "v42", NULL, 0);
    char *said = engine_play_all(configure(""), columns, rows, n);
    engine_begins(said, "open operations.mixed_models warning model v42: Models v41 and "
                        "v42 have answered side by side since 10:0");
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
    is_quiet(", rollout: 5h");
}
END_TEST

START_TEST(a_roll_back_is_told_once_and_becomes_normal)
{
    begin();
    until(10, "v41", NULL, 0);
    until(30, "v42", NULL, 0);
    until(60, "v41", NULL, 0);
    until(80, "v42", NULL, 0);
    char *said = play("");
    ck_assert_uint_eq(engine_count(said, "open operations.stale_model"), 1);
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

START_TEST(the_order_may_be_declared)
{
    // By first sight v42 would be the older one.
    begin();
    until(10, "v42", NULL, 0);
    until(14, "v41", NULL, 0);
    char *said = play("");
    ck_assert_str_eq(said, "");
    free(said);
    said = play(", versions: [v41, v42]");
    engine_begins(said, "open operations.stale_model critical model=v41");
    free(said);
}
END_TEST

START_TEST(what_was_mixed_from_the_beginning)
{
    begin();
    until(30, "a", "b", 40);
    is_quiet("");
    char *said = play(", versions: [a, b]");
    ck_assert_uint_eq(engine_count(said, "open operations.mixed_models"), 1);
    free(said);
}
END_TEST

START_TEST(names_without_end_are_bounded)
{
    begin();
    until(4, "v", NULL, 0);
    for (size_t i = 0; i < n; i++)
        snprintf(rows[i].text, sizeof rows[i].text, "build-%zu", i);
    free(play(""));
    for (size_t i = 0; i < n; i++) // more in one pane than are told apart
        rows[i].time = ENGINE_START + (int64_t)i * 100;
    char *said = play("");
    ck_assert_ptr_nonnull(strstr(said, "weir.limit"));
    free(said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("versions");
    TCase *cases = tcase_create("versions");
    tcase_add_test(cases, an_old_version_that_comes_back_is_found);
    tcase_add_test(cases, a_few_answers_are_enough);
    tcase_add_test(cases, roll_outs_are_quiet);
    tcase_add_test(cases, a_slow_roll_out_is_mixed);
    tcase_add_test(cases, a_roll_back_is_told_once_and_becomes_normal);
    tcase_add_test(cases, the_order_may_be_declared);
    tcase_add_test(cases, what_was_mixed_from_the_beginning);
    tcase_add_test(cases, names_without_end_are_bounded);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
