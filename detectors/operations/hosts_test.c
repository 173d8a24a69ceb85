// SPDX-License-Identifier: Apache-2.0
// Hosts beside their peers, through the whole engine.
#include <math.h>

#include "detectors/operations/engine.h"

static const char *const columns[] = {"at", "host", "amount", "country", "app", "score", NULL};
static const char yaml[] =
    "version: 1\napp: test\n"
    "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
    "      at: {type: long}\n      host: {type: string, role: host}\n"
    "      amount: {type: double}\n      country: {type: string}\n      app: {type: boolean}\n"
    "      score: {type: double, role: score}\n"
    "alerts: {topic: a}\n"
    "detectors:\n"
    "  serving: {type: tested, stream: s, by: [host], inputs: 0, window: {size: 1h, lateness: "
    "5s}}\n";

enum { ROWS = 60000, HOSTS = 6, STEP = 4000 }; // 900 records a window, 150 a host
static struct engine_row rows[ROWS];

struct wrong {
    size_t from, to;
    int host;
    double by;                   // added to its scores' logit
    double amount, country, app; // how its traffic differs
};

static double normal(uint64_t *seed)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += engine_draw(seed, 1000000) / 1e6;
    return sum;
}

static void make(size_t n, const struct wrong *wrong)
{
    static const char *const countries[] = {"DE", "FR", "JP", "US"};
    uint64_t seed = 11;
    for (size_t i = 0; i < n; i++) {
        int host = (int)engine_draw(&seed, HOSTS);
        int is_wrong = i >= wrong->from && i < wrong->to && host == wrong->host;
        // A daily rhythm that all share.
        double day = sin((double)i * STEP / DAY * 6.2831853);
        double amount = exp(3 + normal(&seed) + (is_wrong ? wrong->amount : 0));
        uint32_t country = engine_draw(&seed, 4);
        if (is_wrong && engine_draw(&seed, 1000) < 1000 * wrong->country)
            country = 2;
        int app = engine_draw(&seed, 1000) < 300 + (is_wrong ? 1000 * wrong->app : 0);
        double logit = -2 + .3 * (log(amount) - 3) + .3 * (double)country + .4 * day +
                       .8 * normal(&seed) + .5 * app + (is_wrong ? wrong->by : 0);
        rows[i].time = ENGINE_START + (int64_t)i * STEP;
        snprintf(rows[i].text, sizeof rows[i].text, "pod-%d,%.2f,%s,%s,%.4f", host, amount,
                 countries[country], app ? "true" : "false", 1 / (1 + exp(-logit)));
    }
}

START_TEST(one_host_is_named)
{
    make(15000, &(struct wrong){.from = 6000, .to = 9000, .host = 4, .by = 1.2});
    char *said = engine_play_all(yaml, columns, rows, 15000);
    engine_begins(said, "open operations.host_outlier warning score=pod-4 -: host pod-4 "
                        "scores unlike its 5 peers on like traffic");
    ck_assert_uint_eq(engine_count(said, "open "), 1);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

START_TEST(a_new_host_is_judged_by_its_peers)
{
    make(8000, &(struct wrong){.from = 0, .to = ROWS, .host = 2, .by = -2});
    char *said = engine_play(yaml, columns, rows, 8000, &(struct engine_manner){0});
    engine_begins(said, "open operations.host_outlier warning score=pod-2");
    free(said);
}
END_TEST

START_TEST(traffic_of_its_own_is_not_the_host_s_fault)
{
    static const struct wrong wrongs[] = {
        {.from = 14000, .to = ROWS, .host = 1, .amount = 3},
        {.from = 14000, .to = ROWS, .host = 1, .country = .9, .by = .8},
        {.from = 14000, .to = ROWS, .host = 1, .app = .6, .by = .8}};
    static const char *const fields[] = {"(amount)", "(country)", "(app)"};
    for (size_t w = 0; w < 3; w++) {
        make(20000, &wrongs[w]);
        char *said = engine_play(yaml, columns, rows, 20000, &(struct engine_manner){0});
        engine_begins(said, "open operations.host_outlier info score=pod-1");
        ck_assert_ptr_nonnull(strstr(said, "its traffic is unlike theirs too"));
        ck_assert_msg(strstr(said, fields[w]) != NULL, "%s", said);
        free(said);
        // From the beginning it is no news.
        struct wrong always = wrongs[w];
        always.from = 0;
        make(20000, &always);
        said = engine_play(yaml, columns, rows, 20000, &(struct engine_manner){0});
        ck_assert_str_eq(said, "");
        free(said);
    }
}
END_TEST

START_TEST(peers_are_quiet)
{
    make(ROWS, &(struct wrong){.host = -1});
    char *said = engine_play(yaml, columns, rows, ROWS, &(struct engine_manner){0});
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hosts");
    TCase *cases = tcase_create("hosts");
    tcase_add_test(cases, one_host_is_named);
    tcase_add_test(cases, a_new_host_is_judged_by_its_peers);
    tcase_add_test(cases, traffic_of_its_own_is_not_the_host_s_fault);
    tcase_add_test(cases, peers_are_quiet);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
