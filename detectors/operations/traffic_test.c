// SPDX-License-Identifier: Apache-2.0
// Traffic with a rhythm, and its faults, through the whole engine.
#include <math.h>

#include "detectors/operations/engine.h"

static const char *const columns[] = {"at", "feed", NULL};
static const char yaml[] =
    "version: 1\napp: test\n"
    "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
    "      at: {type: long}\n      feed: {type: string, role: source}\n"
    "alerts: {topic: a}\n"
    "detectors:\n"
    "  serving: {type: tested, stream: s, window: {size: 15m, lateness: 5s}, repeat: 30d}\n";
static const char short_yaml[] =
    "version: 1\napp: test\n"
    "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
    "      at: {type: long}\n      feed: {type: string, role: source}\n"
    "alerts: {topic: a}\n"
    "detectors:\n"
    "  serving: {type: tested, stream: s, window: {size: 1m, lateness: 5s}, repeat: 30d}\n";

enum { ROWS = 90000, WINDOW = 15 * MINUTE };
static struct engine_row rows[ROWS];
static size_t n;

// From `from` to `to` hours after the start a part of the traffic, or all of it, is `times` what
// it was.
struct wrong {
    double from, to, times;
    int feed, partition; // 0: all
    double rate;         // of all traffic, 0: 1
    int feeds;           // up to `feed`, all of so many; 0: `feed` alone, of three
};

static void make(double days, const struct wrong *wrong)
{
    uint64_t seed = 5;
    double at = 0;
    n = 0;
    while (n < ROWS) {
        double hour = at / HOUR, weekday = floor(fmod(hour / 24, 7));
        double rate = 120 * exp(.9 * sin((fmod(hour, 24) - 9) / 24 * 6.2831853)) *
                      (weekday > 4 ? .6 : 1) * (wrong->rate > 0 ? wrong->rate : 1); // an hour
        int is_wrong = hour >= wrong->from && hour < wrong->to;
        double most = is_wrong && wrong->times > 1 ? wrong->times : 1;
        at -= log((engine_draw(&seed, 1 << 20) + 1) / 1048577.0) * HOUR / (rate * most);
        if (at >= days * DAY)
            break;
        hour = at / HOUR;
        is_wrong = hour >= wrong->from && hour < wrong->to;
        int feed = 1 + (int)engine_draw(&seed, wrong->feeds ? (uint32_t)wrong->feeds : 3),
            partition = 1 + (int)engine_draw(&seed, 3);
        int concerned =
            (!wrong->feed || wrong->feed == feed || (wrong->feeds && feed < wrong->feed)) &&
            (!wrong->partition || wrong->partition == partition);
        if (is_wrong && concerned && wrong->times < 1 &&
            engine_draw(&seed, 1000) >= 1000 * wrong->times)
            continue;
        rows[n].time = ENGINE_START + (int64_t)at;
        rows[n].partition = partition;
        snprintf(rows[n++].text, sizeof rows[0].text, "feed-%d", feed);
    }
}

static char *play_once(void)
{
    return engine_play(yaml, columns, rows, n, &(struct engine_manner){.tasks = 3});
}

static char *play(void)
{
    char *said = play_once();
    char *again = engine_play(yaml, columns, rows, n,
                              &(struct engine_manner){.tasks = 3, .batch = 61, .restarts = 1});
    ck_assert_str_eq(said, again);
    free(again);
    return said;
}

START_TEST(nights_weekends_and_the_beginning_are_quiet)
{
    make(16, &(struct wrong){0});
    char *said = play();
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(a_silent_stream_is_one_incident)
{
    make(6, &(struct wrong){.from = 105, .to = 108});
    char *said = play();
    engine_begins(said, "open operations.silent critical - -: Stream s is silent since about 09:00 "
                        "UTC: 0 records in the last 15 min, where about ");
    ck_assert_msg(engine_count(said, "open ") == 1, "%s", said);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

START_TEST(a_silent_producer_is_named)
{
    make(6, &(struct wrong){.from = 105, .to = 110, .feed = 2});
    char *said = play();
    engine_begins(said, "open operations.silent warning -=feed-2 -: feed feed-2 of s is silent "
                        "since about 09:00 UTC");
    ck_assert_msg(engine_count(said, "open ") == 1, "%s", said);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

START_TEST(a_silent_partition_is_named)
{
    // When a partition counts as idle is not the records' doing.
    make(6, &(struct wrong){.from = 105, .to = 110, .partition = 3});
    char *said = play_once();
    engine_begins(
        said,
        "open operations.silent warning -=2 -: Partition 2 of s is silent since about 09:00 UTC");
    ck_assert_msg(engine_count(said, "open ") == 1, "%s", said);
    ck_assert_uint_eq(engine_count(said, "resolved "), 1);
    free(said);
}
END_TEST

START_TEST(windows_of_few_records_do_not_flap)
{
    make(4, &(struct wrong){.from = 58, .to = 64, .feed = 2, .rate = 4});
    char *said = engine_play(short_yaml, columns, rows, n, &(struct engine_manner){.tasks = 3});
    engine_begins(said, "open operations.silent warning -=feed-2 -: feed feed-2 of s is silent "
                        "since about ");
    ck_assert_msg(engine_count(said, "open ") == 1, "%s", said);
    free(said);
    make(4, &(struct wrong){.rate = 4});
    said = engine_play(short_yaml, columns, rows, n, &(struct engine_manner){.tasks = 3});
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

START_TEST(many_silent_producers_are_one_incident)
{
    make(6, &(struct wrong){.from = 105, .to = 111, .feed = 7, .feeds = 9});
    char *said = play();
    engine_begins(said, "open operations.silent critical - -: 7 producers of s are silent since "
                        "about 09:00 UTC or before (feed-1, feed-2, feed-3, feed-4, feed-5 ...)");
    ck_assert_msg(engine_count(said, "open ") == 1, "%s", said);
    free(said);
}
END_TEST

// A burst of an hour or so every day, and a partition that is all there is.
static const char slices_yaml[] =
    "version: 1\napp: test\n"
    "streams:\n  s:\n    topic: t\n    format: csv\n    time: at\n    fields:\n"
    "      at: {type: long}\n      feed: {type: string, role: slice}\n"
    "alerts: {topic: a}\n"
    "detectors:\n"
    "  serving: {type: tested, stream: s, by: [feed, [feed, kind]], window: {size: 15m, lateness: "
    "5s}, repeat: 30d}\n";

START_TEST(a_silent_slice_is_named)
{
    static const char *const more[] = {"at", "feed", "kind", NULL};
    make(6, &(struct wrong){.from = 105, .to = 110, .feed = 2});
    for (size_t i = 0; i < n; i++)
        strcat(rows[i].text, i % 2 ? ",a" : ",b");
    char text[sizeof slices_yaml + 100];
    snprintf(text, sizeof text, "%s", slices_yaml);
    char *at = strstr(text, "role: slice}\n") + strlen("role: slice}\n");
    static const char kind[] = "      kind: {type: string, role: slice}\n";
    memmove(at + strlen(kind), at, strlen(at) + 1);
    memcpy(at, kind, strlen(kind));
    char *said = engine_play(text, more, rows, n, &(struct engine_manner){.tasks = 3});
    char *again = engine_play(text, more, rows, n,
                              &(struct engine_manner){.tasks = 3, .batch = 61, .restarts = 1});
    ck_assert_str_eq(said, again);
    free(again);
    ck_assert_msg(strstr(said, "open outage.silence warning -=feed-2 -: feed feed-2 of s is silent "
                               "since about 09:00 UTC") != NULL,
                  "%.3000s", said);
    ck_assert_msg(engine_count(said, "open ") == 1, "%.3000s", said);
    free(said);
    // Less than the slice: a slice within it.
    size_t kept = 0;
    make(6, &(struct wrong){.rate = 2});
    for (size_t i = 0; i < n; i++) {
        int gone = rows[i].time >= ENGINE_START + 105 * (int64_t)HOUR && i % 2 &&
                   !strcmp(rows[i].text, "feed-2");
        rows[kept] = rows[i];
        strcat(rows[kept].text, i % 2 ? ",a" : ",b");
        kept += !gone;
    }
    said = engine_play(text, more, rows, kept, &(struct engine_manner){.tasks = 3});
    engine_begins(said,
                  "open outage.silence warning -=feed-2 -: feed feed-2, kind a of s is silent "
                  "since about ");
    ck_assert_msg(engine_count(said, "open ") == 1, "%.3000s", said);
    free(said);
}
END_TEST

START_TEST(bursts_do_not_make_what_follows_silent)
{
    make(9, &(struct wrong){.rate = .3});
    size_t sparse = n;
    static struct engine_row bursts[ROWS];
    size_t k = 0;
    for (size_t i = 0; i < sparse; i++) {
        int64_t into = (rows[i].time - ENGINE_START) % DAY;
        int copies = into > 13 * HOUR && into < 14 * HOUR ? 30 : 1;
        for (int c = 0; c < copies && k < ROWS; c++) {
            bursts[k] = rows[i];
            bursts[k++].partition = 1;
        }
    }
    char *said = engine_play(yaml, columns, bursts, k, &(struct engine_manner){0});
    ck_assert_msg(engine_count(said, "operations.silent") == 0, "%.3000s", said);
    ck_assert_msg(engine_count(said, "open ") <= 4, "%.3000s", said);
    free(said);
}
END_TEST

START_TEST(silence_that_comes_again_is_told_again)
{
    make(7, &(struct wrong){.from = 105, .to = 108});
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t at = rows[i].time - ENGINE_START;
        if (at < 130 * (int64_t)HOUR || at >= 132 * (int64_t)HOUR)
            rows[kept++] = rows[i];
    }
    n = kept;
    char *said = play();
    ck_assert_msg(engine_count(said, "open operations.silent critical") == 2, "%.3000s", said);
    ck_assert_msg(engine_count(said, "open ") == 2, "%.3000s", said);
    free(said);
}
END_TEST

START_TEST(throughput_far_from_its_season_is_found)
{
    make(6, &(struct wrong){.from = 105, .to = 109, .times = 6});
    char *said = play();
    engine_begins(said, "open operations.throughput warning - -: s has ");
    ck_assert_ptr_nonnull(strstr(said, "look for a replay, a retry storm"));
    ck_assert_msg(engine_count(said, "open ") == 1, "%s", said);
    free(said);
    make(6, &(struct wrong){.from = 105, .to = 111, .times = .15});
    said = play();
    engine_begins(said, "open operations.throughput warning - -: s has only ");
    ck_assert_msg(engine_count(said, "open ") == 1, "%s", said);
    free(said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("traffic");
    TCase *cases = tcase_create("traffic");
    tcase_add_test(cases, nights_weekends_and_the_beginning_are_quiet);
    tcase_add_test(cases, a_silent_stream_is_one_incident);
    tcase_add_test(cases, a_silent_producer_is_named);
    tcase_add_test(cases, a_silent_partition_is_named);
    tcase_add_test(cases, windows_of_few_records_do_not_flap);
    tcase_add_test(cases, many_silent_producers_are_one_incident);
    tcase_add_test(cases, a_silent_slice_is_named);
    tcase_add_test(cases, bursts_do_not_make_what_follows_silent);
    tcase_add_test(cases, silence_that_comes_again_is_told_again);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, throughput_far_from_its_season_is_found);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
