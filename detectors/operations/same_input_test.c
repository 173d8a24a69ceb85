// SPDX-License-Identifier: Apache-2.0
// Inputs that come again, through the whole engine.
#include "detectors/operations/engine.h"

static const char *const columns[] = {"at", "host", "model", "a", "b", "score", NULL};
static char yaml[1200];

static const char *configure(const char *size, const char *options)
{
    snprintf(yaml, sizeof yaml,
             "version: 1\napp: test\n"
             "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
             "      at: {type: long}\n      host: {type: string, role: host}\n"
             "      model: {type: string, role: model_version}\n"
             "      a: {type: long}\n      b: {type: string}\n"
             "      score: {type: double, role: score}\n"
             "alerts: {topic: a}\n"
             "detectors:\n"
             "  serving: {type: tested, stream: s, window: {size: %s, lateness: 5s}%s}\n",
             size, options);
    return yaml;
}

enum { ROWS = 12000, STEP = 1000 }; // 300 records a window
static struct engine_row rows[ROWS];

// What goes wrong from record `from` on.
struct wrong {
    size_t from, to;
    int host;         // -1: any
    double by;        // added to the score
    uint32_t share;   // in a hundred of its records
    uint32_t variety; // of inputs: so many squared
};

static void make(const struct wrong *wrong)
{
    uint64_t seed = 3;
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t a = engine_draw(&seed, wrong->variety), b = engine_draw(&seed, wrong->variety);
        int host = (int)engine_draw(&seed, 5);
        double score = (a * 7 + b * 3) % 97 / 97.0 + engine_draw(&seed, 100) * 1e-8;
        if (i >= wrong->from && i < wrong->to && (wrong->host < 0 || wrong->host == host) &&
            engine_draw(&seed, 100) < wrong->share)
            score += wrong->by * engine_draw(&seed, 100) / 100;
        rows[i].time = ENGINE_START + (int64_t)i * STEP;
        // A version of its own is an input of its own.
        snprintf(rows[i].text, sizeof rows[i].text, "pod-%d,%s,%u,v%u,%.9f", host,
                 i < 2000 ? "1" : "2", a, b, i < 2000 ? score / 2 : score);
    }
}

START_TEST(a_host_that_disagrees_is_named)
{
    make(&(struct wrong){.from = 6000, .to = 8000, .host = 3, .by = .1, .share = 90, .variety = 8});
    char *said = engine_play_all(configure("5m", ""), columns, rows, ROWS);
    engine_begins(said, "open operations.nondeterminism warning score=pod-3");
    ck_assert_ptr_nonnull(strstr(said, "host pod-3 has a part in "));
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

START_TEST(a_model_that_is_not_deterministic_names_nobody)
{
    make(&(struct wrong){
        .from = 6000, .to = ROWS, .host = -1, .by = .01, .share = 100, .variety = 8});
    char *said = engine_play(configure("5m", ""), columns, rows, ROWS, &(struct engine_manner){0});
    engine_begins(said, "open operations.nondeterminism warning score -: ");
    ck_assert_ptr_nonnull(strstr(said, "no single host explains it"));
    free(said);
}
END_TEST

START_TEST(more_inputs_than_are_remembered)
{
    // Of 1,600 inputs those with the lowest hashes are, whoever sees them.
    make(&(struct wrong){.from = 0, .to = ROWS, .host = 1, .by = .5, .share = 100, .variety = 40});
    char *said = engine_play_all(configure("1h", ", inputs: 60"), columns, rows, ROWS);
    ck_assert_msg(strstr(said, "host pod-1 has a part in ") != NULL, "%s", said);
    free(said);
}
END_TEST

START_TEST(agreement_is_quiet)
{
    make(&(struct wrong){.variety = 8});
    char *said = engine_play(configure("5m", ""), columns, rows, ROWS, &(struct engine_manner){0});
    ck_assert_str_eq(said, "");
    free(said);
    // Within the tolerance, and where nobody looks.
    make(&(struct wrong){.to = ROWS, .host = -1, .by = .01, .share = 100, .variety = 8});
    said = engine_play(configure("5m", ", tolerance: 0.02"), columns, rows, ROWS,
                       &(struct engine_manner){0});
    ck_assert_str_eq(said, "");
    free(said);
    said = engine_play(configure("5m", ", inputs: 0"), columns, rows, ROWS,
                       &(struct engine_manner){0});
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(what_has_always_differed_is_said_once)
{
    make(&(struct wrong){.to = ROWS, .host = -1, .by = .1, .share = 100, .variety = 8});
    char *said = engine_play(configure("5m", ""), columns, rows, ROWS, &(struct engine_manner){0});
    engine_begins(said, "open operations.nondeterminism info score -: ");
    ck_assert_ptr_nonnull(strstr(said, "it has inputs that the stream does not carry"));
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("same_input");
    TCase *cases = tcase_create("same_input");
    tcase_add_test(cases, a_host_that_disagrees_is_named);
    tcase_add_test(cases, a_model_that_is_not_deterministic_names_nobody);
    tcase_add_test(cases, more_inputs_than_are_remembered);
    tcase_add_test(cases, agreement_is_quiet);
    tcase_add_test(cases, what_has_always_differed_is_said_once);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
