// SPDX-License-Identifier: Apache-2.0
// Charts asked for by name, through the detector: what they say, and their state.
#include "detectors/drift/drift_harness.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells_build.h"
#include "stats/summary.h"

enum { AMOUNT, SPEED, FIELDS, ROWS = 500, REFERENCE_ROWS = 5000, HOUR = 3600000 };

static const struct weir_field fields[FIELDS] = {{.name = "amount", .type = WEIR_TYPE_DOUBLE},
                                                 {.name = "speed", .type = WEIR_TYPE_DOUBLE}};
static const struct weir_stream stream = {
    .name = "payments", .fields = fields, .n_fields = FIELDS, .key = -1, .time = -1};
static uint64_t state;
static struct weir_cells *cells;
static struct weir_summary reference, summaries[FIELDS];
static struct weir_stretch excluded[1];
static size_t n_excluded;

static struct {
    unsigned n, reports;
    char rule[200], kind[40], summary[700], after[300];
    double value, threshold;
} found[2];
static int who;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static void absorb(struct weir_summary *into, size_t n, double shift, double nulls)
{
    static double x[WEIR_BATCH_ROWS];
    static uint8_t states[WEIR_BATCH_ROWS];
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    while (n) {
        size_t rows = n < WEIR_BATCH_ROWS ? n : WEIR_BATCH_ROWS;
        struct weir_column column = {
            .type = WEIR_TYPE_DOUBLE, .n = (uint32_t)rows, .state = states};
        for (size_t i = 0; i < rows; i++) {
            x[i] = 100 + 20 * (normal() + shift);
            states[i] = uniform() < nulls ? WEIR_STATE_NULL : WEIR_STATE_VALUE;
            column.n_null += states[i] == WEIR_STATE_NULL;
        }
        column.values.f64 = x;
        ck_assert_int_eq(weir_summary_absorb(into, &column, NULL, 0, scratch), 0);
        n -= rows;
    }
    weir_absorb_scratch_destroy(scratch);
}

static void setup(void)
{
    static double x[REFERENCE_ROWS];
    state = 88172645463325252u;
    n_excluded = 0;
    for (int i = 0; i < REFERENCE_ROWS; i++)
        x[i] = 100 + 20 * normal();
    ck_assert_int_eq(weir_cells_build_numeric(x, REFERENCE_ROWS, &cells, NULL), 0);
    struct weir_summary_spec spec = {.shape = WEIR_SHAPE_NUMERIC,
                                     .parts =
                                         WEIR_PART_CELLS | WEIR_PART_MOMENTS | WEIR_PART_QUANTILES,
                                     .cells = cells};
    ck_assert_int_eq(weir_summary_init(&reference, &spec), 0);
    for (int f = 0; f < FIELDS; f++)
        ck_assert_int_eq(weir_summary_init(&summaries[f], &spec), 0);
    absorb(&reference, REFERENCE_ROWS, 0, 0.02);
}

static void teardown(void)
{
    weir_summary_free(&reference);
    for (int f = 0; f < FIELDS; f++)
        weir_summary_free(&summaries[f]);
    weir_cells_free(cells);
}

static const struct weir_summary *on_setup_reference(const struct weir_setup *setup, size_t i,
                                                     int field)
{
    (void)setup, (void)i, (void)field;
    return &reference;
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window, (void)i, (void)field;
    return &reference;
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &summaries[field];
}

static void on_report(const struct weir_window *window, size_t slice, int field,
                      const struct weir_statistic *statistic)
{
    (void)window, (void)slice, (void)field;
    ck_assert(isfinite(statistic->value) && isfinite(statistic->threshold));
    found[who].reports++;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    found[who].n++;
    snprintf(found[who].rule, sizeof found[who].rule, "%s", finding->rule);
    snprintf(found[who].kind, sizeof found[who].kind, "%s", finding->kind);
    snprintf(found[who].summary, sizeof found[who].summary, "%s", finding->summary);
    snprintf(found[who].after, sizeof found[who].after, "%s", finding->evidence[0].after);
    found[who].value = finding->statistic.value;
    found[who].threshold = finding->statistic.threshold;
    ck_assert(isfinite(found[who].value) && isfinite(found[who].threshold));
    ck_assert_ptr_null(strstr(finding->summary, "nan"));
    ck_assert_ptr_null(strstr(finding->evidence[0].after, "nan"));
}

static int make(const char *const *tests, size_t n, void **instance, struct weir_error *error)
{
    static const int all[] = {AMOUNT, SPEED};
    static const char *const references[] = {"training"};
    static struct weir_option_value values[8];
    values[0] = (struct weir_option_value){.set = 1, .number = .2};
    values[1] = (struct weir_option_value){.set = 1, .number = .5};
    values[2] = (struct weir_option_value){.set = 1, .integer = 200};
    values[4] = (struct weir_option_value){.set = 1, .strings = tests, .n_strings = n};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "creep",
                                          .stream = &stream,
                                          .fields = all,
                                          .n_fields = FIELDS,
                                          .n_references = 1,
                                          .references = references,
                                          .window_size = HOUR,
                                          .window_hop = HOUR,
                                          .open_after = 1,
                                          .resolve_after = 3,
                                          .calibration_exclude = excluded,
                                          .n_calibration_exclude = n_excluded,
                                          .severity = -1,
                                          .options = values};
    struct weir_setup from = {
        .size = sizeof from, .need = on_need, .reference = on_setup_reference};
    return weir_plugin.create(&config, &from, instance, error);
}

static void fill(double shift, double nulls)
{
    for (int f = 0; f < FIELDS; f++)
        weir_summary_reset(&summaries[f]);
    absorb(&summaries[AMOUNT], ROWS, shift, 0.02 + nulls);
    absorb(&summaries[SPEED], ROWS, 0, 0.02);
}

static void judge(void *owner, int number, int64_t hour)
{
    struct weir_window host = {.phase = WEIR_FINAL,
                               .summary = on_summary,
                               .reference = on_reference,
                               .report = on_report,
                               .emit = on_emit};
    who = number;
    memset(&found[who], 0, sizeof found[who]);
    judge_hour(owner, host, hour, ROWS);
}

static void *start(const char *const *tests, size_t n, void **instance)
{
    struct weir_error error = {0};
    ck_assert_msg(!make(tests, n, instance, &error), "%s", error.message);
    return make_owner(*instance);
}

static const struct {
    const char *test, *says;
    double shift, nulls; // an hour, from hour 60 on
} creeps[] = {
    {"cusum(psi learn=40) > 8", "psi of amount against training has crept up for ", .02, 0},
    {"ewma(wasserstein_normalised learn=40)",
     "wasserstein_normalised of amount against training has crept up for ", .02, 0},
    {"page_hinkley(ks learn=40)", "ks of amount against training has crept up for ", .02, 0},
    {"cusum(g learn=40)", "g of amount against training has shown ever less chance for ", .02, 0},
    {"cusum(welch_t learn=40)", "welch_t of amount against training has crept down for ", .02, 0},
    {"ewma(null_rate learn=40)", "null_rate of amount against training has crept up for ", 0, .002},
};

START_TEST(what_creeps_is_an_incident_of_its_own)
{
    void *instance, *owner = start(&creeps[_i].test, 1, &instance);
    int64_t first = -1;
    for (int64_t hour = 0; hour < 130; hour++) {
        double by = hour < 60 ? 0 : (double)(hour - 60);
        fill(creeps[_i].shift * by, creeps[_i].nulls * by);
        judge(owner, 0, hour);
        ck_assert_uint_eq(found[0].reports > 0, hour >= 39);
        ck_assert_uint_le(found[0].n, 1);
        if (found[0].n && first < 0) {
            first = hour;
            printf("%s\n  %s\n", found[0].summary, found[0].after);
            ck_assert_int_eq(strncmp(found[0].summary, creeps[_i].says, strlen(creeps[_i].says)),
                             0);
            ck_assert_str_eq(found[0].kind, "drift.slow");
            ck_assert(found[0].value > found[0].threshold);
            ck_assert_ptr_nonnull(strstr(found[0].summary, "windows, since 1970-01-03 "));
            ck_assert_ptr_null(strstr(found[0].summary, "speed"));
        }
    }
    ck_assert_msg(first > 62 && first < 115, "found at %lld", (long long)first);
    char name[DRIFT_RULE_NAME];
    struct weir_statistic_rule rule;
    ck_assert_int_eq(weir_statistic_rule_parse(creeps[_i].test, &rule, NULL), 0);
    if (found[0].n)
        ck_assert_str_eq(found[0].rule, weir_statistic_rule_name(&rule, name, sizeof name));
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}
END_TEST

START_TEST(a_stretch_left_out_is_not_learnt_from)
{
    static const char *const tests[] = {"cusum(psi learn=40) > 10"};
    excluded[0] = (struct weir_stretch){10 * HOUR, 30 * HOUR};
    n_excluded = 1;
    void *instance, *owner = start(tests, 1, &instance);
    for (int64_t hour = 0; hour < 80; hour++) {
        fill(hour >= 10 && hour < 30 ? 2 : 0, 0);
        judge(owner, 0, hour);
        ck_assert_uint_eq(found[0].n, 0);
        ck_assert_uint_eq(found[0].reports > 0, hour >= 59);
    }
    fill(1, 0);
    judge(owner, 0, 80);
    ck_assert_uint_eq(found[0].n, 1);
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}
END_TEST

static const char *const mixed[] = {"auto",
                                    "cusum(psi learn=20) > 5",
                                    "psi > 0.4",
                                    "ewma(ks learn=20)",
                                    "page_hinkley(null_rate learn=20 minimum=5) > 10",
                                    "cusum(infinite_share learn=20)"};
enum { MIXED = sizeof mixed / sizeof *mixed };

START_TEST(restored_at_any_window_it_goes_on)
{
    struct weir_buffer first;
    weir_buffer_init(&first, WEIR_BUFFER_MAXIMUM);
    void *instance, *one = start(mixed, MIXED, &instance), *other = make_owner(instance);
    unsigned all = 0;
    for (int64_t hour = 0; hour < 70; hour++) {
        fill(hour < 40 ? 0 : .03 * (double)(hour - 40), hour < 40 ? 0 : .01);
        judge(one, 0, hour);
        judge(other, 1, hour);
        ck_assert_uint_eq(found[0].n, found[1].n);
        ck_assert_str_eq(found[0].summary, found[1].summary);
        all += found[0].n;
        weir_plugin.owner_destroy(other);
        other = make_again(instance, one, &first);
    }
    ck_assert_uint_ge(all, 20);
    // Another owner asks for some of it, and for more.
    static const char *const fewer[] = {"cusum(psi learn=20) > 7", "ewma(psi)"};
    void *changed, *third = start(fewer, 2, &changed);
    ck_assert_int_eq(restore(third, &first, first.length), 0);
    judge(third, 1, 70);
    ck_assert_uint_eq(found[1].n, 1);
    ck_assert_uint_eq(found[1].reports, FIELDS);
    weir_plugin.owner_destroy(third);
    weir_plugin.destroy(changed);
    weir_plugin.owner_destroy(one);
    weir_plugin.owner_destroy(other);
    weir_plugin.destroy(instance);
    weir_buffer_free(&first);
}
END_TEST

START_TEST(garbage_is_refused)
{
    static const int64_t hours[] = {15, 50}; // while it learns, and once it charts
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    void *instance, *owner = start(mixed, MIXED, &instance);
    for (int64_t hour = 0; hour < hours[_i]; hour++) {
        fill(0, 0);
        judge(owner, 0, hour);
    }
    save(owner, &out);
    refuse_every_cut(instance, &out);
    for (int i = 0; i < 1500; i++) {
        void *other = make_owner(instance);
        size_t at = (size_t)(uniform() * (double)out.length);
        uint8_t before = out.data[at];
        out.data[at] = (uint8_t)(uniform() * 256);
        if (!restore(other, &out, out.length))
            judge(other, 1, hours[_i]);
        out.data[at] = before;
        weir_plugin.owner_destroy(other);
    }
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    weir_buffer_free(&out);
}
END_TEST

START_TEST(charts_are_checked)
{
    static const struct {
        const char *tests[2], *says;
    } wrong[] = {
        {{"cusum(mmd) > 5"}, "creep: tests: mmd needs the rows of both sides"},
        {{"cusum(psi) p < 0.1"}, "after the chart comes nothing, or '> NUMBER'"},
        {{"cusum > 5"},
         "creep: tests: 'cusum > 5': cusum charts a statistic: write 'cusum(psi) > "
         "NUMBER'; see docs/statistics.md"},
        {{"cusum(psi) > 5", "cusum(psi) > 6"}, "creep: tests: 'cusum(psi)' is there twice"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        void *instance;
        struct weir_error error;
        ck_assert_int_eq(make(wrong[i].tests, wrong[i].tests[1] ? 2 : 1, &instance, &error),
                         WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, wrong[i].says) != NULL, "%s", error.message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("charted");
    TCase *cases = tcase_create("charted");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, what_creeps_is_an_incident_of_its_own, 0,
                        (int)(sizeof creeps / sizeof *creeps));
    tcase_add_test(cases, a_stretch_left_out_is_not_learnt_from);
    tcase_add_test(cases, restored_at_any_window_it_goes_on);
    tcase_add_loop_test(cases, garbage_is_refused, 0, 2);
    tcase_add_test(cases, charts_are_checked);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
