// SPDX-License-Identifier: Apache-2.0
// A calibration that a person accepted, from the record to the detector's owner.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/host/plugins.h"
#include "consumer/http/metrics.h"
#include "consumer/task/partial.h"
#include "consumer/task/plan.h"

static struct weir_calibration owned[2]; // of "a", of "b"
static int accepted[2], refuses;

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    (void)setup, (void)error;
    *instance = &owned[config->name[0] == 'b'];
    return 0;
}

static void destroy(void *instance)
{
    (void)instance;
}

static int owner_create(void *instance, void **owner, struct weir_error *error)
{
    (void)error;
    *owner = instance;
    return 0;
}

static int owner_window(void *owner, const struct weir_window *window, struct weir_error *error)
{
    (void)owner, (void)window, (void)error;
    return 0;
}

static int owner_save(const void *owner, struct weir_buffer *out)
{
    const struct weir_calibration *of = owner;
    weir_put_long(out, of->from);
    return weir_put_long(out, of->to);
}

static int owner_restore(void *owner, uint32_t version, struct weir_reader *in,
                         struct weir_error *error)
{
    struct weir_calibration *of = owner;
    (void)version, (void)error;
    of->from = weir_get_long(in);
    of->to = weir_get_long(in);
    return weir_reader_code(in);
}

static void owner_calibration(const void *owner, struct weir_calibration *out)
{
    *out = *(const struct weir_calibration *)owner;
    out->size = sizeof *out;
}

static int owner_accept(void *owner, const struct weir_acceptance *acceptance,
                        const struct weir_window *window, struct weir_error *error)
{
    struct weir_calibration *of = owner;
    struct weir_statistic statistic = {"calibration.days", 1, 2, 3, 4};
    ck_assert_ptr_null(window->summary(window, 0, 0));
    ck_assert_ptr_null(window->reference(window, 0, 0));
    ck_assert_int_eq(window->start, window->end);
    if (refuses)
        return weir_error_set(error, WEIR_EINVAL, "not this one");
    window->report(window, 0, -1, &statistic);
    of->origin = WEIR_CALIBRATION_ACCEPTED;
    of->from = acceptance->from;
    of->to = acceptance->to;
    of->accepted = acceptance->accepted;
    of->whole = 1;
    accepted[of == &owned[1]]++;
    return 0;
}

static const struct weir_option no_options[] = {{.key = NULL}};
static const char *const kinds[] = {"drift.feature", NULL};
static const struct weir_plugin probe = {.abi_major = WEIR_ABI_MAJOR,
                                         .abi_minor = WEIR_ABI_MINOR,
                                         .size = sizeof probe,
                                         .name = "probe",
                                         .version = "1",
                                         .description = "is calibrated",
                                         .options = no_options,
                                         .kinds = kinds,
                                         .state_version = 1,
                                         .create = create,
                                         .destroy = destroy,
                                         .owner_create = owner_create,
                                         .owner_destroy = destroy,
                                         .owner_window = owner_window,
                                         .owner_save = owner_save,
                                         .owner_restore = owner_restore,
                                         .owner_calibration = owner_calibration,
                                         .owner_accept = owner_accept};

static const char configuration[] =
    "version: 1\napp: test\nstreams:\n  s:\n    topic: t\n    format: csv\n    time: at\n"
    "    fields: {at: {type: long}, x: {type: double}}\n"
    "detectors:\n"
    "  a: {type: probe, stream: s, fields: [x], window: {size: 1h}}\n"
    "  b: {type: probe, stream: s, fields: [x], window: {size: 2h}}\n"
    "  old: {type: older, stream: s, fields: [x], window: {size: 1h}}\n";

static struct weir_plugins *plugins;
static struct weir_config *config;
static struct weir_plan *plan;
static struct weir_merger *merger;

static int emit(void *context, const struct weir_emission *emission)
{
    (void)context, (void)emission;
    return 0;
}

static struct weir_merger *make_merger(void)
{
    struct weir_emitter emitter = {NULL, emit};
    struct weir_error error = {0};
    struct weir_merger *made;
    ck_assert_msg(!weir_merger_create(plan, 0, &emitter, &made, &error), "%s", error.message);
    weir_merger_tells(made, 1);
    return made;
}

static void set_up(void)
{
    static struct weir_plugin older;
    struct weir_error error = {0};
    struct weir_problems problems = {0};
    memset(owned, 0, sizeof owned);
    memset(accepted, 0, sizeof accepted);
    refuses = 0;
    older = probe; // built before there were calibrations to accept
    older.name = "older";
    older.size = offsetof(struct weir_plugin, owner_calibration);
    ck_assert_int_eq(weir_plugins_create(&plugins, &error), 0);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &probe, &error), 0);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &older, &error), 0);
    int code = weir_config_parse(configuration, strlen(configuration), "test.yaml", plugins,
                                 &config, &problems);
    if (code)
        weir_problems_print(&problems, "test.yaml", stderr);
    ck_assert_int_eq(code, 0);
    weir_problems_free(&problems);
    struct weir_plan_options options = {.config = config, .partials_partitions = 1};
    ck_assert_msg(!weir_plan_create(&options, &plan, &error), "%s", error.message);
    merger = make_merger();
}

static void tear_down(void)
{
    weir_merger_destroy(merger);
    weir_plan_destroy(plan);
    weir_config_free(config);
    weir_plugins_destroy(plugins);
}

// The record that says so, in `value`.
static void write_record(const char *detector, int64_t from, int64_t to, struct weir_buffer *value)
{
    struct weir_acceptance acceptance = {sizeof acceptance, from, to, 1000};
    struct weir_error error = {0};
    struct weir_buffer key;
    int32_t partition = -1;
    weir_buffer_init(&key, WEIR_PARTIAL_BYTES);
    weir_buffer_reset(value);
    ck_assert_int_eq(
        weir_acceptance_write(plan, detector, &acceptance, &partition, &key, value, &error), 0);
    ck_assert_int_eq(partition, 0);
    ck_assert(key.length > 2 && !memcmp(key.data, "s|", 2));
    weir_buffer_free(&key);
}

static int read_record(const struct weir_buffer *value)
{
    struct weir_error error = {0};
    return weir_merger_accept(merger, (struct weir_span){0},
                              (struct weir_span){value->data, value->length}, &error);
}

static uint64_t count(void)
{
    return atomic_load(&weir_metrics.calibrations_accepted);
}

static uint64_t count_refused(void)
{
    return atomic_load(&weir_metrics.calibrations_refused);
}

START_TEST(the_one_that_is_named_takes_it_over)
{
    struct weir_buffer value;
    uint64_t before = count();
    weir_buffer_init(&value, WEIR_PARTIAL_BYTES);
    write_record("b", 5000, 9000, &value);
    ck_assert_int_eq(read_record(&value), 0);
    ck_assert_int_eq(accepted[0], 0);
    ck_assert_int_eq(accepted[1], 1);
    ck_assert_int_eq(owned[1].from, 5000);
    ck_assert_int_eq(owned[1].to, 9000);
    ck_assert_int_eq(owned[1].accepted, 1000);
    ck_assert_uint_eq(count(), before + 1);
    // While a restart reads again, nothing is said again.
    owned[1] = (struct weir_calibration){0};
    struct weir_merger *again = make_merger();
    weir_merger_suppress(again, 1);
    struct weir_error error;
    ck_assert_int_eq(weir_merger_accept(again, (struct weir_span){0},
                                        (struct weir_span){value.data, value.length}, &error),
                     0);
    ck_assert_int_eq(owned[1].to, 9000);
    ck_assert_uint_eq(count(), before + 1);
    weir_merger_destroy(again);
    weir_buffer_free(&value);
}
END_TEST

START_TEST(what_cannot_be_taken_over_changes_nothing)
{
    struct weir_buffer value;
    struct weir_error error;
    uint64_t before = count_refused();
    weir_buffer_init(&value, WEIR_PARTIAL_BYTES);
    refuses = 1;
    write_record("a", 5000, 9000, &value);
    ck_assert_int_eq(read_record(&value), 0);
    refuses = 0;
    ck_assert_uint_eq(count_refused(), before + 1);
    // Of windows that the configuration has no more, or of a detector that cannot.
    write_record("old", 5000, 9000, &value);
    ck_assert_int_eq(read_record(&value), 0);
    struct weir_acceptance acceptance = {sizeof acceptance, 5000, 9000, 1000};
    struct weir_buffer key;
    int32_t partition;
    weir_buffer_init(&key, WEIR_PARTIAL_BYTES);
    ck_assert_int_eq(
        weir_acceptance_write(plan, "c", &acceptance, &partition, &key, &value, &error),
        WEIR_EINVAL);
    weir_buffer_free(&key);
    struct weir_buffer payload;
    weir_buffer_init(&payload, WEIR_PARTIAL_BYTES);
    weir_put_string(&payload, "a");
    weir_put_long(&payload, 1000);
    struct weir_partial partial = {.type = WEIR_PARTIAL_ACCEPTED,
                                   .key = "s|1:1:1:0",
                                   .start = 5000,
                                   .end = 9000,
                                   .payload = {payload.data, payload.length}};
    weir_buffer_reset(&value);
    ck_assert_int_eq(weir_partial_write(&partial, &value), 0);
    ck_assert_int_eq(read_record(&value), 0);
    ck_assert_uint_eq(count_refused(), before + 3);
    // Garbage behind a right checksum.
    for (size_t length = 0; length < payload.length; length++) {
        partial.payload.length = length;
        weir_buffer_reset(&value);
        ck_assert_int_eq(weir_partial_write(&partial, &value), 0);
        ck_assert_int_eq(read_record(&value), WEIR_ECORRUPT);
    }
    weir_put_long(&payload, 7);
    partial.payload = (struct weir_span){payload.data, payload.length};
    weir_buffer_reset(&value);
    ck_assert_int_eq(weir_partial_write(&partial, &value), 0);
    ck_assert_int_eq(read_record(&value), WEIR_ECORRUPT);
    ck_assert_int_eq(accepted[0] + accepted[1], 0);
    ck_assert_uint_eq(count_refused(), before + 3);
    weir_buffer_free(&payload);
    weir_buffer_free(&value);
}
END_TEST

static void on_each(void *context, const struct weir_calibrated *one)
{
    char *names = context;
    strcat(names, one->detector);
    if (one->detector[0] == 'b')
        ck_assert_int_eq(one->calibration.from, 42);
}

static void on_report(void *context, int field, const struct weir_statistic *statistic)
{
    ck_assert_int_eq(field, -1);
    ck_assert_str_eq(statistic->name, "calibration.days");
    *(int *)context += 1;
}

START_TEST(what_there_is_can_be_asked)
{
    char names[16] = "";
    int reports = 0;
    struct weir_error error = {0};
    owned[1].from = 42;
    weir_merger_calibrations(merger, on_each, names);
    ck_assert_str_eq(names, "ab");
    struct weir_acceptance acceptance = {sizeof acceptance, 5000, 9000, 1000};
    ck_assert_int_eq(weir_merger_take_over(merger, "a", &acceptance, on_report, &reports, &error),
                     0);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(accepted[0], 1);
    ck_assert_int_eq(weir_merger_take_over(merger, "old", &acceptance, on_report, &reports, &error),
                     WEIR_EINVAL);
    // A restart knows of it without a word.
    struct weir_buffer bytes;
    uint64_t before = count();
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_merger_save(merger, &bytes), 0);
    struct weir_merger *again = make_merger();
    owned[0].from = 0;
    ck_assert_int_eq(weir_merger_restore(again, bytes.data, bytes.length, &error), 0);
    ck_assert_int_eq(owned[0].from, 5000);
    ck_assert_uint_eq(count(), before);
    weir_merger_destroy(again);
    weir_buffer_free(&bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merger_calibration");
    TCase *cases = tcase_create("merger_calibration");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, the_one_that_is_named_takes_it_over);
    tcase_add_test(cases, what_cannot_be_taken_over_changes_nothing);
    tcase_add_test(cases, what_there_is_can_be_asked);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
