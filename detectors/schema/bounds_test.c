// SPDX-License-Identifier: Apache-2.0
// Conditions on windows: summaries in, findings out.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/summary.h"

extern const struct weir_plugin weir_plugin;

enum { AMOUNT, VIP, ID, FIELDS, SLICES = 3 };
static const struct weir_field fields[FIELDS] = {
    [AMOUNT] = {.name = "amount", .type = WEIR_TYPE_DOUBLE, .nullable = 1},
    [VIP] = {.name = "vip", .type = WEIR_TYPE_BOOLEAN},
    [ID] = {.name = "id", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "orders", .fields = fields, .n_fields = FIELDS, .key = -1, .time = -1};

static struct weir_summary now[SLICES][FIELDS], then[FIELDS];
static unsigned needed[FIELDS];
static int has_reference;
static void *instance, *owner;
static struct weir_error error;
static uint64_t sequence = 1;
static int64_t complete = 60000;
static int undecided;
static char emitted[8192], complained[2048];

// ---- the host

static int on_rule(const struct weir_setup *setup, const struct weir_rule *rule,
                   struct weir_error *e)
{
    static int n;
    (void)setup;
    (void)rule;
    (void)e;
    return n++;
}

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *e)
{
    (void)setup;
    (void)by;
    (void)e;
    needed[field] |= parts;
    return 0;
}

static const struct weir_summary *no_reference(const struct weir_setup *setup, size_t i, int field)
{
    (void)setup;
    (void)i;
    (void)field;
    return NULL;
}

static void on_complain(const struct weir_setup *setup, const struct weir_complaint *complaint)
{
    size_t at = strlen(complained);
    (void)setup;
    snprintf(complained + at, sizeof complained - at, "%s[%zu]@%zu: %s\n", complaint->option,
             complaint->item, complaint->offset, complaint->message);
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window;
    return &now[slice][field];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window;
    return i == 1 && field == AMOUNT ? &then[field] : NULL;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    size_t at = strlen(emitted);
    (void)window;
    ck_assert_str_eq(finding->kind, "schema.bounds");
    snprintf(emitted + at, sizeof emitted - at, "%s (%d, %zu slices) %s\n", finding->rule,
             (int)finding->severity, finding->n_evidence, finding->summary);
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
    undecided++;
}

static int create(const char *const *rules, size_t n, int redact)
{
    static struct weir_option_value options[64];
    static const char *const references[] = {"season", "training"};
    memset(options, 0, sizeof options);
    options[SCHEMA_OPTION_MINIMUM].integer = 200;
    options[SCHEMA_OPTION_WINDOW_RULES] =
        (struct weir_option_value){.set = 1, .strings = rules, .n_strings = n};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "contract",
                                          .stream = &stream,
                                          .references = references,
                                          .n_references = has_reference ? 2 : 0,
                                          .redact = redact,
                                          .options = options};
    struct weir_setup setup = {.size = sizeof setup,
                               .rule = on_rule,
                               .need = on_need,
                               .reference = no_reference,
                               .complain = on_complain};
    *complained = 0;
    return weir_plugin.create(&config, &setup, &instance, &error);
}

static void start(const char *const *rules, size_t n, int redact)
{
    int code = create(rules, n, redact);
    ck_assert_msg(code == 0, "%s\n%s", error.message, complained);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
    for (int s = 0; s < SLICES; s++) {
        for (int f = 0; f < FIELDS; f++) {
            struct weir_summary_spec spec = {.shape = f == AMOUNT ? WEIR_SHAPE_NUMERIC
                                                      : f == VIP  ? WEIR_SHAPE_BOOLEAN
                                                                  : WEIR_SHAPE_CATEGORICAL,
                                             .parts = needed[f]};
            ck_assert_int_eq(weir_summary_init(&now[s][f], &spec), 0);
        }
    }
    struct weir_summary_spec spec = {.parts = WEIR_PART_MOMENTS | WEIR_PART_QUANTILES};
    ck_assert_int_eq(weir_summary_init(&then[AMOUNT], &spec), 0);
}
#define START(redact, ...)                                                                         \
    start((const char *const[]){__VA_ARGS__}, sizeof(const char *const[]){__VA_ARGS__} / 8, redact)

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    owner = instance = NULL;
    has_reference = 0;
    memset(needed, 0, sizeof needed);
    for (int f = 0; f < FIELDS; f++) {
        for (int s = 0; s < SLICES; s++)
            weir_summary_free(&now[s][f]);
        weir_summary_free(&then[f]);
    }
    memset(now, 0, sizeof now);
    memset(then, 0, sizeof then);
}

// ---- what is in a window

static void put(struct weir_summary *summary, double low, double high, uint32_t n)
{
    static double x[4096];
    static uint8_t state[4096];
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    for (uint32_t i = 0; i < n; i++)
        x[i] = low + (high - low) * i / (n - 1.0);
    struct weir_column column = {.type = WEIR_TYPE_DOUBLE, .n = n, .state = state};
    column.values.f64 = x;
    weir_summary_reset(summary);
    ck_assert_int_eq(weir_summary_absorb(summary, &column, NULL, 0, scratch), 0);
    weir_absorb_scratch_destroy(scratch);
}

static const char *judge(uint64_t rows, uint64_t slice_rows)
{
    static const struct weir_slice_value values[2] = {{"route", "north"}, {"route", "south"}};
    struct weir_slice slices[SLICES] = {
        {.rows = rows},
        {.by = 1, .values = &values[0], .n_values = 1, .rows = slice_rows},
        {.by = 1, .values = &values[1], .n_values = 1, .rows = slice_rows}};
    struct weir_window window = {.size = sizeof window,
                                 .end = 60000,
                                 .complete = complete,
                                 .rows = rows,
                                 .sequence = sequence++,
                                 .slices = slices,
                                 .n_slices = slice_rows ? SLICES : 1,
                                 .summary = on_summary,
                                 .reference = on_reference,
                                 .emit = on_emit,
                                 .undecided = on_undecided};
    *emitted = 0;
    undecided = 0;
    int code = weir_plugin.owner_window(owner, &window, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    return emitted;
}

START_TEST(means_and_quantiles)
{
    START(1, "typical: mean(amount) between 40 and 60", "quantile(amount, 0.9) < 95");
    ck_assert_uint_eq(needed[AMOUNT], WEIR_PART_MOMENTS | WEIR_PART_QUANTILES);
    put(&now[0][AMOUNT], 0, 100, 1001);
    ck_assert_str_eq(judge(1001, 0), "");
    put(&now[0][AMOUNT], 50, 100, 1001);
    ck_assert_str_eq(
        judge(1001, 0),
        "window:typical (1, 0 slices) mean(amount) is 75 over 1,001 records: that breaks the rule "
        "`mean(amount) between 40 and 60`. Look at what fills amount\n"
        "window:quantile(amount, 0.9) < 95 (1, 0 slices) quantile(amount, 0.9) is 95.5 over 1,001 "
        "records: that breaks the rule `quantile(amount, 0.9) < 95`. Look at what fills amount\n");
    ck_assert_str_eq(judge(199, 0), ""); // too few
}
END_TEST

START_TEST(rates_and_nulls)
{
    START(1, "null_rate(amount) < 1%", "fault_rate(vip) == 0", "r: mean(amount) / mean(vip) > 0");
    now[0][AMOUNT].rows = 1000;
    now[0][AMOUNT].null = 14;
    now[0][AMOUNT].missing = 1;
    now[0][VIP].rows = 1000;
    ck_assert_str_eq(judge(1000, 0),
                     "window:null_rate(amount) < 1% (1, 0 slices) null_rate(amount) is 1.5% over "
                     "1,000 records: that breaks the rule `null_rate(amount) < 1%`. Look at what "
                     "fills amount\n"); // no mean of no values, and no fault
    put(&now[0][AMOUNT], 1, 3, 300);
    now[0][VIP].values = now[0][VIP].moments.n = 1000;
    now[0][VIP].fault = 10;
    ck_assert_str_eq(
        judge(1000, 0),
        "window:fault_rate(vip) == 0 (1, 0 slices) fault_rate(vip) is 1% over 1,000 records: that "
        "breaks the rule `fault_rate(vip) == 0`. Look at what fills vip\n"
        "window:r:undefined (0, 0 slices) mean(amount) is 2, mean(vip) is 0 over 1,000 records: "
        "the rule `mean(amount) / mean(vip) > 0` cannot be judged, it divides by zero or "
        "overflows. Say in it what should hold then\n");
}
END_TEST

START_TEST(totals_need_a_whole_window)
{
    START(1, "rows >= 1000", "many: distinct(id) > 5 when rows > 600");
    ck_assert_uint_eq(needed[ID], WEIR_PART_DISTINCT);
    sequence = 0;
    ck_assert_str_eq(judge(900, 400), "");
    ck_assert_int_eq(undecided, 2);
    ck_assert_str_eq(judge(0, 0), "window:rows >= 1000 (1, 0 slices) rows is 0: that breaks the "
                                  "rule `rows >= 1000`. Look at its producers\n");
    ck_assert_str_eq(judge(1000, 400),
                     "window:many (1, 0 slices) distinct(id) is 0 over 1,000 records: that breaks "
                     "the rule `distinct(id) > 5 when rows > 600`. Look at what fills id\n");
    ck_assert_int_eq(undecided, 0);
    complete = 59999;
    ck_assert_str_eq(judge(500, 0), "");
    ck_assert_int_eq(undecided, 2);
    complete = 60000;
}
END_TEST

START_TEST(slices_are_named_where_the_whole_is_well)
{
    START(1, "mean(amount) < 60");
    put(&now[0][AMOUNT], 0, 100, 1001);
    put(&now[1][AMOUNT], 0, 100, 500);
    put(&now[2][AMOUNT], 50, 100, 500);
    ck_assert_str_eq(judge(1001, 500),
                     "window:mean(amount) < 60 (1, 0 slices) In route south: mean(amount) is 75 "
                     "over 500 records: that breaks the rule `mean(amount) < 60`. Look at what "
                     "fills amount\n");
    ck_assert_str_eq(judge(1001, 150), "");
    put(&now[0][AMOUNT], 50, 100, 1001);
    ck_assert_ptr_nonnull(strstr(judge(1001, 500), "(1, 1 slices) mean(amount) is 75 over 1,001"));
    ck_assert_ptr_null(strstr(emitted, "south"));
}
END_TEST

START_TEST(references)
{
    has_reference = 1;
    START(1, "median(amount) < 1.5 * reference(median(amount))", "reference(mean(vip)) > 2");
    put(&then[AMOUNT], 20, 60, 2001);
    put(&now[0][AMOUNT], 30, 60, 1001);
    ck_assert_str_eq(judge(1001, 0), "");
    put(&now[0][AMOUNT], 60, 80, 1001);
    ck_assert_str_eq(
        judge(1001, 0),
        "window:median(amount) < 1.5 * reference(median(amount)) (1, 0 slices) median(amount) is "
        "70.5, median(amount) in training is 40.25 over 1,001 records: that breaks the rule "
        "`median(amount) < 1.5 * reference(median(amount))`. Look at what fills amount\n");
}
END_TEST

START_TEST(single_values_stay_private)
{
    START(1, "max(amount) < 99", "quantile(amount, 0.999) < 99");
    put(&now[0][AMOUNT], 50, 100, 1001);
    ck_assert_ptr_nonnull(strstr(judge(1001, 0), "max(amount) is one record's, not shown over"));
    ck_assert_ptr_nonnull(strstr(emitted, "quantile(amount, 0.999) is one record's, not shown"));
    teardown();
    START(0, "max(amount) < 99");
    put(&now[0][AMOUNT], 50, 100, 1001);
    ck_assert_ptr_nonnull(strstr(judge(1001, 0), "max(amount) is 100 over"));
}
END_TEST

START_TEST(faults_have_their_place)
{
    static const char *const rules[] = {"a: mean(id) > 1", "mean(amount) > reference(mean(amount))",
                                        "rows > 1 when amount > 2"};
    ck_assert_int_eq(create(rules, 3, 1), WEIR_EINVAL);
    ck_assert_str_eq(complained,
                     "window_rules[0]@8: id is a string, and mean(field) wants a number\n"
                     "window_rules[2]@14: a window has many values of amount: say which, as "
                     "mean(amount) or null_rate(amount)\n");
    ck_assert_int_eq(create(&rules[1], 1, 1), WEIR_EINVAL);
    ck_assert_str_eq(complained, "window_rules[0]@0: reference() is of the detector's `reference:`,"
                                 " and it has none\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_bounds");
    TCase *tests = tcase_create("bounds");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, means_and_quantiles);
    tcase_add_test(tests, rates_and_nulls);
    tcase_add_test(tests, totals_need_a_whole_window);
    tcase_add_test(tests, slices_are_named_where_the_whole_is_well);
    tcase_add_test(tests, references);
    tcase_add_test(tests, single_values_stay_private);
    tcase_add_test(tests, faults_have_their_place);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
