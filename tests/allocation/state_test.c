// SPDX-License-Identifier: Apache-2.0
// State without memory: snapshots, edge tasks, mergers and alerts. What fails says so, is no
// "damaged" state, and can be thrown away; what had not failed is as it was.
#include <check.h>

#include "consumer/alert/alert.h"
#include "consumer/state/snapshot.h"
#include "tests/allocation/fail.h"
#include "tests/fuzz/engine.h"

// ---- snapshots

struct records {
    struct weir_buffer bytes; // key, value, key, value, ...
    size_t n;
};

static int keep_record(void *context, struct weir_span key, struct weir_span value)
{
    struct records *records = context;
    weir_put_bytes(&records->bytes, key.data, key.length);
    weir_put_bytes(&records->bytes, value.data, value.length);
    records->n++;
    return records->bytes.failed;
}

static const struct weir_snapshot_position positions[] = {{"topic", 0, 17}, {"other", 3, 1}};
static const char state_bytes[] = "0123456789abcdefghijklmnopqrstuvwxyz";
static const struct weir_snapshot snapshot = {
    "t", 7, 1, 99, positions, 2, {(const uint8_t *)state_bytes, 36}};

START_TEST(snapshot_is_written)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    struct records records = {.n = 0};
    weir_buffer_init(&records.bytes, 1 << 20);
    ck_assert_int_eq(weir_buffer_reserve(&records.bytes, 1 << 16), 0);
    while (weir_fail_next(&fail)) {
        size_t chunks = 99;
        weir_buffer_reset(&records.bytes);
        records.n = 0;
        weir_fail_on(&fail);
        int code = weir_snapshot_write(&snapshot, 5, 10, keep_record, &records, &chunks, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        ck_assert_uint_eq(chunks, fail.failed ? 99 : 8);
        // The manifest comes last, so that what there is before it is no snapshot.
        ck_assert_int_eq(records.n == 11, !fail.failed);
    }
    ck_assert_int_ge(fail.points, 9);
    weir_buffer_free(&records.bytes);
}
END_TEST

static int read_all(struct weir_snapshot_reader *reader, const struct records *records,
                    struct weir_snapshot *found, struct weir_error *error)
{
    struct weir_reader in = weir_reader_make(records->bytes.data, records->bytes.length);
    size_t chunks;
    while (weir_reader_left(&in)) {
        struct weir_span key, value;
        key.data = weir_get_bytes(&in, &key.length);
        value.data = weir_get_bytes(&in, &value.length);
        int code = weir_snapshot_reader_offer(reader, key,
                                              value.length ? value : (struct weir_span){0}, error);
        if (code)
            return code;
    }
    return weir_snapshot_reader_finish(reader, found, &chunks, error);
}

START_TEST(snapshot_is_read)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    struct records records = {.n = 0};
    weir_buffer_init(&records.bytes, 1 << 20);
    ck_assert_int_eq(weir_snapshot_write(&snapshot, 2, 0, keep_record, &records, NULL, &error), 0);
    while (weir_fail_next(&fail)) {
        struct weir_snapshot_reader *reader = NULL;
        struct weir_snapshot found = {0};
        weir_fail_on(&fail);
        int code = weir_snapshot_reader_create("t", &reader, &error);
        int created = !code;
        if (!code)
            code = read_all(reader, &records, &found, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_int_eq(code, WEIR_ENOMEM);
            ck_assert_int_eq(reader != NULL, created);
            ck_assert_ptr_null(found.task);
            if (!created)
                continue;
            code = read_all(reader, &records, &found, &error);
        }
        ck_assert_int_eq(code, 1);
        ck_assert_int_eq(found.sequence, 7);
        ck_assert_uint_eq(found.n_positions, 2);
        ck_assert_str_eq(found.positions[1].topic, "other");
        ck_assert_uint_eq(found.state.length, 36);
        ck_assert_mem_eq(found.state.data, state_bytes, 36);
        weir_snapshot_reader_destroy(reader);
    }
    ck_assert_int_ge(fail.points, 25);
    weir_buffer_free(&records.bytes);
}
END_TEST

// ---- tasks

static struct engine engine;

static void start(void)
{
    engine_start(&engine);
}

static void stop(void)
{
    weir_plan_destroy(engine.plan);
    weir_config_free(engine.config);
    weir_plugins_destroy(engine.plugins);
    weir_buffer_free(&engine.partials);
    weir_buffer_free(&engine.edge);
    weir_buffer_free(&engine.merger);
}

START_TEST(edge_is_created)
{
    struct weir_fail fail = {0};
    struct weir_emitter emitter = {&engine, on_fuzz_emission};
    struct weir_error error;
    while (weir_fail_next(&fail)) {
        struct weir_edge_task *edge = NULL;
        weir_fail_on(&fail);
        int code = weir_edge_task_create(engine.plan, 0, 0, 1, &emitter, &edge, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        ck_assert_int_eq(edge != NULL, !fail.failed);
        weir_edge_task_destroy(edge);
    }
    ck_assert_int_ge(fail.points, 15);
}
END_TEST

START_TEST(edge_is_restored)
{
    struct weir_fail fail = {0};
    struct weir_error error = {0};
    while (weir_fail_next(&fail)) {
        struct weir_edge_task *edge = engine_edge(&engine);
        weir_fail_on(&fail);
        int code = weir_edge_task_restore(edge, engine.edge.data, engine.edge.length, &error);
        weir_fail_off(&fail);
        ck_assert_msg(code == (fail.failed ? WEIR_ENOMEM : 0), "%ld: %d: %s", fail.nth, code,
                      error.message);
        weir_edge_task_destroy(edge);
    }
    ck_assert_int_ge(fail.points, 60);
}
END_TEST

START_TEST(edge_is_saved)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    struct weir_buffer out;
    struct weir_edge_task *edge = engine_edge(&engine);
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_edge_task_restore(edge, engine.edge.data, engine.edge.length, &error), 0);
    while (weir_fail_next(&fail)) {
        weir_buffer_free(&out);
        weir_fail_on(&fail);
        int code = weir_edge_task_save(edge, &out);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
    }
    ck_assert_int_ge(fail.points, 40);
    ck_assert_uint_eq(out.length, engine.edge.length);
    ck_assert_mem_eq(out.data, engine.edge.data, out.length);
    weir_buffer_free(&out);
    weir_edge_task_destroy(edge);
}
END_TEST

// An error of observing ends the process; here, that of the task.
START_TEST(edge_observes)
{
    static const char *const columns[] = {"at", "x", "route"};
    struct weir_decoder_options options = {.format = WEIR_FORMAT_CSV,
                                           .builder = weir_plan_builder(engine.plan, 0),
                                           .csv_columns = columns,
                                           .n_csv_columns = 3};
    struct weir_fail fail = {0};
    struct weir_decoder *decoder;
    struct weir_error error = {0};
    char text[100][80];
    ck_assert_int_eq(weir_decoder_create(&options, &decoder, &error), 0);
    weir_decoder_begin(decoder, "t", 0);
    for (int i = 0; i < 100; i++) {
        int length = snprintf(text[i], sizeof text[i], "%lld,%d.5,r%d", 1700000080000LL + i * 900,
                              i % 7, i % 5);
        struct weir_record record = {.offset = 100 + i,
                                     .value = {(uint8_t *)text[i], (size_t)length}};
        ck_assert_int_eq(weir_decoder_add(decoder, &record, NULL, &error), 0);
    }
    const struct weir_batch *batch = weir_decoder_finish(decoder);
    while (weir_fail_next(&fail)) {
        struct weir_edge_task *edge = engine_edge(&engine);
        ck_assert_int_eq(weir_edge_task_restore(edge, engine.edge.data, engine.edge.length, &error),
                         0);
        weir_fail_on(&fail);
        int code = weir_edge_task_observe(edge, batch, &error);
        weir_fail_off(&fail);
        ck_assert_msg(code == (fail.failed ? WEIR_ENOMEM : 0), "%ld: %d: %s", fail.nth, code,
                      error.message);
        weir_edge_task_destroy(edge);
    }
    ck_assert_int_ge(fail.points, 60);
    weir_decoder_destroy(decoder);
}
END_TEST

START_TEST(merger_is_created)
{
    struct weir_fail fail = {0};
    struct weir_emitter emitter = {&engine, on_fuzz_emission};
    struct weir_error error;
    while (weir_fail_next(&fail)) {
        struct weir_merger *merger = NULL;
        weir_fail_on(&fail);
        int code = weir_merger_create(engine.plan, 0, &emitter, &merger, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        ck_assert_int_eq(merger != NULL, !fail.failed);
        weir_merger_destroy(merger);
    }
    ck_assert_int_ge(fail.points, 15);
}
END_TEST

START_TEST(merger_is_restored)
{
    struct weir_fail fail = {0};
    struct weir_error error = {0};
    while (weir_fail_next(&fail)) {
        struct weir_merger *merger = engine_merger(&engine);
        weir_fail_on(&fail);
        int code = weir_merger_restore(merger, engine.merger.data, engine.merger.length, &error);
        weir_fail_off(&fail);
        ck_assert_msg(code == (fail.failed ? WEIR_ENOMEM : 0), "%ld: %d: %s", fail.nth, code,
                      error.message);
        weir_merger_destroy(merger);
    }
    ck_assert_int_ge(fail.points, 60);
}
END_TEST

START_TEST(merger_is_saved)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    struct weir_buffer out;
    struct weir_merger *merger = engine_merger(&engine);
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_merger_restore(merger, engine.merger.data, engine.merger.length, &error),
                     0);
    while (weir_fail_next(&fail)) {
        weir_buffer_free(&out);
        weir_fail_on(&fail);
        int code = weir_merger_save(merger, &out);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
    }
    ck_assert_int_ge(fail.points, 40);
    ck_assert_uint_eq(out.length, engine.merger.length);
    ck_assert_mem_eq(out.data, engine.merger.data, out.length);
    weir_buffer_free(&out);
    weir_merger_destroy(merger);
}
END_TEST

static int accept_all(struct weir_merger *merger, struct weir_error *error)
{
    struct weir_reader in = weir_reader_make(engine.partials.data, engine.partials.length);
    int code = 0;
    while (weir_reader_left(&in) && !code) {
        struct weir_span key = {0}, value;
        value.data = weir_get_bytes(&in, &value.length);
        code = weir_merger_accept(merger, key, value, error);
    }
    return code;
}

START_TEST(merger_accepts)
{
    struct weir_fail fail = {0};
    struct weir_error error = {0};
    while (weir_fail_next(&fail)) {
        struct weir_merger *merger = engine_merger(&engine);
        weir_fail_on(&fail);
        int code = accept_all(merger, &error);
        weir_fail_off(&fail);
        ck_assert_msg(code == (fail.failed ? WEIR_ENOMEM : 0), "%ld%s: %d: %s", fail.nth,
                      fail.rest ? "..." : "", code, error.message);
        weir_merger_destroy(merger);
    }
    ck_assert_int_ge(fail.points, 200);
}
END_TEST

// ---- alerts

static int count_alert(void *context, const struct weir_alert *alert)
{
    struct weir_buffer *out = context;
    weir_buffer_printf(out, "%s %d %u %s\n", alert->fingerprint, (int)alert->status,
                       alert->sequence, alert->finding.summary);
    return 0;
}

static int make_alerts(struct weir_buffer *told, struct weir_alerts **alerts,
                       struct weir_error *error)
{
    static const struct weir_alert_track tracks[] = {
        {"contract", "schema", "s", "http://x", 1, 3, 5000, -1, 1, 1000},
        {"input_drift", "drift", "s", NULL, 2, 2, 3000, -1, 0, 1000}};
    struct weir_alerts_options options = {.app = "app", .sink = count_alert, .context = told};
    struct weir_alerts *made;
    int code = weir_alerts_create(&options, &made, error);
    if (code)
        return code;
    for (size_t i = 0; i < 2; i++) {
        if (weir_alerts_track(made, &tracks[i]) < 0) {
            weir_alerts_destroy(made);
            return WEIR_ENOMEM;
        }
    }
    *alerts = made;
    return 0;
}

// Some windows; whatever fails is tried once more where it may be.
static int live(struct weir_alerts *alerts, int64_t from, int64_t to, int again)
{
    static const struct weir_offset_range ranges[] = {{"t", 0, 1, 9}, {"t", 1, 4, 5}};
    static const struct weir_slice_value slice[] = {{"country", "DE"}};
    static const char *const rules[] = {"range", "null", "type"};
    for (int64_t window = from; window < to; window++) {
        weir_alerts_begin(alerts, (int)(window % 2), window * 1000, window * 1000 + 1000, 10,
                          ranges, 2);
        for (int i = 0; i < 3; i++) {
            struct weir_finding finding = {.size = sizeof finding,
                                           .rule = rules[i],
                                           .kind = "schema.range",
                                           .share = .5,
                                           .slice = slice,
                                           .n_slice = i == 1,
                                           .summary = "out of range"};
            int code = (window + i) % 5 ? weir_alerts_find(alerts, &finding) : 0;
            if (code && again-- > 0)
                code = weir_alerts_find(alerts, &finding);
            if (code)
                return code;
        }
        int code = weir_alerts_end(alerts);
        if (code && again-- > 0)
            code = weir_alerts_end(alerts);
        if (code)
            return code;
    }
    return 0;
}

START_TEST(alerts_are_created)
{
    struct weir_fail fail = {0};
    struct weir_buffer told;
    struct weir_error error;
    weir_buffer_init(&told, 1 << 20);
    while (weir_fail_next(&fail)) {
        struct weir_alerts *alerts = NULL;
        weir_fail_on(&fail);
        int code = make_alerts(&told, &alerts, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        ck_assert_int_eq(alerts != NULL, !fail.failed);
        weir_alerts_destroy(alerts);
    }
    ck_assert_int_ge(fail.points, 5);
}
END_TEST

START_TEST(alerts_live)
{
    struct weir_fail fail = {0};
    struct weir_buffer told, expected;
    struct weir_error error;
    struct weir_alerts *alerts;
    weir_buffer_init(&told, 1 << 20);
    weir_buffer_init(&expected, 1 << 20);
    ck_assert_int_eq(weir_buffer_reserve(&told, 1 << 16), 0);
    ck_assert_int_eq(make_alerts(&expected, &alerts, &error), 0);
    ck_assert_int_eq(live(alerts, 1, 30, 0), 0);
    ck_assert_uint_gt(expected.length, 100);
    weir_alerts_destroy(alerts);
    while (weir_fail_next(&fail)) {
        weir_buffer_reset(&told);
        ck_assert_int_eq(make_alerts(&told, &alerts, &error), 0);
        weir_fail_on(&fail);
        int code = live(alerts, 1, 30, fail.rest ? 0 : 1);
        weir_fail_off(&fail);
        if (fail.failed && fail.rest) {
            ck_assert_int_eq(code, WEIR_ENOMEM);
        } else {
            ck_assert_int_eq(code, 0);
            ck_assert_uint_eq(told.length, expected.length);
            ck_assert_mem_eq(told.data, expected.data, told.length);
        }
        weir_alerts_destroy(alerts);
    }
    ck_assert_int_ge(fail.points, 60);
    weir_buffer_free(&told);
    weir_buffer_free(&expected);
}
END_TEST

// Restored without memory nothing is there, so that it can be restored again.
START_TEST(alerts_are_restored)
{
    struct weir_fail fail = {0};
    struct weir_buffer told, state, again;
    struct weir_error error = {0};
    struct weir_alerts *alerts;
    weir_buffer_init(&told, 1 << 20);
    weir_buffer_init(&state, 1 << 20);
    weir_buffer_init(&again, 1 << 20);
    ck_assert_int_eq(make_alerts(&told, &alerts, &error), 0);
    static const struct weir_alert_track old = {"gone", "drift", "s", "http://y", 1,
                                                3,      5000,    -1,  0,          1000};
    ck_assert_int_eq(weir_alerts_track(alerts, &old), 2);
    ck_assert_int_eq(live(alerts, 1, 12, 0), 0);
    weir_alerts_begin(alerts, 2, 5000, 6000, 10, NULL, 0);
    struct weir_finding finding = {.size = sizeof finding,
                                   .rule = "r",
                                   .kind = "drift.feature",
                                   .share = .5,
                                   .summary = "moved"};
    ck_assert_int_eq(weir_alerts_find(alerts, &finding), 0);
    ck_assert_int_eq(weir_alerts_end(alerts), 0);
    ck_assert_int_eq(weir_alerts_save(alerts, &state), 0);
    ck_assert_uint_ge(weir_alerts_open(alerts), 3);
    while (weir_fail_next(&fail)) { // saving changes nothing
        weir_buffer_free(&again);
        weir_fail_on(&fail);
        int code = weir_alerts_save(alerts, &again);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
    }
    ck_assert_int_ge(fail.points, 2);
    weir_alerts_destroy(alerts);
    for (fail = (struct weir_fail){0}; weir_fail_next(&fail);) {
        struct weir_reader in = weir_reader_make(state.data, state.length);
        ck_assert_int_eq(make_alerts(&told, &alerts, &error), 0);
        weir_fail_on(&fail);
        int code = weir_alerts_restore(alerts, &in, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_msg(code == WEIR_ENOMEM, "%ld: %d: %s", fail.nth, code, error.message);
            ck_assert_uint_eq(weir_alerts_open(alerts), 0);
            in = weir_reader_make(state.data, state.length);
            code = weir_alerts_restore(alerts, &in, &error);
        }
        ck_assert_int_eq(code, 0);
        weir_buffer_reset(&again);
        ck_assert_int_eq(weir_alerts_save(alerts, &again), 0);
        ck_assert_uint_eq(again.length, state.length);
        ck_assert_mem_eq(again.data, state.data, state.length);
        ck_assert_int_eq(live(alerts, 12, 14, 0), 0);
        weir_alerts_destroy(alerts);
    }
    ck_assert_int_ge(fail.points, 30);
    weir_buffer_free(&told);
    weir_buffer_free(&state);
    weir_buffer_free(&again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation/state");
    TCase *plain = tcase_create("plain"), *tasks = tcase_create("tasks");
    tcase_add_test(plain, snapshot_is_written);
    tcase_add_test(plain, snapshot_is_read);
    tcase_add_test(plain, alerts_are_created);
    tcase_add_test(plain, alerts_live);
    tcase_add_test(plain, alerts_are_restored);
    suite_add_tcase(suite, plain);
    tcase_add_checked_fixture(tasks, start, stop);
    tcase_add_test(tasks, edge_is_created);
    tcase_add_test(tasks, edge_is_restored);
    tcase_add_test(tasks, edge_is_saved);
    tcase_add_test(tasks, edge_observes);
    tcase_add_test(tasks, merger_is_created);
    tcase_add_test(tasks, merger_is_restored);
    tcase_add_test(tasks, merger_is_saved);
    tcase_add_test(tasks, merger_accepts);
    suite_add_tcase(suite, tasks);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
