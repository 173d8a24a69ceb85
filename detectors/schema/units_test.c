// SPDX-License-Identifier: Apache-2.0
// Windows by hand, from values: what is said of units.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/ddsketch.h"
#include "stats/summary.h"

extern const struct weir_plugin weir_plugin;

enum { AMOUNT, TEXT, FIELDS, SLICES = 4, THEN = 20000, NOW = 4000 };
static const struct weir_field fields[FIELDS] = {
    [AMOUNT] = {.name = "amount", .type = WEIR_TYPE_DOUBLE, .unit = "USD"},
    [TEXT] = {.name = "text", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .key = -1, .time = -1};
static const struct weir_slice_value routes[SLICES] = {
    {NULL, NULL}, {"route", "app"}, {"route", "partner"}, {"route", "web"}};

static void *instance, *owner;
static struct weir_error error;
static struct weir_cells *cells;
static struct weir_summary then, now[SLICES];
static char emitted[2048], identity[256];
static unsigned asked; // parts
static uint64_t state;

static double uniform(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double amount(void)
{
    double normal = sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
    return round(100 * exp(3.6 + 1.2 * normal)) / 100;
}

static int on_rule(const struct weir_setup *setup, const struct weir_rule *rule,
                   struct weir_error *e)
{
    static int n;
    (void)setup;
    (void)rule;
    (void)e;
    return n++ % 64;
}

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *e)
{
    (void)setup;
    (void)by;
    (void)e;
    if (field == AMOUNT)
        asked |= parts;
    return 0;
}

static const struct weir_summary *on_setup_reference(const struct weir_setup *setup, size_t i,
                                                     int field)
{
    (void)setup;
    (void)i;
    return field == AMOUNT ? &then : NULL;
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window;
    return field == AMOUNT ? &now[slice] : NULL;
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window;
    (void)i;
    return field == AMOUNT ? &then : NULL;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (strcmp(finding->rule, "unit") != 0)
        return;
    snprintf(emitted, sizeof emitted, "%s", finding->summary);
    snprintf(identity, sizeof identity, "%s %s %s %u %d %.3f", finding->kind, finding->fields[0],
             finding->n_slice ? finding->slice[0].value : "-", finding->identity,
             (int)finding->severity, finding->share);
    ck_assert_uint_ge(finding->n_evidence, 1);
    ck_assert_ptr_nonnull(finding->evidence[0].before);
}

static void fill(struct weir_summary *summary, const double *x, size_t n)
{
    weir_summary_reset(summary);
    summary->rows = summary->values = n;
    weir_cells_count(cells, x, n, summary->cell);
    ck_assert_int_eq(weir_ddsketch_add(summary->quantiles, x, n), 0);
}

static void setup(void)
{
    static double x[THEN];
    state = 3;
    for (int i = 0; i < THEN; i++)
        x[i] = amount();
    ck_assert_int_eq(weir_cells_build_numeric(x, THEN, &cells, &error), 0);
    struct weir_summary_spec spec = {.shape = WEIR_SHAPE_NUMERIC,
                                     .parts = WEIR_PART_CELLS | WEIR_PART_QUANTILES,
                                     .cells = cells};
    ck_assert_int_eq(weir_summary_init(&then, &spec), 0);
    for (size_t s = 0; s < SLICES; s++)
        ck_assert_int_eq(weir_summary_init(&now[s], &spec), 0);
    fill(&then, x, THEN);
    struct weir_option_value options[64];
    static const char *const references[] = {"training"};
    for (size_t i = 0; i < 64; i++)
        options[i] = (struct weir_option_value){.set = 1, .integer = 1, .number = 0.05};
    options[SCHEMA_OPTION_MINIMUM].integer = 200;
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "contract",
                                          .stream = &stream,
                                          .references = references,
                                          .n_references = 1,
                                          .window_hop = 3600000,
                                          .redact = 1,
                                          .options = options};
    struct weir_setup host = {
        .size = sizeof host, .rule = on_rule, .need = on_need, .reference = on_setup_reference};
    asked = 0;
    int code = weir_plugin.create(&config, &host, &instance, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    for (size_t s = 0; s < SLICES; s++)
        weir_summary_free(&now[s]);
    weir_summary_free(&then);
    weir_cells_free(cells);
}

// A window in which a share of each route's amounts was multiplied; routes have amounts of their
// own, the web's six times the others'.
static const char *judge(size_t n, double factor, const double share[SLICES])
{
    static double x[SLICES][NOW];
    size_t size[SLICES] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t route = i % 5 == 0 ? 2 : i % 10 == 1 ? 3 : 1;
        double value = amount() * (uniform() < share[route] ? factor : 1);
        x[0][size[0]++] = value;
        x[route][size[route]++] = value;
    }
    struct weir_slice slices[SLICES];
    for (size_t s = 0; s < SLICES; s++) {
        fill(&now[s], x[s], size[s]);
        slices[s] = (struct weir_slice){
            .by = s > 0, .values = s ? &routes[s] : NULL, .n_values = s > 0, .rows = size[s]};
    }
    struct weir_window window = {.size = sizeof window,
                                 .rows = n,
                                 .slices = slices,
                                 .n_slices = SLICES,
                                 .summary = on_summary,
                                 .reference = on_reference,
                                 .emit = on_emit};
    *emitted = *identity = 0;
    int code = weir_plugin.owner_window(owner, &window, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    return emitted;
}

static const double nobody[SLICES] = {0}, everybody[SLICES] = {1, 1, 1, 1},
                    partner[SLICES] = {0, 0, 1, 0}, tenth[SLICES] = {0.1, 0.1, 0.1, 0.1},
                    two[SLICES] = {0, 0, 1, 1};

START_TEST(nothing_changed)
{
    ck_assert_uint_eq(asked & (WEIR_PART_CELLS | WEIR_PART_QUANTILES),
                      WEIR_PART_CELLS | WEIR_PART_QUANTILES);
    for (int i = 0; i < 20; i++)
        ck_assert_str_eq(judge(NOW, 1, nobody), "");
    ck_assert_str_eq(judge(NOW, 1.25, everybody), ""); // prices rose
    ck_assert_str_eq(judge(100, 155, everybody), "");  // too few
}
END_TEST

START_TEST(everything_changed)
{
    const char *said = judge(NOW, 100, everybody);
    ck_assert_msg(strstr(said, "looks like USD to US cents (or USD to JPY)"), "%s", said);
    ck_assert_str_eq(identity, "schema.unit amount - 3 2 1.000");
    said = judge(NOW, 155, everybody);
    ck_assert_msg(strstr(said, "looks like USD to JPY") && strstr(said, "is about 15"), "%s", said);
    said = judge(NOW, 1e6, everybody);
    ck_assert_str_eq(said, "amount: every one of 4,000 values is 1,000,000 times what it was in "
                           "training: looks like millions to units. Look at what fills it: what "
                           "was deployed, or which source was added");
    said = judge(NOW, -1, everybody);
    ck_assert_str_eq(said, "amount: every one of 4,000 values is of the opposite sign to training. "
                           "Look at what fills it: what was deployed, or which source was added");
}
END_TEST

START_TEST(one_route_changed)
{
    const char *said = judge(NOW, 155, partner);
    ck_assert_msg(strstr(said, "amount: about ") && strstr(said, "looks like USD to JPY") &&
                      strstr(said, "; all of them, and no others, come from route partner"),
                  "%s", said);
    ck_assert_msg(!strncmp(identity, "schema.unit amount partner 3 2 0.", 33), "%s", identity);
    said = judge(NOW, 155, two);
    ck_assert_msg(strstr(said, "come from route partner and from route web"), "%s", said);
    ck_assert_msg(!strncmp(identity, "schema.unit amount - 3 2 0.", 27), "%s", identity);
}
END_TEST

START_TEST(a_share_of_every_route_changed)
{
    const char *said = judge(NOW, 155, tenth);
    ck_assert_msg(strstr(said, "looks like USD to JPY") && !strstr(said, "come from"), "%s", said);
    ck_assert_msg(!strncmp(identity, "schema.unit amount - 3 2 0.", 27), "%s", identity);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_units");
    TCase *tests = tcase_create("schema_units");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_changed);
    tcase_add_test(tests, everything_changed);
    tcase_add_test(tests, one_route_changed);
    tcase_add_test(tests, a_share_of_every_route_changed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
