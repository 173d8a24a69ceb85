// SPDX-License-Identifier: Apache-2.0
// Saved anywhere and restored, the same findings give the same events; bytes that were cut or
// changed are refused.
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"

enum { SIZE = 1000, WINDOWS = 60, TRACKS = 3 };

struct told {
    char *text;
    size_t length, size;
};

static void print(struct told *told, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ck_assert_int_lt(n, (int)sizeof line);
    if (told->length + (size_t)n + 1 > told->size) {
        told->size = (told->size + (size_t)n) * 2 + 1024;
        told->text = realloc(told->text, told->size);
        ck_assert_ptr_nonnull(told->text);
    }
    memcpy(told->text + told->length, line, (size_t)n + 1);
    told->length += (size_t)n;
}

static int sink(void *context, const struct weir_alert *alert)
{
    struct told *told = context;
    const struct weir_finding *f = &alert->finding;
    print(told, "%s %s %u %d %s %s %s %s %d %d %" PRId64 " %" PRId64 " %" PRIu64, alert->id,
          alert->fingerprint, alert->sequence, (int)alert->status, alert->detector,
          alert->stream ? alert->stream : "-", f->rule, f->kind, (int)f->severity,
          (int)f->provisional, alert->window_start, alert->window_end, alert->window_records);
    print(told, " %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64 " %s", alert->opened_at,
          alert->updated_at, alert->resolved_at, alert->occurrences, f->summary);
    for (size_t i = 0; i < f->n_fields; i++)
        print(told, " %s", f->fields[i]);
    for (size_t i = 0; i < f->n_slice; i++)
        print(told, " %s=%s", f->slice[i].field, f->slice[i].value);
    for (size_t i = 0; i < f->n_evidence; i++)
        print(told, " [%s %s %g %zu]", f->evidence[i].type,
              f->evidence[i].before ? f->evidence[i].before : "-", f->evidence[i].contribution,
              f->evidence[i].n_samples);
    for (size_t i = 0; i < alert->n_offsets; i++)
        print(told, " %s/%d:%" PRId64 "-%" PRId64, alert->offsets[i].topic,
              alert->offsets[i].partition, alert->offsets[i].first, alert->offsets[i].last);
    print(told, "\n");
    return 0;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct weir_alerts *make(struct told *told)
{
    static const struct weir_alert_track tracks[TRACKS] = {
        {"contract", "schema", "transactions", "http://runbook/1", 1, 3, 5 * SIZE, -1, 1, SIZE},
        {"input_drift", "drift", "transactions", NULL, 2, 2, 3 * SIZE, WEIR_WARNING, 0, SIZE},
        {"counted", "drift", "labels", NULL, 1, 4, 0, -1, 0, 0}};
    struct weir_alerts *alerts;
    struct weir_alerts_options options = {
        .app = "app", .redact = 0, .limit = 9, .sink = sink, .context = told};
    ck_assert_int_eq(weir_alerts_create(&options, &alerts, NULL), 0);
    for (int t = 0; t < TRACKS; t++)
        ck_assert_int_eq(weir_alerts_track(alerts, &tracks[t]), t);
    return alerts;
}

static void find(struct weir_alerts *alerts, uint64_t *random)
{
    static const char *const kinds[] = {"schema.range", "drift.feature", "schema.null_rate.high"};
    static const char *const names[] = {"amount", "country", "age"};
    static const unsigned identities[] = {0, WEIR_BY_SLICE, WEIR_BY_KIND | WEIR_BY_FIELDS};
    const char *fields[2] = {names[next(random) % 3], names[next(random) % 3]};
    struct weir_slice_value slice = {"route", names[next(random) % 3]};
    struct weir_sample sample = {"topic", 3, (int64_t)(next(random) % 1000), "a value"};
    struct weir_evidence evidence[2] = {
        {.type = "field", .field = fields[0], .contribution = NAN, .before = "1", .after = "2"},
        {.type = "samples", .contribution = .25, .samples = &sample, .n_samples = 1}};
    char rule[8], summary[64];
    snprintf(rule, sizeof rule, "rule%u", (unsigned)(next(random) % 3));
    snprintf(summary, sizeof summary, "the %u th", (unsigned)(next(random) % 100));
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = rule,
        .kind = kinds[next(random) % 3],
        .severity = (enum weir_severity)(next(random) % 3),
        .identity = identities[next(random) % 3],
        .fields = fields,
        .n_fields = next(random) % 3,
        .slice = &slice,
        .n_slice = next(random) % 8 == 0,
        .model_version = next(random) % 8 ? NULL : "v2",
        .provisional = (int)(next(random) % 2),
        .share = .5,
        .count = next(random) % 100,
        .statistic = {"psi", .25, .1, NAN, NAN},
        .summary = summary,
        .evidence = evidence,
        .n_evidence = next(random) % 3,
    };
    ck_assert_int_eq(weir_alerts_find(alerts, &finding), 0);
}

static void window(struct weir_alerts *alerts, int track, int64_t number, uint64_t *random)
{
    struct weir_offset_range offsets[] = {{"one", 0, number * 10, number * 10 + 9},
                                          {"one", 1, number * 11, number * 11 + 9},
                                          {"two", 0, 0, INT64_MAX}};
    weir_alerts_begin(alerts, track, (number - 1) * SIZE, number * SIZE, next(random) % 100,
                      offsets, 3);
    size_t n = next(random) % 4 ? next(random) % 5 : 0;
    for (size_t i = 0; i < n; i++)
        find(alerts, random);
    ck_assert_int_eq(weir_alerts_end(alerts), 0);
}

static struct weir_alerts *swap(struct weir_alerts *alerts, struct told *told)
{
    struct weir_buffer first, second;
    weir_buffer_init(&first, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&second, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_alerts_save(alerts, &first), 0);
    struct weir_alerts *restored = make(told);
    struct weir_reader reader = weir_reader_make(first.data, first.length);
    struct weir_error error;
    ck_assert_msg(!weir_alerts_restore(restored, &reader, &error), "%s", error.message);
    ck_assert_uint_eq(weir_reader_left(&reader), 0);
    ck_assert_uint_eq(weir_alerts_open(alerts), weir_alerts_open(restored));
    ck_assert_int_eq(weir_alerts_save(restored, &second), 0);
    ck_assert_uint_eq(first.length, second.length);
    ck_assert_mem_eq(first.data, second.data, first.length);
    weir_buffer_free(&first);
    weir_buffer_free(&second);
    weir_alerts_destroy(alerts);
    return restored;
}

// `seed` gives the findings, `swaps` when to save and restore (0: never).
static struct told run(uint64_t seed, uint64_t swaps)
{
    struct told told = {NULL, 0, 0};
    struct weir_alerts *alerts = make(&told);
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1, swapping = swaps;
    for (int64_t w = 1; w <= WINDOWS; w++) {
        for (int t = 0; t < TRACKS; t++) {
            if (next(&random) % 9) // else the window is left out
                window(alerts, t, w, &random);
            if (swaps && next(&swapping) % 3 == 0)
                alerts = swap(alerts, &told);
        }
    }
    weir_alerts_destroy(alerts);
    return told;
}

START_TEST(test_restored_anywhere)
{
    size_t events = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct told undisturbed = run(seed, 0), restored = run(seed, seed + 1000);
        ck_assert_ptr_nonnull(undisturbed.text);
        ck_assert_str_eq(undisturbed.text, restored.text);
        for (const char *at = undisturbed.text; (at = strchr(at, '\n')); at++)
            events++;
        free(undisturbed.text);
        free(restored.text);
    }
    ck_assert_uint_gt(events, 1000);
}
END_TEST

static struct weir_buffer some_state(struct told *told)
{
    struct weir_alerts *alerts = make(told);
    struct weir_buffer out;
    uint64_t random = 11;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    for (int64_t w = 1; w < 9; w++) {
        for (int t = 0; t < TRACKS; t++)
            window(alerts, t, w, &random);
    }
    ck_assert_uint_gt(weir_alerts_open(alerts), 3);
    ck_assert_uint_gt(weir_alerts_memory(alerts), 1000);
    ck_assert_int_eq(weir_alerts_save(alerts, &out), 0);
    weir_alerts_destroy(alerts);
    return out;
}

START_TEST(test_truncated)
{
    struct told told = {NULL, 0, 0};
    struct weir_buffer state = some_state(&told);
    for (size_t length = 0; length < state.length; length++) {
        struct weir_alerts *alerts = make(&told);
        uint8_t *copy = malloc(length + 1);
        memcpy(copy, state.data, length);
        struct weir_reader reader = weir_reader_make(copy, length);
        struct weir_error error;
        ck_assert_int_eq(weir_alerts_restore(alerts, &reader, &error), WEIR_ECORRUPT);
        // nothing is left behind: the whole still goes in
        reader = weir_reader_make(state.data, state.length);
        if (length % 64 == 0)
            ck_assert_int_eq(weir_alerts_restore(alerts, &reader, &error), 0);
        weir_alerts_destroy(alerts);
        free(copy);
    }
    weir_buffer_free(&state);
    free(told.text);
}
END_TEST

// A changed byte is refused, or gives a manager that works.
START_TEST(test_changed)
{
    struct told told = {NULL, 0, 0};
    struct weir_buffer state = some_state(&told);
    size_t refused = 0;
    for (size_t at = 0; at < state.length; at++) {
        struct weir_alerts *alerts = make(&told);
        state.data[at] ^= 0xff;
        struct weir_reader reader = weir_reader_make(state.data, state.length);
        uint64_t random = at + 1;
        if (weir_alerts_restore(alerts, &reader, NULL))
            refused++;
        else
            for (int64_t w = 9; w < 20; w++)
                window(alerts, (int)(w % TRACKS), w, &random);
        state.data[at] ^= 0xff;
        told.length = 0;
        weir_alerts_destroy(alerts);
    }
    ck_assert_uint_gt(refused, state.length / 10);
    weir_buffer_free(&state);
    free(told.text);
}
END_TEST

START_TEST(test_other_version)
{
    struct told told = {NULL, 0, 0};
    struct weir_alerts *alerts = make(&told);
    struct weir_buffer out;
    struct weir_error error;
    weir_buffer_init(&out, 100);
    weir_put_long(&out, 3);
    weir_put_long(&out, 0);
    struct weir_reader reader = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_alerts_restore(alerts, &reader, &error), WEIR_EVERSION);
    // the first one, of no track: it is read
    weir_buffer_reset(&out);
    weir_put_long(&out, 1);
    weir_put_long(&out, 0);
    reader = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_alerts_restore(alerts, &reader, &error), 0);
    weir_buffer_free(&out);
    weir_alerts_destroy(alerts);
}
END_TEST

// Incidents of a detector that is gone end with the next window of another.
START_TEST(test_detector_is_gone)
{
    struct told told = {NULL, 0, 0};
    struct weir_buffer state = some_state(&told);
    struct weir_alerts *alerts;
    struct weir_alerts_options options = {.app = "app", .sink = sink, .context = &told};
    struct weir_alert_track track = {"contract", "schema", "transactions", NULL, 1, 3, 0, -1,
                                     1,          SIZE};
    ck_assert_int_eq(weir_alerts_create(&options, &alerts, NULL), 0);
    ck_assert_int_eq(weir_alerts_track(alerts, &track), 0);
    struct weir_reader reader = weir_reader_make(state.data, state.length);
    ck_assert_int_eq(weir_alerts_restore(alerts, &reader, NULL), 0);
    // saved before they are told, they are still there
    weir_buffer_reset(&state);
    ck_assert_int_eq(weir_alerts_save(alerts, &state), 0);
    weir_alerts_destroy(alerts);
    ck_assert_int_eq(weir_alerts_create(&options, &alerts, NULL), 0);
    ck_assert_int_eq(weir_alerts_track(alerts, &track), 0);
    reader = weir_reader_make(state.data, state.length);
    ck_assert_int_eq(weir_alerts_restore(alerts, &reader, NULL), 0);
    told.length = 0;
    weir_alerts_begin(alerts, 0, 8 * SIZE, 9 * SIZE, 1, NULL, 0);
    ck_assert_int_eq(weir_alerts_end(alerts), 0);
    ck_assert_msg(strstr(told.text, " 2 input_drift transactions ") != NULL, "%s", told.text);
    ck_assert_ptr_nonnull(strstr(told.text, " 2 counted labels "));
    told.length = 0;
    told.text[0] = 0;
    weir_alerts_begin(alerts, 0, 9 * SIZE, 10 * SIZE, 1, NULL, 0);
    ck_assert_int_eq(weir_alerts_end(alerts), 0);
    ck_assert_ptr_null(strstr(told.text, "input_drift"));
    weir_alerts_destroy(alerts);
    weir_buffer_free(&state);
    free(told.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alert state");
    TCase *state = tcase_create("state");
    tcase_add_test(state, test_restored_anywhere);
    tcase_add_test(state, test_truncated);
    tcase_add_test(state, test_changed);
    tcase_add_test(state, test_other_version);
    tcase_add_test(state, test_detector_is_gone);
    suite_add_tcase(suite, state);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
