// SPDX-License-Identifier: Apache-2.0
// What a detector is given of profiles: rows of its references, panes of the calibration.
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/host/plugins.h"
#include "consumer/http/metrics.h"
#include "consumer/profile/profile.h"
#include "consumer/task/plan.h"
#include "stats/reservoir.h"

enum { HOUR = 3600000, ROWS = 960, A_PANE = 40 };

static char folder[64];

static struct {
    size_t panes, sampled;
    uint64_t rows, values, unseen;
    int ordered, has_cells, beyond;
    double at_most, share;
    uint64_t spent;
} seen;

static int probe_create(const struct weir_detector_config *config, const struct weir_setup *setup,
                        void **instance, struct weir_error *error)
{
    (void)error;
    int route = 0, x = 0;
    for (size_t f = 0; f < config->stream->n_fields; f++) {
        route = !strcmp(config->stream->fields[f].name, "route") ? (int)f : route;
        x = !strcmp(config->stream->fields[f].name, "x") ? (int)f : x;
    }
    memset(&seen, 0, sizeof seen);
    seen.ordered = seen.has_cells = 1;
    seen.at_most = config->alarms_at_most;
    seen.share = config->alarms_share;
    seen.panes = setup->calibration_panes(setup);
    for (size_t k = 0; k < seen.panes; k++) {
        const struct weir_calibration_pane *pane = setup->calibration_pane(setup, k);
        const struct weir_summary *of[2] = {setup->calibration_summary(setup, k, x),
                                            setup->calibration_summary(setup, k, route)};
        seen.rows += pane->rows;
        seen.values += of[0]->values;
        seen.unseen += of[1]->unseen;
        seen.ordered &= pane->end - pane->start == HOUR && pane->rows == of[1]->rows &&
                        (!k || setup->calibration_pane(setup, k - 1)->end <= pane->start);
        seen.has_cells &= of[0]->cells->n == setup->cells(setup, x)->n && of[0]->cell != NULL;
    }
    seen.beyond = setup->calibration_pane(setup, seen.panes) != NULL ||
                  setup->calibration_summary(setup, seen.panes, x) != NULL ||
                  setup->calibration_summary(setup, 0, -1) != NULL;
    const struct weir_reservoir *rows = setup->reference_sample(setup, 0);
    seen.sampled = rows ? weir_reservoir_rows(rows) : 0;
    *instance = malloc(1);
    return *instance ? 0 : WEIR_ENOMEM;
}

static int owner_create(void *instance, void **owner, struct weir_error *error)
{
    (void)error;
    *owner = instance;
    return 0;
}

static void owner_destroy(void *owner)
{
    (void)owner;
}

static int owner_window(void *owner, const struct weir_window *window, struct weir_error *error)
{
    (void)owner;
    (void)window;
    (void)error;
    return 0;
}

static int owner_save(const void *owner, struct weir_buffer *out)
{
    (void)owner;
    (void)out;
    return 0;
}

static int owner_restore(void *owner, uint32_t version, struct weir_reader *in,
                         struct weir_error *error)
{
    (void)owner;
    (void)version;
    (void)in;
    (void)error;
    return 0;
}

static const struct weir_option own_options[] = {{"false_alarms", WEIR_OPTION_NUMBER, NULL, 0, 10,
                                                  NULL, "in 30 days", "Its own.",
                                                  WEIR_OPTION_OWN_ALARMS},
                                                 {.key = NULL}};
static const char *const kinds[] = {"drift.feature", "drift.score", NULL};
static const char *const certain_kinds[] = {"drift.score", NULL};

static const struct weir_plugin probe = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof probe,
    .name = "probe",
    .version = "1",
    .description = "looks at profiles",
    .options = own_options,
    .kinds = kinds,
    .state_version = 1,
    .create = probe_create,
    .destroy = free,
    .owner_create = owner_create,
    .owner_destroy = owner_destroy,
    .owner_window = owner_window,
    .owner_save = owner_save,
    .owner_restore = owner_restore,
    .alarm_weight = 0.4,
    .certain_kinds = certain_kinds,
};

// `shift` moves x; the healthy stretch has a route that training never had.
static void write_profile(const char *name, double shift, const char *route,
                          const struct weir_profile *like, struct weir_profile **out)
{
    static const struct weir_field fields[] = {
        {.name = "at", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
        {.name = "x", .type = WEIR_TYPE_DOUBLE},
        {.name = "route", .type = WEIR_TYPE_STRING}};
    static const struct weir_stream stream = {
        .name = "s", .fields = fields, .n_fields = 3, .key = -1, .time = 0};
    struct weir_profile_options options = {
        .stream = &stream, .format = WEIR_FORMAT_CSV, .like = like, .rows = 100};
    struct weir_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/rows.csv", folder);
    FILE *file = fopen(path, "w");
    fputs("at,x,route\n", file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "%lld,%g,%s\n", 1700000000000 / HOUR * HOUR + i * (long long)(HOUR / A_PANE),
                i * 7919 % 1009 + shift, i % 10 ? "a" : route);
    fclose(file);
    ck_assert_msg(!weir_profile_make(path, &options, out, &error), "%s", error.message);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(weir_profile_save(*out, path, &error), 0);
}

static void set_up(void)
{
    struct weir_profile *training, *healthy, *other;
    snprintf(folder, sizeof folder, "/tmp/weir-calibration-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_profile("training.avro", 0, "b", NULL, &training);
    write_profile("healthy.avro", 5, "c", training, &healthy);
    write_profile("other.avro", 5, "c", NULL, &other);
    weir_profile_free(training);
    weir_profile_free(healthy);
    weir_profile_free(other);
}

static void tear_down(void)
{
    static const char *const names[] = {"training.avro", "healthy.avro", "other.avro", "rows.csv"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

// Makes a plan with that calibration and what is added to the text; 0, or what it says in `error`.
static int plan_with(const char *stream, const char *calibration, const char *more,
                     struct weir_error *error)
{
    char text[1024];
    struct weir_plugin lighter = probe, none = probe;
    lighter.name = "lighter";
    lighter.alarm_weight = 0.1;
    none.name = "none"; // built before there were weights
    none.size = offsetof(struct weir_plugin, alarm_weight);
    struct weir_problems problems = {0};
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_plan *plan;
    snprintf(
        text, sizeof text,
        "version: 1\napp: test\nstreams:\n  %s:\n    topic: t\n    format: csv\n    time: at\n"
        "    fields: {at: {type: long}}\n"
        "references:\n  training: {profile: %s/training.avro}\n"
        "calibration: {profile: %s/%s}\n"
        "detectors:\n  d: {type: probe, stream: %s, reference: training, window: {size: 1h}}\n%s",
        stream, folder, folder, calibration, stream, more);
    ck_assert_int_eq(weir_plugins_create(&plugins, error), 0);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &probe, error), 0);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &lighter, error), 0);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &none, error), 0);
    int code = weir_config_parse(text, strlen(text), "test.yaml", plugins, &config, &problems);
    if (code)
        weir_problems_print(&problems, "test.yaml", stderr);
    ck_assert_int_eq(code, 0);
    weir_problems_free(&problems);
    struct weir_plan_options options = {.config = config, .partials_partitions = 1};
    code = weir_plan_create(&options, &plan, error);
    if (!code) {
        uint64_t before = atomic_load(&weir_metrics.budget_incidents);
        ck_assert_int_eq(weir_plan_tell_budget(plan), 0);
        weir_plan_spend(plan, "d", "drift.feature");
        weir_plan_spend(plan, "d", "drift.score"); // by a rule
        weir_plan_spend(plan, "e", "drift.feature");
        weir_plan_spend(plan, "f", "drift.feature");
        weir_plan_spend(plan, "weir", "weir.gap");
        seen.spent = atomic_load(&weir_metrics.budget_incidents) - before;
        weir_plan_destroy(plan);
    }
    weir_config_free(config);
    weir_plugins_destroy(plugins);
    return code;
}

START_TEST(a_detector_sees_the_panes)
{
    struct weir_error error = {0};
    ck_assert_msg(!plan_with("s", "healthy.avro", "", &error), "%s", error.message);
    ck_assert_uint_eq(seen.panes, ROWS / A_PANE);
    ck_assert_uint_eq(seen.rows, ROWS);
    ck_assert_uint_eq(seen.values, ROWS);
    ck_assert_uint_eq(seen.unseen, ROWS / 10); // of values that training never saw
    ck_assert_int_eq(seen.ordered, 1);
    ck_assert_int_eq(seen.has_cells, 1);
    ck_assert_int_eq(seen.beyond, 0);
    ck_assert_uint_eq(seen.sampled, 100);
    // The reference itself may be the healthy stretch.
    ck_assert_int_eq(plan_with("s", "training.avro", "", &error), 0);
    ck_assert_uint_eq(seen.panes, ROWS / A_PANE);
    ck_assert_uint_eq(seen.unseen, 0);
}
END_TEST

START_TEST(another_streams_panes_are_none)
{
    struct weir_error error = {0};
    ck_assert_int_eq(plan_with("t", "healthy.avro", "", &error), 0);
    ck_assert_uint_eq(seen.panes, 0);
}
END_TEST

START_TEST(other_cells_are_refused)
{
    struct weir_error error = {0};
    ck_assert_int_eq(plan_with("s", "other.avro", "", &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "--like"));
    ck_assert_ptr_nonnull(strstr(error.message, "'x'"));
}
END_TEST

START_TEST(the_budget_is_shared_out_by_weight)
{
    // The last detector to be made is the one that is seen.
    struct weir_error error = {0};
    const char *more = "  e: {type: lighter, stream: s, window: {size: 1h}}\n"
                       "  f: {type: none, stream: s, window: {size: 1h}}\n"
                       "  g: {type: lighter, stream: s, window: {size: 1h}}\n"
                       "false_alarms: {at_most: 3, per: 10d}\n";
    ck_assert_int_eq(plan_with("s", "healthy.avro", "", &error), 0);
    ck_assert_double_eq(seen.at_most, 1);
    ck_assert_msg(!plan_with("s", "healthy.avro", more, &error), "%s", error.message);
    ck_assert_double_eq_tol(seen.at_most, 3 * .1 / .6, 1e-12);
    ck_assert_double_eq_tol(seen.share, .1 / .6, 1e-12);
    ck_assert_uint_eq(seen.spent, 2);
    ck_assert_uint_eq(atomic_load(&weir_metrics.budget_allowed), 3000);
    ck_assert_uint_eq(atomic_load(&weir_metrics.budget_period), 10 * 86400);
}
END_TEST

// The sum over detectors of one metric.
static double sum_of(const struct weir_buffer *text, const char *metric)
{
    double sum = 0;
    const char *at = (const char *)text->data;
    for (size_t n = strlen(metric); (at = strstr(at, metric)) != NULL; at += n) {
        if (at[n] == '{' && at[-1] == '\n')
            sum += atof(strchr(at, '}') + 1);
    }
    return sum;
}

START_TEST(a_rate_of_its_own_is_added_to_the_budget)
{
    struct weir_error error = {0};
    struct weir_buffer text;
    const char *more = "  e: {type: lighter, stream: s, window: {size: 1h}, false_alarms: 0.5}\n"
                       "  g: {type: lighter, stream: s, window: {size: 1h}}\n"
                       "false_alarms: {at_most: 3, per: 10d}\n";
    ck_assert_msg(!plan_with("s", "healthy.avro", more, &error), "%s", error.message);
    ck_assert_double_eq_tol(seen.at_most, 3 * .1 / .5, 1e-12);
    ck_assert_uint_eq(seen.spent, 1); // d's; e spends its own
    weir_buffer_init(&text, 1 << 20);
    ck_assert_int_eq(weir_metrics_print(&text), 0);
    weir_buffer_byte(&text, 0);
    ck_assert_double_eq_tol(sum_of(&text, "weir_budget_detector_allowed_thousandths"), 3000, 1e-3);
    ck_assert_double_eq(sum_of(&text, "weir_budget_detector_incidents_total"), 2);
    const char *written = (const char *)text.data;
    ck_assert_ptr_nonnull(
        strstr(written, "weir_budget_detector_allowed_thousandths{detector=\"g\"} 600\n"));
    ck_assert_ptr_nonnull(
        strstr(written, "weir_budget_detector_incidents_total{detector=\"e\",of=\"own\"} 1\n"));
    ck_assert_ptr_null(strstr(written, "weir_budget_detector_allowed_thousandths{detector=\"e\"}"));
    // What a detector that stays has spent is kept.
    ck_assert_int_eq(plan_with("s", "healthy.avro", more, &error), 0);
    weir_buffer_reset(&text);
    ck_assert_int_eq(weir_metrics_print(&text), 0);
    weir_buffer_byte(&text, 0);
    ck_assert_double_eq(sum_of(&text, "weir_budget_detector_incidents_total"), 4);
    weir_buffer_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calibration");
    TCase *cases = tcase_create("calibration");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_detector_sees_the_panes);
    tcase_add_test(cases, another_streams_panes_are_none);
    tcase_add_test(cases, other_cells_are_refused);
    tcase_add_test(cases, the_budget_is_shared_out_by_weight);
    tcase_add_test(cases, a_rate_of_its_own_is_added_to_the_budget);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
