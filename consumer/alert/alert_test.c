// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/alert.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/kinds.h"
#include "consumer/codec/utf8.h"

enum { SIZE = 1000 };

struct told {
    char text[65536];
    size_t length;
    int fail;
};

static int sink(void *context, const struct weir_alert *alert)
{
    static const char statuses[] = "OUR";
    struct told *told = context;
    told->length += (size_t)snprintf(told->text + told->length, sizeof told->text - told->length,
                                     "%s%lld%c%s%ux%" PRIu64, told->length ? " " : "",
                                     (long long)alert->updated_at / SIZE, statuses[alert->status],
                                     alert->finding.rule, alert->sequence, alert->occurrences);
    ck_assert_uint_lt(told->length, sizeof told->text);
    return told->fail;
}

static struct weir_finding finding(const char *rule, enum weir_severity severity)
{
    struct weir_finding made = {.size = sizeof made,
                                .rule = rule,
                                .kind = "schema.range",
                                .severity = severity,
                                .share = NAN,
                                .statistic = {NULL, NAN, NAN, NAN, NAN},
                                .summary = "something is out of range"};
    return made;
}

static const struct weir_alert_track plain = {.detector = "contract",
                                              .detector_type = "schema",
                                              .stream = "transactions",
                                              .open_after = 1,
                                              .resolve_after = 3,
                                              .repeat = 1000000,
                                              .severity_cap = -1,
                                              .step = SIZE};

static struct weir_alerts *make(struct told *told, const struct weir_alert_track *track,
                                uint32_t limit)
{
    struct weir_alerts *alerts;
    struct weir_alerts_options options = {
        .app = "app", .redact = 1, .limit = limit, .sink = sink, .context = told};
    ck_assert_int_eq(weir_alerts_create(&options, &alerts, NULL), 0);
    ck_assert_int_eq(weir_alerts_track(alerts, track), 0);
    return alerts;
}

// A word a window: a letter is a finding of the rule of that name, in upper case a critical
// one; `-` is an empty window, `~N` leaves N windows out.
static void feed(struct weir_alerts *alerts, const char *script, int64_t *window)
{
    while (*script) {
        if (*script == ' ') {
            script++;
            continue;
        }
        if (*script == '~') {
            char *end;
            *window += strtoll(script + 1, &end, 10);
            script = end;
            continue;
        }
        ++*window;
        weir_alerts_begin(alerts, 0, (*window - 1) * SIZE, *window * SIZE, 10, NULL, 0);
        for (; *script && *script != ' '; script++) {
            char rule[2] = {(char)(*script | 32), 0};
            if (*script == '-')
                continue;
            struct weir_finding found = finding(rule, *script & 32 ? WEIR_WARNING : WEIR_CRITICAL);
            ck_assert_int_eq(weir_alerts_find(alerts, &found), 0);
        }
        ck_assert_int_eq(weir_alerts_end(alerts), 0);
    }
}

static const struct {
    int64_t open_after, resolve_after, repeat;
    const char *script, *events;
} lives[] = {
    {1, 3, 99, "a", "1Oa1x1"},
    {1, 3, 99, "a a a", "1Oa1x1"},
    {1, 3, 99, "a - - -", "1Oa1x1 4Ra2x1"},
    {1, 3, 99, "a - - a - - -", "1Oa1x1 7Ra2x2"},
    // what comes back within a day of its end must be quiet four times as long, then sixteen
    {1, 1, 99, "a - a - - -", "1Oa1x1 2Ra2x1 3Oa1x1"},
    {1, 1, 99, "a - a - - - -", "1Oa1x1 2Ra2x1 3Oa1x1 7Ra2x1"},
    {1, 1, 99, "a - a - - - - a ~14 - -", "1Oa1x1 2Ra2x1 3Oa1x1 7Ra2x1 8Oa1x1 24Ra2x1"},
    {1, 1, 99, "a - b - a", "1Oa1x1 2Ra2x1 3Ob1x1 4Rb2x1 5Oa1x1"},
    {1, 1, 99, "a - ~86399 a - -", "1Oa1x1 2Ra2x1 86402Oa1x1"},
    {1, 1, 99, "a - ~86400 a - -", "1Oa1x1 2Ra2x1 86403Oa1x1 86404Ra2x1"},
    // but never longer than a day
    {1, 50000, 99, "a ~50000 a ~86399 -", "1Oa1x1 50001Ra2x1 50002Oa1x1 136402Ra2x1"},
    // pending: only in a row
    {3, 1, 99, "a a - a a", ""},
    {3, 1, 99, "a a a a -", "3Oa1x3 5Ra2x4"},
    {2, 1, 99, "a - a a", "4Oa1x2"},
    // updates: severity at once, back when it stays lower, the same again only with `repeat`
    {1, 3, 99, "a A A a", "1Oa1x1 2Ua2x2"},
    {1, 3, 99, "a A a a a", "1Oa1x1 2Ua2x2 5Ua3x5"},
    {1, 3, 99, "a A a a A a a", "1Oa1x1 2Ua2x2"},
    {1, 3, 2, "a a a a a", "1Oa1x1 3Ua2x3 5Ua3x5"},
    {1, 3, 0, "a a", "1Oa1x1 2Ua2x2"},
    {1, 5, 2, "a - - a", "1Oa1x1 4Ua2x2"},
    {2, 3, 99, "a A a", "2Oa1x2"},
    // of two in one window the graver counts, once
    {1, 3, 99, "aA aA", "1Oa1x1"},
    {1, 3, 99, "Aa a", "1Oa1x1"},
    {1, 1, 99, "Aa a", "1Oa1x1 2Ua2x2"},
    // windows that were left out were quiet
    {1, 3, 99, "a ~2 a", "1Oa1x1"},
    {1, 3, 99, "a ~3 a", "1Oa1x1 4Ra2x1 5Oa1x1"},
    {1, 3, 99, "a - ~1 - -", "1Oa1x1 4Ra2x1"},
    {1, 3, 99, "a ~1000000 -", "1Oa1x1 4Ra2x1"},
    {2, 3, 99, "a ~1 a a", "4Oa1x2"},
    {2, 3, 99, "a ~1 -", ""},
};

START_TEST(test_life)
{
    struct told told = {.length = 0};
    struct weir_alert_track track = plain;
    int64_t window = 0;
    track.open_after = lives[_i].open_after;
    track.resolve_after = lives[_i].resolve_after;
    track.repeat = lives[_i].repeat * SIZE;
    struct weir_alerts *alerts = make(&told, &track, 0);
    feed(alerts, lives[_i].script, &window);
    ck_assert_str_eq(told.text, lives[_i].events);
    weir_alerts_destroy(alerts);
}
END_TEST

// ---- what an event says

struct kept {
    size_t n;
    struct weir_alert last;
    char fingerprints[16][33], ids[16][33];
    char summary[4096], value[64], before[1024];
};

static int keep(void *context, const struct weir_alert *alert)
{
    struct kept *kept = context;
    ck_assert_uint_lt(kept->n, 16);
    strcpy(kept->fingerprints[kept->n], alert->fingerprint);
    strcpy(kept->ids[kept->n], alert->id);
    kept->n++;
    kept->last = *alert;
    snprintf(kept->summary, sizeof kept->summary, "%s", alert->finding.summary);
    if (alert->finding.n_evidence && alert->finding.evidence[0].n_samples) {
        const char *value = alert->finding.evidence[0].samples[0].value;
        snprintf(kept->value, sizeof kept->value, "%s", value ? value : "(none)");
    }
    if (alert->finding.n_evidence && alert->finding.evidence[0].before)
        snprintf(kept->before, sizeof kept->before, "%s", alert->finding.evidence[0].before);
    return 0;
}

static struct weir_alerts *make_keeping(struct kept *kept, const struct weir_alert_track *track,
                                        int redact)
{
    struct weir_alerts *alerts;
    struct weir_alerts_options options = {
        .app = "app", .redact = redact, .sink = keep, .context = kept};
    ck_assert_int_eq(weir_alerts_create(&options, &alerts, NULL), 0);
    ck_assert_int_eq(weir_alerts_track(alerts, track), 0);
    return alerts;
}

static void one(struct weir_alerts *alerts, int64_t window, const struct weir_finding *found)
{
    weir_alerts_begin(alerts, 0, (window - 1) * SIZE, window * SIZE, 10, NULL, 0);
    if (found)
        ck_assert_int_eq(weir_alerts_find(alerts, found), 0);
    ck_assert_int_eq(weir_alerts_end(alerts), 0);
}

// The fingerprint holds through changes of what the identity leaves out, and such a change is
// told at once.
START_TEST(test_identity)
{
    struct kept kept = {.n = 0};
    struct weir_alert_track track = plain;
    track.resolve_after = 30;
    struct weir_alerts *alerts = make_keeping(&kept, &track, 1);
    const char *first[] = {"amount", "country"}, *turned[] = {"country", "amount"},
               *other[] = {"age"};
    struct weir_finding found = finding("omnibus", WEIR_WARNING);
    found.kind = "drift.feature";
    found.identity = WEIR_BY_SLICE;
    found.fields = first;
    found.n_fields = 2;
    one(alerts, 1, &found);
    found.fields = turned; // the same set: nothing new
    one(alerts, 2, &found);
    ck_assert_uint_eq(kept.n, 1);
    found.fields = other;
    found.n_fields = 1;
    one(alerts, 3, &found);
    ck_assert_uint_eq(kept.n, 2);
    found.kind = "drift.multivariate";
    one(alerts, 4, &found);
    ck_assert_uint_eq(kept.n, 3);
    ck_assert_str_eq(kept.fingerprints[0], kept.fingerprints[2]);
    ck_assert_str_ne(kept.ids[0], kept.ids[1]);
    ck_assert_uint_eq(weir_alerts_open(alerts), 1);
    // with the whole identity it is another incident
    found.identity = 0;
    one(alerts, 5, &found);
    ck_assert_uint_eq(weir_alerts_open(alerts), 2);
    ck_assert_str_ne(kept.fingerprints[0], kept.fingerprints[3]);
    struct weir_slice_value slice[] = {{"route", "north"}};
    found.slice = slice;
    found.n_slice = 1;
    one(alerts, 6, &found);
    found.model_version = "v41";
    one(alerts, 7, &found);
    ck_assert_uint_eq(weir_alerts_open(alerts), 4);
    weir_alerts_destroy(alerts);
}
END_TEST

// Ids are part of what downstream services keep: they never change between versions.
START_TEST(test_ids_are_fixed)
{
    struct kept kept = {.n = 0};
    struct weir_alerts *alerts = make_keeping(&kept, &plain, 1);
    struct weir_finding found = finding("range:amount", WEIR_WARNING);
    const char *fields[] = {"amount"};
    found.fields = fields;
    found.n_fields = 1;
    one(alerts, 7, &found);
    ck_assert_str_eq(kept.fingerprints[0], "5d8c27603b6a4e4a708e016f322454e7");
    ck_assert_str_eq(kept.ids[0], "4daab64134c8bdd85f448e36122b042d");
    weir_alerts_destroy(alerts);
}
END_TEST

START_TEST(test_bounds_and_redaction)
{
    for (int redact = 0; redact < 2; redact++) {
        struct kept kept = {.n = 0};
        struct weir_alerts *alerts = make_keeping(&kept, &plain, redact);
        struct weir_sample samples[9];
        struct weir_evidence evidence[80];
        char *text = malloc(10001);
        memset(text, 'x', 10000);
        text[10000] = 0;
        text[0] = (char)0xff; // not UTF-8
        memcpy(text + 508, "\xe2\x82\xac", 3);
        for (size_t i = 0; i < 9; i++)
            samples[i] = (struct weir_sample){"topic", 1, (int64_t)i, "4111"};
        for (size_t i = 0; i < 80; i++)
            evidence[i] = (struct weir_evidence){.type = "samples",
                                                 .before = text,
                                                 .contribution = NAN,
                                                 .samples = samples,
                                                 .n_samples = 9};
        struct weir_finding found = finding("a", WEIR_WARNING);
        found.evidence = evidence;
        found.n_evidence = 80;
        found.summary = text;
        one(alerts, 1, &found);
        // As many as there is room for in bytes.
        ck_assert_uint_ge(kept.last.finding.n_evidence, 40);
        ck_assert_uint_le(kept.last.finding.n_evidence, 64);
        ck_assert_uint_eq(kept.last.finding.evidence[15].n_samples, 5);
        ck_assert_str_eq(kept.value, redact ? "(none)" : "4111");
        ck_assert_uint_le(strlen(kept.before), 511);
        ck_assert_uint_ge(strlen(kept.before), 505);
        ck_assert_uint_eq(strlen(kept.summary), 2047);
        ck_assert(!memcmp(kept.before, "\xef\xbf\xbdx", 4));
        ck_assert(weir_utf8_valid(kept.before, strlen(kept.before)));
        free(text);
        weir_alerts_destroy(alerts);
    }
}
END_TEST

START_TEST(test_severity_cap_and_counts)
{
    struct kept kept = {.n = 0};
    struct weir_alert_track track = plain;
    track.severity_cap = WEIR_INFO;
    track.record_rules = 1;
    struct weir_alerts *alerts = make_keeping(&kept, &track, 1);
    struct weir_finding found = finding("a", WEIR_CRITICAL);
    found.count = 600000;
    one(alerts, 1, &found);
    found.severity = WEIR_WARNING;
    found.count = 400000;
    one(alerts, 2, &found);
    one(alerts, 3, NULL);
    one(alerts, 4, NULL);
    one(alerts, 5, NULL);
    ck_assert_uint_eq(kept.n, 2);
    ck_assert_int_eq(kept.last.finding.severity, WEIR_INFO);
    ck_assert_uint_eq(kept.last.occurrences, 1000000);
    ck_assert_int_eq(kept.last.status, WEIR_ALERT_RESOLVED);
    ck_assert_int_eq(kept.last.opened_at, SIZE);
    ck_assert_int_eq(kept.last.resolved_at, 5 * SIZE);
    // what a resolved event shows is its last finding, and the window of that
    ck_assert_int_eq(kept.last.window_end, 2 * SIZE);
    ck_assert_uint_eq(kept.last.finding.count, 400000);
    weir_alerts_destroy(alerts);
}
END_TEST

START_TEST(test_events_come_by_fingerprint)
{
    struct kept kept = {.n = 0};
    struct weir_alerts *alerts = make_keeping(&kept, &plain, 1);
    weir_alerts_begin(alerts, 0, 0, SIZE, 10, NULL, 0);
    for (char rule[] = "a"; rule[0] < 'a' + 12; rule[0]++) {
        struct weir_finding found = finding(rule, WEIR_WARNING);
        ck_assert_int_eq(weir_alerts_find(alerts, &found), 0);
    }
    ck_assert_int_eq(weir_alerts_end(alerts), 0);
    ck_assert_uint_eq(kept.n, 12);
    for (size_t i = 1; i < 12; i++)
        ck_assert_int_lt(strcmp(kept.fingerprints[i - 1], kept.fingerprints[i]), 0);
    weir_alerts_destroy(alerts);
}
END_TEST

// Beyond the limit there is one incident that says so, and it ends when there is room.
START_TEST(test_limit)
{
    struct told told = {.length = 0};
    struct weir_alert_track track = plain;
    track.open_after = 2;
    struct weir_alerts *alerts = make(&told, &track, 2);
    int64_t window = 0;
    feed(alerts, "abcd", &window);
    ck_assert_str_eq(told.text, "1Oweir.incidents1x1");
    feed(alerts, "abcd", &window);
    ck_assert_ptr_nonnull(strstr(told.text, "2Oa1x2"));
    ck_assert_ptr_nonnull(strstr(told.text, "2Ob1x2"));
    ck_assert_ptr_null(strstr(told.text, "Oc"));
    feed(alerts, "- - -", &window);
    ck_assert_ptr_nonnull(strstr(told.text, "5Rweir.incidents2x2"));
    ck_assert_uint_eq(weir_alerts_open(alerts), 0);
    feed(alerts, "c c", &window);
    ck_assert_ptr_nonnull(strstr(told.text, "7Oc1x2"));
    weir_alerts_destroy(alerts);
}
END_TEST

START_TEST(test_bad_findings)
{
    struct told told = {.length = 0};
    struct weir_alerts *alerts = make(&told, &plain, 0);
    struct weir_finding found = finding("a", WEIR_WARNING);
    ck_assert_int_eq(weir_alerts_find(alerts, &found), WEIR_EINVAL); // in no window
    weir_alerts_begin(alerts, 0, 0, SIZE, 10, NULL, 0);
    found.kind = "schema.nonsense";
    ck_assert_int_eq(weir_alerts_find(alerts, &found), WEIR_EINVAL);
    found.kind = NULL;
    ck_assert_int_eq(weir_alerts_find(alerts, &found), WEIR_EINVAL);
    found = finding(NULL, WEIR_WARNING);
    ck_assert_int_eq(weir_alerts_find(alerts, &found), WEIR_EINVAL);
    found = finding("a", (enum weir_severity)7);
    ck_assert_int_eq(weir_alerts_find(alerts, &found), WEIR_EINVAL);
    found = finding("a", WEIR_WARNING);
    found.action = (enum weir_action)99;
    ck_assert_int_eq(weir_alerts_find(alerts, &found), WEIR_EINVAL);
    found = finding("a", WEIR_WARNING);
    found.summary = NULL;
    told.fail = WEIR_EIO;
    ck_assert_int_eq(weir_alerts_find(alerts, &found), 0);
    ck_assert_int_eq(weir_alerts_end(alerts), WEIR_EIO);
    weir_alerts_destroy(alerts);
}
END_TEST

START_TEST(test_kinds)
{
    for (size_t i = 0; i < weir_n_kinds; i++) {
        ck_assert_ptr_eq(weir_kind_find(weir_kinds[i].name), &weir_kinds[i]);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(weir_kinds[i].name, weir_kinds[k].name);
    }
    ck_assert_str_eq(weir_kind_find("schema.range.high")->name, "schema.range");
    ck_assert_str_eq(weir_kind_find("schema.null_rate")->name, "schema.null_rate");
    ck_assert_ptr_null(weir_kind_find("schema.rangefinder"));
    ck_assert_ptr_null(weir_kind_find("schema.range."));
    ck_assert_ptr_null(weir_kind_find("schema"));
    ck_assert_ptr_null(weir_kind_find(""));
}
END_TEST

// docs/alert-event.md has a row for each kind, in the order of the table, and no other.
START_TEST(test_documented)
{
    const char *source = getenv("WEIR_SOURCE");
    char path[4096], line[1024], row[1024];
    size_t next = 0;
    snprintf(path, sizeof path, "%s/docs/alert-event.md", source ? source : ".");
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    while (fgets(line, sizeof line, file) && strncmp(line, "| kind |", 8))
        continue;
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        ck_assert_uint_lt(next, weir_n_kinds);
        snprintf(row, sizeof row, "| `%s` | %s |\n", weir_kinds[next].name,
                 weir_kinds[next].meaning);
        ck_assert_str_eq(line, row);
        next++;
    }
    ck_assert_uint_eq(next, weir_n_kinds);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alert");
    TCase *life = tcase_create("life");
    tcase_add_loop_test(life, test_life, 0, sizeof lives / sizeof *lives);
    tcase_add_test(life, test_identity);
    tcase_add_test(life, test_ids_are_fixed);
    tcase_add_test(life, test_bounds_and_redaction);
    tcase_add_test(life, test_severity_cap_and_counts);
    tcase_add_test(life, test_events_come_by_fingerprint);
    tcase_add_test(life, test_limit);
    tcase_add_test(life, test_bad_findings);
    tcase_add_test(life, test_kinds);
    tcase_add_test(life, test_documented);
    suite_add_tcase(suite, life);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
