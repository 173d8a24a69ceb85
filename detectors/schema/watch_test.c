// SPDX-License-Identifier: Apache-2.0
// From records to findings: a profile of good ones, an edge beside bad ones, an owner at the end.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/builder.h"
#include "consumer/profile/maker.h"
#include "detectors/schema/window.h"
#include "stats/summary.h"

extern const struct weir_plugin weir_plugin;

enum { AMOUNT, COUNTRY, DEVICE, LAT, LON, NAME, RATIO, SCORE, HOME, AWAY, FIELDS };
enum { ROWS = 3000, TRAINING = 20000 };
static const struct weir_field fields[FIELDS] = {
    [AMOUNT] = {.name = "amount", .type = WEIR_TYPE_DOUBLE, .has_range = 1, .low = 0, .high = 1e6},
    [COUNTRY] = {.name = "country", .type = WEIR_TYPE_STRING},
    [DEVICE] = {.name = "device", .type = WEIR_TYPE_STRING},
    [LAT] = {.name = "lat", .type = WEIR_TYPE_DOUBLE},
    [LON] = {.name = "lon", .type = WEIR_TYPE_DOUBLE},
    [NAME] = {.name = "name", .type = WEIR_TYPE_STRING},
    [RATIO] = {.name = "ratio", .type = WEIR_TYPE_DOUBLE},
    [SCORE] = {.name = "score", .type = WEIR_TYPE_DOUBLE},
    [HOME] = {.name = "home", .type = WEIR_TYPE_STRING},
    [AWAY] = {.name = "away", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .key = -1, .time = -1};

struct row {
    double amount, lat, lon, ratio, score;
    const char *country, *device, *home, *away;
    char name[40];
    int64_t age;
};
typedef void spoil(struct row *row, uint64_t i);

static struct weir_profile *profile;
static void *instance, *edge, *owner;
static struct weir_builder *builder;
static struct weir_absorb_scratch *scratch[FIELDS];
static struct weir_summary now[FIELDS];
static struct weir_error error;
static char emitted[4096], rules[256]; // the last finding's rule
static uint64_t dice, more_dice;

static uint64_t roll_of(uint64_t *of, uint64_t n)
{
    *of = *of * 6364136223846793005u + 1442695040888963407u;
    return (*of >> 33) % n;
}

static uint64_t roll(uint64_t n)
{
    return roll_of(&dice, n);
}

static double even(void)
{
    return (double)roll_of(&more_dice, 1 << 20) / (1 << 20);
}

// One of four, falling or rising in frequency.
static const char *region(int rising)
{
    static const char *const regions[] = {"north", "east", "south", "west"};
    int at = (int)(4 * even() * even());
    return regions[rising ? 3 - at : at];
}

static double normal(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)roll(1 << 20) / (1 << 20);
    return sum;
}

static void make_row(struct row *row)
{
    static const char *const countries[] = {"US", "US", "US", "DE", "DE", "JP", "FR", "GB"};
    static const char *const devices[] = {"ios", "android", "web"};
    static const char *const syllables[] = {"ka", "to", "mi", "ra", "ne", "so", "li", "da", "ven"};
    row->amount = exp(3 + normal());
    row->lat = 35 + 2 * normal();
    row->lon = 139 + 2 * normal();
    row->country = countries[roll(8)];
    row->device = devices[roll(3)];
    row->age = 1000 + (int64_t)roll(1000);
    row->ratio = 0.2 + 0.3 * even() + 0.3 * even();
    row->score = even() < 0.5 ? 0.2 + 0.2 * even() : 0.8 - 0.2 * even();
    row->home = region(0);
    row->away = region(1);
    size_t used = 0;
    for (uint64_t n = 3 + roll(4); n; n--)
        used +=
            (size_t)snprintf(row->name + used, sizeof row->name - used, "%s", syllables[roll(9)]);
}

static void put_row(int64_t offset, const struct row *row)
{
    struct weir_span none = {0};
    weir_builder_row(builder, offset, 1700000000000 + offset * 1000, none, none);
    weir_builder_double(builder, AMOUNT, row->amount);
    weir_builder_string(builder, COUNTRY, row->country, strlen(row->country), 1);
    weir_builder_string(builder, DEVICE, row->device, strlen(row->device), 1);
    weir_builder_double(builder, LAT, row->lat);
    weir_builder_double(builder, LON, row->lon);
    weir_builder_string(builder, NAME, row->name, strlen(row->name), 1);
    weir_builder_double(builder, RATIO, row->ratio);
    weir_builder_double(builder, SCORE, row->score);
    weir_builder_string(builder, HOME, row->home, strlen(row->home), 1);
    weir_builder_string(builder, AWAY, row->away, strlen(row->away), 1);
}

static void make_profile(void)
{
    struct weir_builder_options options = {.stream = &stream};
    struct weir_profile_maker *maker;
    ck_assert_int_eq(weir_profile_maker_create(&stream, NULL, &maker, &error), 0);
    for (int pass = 0; pass < 2; pass++) {
        dice = more_dice = 1;
        ck_assert_int_eq(weir_builder_create(&options, &builder, &error), 0);
        for (int64_t i = 0; i < TRAINING;) {
            weir_builder_begin(builder, "file", 0);
            for (int k = 0; k < 1000; k++, i++) {
                struct row row;
                make_row(&row);
                put_row(i, &row);
            }
            const struct weir_batch *batch = weir_builder_finish(builder);
            ck_assert_int_eq(pass ? weir_profile_maker_second(maker, batch, &error)
                                  : weir_profile_maker_first(maker, batch, &error),
                             0);
        }
        weir_builder_destroy(builder);
        if (!pass)
            ck_assert_int_eq(weir_profile_maker_turn(maker, &error), 0);
    }
    ck_assert_int_eq(weir_profile_maker_finish(maker, &profile, &error), 0);
    weir_profile_maker_destroy(maker);
}

// ---- the host

static int on_rule(const struct weir_setup *setup, const struct weir_rule *rule,
                   struct weir_error *e)
{
    static int n;
    (void)setup;
    (void)rule;
    (void)e;
    return n++ % 100;
}

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *e)
{
    (void)setup;
    (void)by;
    (void)e;
    const struct weir_cells *cells = profile->fields[field].cells;
    struct weir_summary_spec spec = {.shape = cells->shape, .parts = parts, .cells = cells};
    return weir_summary_init(&now[field], &spec);
}

static const struct weir_summary *on_setup_reference(const struct weir_setup *setup, size_t i,
                                                     int field)
{
    (void)setup;
    (void)i;
    return &profile->fields[field].summary;
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window;
    (void)slice;
    return &now[field];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window;
    (void)i;
    return &profile->fields[field].summary;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    size_t at = strlen(emitted);
    (void)window;
    snprintf(rules, sizeof rules, "%s", finding->rule);
    snprintf(emitted + at, sizeof emitted - at, "%s%s %d %s", at ? "\n" : "", finding->kind,
             (int)finding->severity, finding->summary);
}

static void on_flag(const struct weir_edge *host, unsigned rule, const uint32_t *rows, size_t n)
{
    (void)host;
    (void)rule;
    (void)rows;
    (void)n;
}

static void on_detail(const struct weir_edge *host, unsigned rule, const char *name, size_t length,
                      const uint32_t *rows, const double *values, size_t n)
{
    (void)host;
    (void)rule;
    (void)name;
    (void)length;
    (void)rows;
    (void)values;
    (void)n;
}

static void setup(void)
{
    struct weir_option_value values[64];
    static const char *const references[] = {"training"};
    make_profile();
    for (size_t i = 0; i < 64; i++)
        values[i] = (struct weir_option_value){.set = 1, .integer = 1, .number = 0.005};
    values[SCHEMA_OPTION_MINIMUM].integer = 200;
    values[SCHEMA_OPTION_FRESHNESS].integer = 3600000;
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "contract",
                                          .stream = &stream,
                                          .references = references,
                                          .n_references = 1,
                                          .window_hop = 300000,
                                          .redact = 1,
                                          .options = values};
    struct weir_setup host = {
        .size = sizeof host, .rule = on_rule, .need = on_need, .reference = on_setup_reference};
    int code = weir_plugin.create(&config, &host, &instance, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
    struct weir_builder_options options = {.stream = &stream};
    ck_assert_int_eq(weir_builder_create(&options, &builder, &error), 0);
    for (size_t f = 0; f < FIELDS; f++)
        ck_assert_int_eq(weir_absorb_scratch_create(&scratch[f]), 0);
    dice = more_dice = 2;
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.edge_destroy(edge);
    weir_plugin.destroy(instance);
    weir_builder_destroy(builder);
    for (size_t f = 0; f < FIELDS; f++) {
        weir_absorb_scratch_destroy(scratch[f]);
        weir_summary_free(&now[f]);
    }
    weir_profile_free(profile);
}

// ---- windows

static void observe(int64_t pane, size_t rows, spoil *spoiled)
{
    static int64_t offset;
    static int64_t panes[WEIR_BATCH_ROWS], times[WEIR_BATCH_ROWS];
    struct weir_edge host = {
        .size = sizeof host, .flag = on_flag, .detail = on_detail, .pane = panes};
    for (size_t done = 0; done < rows;) {
        weir_builder_begin(builder, "topic", 0);
        size_t n = 0;
        for (; n < 700 && done < rows; n++, done++) {
            struct row row;
            make_row(&row);
            if (spoiled)
                spoiled(&row, (uint64_t)done);
            put_row(offset++, &row);
            panes[n] = pane;
            times[n] = row.age;
        }
        struct weir_batch batch = *weir_builder_finish(builder);
        for (size_t i = 0; i < n; i++)
            times[i] = batch.time[i] + times[i];
        batch.timestamp = times;
        ck_assert_int_eq(weir_plugin.edge_observe(edge, &batch, &host, &error), 0);
        for (size_t f = 0; f < FIELDS; f++)
            ck_assert_int_eq(weir_summary_absorb(&now[f], &batch.columns[f], NULL, 0, scratch[f]),
                             0);
    }
}

static const char *judge(const struct weir_span *extracts, size_t n)
{
    struct weir_slice slice = {.rows = now[0].rows};
    struct weir_window window = {.size = sizeof window,
                                 .rows = now[0].rows,
                                 .slices = &slice,
                                 .n_slices = 1,
                                 .extracts = extracts,
                                 .n_extracts = n,
                                 .summary = on_summary,
                                 .reference = on_reference,
                                 .emit = on_emit};
    *emitted = 0;
    ck_assert_int_eq(weir_plugin.owner_window(owner, &window, &error), 0);
    for (size_t f = 0; f < FIELDS; f++)
        weir_summary_reset(&now[f]);
    return emitted;
}

static const char *window_of(size_t rows, spoil *spoiled)
{
    struct weir_buffer out;
    weir_buffer_init(&out, 1 << 20);
    observe(0, rows, spoiled);
    ck_assert_int_eq(weir_plugin.edge_close(edge, 0, 300000, &out, &error), 0);
    struct weir_span extract = {out.data, out.length};
    judge(&extract, 1);
    weir_buffer_free(&out);
    return emitted;
}

static void check(spoil *spoiled, const char *start)
{
    const char *said = window_of(ROWS, spoiled);
    ck_assert_msg(strncmp(said, start, strlen(start)) == 0, "%s\ninstead of\n%s", said, start);
    ck_assert_msg(!strchr(said, '\n'), "once: %s", said);
}

START_TEST(good_records_say_nothing)
{
    for (int i = 0; i < 60; i++)
        ck_assert_str_eq(window_of(ROWS, NULL), "");
    ck_assert_str_eq(window_of(20000, NULL), "");
    ck_assert_str_eq(window_of(10, NULL), "");
    ck_assert_str_eq(window_of(0, NULL), "");
}
END_TEST

static void fill_amount(struct row *row, uint64_t i)
{
    row->amount = i % 10 ? row->amount : 0;
}

static void fill_few(struct row *row, uint64_t i)
{
    row->amount = i % 100 ? row->amount : 20.25;
}

static void fill_name(struct row *row, uint64_t i)
{
    if (i % 10 == 0)
        row->name[0] = 0;
}

START_TEST(a_value_that_is_filled_in)
{
    check(fill_amount, "schema.default_spike 1 amount: 9.8% of 3,000 values are 0; in training at "
                       "most 0.0732% were, and the other values keep their shares: look for a "
                       "default that is filled in, or a source that hangs");
    check(fill_few, "schema.default_spike 1 amount: 0.833% of 3,000 values are one and the "
                    "same; in "
                    "training at most");
    check(fill_name, "schema.default_spike 1 name: 9.8% of 3,000 values are \"\" (empty); in");
}
END_TEST

static void fill_broken(struct row *row, uint64_t i)
{
    row->amount = i % 10 ? row->amount : -999;
}

static void freeze_broken(struct row *row, uint64_t i)
{
    (void)i;
    row->amount = -999;
}

START_TEST(what_rules_for_records_tell_is_not_told_twice)
{
    ck_assert_str_eq(window_of(ROWS, fill_broken), "");
    for (int i = 0; i < 40; i++)
        window_of(ROWS, NULL);
    ck_assert_str_eq(window_of(ROWS, fill_broken), "");
    ck_assert_str_eq(window_of(ROWS, freeze_broken), "");
}
END_TEST

static void freeze_in_the_middle(struct row *row, uint64_t i)
{
    row->amount = i < ROWS / 2 ? row->amount : 20.25;
}

static void freeze(struct row *row, uint64_t i)
{
    (void)i;
    row->amount = 20.25;
}

START_TEST(a_spike_that_becomes_all_is_one_incident)
{
    for (int i = 0; i < 40; i++)
        window_of(ROWS, NULL);
    window_of(ROWS, freeze_in_the_middle);
    ck_assert_str_eq(rules, "default_spike");
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(strstr(window_of(ROWS, freeze), "schema.frozen 2 amount: all 3,000"));
        ck_assert_str_eq(rules, "default_spike");
    }
    window_of(ROWS, NULL);
    window_of(ROWS, freeze); // from the beginning of a window on
    ck_assert_str_eq(rules, "frozen");
    window_of(ROWS, freeze);
    ck_assert_str_eq(rules, "frozen");
}
END_TEST

static void fill_first(struct row *row, uint64_t i)
{
    row->amount = i < 2000 ? 0 : row->amount;
}

START_TEST(a_sample_is_weighed)
{
    double share;
    const char *said = window_of(40000, fill_first);
    ck_assert_int_eq(
        sscanf(said, "schema.default_spike 1 amount: %lf%% of 40,000 values (by a ", &share), 1);
    ck_assert_double_eq_tol(share, 5, 0.3); // and not a fifth, as of the rows looked at
    ck_assert_ptr_nonnull(strstr(said, " of 40,000 values (by a sample of 8,"));
}
END_TEST

static void swap_numbers(struct row *row, uint64_t i)
{
    double lat = row->lat;
    if (i % 100 == 0) {
        row->lat = row->lon;
        row->lon = lat;
    }
}

static void swap_strings(struct row *row, uint64_t i)
{
    const char *country = row->country;
    if (i % 10 == 0) {
        row->country = row->device;
        row->device = country;
    }
}

static void spoil_one(struct row *row, uint64_t i)
{
    (void)i;
    row->lat = 139; // odd where it is, but the other field is as ever
}

START_TEST(two_fields_in_each_others_place)
{
    check(swap_numbers, "schema.swapped 1 lat and lon are swapped in about 1% of 3,000 records: "
                        "lat has values that look like lon in training, and the other way round");
    check(swap_strings,
          "schema.swapped 2 country and device are swapped in about 10% of 3,000 records");
    ck_assert_ptr_null(strstr(window_of(ROWS, spoil_one), "swapped"));
}
END_TEST

static void exchange_numbers(struct row *row, uint64_t i)
{
    double ratio = row->ratio;
    if (i % 10 == 0) {
        row->ratio = row->score;
        row->score = ratio;
    }
}

static void exchange_strings(struct row *row, uint64_t i)
{
    const char *home = row->home;
    if (i % 5 == 0) {
        row->home = row->away;
        row->away = home;
    }
}

static void ratio_alone(struct row *row, uint64_t i)
{
    row->ratio = i % 5 ? row->ratio : row->score;
}

// Both have moved, and not to each other's place.
static void both_move(struct row *row, uint64_t i)
{
    row->ratio = i % 5 ? row->ratio : even();
    row->score = i % 5 ? row->score : even() * even();
    row->home = i % 5 ? row->home : "north";
    row->away = i % 5 ? row->away : "south";
}

START_TEST(two_fields_whose_records_do_not_show_it)
{
    check(exchange_numbers, "schema.swapped 2 ratio and score look swapped in about 12% of 3,000 "
                            "records: together the values of ratio are those that score has in "
                            "training, and the other way round");
    check(exchange_strings, "schema.swapped 2 home and away look swapped in about 20% of 3,000");
    ck_assert_ptr_null(strstr(window_of(ROWS, ratio_alone), "swapped"));
    ck_assert_ptr_null(strstr(window_of(ROWS, both_move), "swapped"));
}
END_TEST

static void scramble(struct row *row, uint64_t i)
{
    for (size_t k = 0; i % 50 == 0 && k < 12; k++)
        row->name[k] = (char)('a' + roll(26));
    row->name[12] = i % 50 ? row->name[12] : 0;
}

static void one_odd_name(struct row *row, uint64_t i)
{
    if (i % 200 == 0)
        snprintf(row->name, sizeof row->name, "xqzwvkpj");
}

// Too few in any one window: seven of 700.
static void fill_very_few(struct row *row, uint64_t i)
{
    row->amount = i % 100 ? row->amount : 20.25;
}

static void odd_names(struct row *row, uint64_t i)
{
    for (size_t k = 0; i % 140 == 0 && k < 12; k++)
        row->name[k] = (char)('a' + roll(26));
    row->name[12] = i % 140 ? row->name[12] : 0;
}

static int windows_until(spoil *spoiled, const char *what, char *said, size_t size)
{
    for (int i = 1; i <= 24; i++) {
        snprintf(said, size, "%s", window_of(700, spoiled));
        if (strstr(said, what))
            return i;
        ck_assert_str_eq(said, "");
    }
    return 0;
}

START_TEST(what_many_windows_show)
{
    char said[1000];
    for (int i = 0; i < 30; i++)
        ck_assert_str_eq(window_of(700, NULL), "");
    int windows = windows_until(fill_very_few, "default_spike", said, sizeof said);
    ck_assert_msg(windows > 1 && windows < 8, "%d: %s", windows, said);
    ck_assert_msg(strstr(said, "amount: 0.8") && strstr(said, " windows are one and the same; in "
                                                              "training at most "),
                  "%s", said);
    for (int i = 0; i < 12; i++)
        window_of(700, NULL);
    ck_assert_str_eq(window_of(700, NULL), "");
    windows = windows_until(odd_names, "gibberish", said, sizeof said);
    ck_assert_msg(windows > 1 && windows < 12, "%d: %s", windows, said);
    // It is in the state.
    struct weir_buffer state, again;
    weir_buffer_init(&state, 1 << 20);
    weir_buffer_init(&again, 1 << 20);
    ck_assert_int_eq(weir_plugin.owner_save(owner, &state), 0);
    weir_plugin.owner_destroy(owner);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
    struct weir_reader in = weir_reader_make(state.data, state.length);
    ck_assert_int_eq(weir_plugin.owner_restore(owner, weir_plugin.state_version, &in, &error), 0);
    ck_assert_int_eq(weir_plugin.owner_save(owner, &again), 0);
    ck_assert_uint_eq(again.length, state.length);
    ck_assert_mem_eq(again.data, state.data, state.length);
    ck_assert_ptr_nonnull(strstr(window_of(700, odd_names), "schema.gibberish"));
    weir_buffer_free(&state);
    weir_buffer_free(&again);
}
END_TEST

START_TEST(texts_that_read_like_none)
{
    check(scramble, "schema.gibberish 1 name: 2% of 3,000 texts are by their letters unlike those "
                    "of training, where 0.");
    ck_assert_ptr_null(strstr(window_of(ROWS, one_odd_name), "gibberish"));
}
END_TEST

static void grow_old(struct row *row, uint64_t i)
{
    row->age = i % 20 ? row->age : 3 * 86400000;
}

START_TEST(events_that_come_late)
{
    check(grow_old, "schema.freshness 1 5% of 3,000 records were over 60 minutes old when they "
                    "arrived (the oldest 3 days): whatever sends them is behind");
}
END_TEST

START_TEST(panes_of_several_tasks_add_up)
{
    struct weir_buffer out[2];
    struct weir_span extracts[2];
    for (int i = 0; i < 2; i++) {
        weir_buffer_init(&out[i], 1 << 20);
        observe(i, ROWS / 2, swap_numbers);
        ck_assert_int_eq(weir_plugin.edge_close(edge, i, i + 1, &out[i], &error), 0);
        extracts[i] = (struct weir_span){out[i].data, out[i].length};
    }
    judge(extracts, 2);
    ck_assert_ptr_nonnull(strstr(emitted, "lat and lon are swapped in about 1% of 3,000"));
    // What is damaged on its way says less, never more than it can.
    for (size_t n = 0; n < out[0].length; n += 3) {
        extracts[0].length = n;
        judge(extracts, 1);
        extracts[0].length = out[0].length;
        out[0].data[n] ^= 0x55;
        judge(extracts, 2);
        out[0].data[n] ^= 0x55;
    }
    ck_assert_int_eq(weir_plugin.edge_close(edge, 7, 8, &out[0], &error), 0); // no such pane
    weir_buffer_free(&out[0]);
    weir_buffer_free(&out[1]);
}
END_TEST

START_TEST(an_open_pane_outlives_a_restart)
{
    struct weir_buffer state, again, out;
    weir_buffer_init(&state, 1 << 24);
    weir_buffer_init(&again, 1 << 24);
    weir_buffer_init(&out, 1 << 20);
    observe(0, ROWS, swap_strings);
    observe(300000, 10, scramble);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &state), 0);
    weir_plugin.edge_destroy(edge);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    struct weir_reader in = weir_reader_make(state.data, state.length);
    ck_assert_int_eq(weir_plugin.edge_restore(edge, weir_plugin.state_version, &in, &error), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &again), 0);
    ck_assert_uint_eq(again.length, state.length);
    ck_assert_mem_eq(again.data, state.data, state.length);
    ck_assert_int_eq(weir_plugin.edge_close(edge, 0, 300000, &out, &error), 0);
    struct weir_span extract = {out.data, out.length};
    ck_assert_ptr_nonnull(strstr(judge(&extract, 1), "country and device are swapped in about"));
    for (size_t n = 0; n < state.length; n += 1 + n / 40) {
        void *other;
        ck_assert_int_eq(weir_plugin.edge_create(instance, &other, &error), 0);
        in = weir_reader_make(state.data, n);
        ck_assert_int_lt(weir_plugin.edge_restore(other, weir_plugin.state_version, &in, &error),
                         0);
        state.data[n] ^= 0x41;
        in = weir_reader_make(state.data, state.length);
        weir_plugin.edge_restore(other, weir_plugin.state_version, &in, &error);
        state.data[n] ^= 0x41;
        weir_plugin.edge_destroy(other);
    }
    weir_buffer_free(&state);
    weir_buffer_free(&again);
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema watch");
    TCase *tcase = tcase_create("watch");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, good_records_say_nothing);
    tcase_add_test(tcase, a_value_that_is_filled_in);
    tcase_add_test(tcase, a_sample_is_weighed);
    tcase_add_test(tcase, what_rules_for_records_tell_is_not_told_twice);
    tcase_add_test(tcase, a_spike_that_becomes_all_is_one_incident);
    tcase_add_test(tcase, two_fields_in_each_others_place);
    tcase_add_test(tcase, two_fields_whose_records_do_not_show_it);
    tcase_add_test(tcase, what_many_windows_show);
    tcase_add_test(tcase, texts_that_read_like_none);
    tcase_add_test(tcase, events_that_come_late);
    tcase_add_test(tcase, panes_of_several_tasks_add_up);
    tcase_add_test(tcase, an_open_pane_outlives_a_restart);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
