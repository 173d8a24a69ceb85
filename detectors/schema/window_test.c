// SPDX-License-Identifier: Apache-2.0
// Windows by hand: summaries in, findings out.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/cells_build.h"
#include "stats/hash.h"
#include "stats/hll.h"
#include "stats/summary.h"
#include "stats/top.h"

extern const struct weir_plugin weir_plugin;

enum { OPT, ID, COUNTRY, TIME, FIELDS };
static const struct weir_field fields[FIELDS] = {
    [OPT] = {.name = "opt", .type = WEIR_TYPE_DOUBLE, .optional = 1, .nullable = 1},
    [ID] = {.name = "id", .type = WEIR_TYPE_STRING},
    [COUNTRY] = {.name = "country", .type = WEIR_TYPE_STRING},
    [TIME] = {.name = "time", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .key = -1, .time = TIME};

static void *instance, *owner;
static struct weir_error error;
static char emitted[4096];
static struct weir_summary now[2][FIELDS], then[FIELDS]; // of the stream and of one slice
static struct weir_cells *cells[FIELDS];
static int has_reference;
static uint64_t sequence;
static int64_t step; // between windows, of event time; 0: none is known

// ---- the host

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
    (void)e;
    struct weir_summary_spec spec = {.shape =
                                         field == OPT ? WEIR_SHAPE_NUMERIC : WEIR_SHAPE_CATEGORICAL,
                                     .parts = parts,
                                     .cells = parts & WEIR_PART_CELLS ? cells[field] : NULL};
    if (by == 0) {
        ck_assert_int_eq(weir_summary_init(&now[0][field], &spec), 0);
        ck_assert_int_eq(weir_summary_init(&now[1][field], &spec), 0);
    }
    return 0;
}

static const struct weir_summary *on_setup_reference(const struct weir_setup *setup, size_t i,
                                                     int field)
{
    (void)setup;
    (void)i;
    return has_reference ? &then[field] : NULL;
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window;
    return field == TIME ? NULL : &now[slice][field];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window;
    (void)i;
    return has_reference && field != TIME ? &then[field] : NULL;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    size_t at = strlen(emitted);
    (void)window;
    snprintf(emitted + at, sizeof emitted - at, "%s%s %s %d %s", at ? "\n" : "", finding->kind,
             finding->n_fields ? finding->fields[0] : "-", (int)finding->severity,
             finding->summary);
}

static void start_with(int reference, int64_t hop)
{
    struct weir_option_value options[32];
    static const char *const references[] = {"training"};
    for (size_t i = 0; i < 32; i++)
        options[i] = (struct weir_option_value){.set = 1, .integer = 1, .number = 0.005};
    options[SCHEMA_OPTION_MINIMUM].integer = 200;
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "contract",
                                          .stream = &stream,
                                          .references = references,
                                          .n_references = reference ? 1 : 0,
                                          .window_hop = hop,
                                          .window_records = hop ? 0 : 1000,
                                          .redact = 1,
                                          .options = options};
    struct weir_setup setup = {
        .size = sizeof setup, .rule = on_rule, .need = on_need, .reference = on_setup_reference};
    has_reference = reference;
    sequence = 0;
    step = 0;
    int code = weir_plugin.create(&config, &setup, &instance, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
}

static void make_reference(void)
{
    static const char *const names[] = {"US", "DE", "JP"};
    struct weir_category list[3];
    for (size_t i = 0; i < 3; i++)
        list[i] = (struct weir_category){{names[i], 2, weir_hash(names[i], 2)}, 1000};
    struct weir_category_counts counts = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = list, .n = 3, .complete = 1};
    ck_assert_int_eq(weir_cells_build_categories(&counts, &cells[COUNTRY], &error), 0);
    struct weir_summary_spec spec = {
        .shape = WEIR_SHAPE_CATEGORICAL, .parts = WEIR_PART_CELLS, .cells = cells[COUNTRY]};
    ck_assert_int_eq(weir_summary_init(&then[COUNTRY], &spec), 0);
    then[COUNTRY].rows = then[COUNTRY].values = 3000;
    then[OPT] = (struct weir_summary){.rows = 100000, .null = 400};
    then[ID] = (struct weir_summary){.rows = 3000, .values = 3000, .shape = WEIR_SHAPE_TEXT};
    for (size_t i = 0; i < 3; i++)
        then[COUNTRY].cell[i] = 1000;
}

static void setup(void)
{
    memset(now, 0, sizeof now);
    memset(then, 0, sizeof then);
    make_reference();
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    owner = instance = NULL;
    for (size_t f = 0; f < FIELDS; f++) {
        weir_summary_free(&now[0][f]);
        weir_summary_free(&now[1][f]);
        weir_summary_free(&then[f]);
        weir_cells_free(cells[f]);
        cells[f] = NULL;
    }
}

// ---- what is in a window

static void clear(void)
{
    for (size_t f = 0; f < TIME; f++) {
        weir_summary_reset(&now[0][f]);
        weir_summary_reset(&now[1][f]);
    }
}

static void put_numbers(size_t slice, uint64_t n, uint64_t null, double low, double high)
{
    struct weir_summary *s = &now[slice][OPT];
    *s = (struct weir_summary){.parts = s->parts, .rows = n, .values = n - null, .null = null};
    s->moments.n = s->values;
    s->moments.minimum = low;
    s->moments.maximum = high;
}

static void put_ids(size_t slice, uint64_t n, int distinct)
{
    struct weir_summary *s = &now[slice][ID];
    s->rows = s->values = n;
    weir_hll_reset(s->distinct);
    for (int i = 0; i < distinct; i++)
        ck_assert_int_eq(weir_hll_add(s->distinct, weir_hll_hash_long(i)), 0);
}

static void put_countries(size_t slice, uint64_t n, uint64_t unseen)
{
    struct weir_summary *s = &now[slice][COUNTRY];
    s->rows = s->values = n;
    s->unseen = unseen;
    for (int i = 0; s->distinct && i < 3; i++)
        ck_assert_int_eq(weir_hll_add(s->distinct, weir_hll_hash_long(i)), 0);
    for (uint64_t i = 0; s->top && i < unseen; i++)
        ck_assert_int_eq(weir_top_add(s->top, weir_hash("XX", 2), "XX", 2), 0);
}

static const char *judge(uint64_t rows, uint64_t slice_rows)
{
    static const struct weir_slice_value value = {"route", "north"};
    struct weir_slice slices[2] = {{.rows = rows},
                                   {.by = 1, .values = &value, .n_values = 1, .rows = slice_rows}};
    int64_t start = step ? 1700000000000 + step * (int64_t)sequence : 0;
    struct weir_window window = {.size = sizeof window,
                                 .start = start,
                                 .end = start + step,
                                 .rows = rows,
                                 .sequence = sequence++,
                                 .slices = slices,
                                 .n_slices = slice_rows ? 2 : 1,
                                 .summary = on_summary,
                                 .reference = on_reference,
                                 .emit = on_emit};
    *emitted = 0;
    int code = weir_plugin.owner_window(owner, &window, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    return emitted;
}

// A window of a thousand records in which all is well.
static const char *quiet(void)
{
    uint64_t n = 1000 + sequence % 7;
    clear();
    for (size_t s = 0; s < 2; s++) {
        put_numbers(s, n, 2 + sequence % 5, 0, 10);
        put_ids(s, n, 200 + (int)(sequence % 11));
        put_countries(s, n, 0);
    }
    return judge(n, n);
}

static void learn(int windows)
{
    for (int i = 0; i < windows; i++)
        ck_assert_str_eq(quiet(), "");
}

// ---- nulls

static const char *null_rate(uint64_t rows, uint64_t null, uint64_t then_rows, uint64_t then_null)
{
    teardown();
    setup();
    start_with(1, 300000);
    clear();
    put_numbers(0, rows, null, 0, 10);
    then[OPT] = (struct weir_summary){.rows = then_rows, .missing = then_null};
    return judge(rows, 0);
}

START_TEST(nulls_against_the_reference)
{
    ck_assert_str_eq(
        null_rate(4000, 400, 100000, 400),
        "schema.null_rate opt 1 opt: 10% of 4,000 records are null or lack the field, "
        "against 0.4% in training: look for a join, lookup or client upstream that fails");
    ck_assert_str_eq(null_rate(4000, 4000, 100000, 100), // all gone
                     "schema.null_rate opt 2 opt: 100% of 4,000 records are null or lack the "
                     "field, against 0.1% in training: look for a join, lookup or client "
                     "upstream that fails");
    ck_assert_str_eq(null_rate(4000, 0, 100000, 50000),
                     "schema.null_rate opt 2 opt: 0% of 4,000 records are null or lack the field, "
                     "against 50% in training: look for a default that is filled in where "
                     "nulls were");
    ck_assert_str_eq(null_rate(4000, 40, 100000, 0), // one in a hundred, where none was
                     "schema.null_rate opt 1 opt: 1% of 4,000 records are null or lack the field, "
                     "against 0% in training: look for a join, lookup or client upstream that "
                     "fails");
    ck_assert_str_eq(null_rate(4000, 30, 100000, 400), ""); // small
    ck_assert_str_eq(null_rate(100, 50, 100000, 400), "");  // few
    ck_assert_str_eq(null_rate(4000, 3200, 100000, 50000),  // three of five values are lost
                     "schema.null_rate opt 2 opt: 80% of 4,000 records are null or lack the "
                     "field, against 50% in training: look for a join, lookup or client upstream "
                     "that fails");
    ck_assert_str_eq(null_rate(4000, 2050, 100000, 50000), ""); // not by a factor, nor a twentieth
    ck_assert_str_eq(
        null_rate(4000, 2400, 100000, 50000),
        "schema.null_rate opt 1 opt: 60% of 4,000 records in 1 window are null or lack "
        "the field, against at most 50.5% in training: look for a join, lookup or "
        "client upstream that fails for some records");
    ck_assert_str_eq(null_rate(0, 0, 0, 0), "");
    ck_assert_str_eq(null_rate(1000, 0, 1000, 0), "");
    ck_assert_str_eq(null_rate(1000, 1000, 1000, 1000), "");
}
END_TEST

// 4% of nulls become 4.8%, or half become 55%: no window shows it, many do.
START_TEST(nulls_of_many_windows)
{
    static const struct {
        uint64_t usual, now;
        int found;
    } cases[] = {{500, 550, 1}, {500, 520, 0}, {40, 75, 0}, {40, 100, 1}};
    for (size_t k = 0; k < 4; k++) {
        teardown();
        setup();
        start_with(0, 3600000);
        step = 3600000;
        int told = 0, windows = 0;
        for (int i = 0; i < 60; i++) {
            clear();
            put_numbers(0, 1000, (i < 40 ? cases[k].usual : cases[k].now) + (uint64_t)(i % 5) - 2,
                        0, 10);
            put_ids(0, 1000, 200);
            put_countries(0, 1000, 0);
            const char *said = judge(1000, 0);
            if (i < 40)
                ck_assert_str_eq(said, "");
            told += strstr(said, "schema.null_rate opt") != NULL;
            windows += strstr(said, " windows since 2023-") != NULL;
            if (told == 1 && windows == 1 && k == 0)
                ck_assert_msg(
                    strstr(said, "which no single window was enough to tell: look "
                                 "for a join, lookup or client upstream that fails for") != NULL,
                    "%s", said);
        }
        ck_assert_msg(cases[k].found ? told >= 5 && told <= 20 : told == 0, "%zu: %d", k, told);
    }
}
END_TEST

START_TEST(nulls_against_the_windows_before)
{
    start_with(0, 300000);
    learn(SCHEMA_LEARN);
    put_numbers(0, 1000, 100, 0, 10);
    ck_assert_str_eq(
        judge(1000, 0),
        "schema.null_rate opt 1 opt: 10% of 1,000 records are null or lack the field, "
        "against 0.248% to 0.649% in the windows before: look for a join, lookup or client "
        "upstream that fails");
    ck_assert_str_eq(quiet(), "");
}
END_TEST

START_TEST(a_night_must_have_been_seen)
{
    start_with(0, 300000);
    step = 300000;
    for (int i = 0; i < 40; i++)
        quiet();
    clear();
    put_numbers(0, 1000, 100, 0, 10);
    ck_assert_str_eq(judge(1000, 0), "");
    clear();
    put_numbers(0, 1000, 2, 5, 5);
    ck_assert_str_eq(judge(1000, 0), "");
    for (int i = 0; i < 250; i++)
        quiet();
    clear();
    put_numbers(0, 1000, 400, 0, 10);
    ck_assert_ptr_nonnull(strstr(judge(1000, 0), "schema.null_rate"));
}
END_TEST

START_TEST(a_change_that_stays_is_the_new_normal_after_a_day)
{
    int alarms = 0;
    start_with(0, 300000);
    learn(40);
    for (int i = 0; i < 2 * 288; i++) {
        clear();
        put_numbers(0, 1000, 100, 0, 10);
        alarms += *judge(1000, 0) != 0;
    }
    ck_assert_int_eq(alarms, 288);
}
END_TEST

// ---- volume

START_TEST(far_fewer_and_far_more_records)
{
    start_with(0, 3600000);
    learn(40);
    clear();
    ck_assert_str_eq(judge(100, 0), ""); // may be not full yet
    ck_assert_str_eq(judge(100, 0), "schema.volume - 1 100 records in the window, where the "
                                    "fewest before were 1,000: look whether its producers still "
                                    "send all");
    learn(1);
    ck_assert_str_eq(judge(5000, 0), "schema.volume - 1 5,000 records in the window, where the "
                                     "most before were 1,006: look for producers that send again, "
                                     "or twice");
    ck_assert_str_eq(judge(3000, 0), "");
}
END_TEST

START_TEST(volume_needs_a_day_and_windows_of_time)
{
    start_with(0, 300000);
    learn(40);
    ck_assert_str_eq(judge(9000, 0), "");
    teardown();
    setup();
    start_with(0, 0);
    learn(400);
    ck_assert_str_eq(judge(9000, 0), "");
}
END_TEST

// ---- frozen fields

START_TEST(a_field_that_froze)
{
    start_with(0, 300000);
    learn(400);
    for (int i = 0; i < 4; i++) {
        clear();
        put_numbers(0, 1000, 3, 5, 5);
        const char *said = judge(1000, 0);
        if (i < 3)
            ck_assert_str_eq(said, "");
        else
            ck_assert_str_eq(said, "schema.frozen opt 2 opt: all 997 records have one and the same "
                                   "value, and in each of the 400 windows before it varied: "
                                   "look for a source or cache that hangs, or a constant that was "
                                   "deployed");
    }
    clear();
    put_ids(0, 1000, 1); // it had hundreds in every window
    ck_assert_str_eq(judge(1000, 0),
                     "schema.frozen id 2 id: all 1,000 records have one and the same value, and in "
                     "each of the 400 windows before it varied: look for a source or cache that "
                     "hangs, or a constant that was deployed");
}
END_TEST

START_TEST(a_field_that_often_has_one_value)
{
    start_with(0, 300000);
    for (int i = 0; i < 100; i++) {
        clear();
        put_numbers(0, 1000, 3, 5, i % 10 ? 9 : 5);
        ck_assert_str_eq(judge(1000, 0), "");
    }
}
END_TEST

// ---- categories and distinct values

START_TEST(new_categories)
{
    start_with(1, 300000);
    learn(1);
    clear();
    put_countries(0, 4000, 60);
    ck_assert_str_eq(judge(4000, 0),
                     "schema.categories country 1 country: 1.5% of 4,000 records have a value that "
                     "training never had, such as \"XX\" (60): a new market, product or "
                     "spelling, or another field's values. The model does not know them: look at "
                     "what sends them");
    clear();
    put_countries(0, 4000, 49); // too few to be named
    ck_assert_str_eq(judge(4000, 0),
                     "schema.categories country 1 country: 1.23% of 4,000 records "
                     "have a value that training never had: a new market, product or "
                     "spelling, or another field's values. The model does not know them: look at "
                     "what sends them");
    clear();
    put_countries(0, 4000, 19);
    ck_assert_str_eq(judge(4000, 0), "");
}
END_TEST

// Of US, DE and JP.
static const char *countries(uint64_t us, uint64_t de, uint64_t jp)
{
    clear();
    put_countries(0, us + de + jp, 0);
    now[0][COUNTRY].cell[0] = de; // those that are as frequent are in order
    now[0][COUNTRY].cell[1] = jp;
    now[0][COUNTRY].cell[2] = us;
    return judge(us + de + jp, 0);
}

static const char gone[] =
    "schema.categories country 2 country: no longer among 1,800 values: \"JP\" (33.3%) that "
    "training always had: a producer, market or product may have stopped sending";

START_TEST(categories_that_vanished)
{
    start_with(1, 0);
    for (int i = 0; i < SCHEMA_LEARN; i++)
        ck_assert_str_eq(countries(600, (uint64_t)(600 - 24 * i), 600), "");
    ck_assert_str_eq(countries(900, 900, 0), gone);
    ck_assert_str_eq(countries(900, 895, 5), gone); // all but
    ck_assert_str_eq(countries(900, 860, 40), "");
    ck_assert_str_eq(countries(100, 100, 0), ""); // too few to say
    ck_assert_str_eq(countries(900, 900, 0), gone);
    for (uint32_t i = 1; i < 99; i++)
        countries(900, 900, 0);
    ck_assert_str_eq(countries(900, 900, 0), ""); // so it is now
    countries(600, 600, 600);
    ck_assert_str_eq(countries(900, 900, 0), "");
}
END_TEST

START_TEST(categories_that_come_and_go)
{
    start_with(1, 6 * 3600000);
    step = 6 * 3600000;
    for (int i = 0; i < 28; i++)
        ck_assert_str_eq(countries(600, 600, 600), "");
    ck_assert_str_eq(countries(900, 900, 0), ""); // of a weekly rhythm nothing is known yet
    for (int i = 0; i < 8; i++)
        ck_assert_str_eq(countries(600, 600, 600), "");
    ck_assert_str_eq(countries(900, 900, 0), "");
    ck_assert_ptr_nonnull(strstr(countries(0, 900, 900), "\"US\" (33.3%)"));
}
END_TEST

START_TEST(one_slice_alone)
{
    start_with(1, 300000);
    learn(1);
    clear();
    put_countries(0, 100000, 300);
    put_countries(1, 1000, 300);
    ck_assert_str_eq(
        judge(100000, 1000),
        "schema.categories country 2 In route north: country: 30% of 1,000 records "
        "have a value that training never had, such as \"XX\" (300): a new market, product or "
        "spelling, or another field's values. The model does not know them: look at what sends "
        "them");
    clear();
    put_countries(0, 1000, 300); // all of it is in the slice, and said once
    put_countries(1, 1000, 300);
    ck_assert_str_eq(judge(1000, 1000),
                     "schema.categories country 2 country: 30% of 1,000 records have a value that "
                     "training never had, such as \"XX\" (300): a new market, product or "
                     "spelling, or another field's values. The model does not know them: look at "
                     "what sends them");
}
END_TEST

START_TEST(distinct_values)
{
    start_with(0, 300000);
    learn(SCHEMA_LEARN);
    clear();
    put_ids(0, 4000, 50);
    ck_assert_str_eq(judge(4000, 0),
                     "schema.distinct id 1 id: about 50 distinct values in 4,000 records, where "
                     "the windows before had at least 196: look for a source that is lost, or "
                     "one value sent for many");
    clear();
    put_ids(0, 1000, 900);
    ck_assert_str_eq(judge(1000, 0),
                     "schema.distinct id 1 id: about 890 distinct values in 1,000 records, where "
                     "the windows before had at most 206: look for an id or free text where a "
                     "category was");
    clear();
    put_ids(0, 100, 40); // few values have few distinct ones
    ck_assert_str_eq(judge(100, 0), "");
    clear();
    put_ids(0, 40000, 6000); // and many have many
    ck_assert_str_eq(judge(40000, 0), "");
    clear();
    put_ids(0, 40000, 40000); // but not one each
    ck_assert_ptr_nonnull(strstr(judge(40000, 0), "schema.distinct"));
}
END_TEST

// ---- state

static int restore(struct weir_reader *in)
{
    return weir_plugin.owner_restore(owner, weir_plugin.state_version, in, &error);
}

static void swap_owner(const struct weir_buffer *bytes)
{
    struct weir_reader in = weir_reader_make(bytes->data, bytes->length);
    weir_plugin.owner_destroy(owner);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
    ck_assert_int_eq(restore(&in), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
}

START_TEST(state_comes_back)
{
    struct weir_buffer bytes, again;
    start_with(1, 300000);
    weir_buffer_init(&bytes, 1 << 20);
    weir_buffer_init(&again, 1 << 20);
    ck_assert_int_eq(weir_plugin.owner_save(owner, &bytes), 0);
    swap_owner(&bytes);
    learn(30);
    weir_buffer_reset(&bytes);
    ck_assert_int_eq(weir_plugin.owner_save(owner, &bytes), 0);
    swap_owner(&bytes);
    ck_assert_int_eq(weir_plugin.owner_save(owner, &again), 0);
    ck_assert_uint_eq(bytes.length, again.length);
    ck_assert_mem_eq(bytes.data, again.data, bytes.length);
    clear();
    put_ids(0, 4000, 50);
    ck_assert_ptr_nonnull(strstr(judge(4000, 0), "schema.distinct id"));
    // Whatever is cut off or turned over is refused, and nothing is left of it.
    for (size_t n = 0; n < bytes.length; n++) {
        struct weir_reader in = weir_reader_make(bytes.data, n);
        ck_assert_int_lt(weir_plugin.owner_restore(owner, weir_plugin.state_version, &in, &error),
                         0);
        bytes.data[n] ^= 0x55;
        in = weir_reader_make(bytes.data, bytes.length);
        restore(&in);
        bytes.data[n] ^= 0x55;
    }
    struct weir_reader none = weir_reader_make(NULL, 0);
    ck_assert_int_eq(weir_plugin.owner_restore(owner, 1, &none, &error), 0);
    weir_buffer_free(&bytes);
    weir_buffer_free(&again);
}
END_TEST

START_TEST(state_of_an_older_release)
{
    struct weir_buffer bytes;
    start_with(1, 300000);
    weir_buffer_init(&bytes, 1 << 20);
    weir_put_long(&bytes, 1);
    weir_put_string(&bytes, "country");
    weir_put_long(&bytes, 3); // series
    weir_put_long(&bytes, 1); // the whole stream
    weir_put_fixed64(&bytes, 0);
    weir_put_long(&bytes, 0); // of no window
    weir_put_long(&bytes, 0);
    weir_put_long(&bytes, 1);
    for (int i = 0; i < 3; i++)
        weir_put_long(&bytes, 30 - 15 * i);
    for (int i = 0; i < 3; i++)
        weir_put_long(&bytes, 0);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_plugin.owner_restore(owner, 3, &in, &error), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_lt(restore(&in), 0);
    weir_buffer_free(&bytes);
}
END_TEST

START_TEST(tracks)
{
    struct schema_track track = {0};
    for (uint32_t i = 0; i < SCHEMA_LEARN; i++) {
        ck_assert_double_eq(schema_track_beyond(&track, 1e9, 0), 0);
        schema_track_learn(&track, i % 2 ? 1 : 2, 0, 5);
    }
    ck_assert_double_eq(schema_track_beyond(&track, 1.5, 0), 0);
    ck_assert_double_eq(schema_track_beyond(&track, 3, 0), 0); // within six deviations
    ck_assert_double_eq_tol(schema_track_beyond(&track, 9, 0), 7, 0.1);
    ck_assert_double_eq_tol(schema_track_beyond(&track, -9, 0), -10, 0.1);
    ck_assert_double_eq(schema_track_beyond(&track, 9, 2), 0); // chance explains it
    for (int i = 0; i < 4; i++)
        schema_track_learn(&track, 9, 1, 5);
    ck_assert_double_eq_tol(schema_track_beyond(&track, 9, 0), 7, 0.1);
    schema_track_learn(&track, 9, 1, 5);
    ck_assert_uint_eq(track.n, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema windows");
    TCase *tcase = tcase_create("windows");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, nulls_against_the_reference);
    tcase_add_test(tcase, nulls_of_many_windows);
    tcase_add_test(tcase, nulls_against_the_windows_before);
    tcase_add_test(tcase, a_night_must_have_been_seen);
    tcase_add_test(tcase, a_change_that_stays_is_the_new_normal_after_a_day);
    tcase_add_test(tcase, far_fewer_and_far_more_records);
    tcase_add_test(tcase, volume_needs_a_day_and_windows_of_time);
    tcase_add_test(tcase, a_field_that_froze);
    tcase_add_test(tcase, a_field_that_often_has_one_value);
    tcase_add_test(tcase, new_categories);
    tcase_add_test(tcase, categories_that_vanished);
    tcase_add_test(tcase, categories_that_come_and_go);
    tcase_add_test(tcase, one_slice_alone);
    tcase_add_test(tcase, distinct_values);
    tcase_add_test(tcase, state_comes_back);
    tcase_add_test(tcase, state_of_an_older_release);
    tcase_add_test(tcase, tracks);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
