// SPDX-License-Identifier: Apache-2.0
// Slices of serving beside the same slices of training's rows.
#include "detectors/skew/slices.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/draw_inside.h"
#include "stats/hash.h"
#include "stats/unlike_inside.h"

enum { AMOUNT, AGE, COUNTRY, FIELDS, SLICES = 3, TRAINED = 5000, ROWS = 4000, HOUR = 3600000 };
static const int64_t MONDAY = 1760313600000;
static const struct weir_field infos[FIELDS] = {{.name = "amount", .type = WEIR_TYPE_DOUBLE},
                                                {.name = "age", .type = WEIR_TYPE_DOUBLE},
                                                {.name = "country", .type = WEIR_TYPE_STRING}};
static const char *const words[] = {"US", "DE", "JP"};
static const char *const devices[SLICES] = {"web", "app", "tv"};

static struct skew_training_field fields[FIELDS];
static struct skew_training_plan plan;
static struct unlike_sample whole[FIELDS];
static struct weir_summary parts[FIELDS][SLICES];
static struct weir_reservoir *sample;
static struct weir_slice slices_of[SLICES + 1];
static struct weir_slice_value values[SLICES];
static struct skew_judgement judgement;
static struct weir_window window;

static struct {
    int device; // that changes
    double shift, nulls;
} change;

static int n_found;
static char where[200], summary[1000];

static double x[FIELDS][ROWS + TRAINED];
static uint32_t code[ROWS + TRAINED], device[ROWS + TRAINED];

// Devices differ by nature: tv has larger amounts.
static void draw(size_t n, int serving)
{
    static const double share[SLICES] = {.5, .4, .1};
    for (size_t i = 0; i < n; i++) {
        int d = draw_pick(share, SLICES), here = serving && d == change.device;
        device[i] = (uint32_t)d;
        code[i] = draw_uniform() < .6 ? 0 : draw_uniform() < .6 ? 1 : 2;
        x[AMOUNT][i] = 100 + (d == 2 ? 15 : 0) + 10 * (draw_normal() + (here ? change.shift : 0));
        x[AGE][i] = here && draw_uniform() < change.nulls ? NAN : 41 + 12 * draw_normal();
    }
}

static const struct weir_summary *summary_of(const struct weir_window *from, size_t s, int field)
{
    (void)from;
    return s ? &parts[field][s - 1] : &whole[field].side[1];
}

static const struct weir_reservoir *sample_of(const struct weir_window *from, size_t i)
{
    (void)from, (void)i;
    return sample;
}

static void on_emit(const struct weir_window *from, const struct weir_finding *finding)
{
    (void)from;
    n_found++;
    ck_assert_str_eq(finding->rule, "slice");
    ck_assert_uint_ge(finding->n_evidence, finding->n_fields);
    snprintf(where, sizeof where, "%s=%s %s", finding->slice->field, finding->slice->value,
             finding->fields[0]);
    snprintf(summary, sizeof summary, "%s", finding->summary);
}

static void keep_sample(void)
{
    static const struct weir_reservoir_field kept[] = {{"amount", WEIR_TYPE_DOUBLE, 0, 0},
                                                       {"age", WEIR_TYPE_DOUBLE, 0, 1},
                                                       {"country", WEIR_TYPE_STRING, 0, 2},
                                                       {"device", WEIR_TYPE_STRING, 0, 3}};
    static const struct weir_reservoir_spec spec = {kept, 4, 5000, 4 << 20};
    static uint8_t state[TRAINED];
    static int64_t offsets[TRAINED];
    struct weir_string *dictionary[2] = {unlike_dictionary(words, 3),
                                         unlike_dictionary(devices, SLICES)};
    ck_assert_int_eq(weir_reservoir_create(&spec, &sample), 0);
    for (size_t from = 0; from < TRAINED; from += WEIR_BATCH_ROWS) {
        uint32_t n =
            TRAINED - from < WEIR_BATCH_ROWS ? (uint32_t)(TRAINED - from) : WEIR_BATCH_ROWS;
        struct weir_column columns[4];
        memset(columns, 0, sizeof columns);
        for (int c = 0; c < 4; c++) {
            columns[c].type = c < 2 ? WEIR_TYPE_DOUBLE : WEIR_TYPE_STRING;
            columns[c].n = n;
            columns[c].state = state;
            if (c < 2)
                columns[c].values.f64 = &x[c][from];
            else
                columns[c].values.code = c == 2 ? &code[from] : &device[from];
            columns[c].dictionary = c < 2 ? NULL : dictionary[c - 2];
            columns[c].n_dictionary = c < 2 ? 0 : 3;
        }
        for (size_t i = 0; i < n; i++)
            offsets[i] = (int64_t)(from + i);
        struct weir_batch batch = {
            .topic = "t", .n_rows = n, .columns = columns, .offset = offsets};
        ck_assert_int_eq(weir_reservoir_add(sample, &batch, NULL, n, 0), 0);
    }
    free(dictionary[0]);
    free(dictionary[1]);
}

static void make_training(void)
{
    draw(TRAINED, 0);
    keep_sample();
    for (int f = 0; f < FIELDS; f++) {
        if (f == COUNTRY)
            unlike_words(&whole[f], infos[f].name, words, 3, code, TRAINED, code, 0);
        else
            unlike_numbers(&whole[f], infos[f].name, WEIR_TYPE_DOUBLE, x[f], TRAINED, x[f], 0);
        fields[f] = (struct skew_training_field){f, &infos[f], &whole[f].side[0], 0};
    }
    plan = (struct skew_training_plan){.fields = fields,
                                       .n_fields = FIELDS,
                                       .reference = "training",
                                       .delta = 0.2,
                                       .critical = 0.5,
                                       .alpha = 1e-4,
                                       .minimum = 100,
                                       .n_by = 1};
}

static void make_window(void)
{
    static double y[ROWS];
    static uint32_t c[ROWS];
    draw(ROWS, 1);
    for (int s = 0; s <= SLICES; s++) {
        slices_of[s] = (struct weir_slice){.by = s > 0, .rows = s ? 0 : ROWS};
        for (int f = 0; f < FIELDS; f++) {
            struct weir_summary *out = s ? &parts[f][s - 1] : &whole[f].side[1];
            size_t n = 0;
            for (size_t i = 0; i < ROWS; i++) {
                if (s && device[i] != (uint32_t)s - 1)
                    continue;
                y[n] = x[f][i];
                c[n++] = code[i];
            }
            weir_summary_free(out);
            if (f == COUNTRY)
                unlike_side_words(out, whole[f].cells, words, 3, c, n);
            else
                unlike_side_numbers(out, whole[f].cells, y, n);
            slices_of[s].rows = n;
        }
        if (!s)
            continue;
        values[s - 1] = (struct weir_slice_value){"device", devices[s - 1]};
        slices_of[s].values = &values[s - 1];
        slices_of[s].n_values = 1;
    }
    window = (struct weir_window){.size = sizeof window,
                                  .start = MONDAY,
                                  .end = MONDAY + HOUR,
                                  .rows = ROWS,
                                  .slices = slices_of,
                                  .n_slices = SLICES + 1,
                                  .summary = summary_of,
                                  .reference_sample = sample_of,
                                  .emit = on_emit};
}

// A window is added and judged, all of the whole being as in training.
static void pass(struct skew_slices *slices, int turn)
{
    static struct weir_unlike unlike[FIELDS];
    static struct skew_field_verdict verdicts[FIELDS];
    make_window();
    memset(verdicts, 0, sizeof verdicts);
    for (int f = 0; f < FIELDS; f++)
        unlike[f] = (struct weir_unlike){
            .name = infos[f].name, .side = {&whole[f].side[0], &whole[f].side[1]}, .dispersion = 1};
    judgement = (struct skew_judgement){.stage = SKEW_SETTLED,
                                        .rows = ROWS,
                                        .window = &window,
                                        .fields = unlike,
                                        .verdicts = verdicts};
    n_found = 0;
    *where = 0;
    ck_assert_int_eq(skew_slices_add(slices, &window, turn), 0);
    ck_assert_int_eq(skew_slices_judge(slices, &judgement), 0);
    skew_slices_report(slices, &judgement);
}

static struct skew_slices *start(void)
{
    struct skew_slices *slices;
    ck_assert_int_eq(skew_slices_create(&plan, &slices), 0);
    return slices;
}

static void setup(void)
{
    draw_state = 3;
    memset(&change, 0, sizeof change);
    change.device = -1;
    make_training();
}

static void teardown(void)
{
    for (int f = 0; f < FIELDS; f++) {
        unlike_free(&whole[f]);
        for (int s = 0; s < SLICES; s++)
            weir_summary_free(&parts[f][s]);
    }
    memset(whole, 0, sizeof whole);
    memset(parts, 0, sizeof parts);
    weir_reservoir_destroy(sample);
    sample = NULL;
}

START_TEST(slices_that_differ_by_nature_are_no_skew)
{
    struct skew_slices *slices = start();
    for (int i = 0; i < 20; i++) {
        pass(slices, 0);
        ck_assert_msg(!n_found, "%s", summary);
    }
    skew_slices_destroy(slices);
}
END_TEST

START_TEST(what_one_slice_sends_is_told_with_it)
{
    const struct skew_slice *blamed[SKEW_BLAMED];
    double share;
    struct skew_slices *slices = start();
    change.device = 2;
    change.shift = .8;
    for (int i = 0; i < 15; i++)
        pass(slices, 0);
    ck_assert_int_eq(n_found, 1);
    ck_assert_str_eq(where, "device=tv amount");
    ck_assert_ptr_nonnull(strstr(summary, "where device = tv ("));
    ck_assert_uint_eq(skew_slices_blamed(slices, AMOUNT, blamed, &share), 1);
    ck_assert_str_eq(blamed[0]->values[0].value, "tv");
    ck_assert_double_eq_tol(share, .1, .02);
    ck_assert_uint_eq(skew_slices_blamed(slices, AGE, blamed, &share), 0);
    // Told of the whole, it is not told again.
    judgement.verdicts[AMOUNT].kind = SKEW_UNLIKE;
    ck_assert_int_eq(skew_slices_report(slices, &judgement), 0);
    // Put right, it is not held against the slice for as long as the stretch is.
    change.shift = 0;
    for (int i = 0; i < 6; i++)
        pass(slices, 0);
    ck_assert_int_eq(n_found, 0);
    skew_slices_destroy(slices);
}
END_TEST

START_TEST(nulls_of_one_slice)
{
    struct skew_slices *slices = start();
    change.device = 1;
    change.nulls = .1;
    for (int i = 0; i < 3; i++)
        pass(slices, 0);
    ck_assert_str_eq(where, "device=app age");
    ck_assert_ptr_nonnull(strstr(summary, "null where training had 0%"));
    skew_slices_destroy(slices);
}
END_TEST

START_TEST(a_turn_drops_who_is_gone)
{
    struct skew_slices *slices = start();
    pass(slices, 0);
    uint64_t rows = slices->of[0]->rows[0];
    pass(slices, 1);
    ck_assert_uint_eq(slices->n, SLICES);
    ck_assert_uint_lt(slices->of[0]->rows[0], 2 * rows + 500);
    ck_assert_uint_lt(slices->of[0]->rows[1], rows + 500);
    make_window();
    window.n_slices = 2; // of the newer part there is only the first
    ck_assert_int_eq(skew_slices_add(slices, &window, 1), 0);
    ck_assert_int_eq(skew_slices_add(slices, &window, 1), 0);
    ck_assert_uint_eq(slices->n, 1);
    ck_assert_uint_ge(skew_slices_memory(slices), skew_slices_memory_each(&plan));
    skew_slices_destroy(slices);
}
END_TEST

START_TEST(a_restored_state_says_the_same)
{
    struct skew_slices *slices = start(), *other = start();
    struct weir_buffer saved, again;
    weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    change.device = 2;
    change.shift = .8;
    for (int i = 0; i < 3; i++)
        pass(slices, 0);
    ck_assert_int_eq(skew_slices_save(slices, &saved), 0);
    struct weir_reader in = weir_reader_make(saved.data, saved.length);
    ck_assert_int_eq(skew_slices_restore(other, &in), 0);
    ck_assert_int_eq(skew_slices_save(other, &again), 0);
    ck_assert_uint_eq(saved.length, again.length);
    ck_assert_mem_eq(saved.data, again.data, saved.length);
    pass(other, 0);
    ck_assert_str_eq(where, "device=tv amount");
    for (size_t n = 0; n < saved.length; n += 1 + saved.length / 60) {
        struct skew_slices *cut = start();
        in = weir_reader_make(saved.data, n);
        ck_assert_int_ne(skew_slices_restore(cut, &in), 0);
        skew_slices_destroy(cut);
    }
    for (size_t n = 8; n < saved.length; n += 1 + saved.length / 60) { // any byte may be wrong
        struct skew_slices *wrong = start();
        saved.data[n] ^= 0x55;
        in = weir_reader_make(saved.data, saved.length);
        skew_slices_restore(wrong, &in);
        saved.data[n] ^= 0x55;
        skew_slices_destroy(wrong);
    }
    weir_buffer_free(&saved);
    weir_buffer_free(&again);
    skew_slices_destroy(slices);
    skew_slices_destroy(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("skew slices");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 120);
    tcase_add_test(all, slices_that_differ_by_nature_are_no_skew);
    tcase_add_test(all, what_one_slice_sends_is_told_with_it);
    tcase_add_test(all, nulls_of_one_slice);
    tcase_add_test(all, a_turn_drops_who_is_gone);
    tcase_add_test(all, a_restored_state_says_the_same);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
