// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/drift.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells_build.h"
#include "stats/draw_inside.h"
#include "stats/hash.h"
#include "stats/reservoir.h"
#include "stats/summary.h"

extern const struct weir_plugin weir_plugin;

enum { AMOUNT, COUNTRY, SCORE, CONSTANT, FIELDS, REFERENCE_ROWS = 20000, MOST = 5000 };

static const struct weir_field fields[FIELDS] = {
    {.name = "amount", .type = WEIR_TYPE_DOUBLE},
    {.name = "country", .type = WEIR_TYPE_STRING},
    {.name = "score", .type = WEIR_TYPE_DOUBLE, .role = WEIR_ROLE_SCORE},
    {.name = "constant", .type = WEIR_TYPE_DOUBLE},
};
static const struct weir_stream stream = {
    .name = "payments", .fields = fields, .n_fields = FIELDS, .key = -1, .time = -1};

// How a window differs from the reference.
struct change {
    double shift, scale, spike, null, unseen, japan, constant, score;
};
static const struct change none = {.scale = 1, .constant = 3};

static struct weir_cells *cells[FIELDS];
static struct weir_summary reference[FIELDS], window_summary[3][FIELDS];
static struct weir_string countries[6];
static struct weir_absorb_scratch *scratch[FIELDS];
// Samples of rows: of the reference, of the window; what fill() adds to now.
static struct weir_reservoir *kept[2], *filled;
static int64_t row;

static double amount_of(const struct change *change)
{
    double z = draw_uniform() < change->spike ? 6 : draw_normal();
    return 100 + 20 * (z * change->scale + change->shift);
}

static void sample(const struct weir_column *columns, uint32_t n)
{
    static int64_t offset[MOST];
    struct weir_batch batch = {.n_rows = n, .offset = offset, .columns = columns};
    for (uint32_t i = 0; i < n; i++)
        offset[i] = row++;
    ck_assert_int_eq(weir_reservoir_add(filled, &batch, NULL, n, 0), 0);
}

// Absorbs `n` rows into the four summaries.
static void fill(struct weir_summary *into, size_t n, const struct change *change)
{
    static double amount[MOST], score[MOST], constant[MOST];
    static uint32_t code[MOST];
    static uint8_t states[MOST], good[MOST];
    while (n) {
        uint32_t rows = (uint32_t)(n < MOST ? n : MOST), nulls = 0;
        for (size_t i = 0; i < rows; i++) {
            double u = draw_uniform();
            states[i] = draw_uniform() < change->null ? WEIR_STATE_NULL : WEIR_STATE_VALUE;
            nulls += states[i] == WEIR_STATE_NULL;
            amount[i] = amount_of(change);
            score[i] = draw_uniform() + change->score;
            constant[i] = change->constant;
            code[i] = u < change->unseen                   ? 5
                      : u < change->unseen + change->japan ? 1
                      : draw_uniform() < .6                ? 0
                                                           : 1 + (uint32_t)(draw_uniform() * 4);
        }
        struct weir_column columns[FIELDS] = {
            {.type = WEIR_TYPE_DOUBLE, .n = rows, .state = states, .n_null = nulls},
            {.type = WEIR_TYPE_STRING, .n = rows, .state = good},
            {.type = WEIR_TYPE_DOUBLE, .n = rows, .state = good},
            {.type = WEIR_TYPE_DOUBLE, .n = rows, .state = good}};
        columns[AMOUNT].values.f64 = amount;
        columns[COUNTRY].values.code = code;
        columns[COUNTRY].dictionary = countries;
        columns[COUNTRY].n_dictionary = 6;
        columns[SCORE].values.f64 = score;
        columns[CONSTANT].values.f64 = constant;
        for (int f = 0; f < FIELDS; f++)
            ck_assert_int_eq(weir_summary_absorb(&into[f], &columns[f], NULL, 0, scratch[f]), 0);
        if (filled)
            sample(columns, rows);
        n -= rows;
    }
}

static struct weir_summary made(int field)
{
    struct weir_summary summary;
    struct weir_summary_spec spec = {.shape = cells[field]->shape,
                                     .parts =
                                         WEIR_PART_CELLS | WEIR_PART_MOMENTS | WEIR_PART_QUANTILES,
                                     .cells = cells[field]};
    ck_assert_int_eq(weir_summary_init(&summary, &spec), 0);
    return summary;
}

static void make_cells(void)
{
    static double amount[REFERENCE_ROWS], score[REFERENCE_ROWS];
    static const double constant[] = {3, 3, 3, 3};
    for (size_t i = 0; i < REFERENCE_ROWS; i++) {
        amount[i] = amount_of(&none);
        score[i] = draw_uniform();
    }
    static const char *const names[] = {"US", "JP", "DE", "FR", "CH", "XX"};
    struct weir_category categories[5];
    for (size_t i = 0; i < 6; i++) {
        countries[i] = (struct weir_string){names[i], 2, weir_hash(names[i], 2)};
        if (i < 5)
            categories[i] = (struct weir_category){countries[i], i ? 2000 : 12000};
    }
    struct weir_category_counts counts = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = categories, .n = 5, .complete = 1};
    ck_assert_int_eq(weir_cells_build_numeric(amount, REFERENCE_ROWS, &cells[AMOUNT], NULL), 0);
    ck_assert_int_eq(weir_cells_build_numeric(score, REFERENCE_ROWS, &cells[SCORE], NULL), 0);
    ck_assert_int_eq(weir_cells_build_numeric(constant, 4, &cells[CONSTANT], NULL), 0);
    ck_assert_int_eq(weir_cells_build_categories(&counts, &cells[COUNTRY], NULL), 0);
}

// ---- the host's part

struct found {
    int n, critical;
    char summary[700], kind[32], test[32], slice[64], evidence[4000];
    size_t n_fields;
};
static struct found found;
static unsigned asked[3];

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *error)
{
    (void)setup, (void)field, (void)error;
    ck_assert_uint_eq(parts, WEIR_PART_CELLS | WEIR_PART_MOMENTS | WEIR_PART_QUANTILES);
    asked[by]++;
    return 0;
}

static const struct weir_summary *on_setup_reference(const struct weir_setup *setup, size_t i,
                                                     int field)
{
    (void)setup, (void)i;
    return cells[field] ? &reference[field] : NULL;
}

static int on_setup_sample(const struct weir_setup *setup, size_t rows, struct weir_error *error)
{
    (void)setup, (void)error;
    ck_assert_uint_eq(rows, 1000);
    return 0;
}

static const struct weir_reservoir *on_setup_reference_sample(const struct weir_setup *setup,
                                                              size_t i)
{
    (void)setup, (void)i;
    return kept[0];
}

static const struct weir_reservoir *on_sample(const struct weir_window *window)
{
    (void)window;
    return kept[1];
}

static const struct weir_reservoir *on_reference_sample(const struct weir_window *window, size_t i)
{
    (void)window, (void)i;
    return kept[0];
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window;
    return &window_summary[slice][field];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window, (void)i;
    return &reference[field];
}

static void assert_known(double value)
{
    ck_assert(isfinite(value));
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    found.n++;
    found.critical = finding->severity == WEIR_CRITICAL;
    found.n_fields = finding->n_fields;
    snprintf(found.summary, sizeof found.summary, "%s", finding->summary);
    snprintf(found.kind, sizeof found.kind, "%s", finding->kind);
    snprintf(found.test, sizeof found.test, "%s", finding->statistic.name);
    snprintf(found.slice, sizeof found.slice, "%s",
             finding->n_slice ? finding->slice[0].value : "");
    assert_known(finding->statistic.value);
    assert_known(finding->statistic.threshold);
    // What the user set is no promise to be kept provisionally, and distances have no p-value.
    int by_name = strcmp(finding->rule, "omnibus") != 0;
    if (!by_name)
        assert_known(finding->statistic.p_value);
    ck_assert_int_eq(finding->provisional, !by_name);
    ck_assert_uint_eq(finding->identity & (WEIR_BY_FIELDS | WEIR_BY_KIND), 0);
    ck_assert_ptr_null(strstr(finding->summary, "nan"));
    size_t used = 0;
    for (size_t i = 0; i < finding->n_evidence; i++) {
        const struct weir_evidence *line = &finding->evidence[i];
        ck_assert_ptr_null(strstr(line->before, "nan"));
        ck_assert_ptr_null(strstr(line->after, "nan"));
        used += (size_t)snprintf(found.evidence + used, sizeof found.evidence - used,
                                 "%s %s: %s => %s\n", line->type, line->field, line->before,
                                 line->after);
    }
}

static void *instance, *owner;
static const char *const auto_tests[] = {"auto"};
static struct weir_option_value values[6] = {{.set = 1, .number = .2},
                                             {.set = 1, .number = .5},
                                             {.set = 1, .integer = 200},
                                             {.set = 0},
                                             {.set = 1, .strings = auto_tests, .n_strings = 1},
                                             {.set = 1, .integer = 1000}};

static int create(size_t n_by, struct weir_error *error)
{
    static const int all[] = {AMOUNT, COUNTRY, SCORE, CONSTANT}, route[] = {COUNTRY};
    static const int *const by[] = {route};
    static const size_t n_by_fields[] = {1};
    static const char *const references[] = {"training"};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "input_drift",
                                          .stream = &stream,
                                          .fields = all,
                                          .n_fields = FIELDS,
                                          .by = by,
                                          .n_by_fields = n_by_fields,
                                          .n_by = n_by,
                                          .n_by_given = n_by,
                                          .n_references = 1,
                                          .references = references,
                                          .window_size = 3600000,
                                          .window_hop = 3600000,
                                          .severity = -1,
                                          .options = values,
                                          .redact = 1};
    struct weir_setup setup = {.size = sizeof setup,
                               .need = on_need,
                               .reference = on_setup_reference,
                               .sample = kept[1] ? on_setup_sample : NULL,
                               .reference_sample = kept[1] ? on_setup_reference_sample : NULL};
    memset(asked, 0, sizeof asked);
    int code = weir_plugin.create(&config, &setup, &instance, error);
    return code ? code : weir_plugin.owner_create(instance, &owner, error);
}

static void run_window(size_t n_slices, uint64_t rows)
{
    static const struct weir_slice_value us = {"country", "US"}, jp = {"country", "JP"};
    struct weir_slice slices[3] = {{.rows = rows},
                                   {.by = 1, .values = &us, .n_values = 1, .rows = rows / 2},
                                   {.by = 1, .values = &jp, .n_values = 1, .rows = rows / 2}};
    struct weir_window window = {.size = sizeof window,
                                 .start = 0,
                                 .end = 3600000,
                                 .rows = rows,
                                 .phase = WEIR_FINAL,
                                 .slices = slices,
                                 .n_slices = n_slices,
                                 .summary = on_summary,
                                 .reference = on_reference,
                                 .emit = on_emit,
                                 .sample = kept[1] ? on_sample : NULL,
                                 .reference_sample = kept[1] ? on_reference_sample : NULL};
    struct weir_error error = {0};
    memset(&found, 0, sizeof found);
    ck_assert_int_eq(weir_plugin.owner_window(owner, &window, &error), 0);
}

static void look(size_t rows, const struct change *change)
{
    for (int f = 0; f < FIELDS; f++)
        weir_summary_reset(&window_summary[0][f]);
    fill(window_summary[0], rows, change);
    run_window(1, rows);
}

static void setup(void)
{
    draw_state = 1;
    make_cells();
    for (int f = 0; f < FIELDS; f++) {
        ck_assert_int_eq(weir_absorb_scratch_create(&scratch[f]), 0);
        reference[f] = made(f);
        for (int s = 0; s < 3; s++)
            window_summary[s][f] = made(f);
    }
    fill(reference, REFERENCE_ROWS, &none);
}

static void teardown(void)
{
    if (owner)
        weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    owner = instance = NULL;
    for (int f = 0; f < FIELDS; f++) {
        weir_summary_free(&reference[f]);
        for (int s = 0; s < 3; s++)
            weir_summary_free(&window_summary[s][f]);
        weir_cells_free(cells[f]);
        weir_absorb_scratch_destroy(scratch[f]);
    }
}

static void start(size_t n_by)
{
    struct weir_error error = {0};
    ck_assert_int_eq(create(n_by, &error), 0);
}

START_TEST(a_shift_is_one_finding_that_a_person_understands)
{
    start(0);
    struct change change = none;
    change.shift = .6;
    look(1204, &change);
    printf("%s\n%s", found.summary, found.evidence);
    ck_assert_int_eq(found.n, 1);
    ck_assert_str_eq(found.kind, "drift.feature");
    ck_assert_str_eq(found.test, "omnibus");
    ck_assert_ptr_nonnull(strstr(found.summary, "amount moved: median"));
    ck_assert_ptr_nonnull(strstr(found.summary, "1,204 records against training"));
    ck_assert_ptr_nonnull(strstr(found.evidence, "PSI"));
    ck_assert_uint_eq(found.n_fields, 1);
    change.shift = 1.5;
    look(2000, &change);
    ck_assert_int_eq(found.critical, 1);
}
END_TEST

static const struct weir_reservoir_field kept_fields[FIELDS] = {
    {"amount", WEIR_TYPE_DOUBLE, 0, AMOUNT},
    {"country", WEIR_TYPE_STRING, 0, COUNTRY},
    {"score", WEIR_TYPE_DOUBLE, 0, SCORE},
    {"constant", WEIR_TYPE_DOUBLE, 0, CONSTANT}};
static const struct weir_reservoir_spec kept_spec[2] = {{kept_fields, FIELDS, 5000, 1 << 20},
                                                        {kept_fields, FIELDS, 1000, 1 << 20}};

// As look(), and the window comes with rows.
static void look_at_rows(size_t rows, const struct change *change)
{
    weir_reservoir_destroy(kept[1]);
    ck_assert_int_eq(weir_reservoir_create(&kept_spec[1], &kept[1]), 0);
    filled = kept[1];
    look(rows, change);
    filled = NULL;
}

START_TEST(a_rule_tells_new_records_from_old)
{
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(weir_reservoir_create(&kept_spec[i], &kept[i]), 0);
    filled = kept[0];
    fill(reference, REFERENCE_ROWS, &none);
    filled = NULL;
    start(0);
    struct change change = none;
    change.spike = .2; // at 6 sd
    look_at_rows(3000, &change);
    printf("%s\n%s", found.summary, found.evidence);
    ck_assert_ptr_nonnull(strstr(found.summary, "what tells them apart: amount > "));
    ck_assert_ptr_nonnull(strstr(found.summary, "of the new records, 0% of the old)"));
    ck_assert_ptr_nonnull(strstr(found.evidence, "rule amount: 0% of "));
    ck_assert_ptr_nonnull(strstr(found.evidence, "held-out AUC 0."));
    change = none;
    change.japan = .3;
    look_at_rows(3000, &change);
    ck_assert_ptr_nonnull(strstr(found.summary, "what tells them apart: country = JP ("));
    // Nothing that one could see in records: no rule.
    change = none;
    change.null = .06;
    look_at_rows(3000, &change);
    ck_assert_int_eq(found.n, 1);
    ck_assert_ptr_null(strstr(found.summary, "apart"));
    weir_reservoir_destroy(kept[0]);
    weir_reservoir_destroy(kept[1]);
    kept[0] = kept[1] = NULL;
}
END_TEST

START_TEST(many_fields_are_one_finding)
{
    start(0);
    struct change change = none;
    change.shift = 1;
    change.score = .2;
    change.japan = .3;
    look(2000, &change);
    ck_assert_int_eq(found.n, 1);
    ck_assert_uint_eq(found.n_fields, 3);
    ck_assert_ptr_nonnull(strstr(found.summary, "; also "));
    change = none;
    change.score = .2;
    look(2000, &change);
    ck_assert_str_eq(found.kind, "drift.score");
}
END_TEST

START_TEST(every_kind_of_change_is_found)
{
    static const struct {
        struct change change;
        const char *test, *text;
    } cases[] = {
        {{.scale = .7, .constant = 3}, "omnibus", "amount moved: 5 to 95% range"},
        {{.scale = 1, .constant = 3, .null = .1}, "null_rate", "are null or lack it, 0% in"},
        {{.scale = 1, .constant = 3, .unseen = .04}, "unseen", "have values that training never"},
        {{.scale = 1, .constant = 3, .spike = .02}, "tail", "beyond nearly all of training"},
        {{.scale = 1, .constant = 3, .japan = .2}, "omnibus", "country moved: JP "},
        {{.scale = 1, .constant = 4}, "tail", "constant: 100% of"},
    };
    start(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        look(3000, &cases[i].change);
        printf("%s\n", found.summary);
        ck_assert_int_eq(found.n, 1);
        ck_assert_str_eq(found.test, cases[i].test);
        ck_assert_ptr_nonnull(strstr(found.summary, cases[i].text));
    }
}
END_TEST

START_TEST(no_change_is_no_finding)
{
    start(0);
    int alarms = 0, windows = 300;
    for (int i = 0; i < windows; i++) {
        look(200 + (size_t)(draw_uniform() * 1500), &none);
        alarms += found.n;
    }
    // Half the smallest change that matters is none either.
    struct change small = none;
    small.shift = .08;
    int small_alarms = 0;
    for (int i = 0; i < 50; i++) {
        look(4000, &small);
        small_alarms += found.n;
    }
    printf("%d alarms in %d windows without a change, %d in 50 with a shift of .08 sd\n", alarms,
           windows, small_alarms);
    ck_assert_int_le(alarms, 1);
    ck_assert_int_le(small_alarms, 1);
}
END_TEST

START_TEST(few_no_and_very_many_records)
{
    start(0);
    struct change change = none;
    change.shift = 3;
    look(5, &change);
    ck_assert_int_eq(found.n, 0);
    look(0, &change);
    ck_assert_int_eq(found.n, 0);
    change.null = 1;
    change.shift = 0;
    look(1000, &change); // all null
    ck_assert_int_eq(found.n, 1);
    ck_assert_int_eq(found.critical, 1);
    ck_assert_ptr_nonnull(strstr(found.summary, "amount: 100% of 1,000 records are null"));
    // 50 million records: 12 doublings of 12,208.
    look(12208, &none);
    for (int f = 0; f < FIELDS; f++) {
        for (int i = 0; i < 12; i++) {
            struct weir_summary copy = made(f);
            ck_assert_int_eq(weir_summary_merge(&copy, &window_summary[0][f]), 0);
            ck_assert_int_eq(weir_summary_merge(&window_summary[0][f], &copy), 0);
            weir_summary_free(&copy);
        }
    }
    run_window(1, (uint64_t)12208 << 12);
    ck_assert_int_eq(found.n, 0);
}
END_TEST

START_TEST(a_slice_has_its_own_finding_unless_all_moved)
{
    start(1);
    ck_assert_uint_eq(asked[0], FIELDS);
    ck_assert_uint_eq(asked[1], FIELDS);
    struct change change = none;
    change.shift = 1;
    fill(window_summary[1], 3000, &none);
    fill(window_summary[2], 400, &change);
    fill(window_summary[0], 20000, &none);
    run_window(3, 20000);
    printf("%s\n", found.summary);
    ck_assert_int_eq(found.n, 1);
    ck_assert_str_eq(found.slice, "JP");
    ck_assert_ptr_nonnull(strstr(found.summary, "In country JP: amount moved"));
    for (int f = 0; f < FIELDS; f++)
        weir_summary_reset(&window_summary[0][f]);
    fill(window_summary[0], 3400, &change);
    run_window(3, 3400);
    ck_assert_int_eq(found.n, 1);
    ck_assert_str_eq(found.slice, "");
    ck_assert_ptr_nonnull(strstr(found.evidence, "slice amount"));
}
END_TEST

START_TEST(named_tests_are_used_alone)
{
    static const char *const named[] = {"ks", "g"}, *const wrong[] = {"kolmogorov"};
    struct weir_error error;
    values[4].strings = named;
    values[4].n_strings = 2;
    start(0);
    struct change change = none;
    change.shift = .6;
    look(2000, &change);
    ck_assert_int_eq(found.n, 1);
    ck_assert(!strcmp(found.test, "ks") || !strcmp(found.test, "g"));
    change = none;
    change.null = .5;
    look(2000, &change);
    ck_assert_int_eq(found.n, 0);
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    owner = instance = NULL;
    values[4].strings = wrong;
    values[4].n_strings = 1;
    ck_assert_int_eq(create(0, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "kolmogorov"));
    values[4].strings = auto_tests;
}
END_TEST

static void use(const char *const *tests, size_t n)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    owner = instance = NULL;
    values[4].strings = tests;
    values[4].n_strings = n;
}

START_TEST(statistics_by_name_have_limits_of_their_own)
{
    static const char *const rules[] = {"psi > 0.2", "ks p < 0.01", "null_rate > 0.1"};
    struct change change = none;
    use(rules, 3);
    start(0);
    look(2000, &none);
    ck_assert_int_eq(found.n, 0);
    change.shift = .2;
    look(2000, &change); // significant, but a PSI of .04
    ck_assert_int_eq(found.n, 1);
    ck_assert_str_eq(found.test, "ks");
    change.shift = 1;
    change.null = .3;
    look(2000, &change);
    ck_assert_int_eq(found.n, 3);
    printf("%s\n", found.summary);
    ck_assert_ptr_nonnull(strstr(found.summary, "amount: null_rate is 0."));
    ck_assert_ptr_nonnull(
        strstr(found.summary, "in training 0, 2000 records; `tests:` allows a difference of 0.1"));
    change.null = change.shift = 0;
    look(100, &change); // fewer than `minimum`
    ck_assert_int_eq(found.n, 0);
    values[4].strings = auto_tests;
    values[4].n_strings = 1;
}
END_TEST

START_TEST(statistics_by_name_are_checked)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {{"mmd > 1", "needs the rows"},
                 {"wasserstein", "say from where on"},
                 {"psi p < 0.1", "no p-value"},
                 {"psi > many", "not a number"}};
    struct weir_error error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        use(&wrong[i].text, 1);
        ck_assert_int_eq(create(0, &error), WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, wrong[i].says) != NULL, "%s", error.message);
    }
    // Every statistic that windows can have, on numbers, categories and a constant.
    static const char *const all[] = {"ks",
                                      "anderson_darling",
                                      "cramer_von_mises",
                                      "kuiper > 0.5",
                                      "berk_jones",
                                      "psi",
                                      "jensen_shannon",
                                      "kl",
                                      "hellinger",
                                      "total_variation",
                                      "chi_square",
                                      "g",
                                      "l_infinity > 0.3",
                                      "cramers_v",
                                      "wasserstein > 5",
                                      "wasserstein_normalised",
                                      "energy > 1",
                                      "mann_whitney",
                                      "welch_t",
                                      "variance_ratio",
                                      "quantile_shift",
                                      "fisher",
                                      "vanished_categories",
                                      "null_rate",
                                      "infinite_share",
                                      "empty_share",
                                      "unseen_share",
                                      "vanished_share > 0.5"};
    struct change change = none;
    use(all, sizeof all / sizeof *all);
    start(0);
    change.shift = 1;
    change.null = .2;
    change.unseen = .3;
    look(1000, &change);
    ck_assert_int_ge(found.n, 15);
    look(0, &change);
    look(1, &change);
    ck_assert_int_eq(found.n, 0);
    values[4].strings = auto_tests;
    values[4].n_strings = 1;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drift");
    TCase *cases = tcase_create("drift");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_shift_is_one_finding_that_a_person_understands);
    tcase_add_test(cases, a_rule_tells_new_records_from_old);
    tcase_add_test(cases, many_fields_are_one_finding);
    tcase_add_test(cases, every_kind_of_change_is_found);
    tcase_add_test(cases, no_change_is_no_finding);
    tcase_add_test(cases, few_no_and_very_many_records);
    tcase_add_test(cases, a_slice_has_its_own_finding_unless_all_moved);
    tcase_add_test(cases, named_tests_are_used_alone);
    tcase_add_test(cases, statistics_by_name_have_limits_of_their_own);
    tcase_add_test(cases, statistics_by_name_are_checked);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
