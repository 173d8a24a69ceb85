// SPDX-License-Identifier: Apache-2.0
#include "stats/unlike.h"

#include <check.h>
#include <math.h>

#include "stats/cleanliness.h"
#include "stats/draw_inside.h"
#include "stats/preprocessing.h"
#include "stats/unlike_inside.h"
#include "stats/window_span.h"

enum { N = 8000, M = 4000, FIELDS = 12 };
static double then[N], now[M];
static struct unlike_sample samples[FIELDS];
static size_t made;

static void setup(void)
{
    draw_state = 11;
    made = 0;
}

static void teardown(void)
{
    while (made)
        unlike_free(&samples[--made]);
}

static struct weir_unlike *take(const char *name, enum weir_type type)
{
    unlike_numbers(&samples[made], name, type, then, N, now, M);
    return &samples[made++].field;
}

// ---- spans

// What an aggregate over so many days is for somebody with a rate of their own.
enum aggregate { COUNT, SUM, MEAN, RECENT };
static double aggregate(enum aggregate what, double days)
{
    double events = draw_poisson(fmin(days * exp(-1 + 0.8 * draw_normal()), 600)), sum = 0;
    for (double k = 0; k < events; k++)
        sum += exp(2 + 0.5 * draw_normal());
    return what == COUNT  ? events
           : what == SUM  ? sum
           : what == MEAN ? events > 0 ? sum / events : exp(2.125)
                          : -log(draw_uniform());
}

static void take_aggregate(const char *name, enum aggregate what, double before, double after)
{
    for (int i = 0; i < N; i++)
        then[i] = aggregate(what, before);
    for (int i = 0; i < M; i++)
        now[i] = aggregate(what, after);
    take(name, what == COUNT ? WEIR_TYPE_LONG : WEIR_TYPE_DOUBLE);
}

static struct weir_span_change find_span(enum weir_span_part *parts)
{
    struct weir_unlike fields[FIELDS];
    struct weir_span_change change;
    for (size_t i = 0; i < made; i++)
        fields[i] = samples[i].field;
    ck_assert_int_eq(weir_window_span_find(fields, made, parts, &change), 0);
    return change;
}

START_TEST(another_span_is_told_by_the_common_ratio)
{
    enum weir_span_part parts[FIELDS];
    take_aggregate("clicks", COUNT, 10, 30);
    take_aggregate("spent", SUM, 10, 30);
    take_aggregate("mean_price", MEAN, 10, 30);
    take_aggregate("wait", RECENT, 10, 30);
    struct weir_span_change change = find_span(parts);
    ck_assert_double_eq_tol(change.ratio, 3, 0.15);
    ck_assert_uint_eq(change.n_scaled, 2);
    ck_assert_int_eq(parts[0], WEIR_SPAN_SCALED);
    ck_assert_int_eq(parts[1], WEIR_SPAN_SCALED);
    ck_assert_int_eq(parts[2], WEIR_SPAN_UNMOVED);
    ck_assert_int_eq(parts[3], WEIR_SPAN_UNMOVED);
    ck_assert_uint_ge(change.n_pairs, 2);
    ck_assert_double_eq(change.pairs[0].training, 240);
    ck_assert_double_eq(change.pairs[0].serving, 720);
    ck_assert(!change.by_name);
}
END_TEST

START_TEST(names_speak_of_spans)
{
    enum weir_span_part parts[FIELDS];
    take_aggregate("clicks_30d", COUNT, 30, 10);
    take_aggregate("spent_30d", SUM, 30, 10);
    take_aggregate("wait", RECENT, 10, 30);
    struct weir_span_change change = find_span(parts);
    ck_assert_double_eq_tol(change.ratio, 1 / 3., 0.02);
    ck_assert(change.by_name);
    ck_assert_double_eq(change.pairs[0].training, 720);
    ck_assert_double_eq(change.pairs[0].serving, 240);
    char text[32];
    weir_span_text(change.pairs[0].serving, text, sizeof text);
    ck_assert_str_eq(text, "10 days");
    weir_span_text(36, text, sizeof text);
    ck_assert_str_eq(text, "36 hours");
    ck_assert_double_eq(weir_span_of_name("sum_24h_usd"), 24);
    ck_assert_double_eq(weir_span_of_name("last_2_weeks"), 336);
    ck_assert_double_eq(weir_span_of_name("utf8_days"), 0);
    ck_assert_double_eq(weir_span_of_name("ratio_2"), 0);
    ck_assert_double_eq(weir_span_of_name("v2"), 0);
}
END_TEST

// One field, or two by unlike ratios, or amounts in another unit are no span.
START_TEST(other_changes_are_no_span)
{
    enum weir_span_part parts[FIELDS];
    take_aggregate("clicks", COUNT, 10, 30);
    take_aggregate("wait", RECENT, 10, 10);
    ck_assert_double_eq(find_span(parts).ratio, 0);
    take_aggregate("spent", SUM, 10, 21);
    ck_assert_double_eq(find_span(parts).ratio, 0);
    teardown();
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < N; i++)
            then[i] = exp(draw_normal());
        for (int i = 0; i < M; i++)
            now[i] = (k < 2 ? 100 : 1) * exp(draw_normal());
        take("amount", WEIR_TYPE_DOUBLE);
    }
    ck_assert_double_eq(find_span(parts).ratio, 0);
    ck_assert_int_eq(parts[0], WEIR_SPAN_NONE);
}
END_TEST

START_TEST(no_fields_have_no_span)
{
    struct weir_span_change change;
    ck_assert_int_eq(weir_window_span_find(NULL, 0, NULL, &change), 0);
    ck_assert_double_eq(change.ratio, 0);
}
END_TEST

// ---- preprocessing

static double skewed(void)
{
    return 40 + 12 * draw_normal() + 6 * pow(draw_uniform(), 3);
}

static struct weir_preprocessing diagnose(struct weir_unlike *field)
{
    struct weir_preprocessing found;
    weir_preprocessing_find(field, &found);
    char text[400];
    weir_preprocessing_text(&found, text, sizeof text);
    ck_assert_int_eq(found.kind == WEIR_PREPROCESSING_NONE, !*text);
    return found;
}

START_TEST(a_standardised_side_is_named)
{
    for (int i = 0; i < N; i++)
        then[i] = skewed();
    for (int i = 0; i < M; i++)
        now[i] = (skewed() - 41.5) / 12.15;
    struct weir_preprocessing found = diagnose(take("age", WEIR_TYPE_DOUBLE));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_STANDARDISED);
    ck_assert_int_eq(found.done_on, WEIR_SERVING);
    for (int i = 0; i < N; i++)
        then[i] = (skewed() - 41.5) / 12.15;
    for (int i = 0; i < M; i++)
        now[i] = skewed();
    found = diagnose(take("age", WEIR_TYPE_DOUBLE));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_STANDARDISED);
    ck_assert_int_eq(found.done_on, WEIR_TRAINING);
    char text[200];
    weir_preprocessing_text(&found, text, sizeof text);
    ck_assert_str_eq(
        text, "is standardised (mean 0, standard deviation 1) in training and not in serving");
}
END_TEST

START_TEST(a_side_scaled_to_a_range_is_named)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < N; i++) {
        then[i] = skewed();
        low = fmin(low, then[i]);
        high = fmax(high, then[i]);
    }
    for (int i = 0; i < M; i++)
        now[i] = (skewed() - low) / (high - low);
    struct weir_preprocessing found = diagnose(take("age", WEIR_TYPE_DOUBLE));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_MIN_MAX);
    ck_assert_int_eq(found.done_on, WEIR_SERVING);
}
END_TEST

START_TEST(a_logarithm_and_a_unit_are_named)
{
    for (int i = 0; i < N; i++)
        then[i] = exp(3 + draw_normal());
    for (int i = 0; i < M; i++)
        now[i] = 3 + draw_normal();
    struct weir_preprocessing found = diagnose(take("x", WEIR_TYPE_DOUBLE));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_LOG);
    ck_assert_int_eq(found.done_on, WEIR_SERVING);
    for (int i = 0; i < M; i++)
        now[i] = 1000 * exp(3 + draw_normal());
    found = diagnose(take("x", WEIR_TYPE_DOUBLE));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_UNIT);
    ck_assert_double_eq_tol(found.map.a, 1000, 50);
}
END_TEST

static double hour(void)
{
    double h = 13 + 4.5 * draw_normal();
    return draw_uniform() < 0.3 ? floor(24 * draw_uniform()) : floor(h - 24 * floor(h / 24));
}

START_TEST(another_time_zone_is_named)
{
    for (int i = 0; i < N; i++)
        then[i] = hour();
    for (int i = 0; i < M; i++)
        now[i] = fmod(hour() + 7, 24);
    struct weir_preprocessing found = diagnose(take("hour", WEIR_TYPE_LONG));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_CYCLE);
    ck_assert_int_eq(found.period, 24);
    ck_assert_int_eq(found.shift, 7);
    for (int i = 0; i < M; i++)
        now[i] = fmod(hour() + 24 - 5, 24);
    found = diagnose(take("hour", WEIR_TYPE_LONG));
    ck_assert_int_eq(found.shift, -5);
    char text[200];
    weir_preprocessing_text(&found, text, sizeof text);
    ck_assert_str_eq(
        text, "is 5 hours earlier in serving than in training: looks like another time zone");
}
END_TEST

static double draw(const double *share, int n)
{
    double u = draw_uniform();
    int i = 0;
    for (; i + 1 < n && u > share[i]; i++)
        u -= share[i];
    return i;
}

START_TEST(codes_assigned_anew_are_named)
{
    static const double share[5] = {.4, .25, .18, .12, .05};
    static const double anew[5] = {3, 0, 4, 1, 2};
    for (int i = 0; i < N; i++)
        then[i] = draw(share, 5);
    for (int i = 0; i < M; i++)
        now[i] = anew[(int)draw(share, 5)];
    struct weir_preprocessing found = diagnose(take("color", WEIR_TYPE_LONG));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_CODES);
    ck_assert_uint_eq(found.n_examples, 3);
    ck_assert_str_eq(found.examples[0].training, "0");
    ck_assert_str_eq(found.examples[0].serving, "3");
    for (int i = 0; i < M; i++)
        now[i] = 1 + draw(share, 5);
    found = diagnose(take("color", WEIR_TYPE_LONG));
    ck_assert_int_eq(found.kind, WEIR_PREPROCESSING_BASE);
    // Another mixture of the same codes has no name.
    static const double other[5] = {.2, .25, .3, .2, .05};
    for (int i = 0; i < M; i++)
        now[i] = draw(other, 5);
    ck_assert_int_eq(diagnose(take("color", WEIR_TYPE_LONG)).kind, WEIR_PREPROCESSING_NONE);
}
END_TEST

START_TEST(other_letters_spaces_and_numbers_are_named)
{
    static const char *const words[] = {"US",  "DE", "JP",        "us", "de", "jp", " US",
                                        "DE ", "FR", "north_sea", "1",  "2",  "1.0"};
    enum { ALL = sizeof words / sizeof *words };
    static uint32_t a[N], b[M];
    static const struct {
        int map[3];
        enum weir_preprocessing_kind kind;
    } cases[] = {{{3, 4, 5}, WEIR_PREPROCESSING_CASE},
                 {{6, 7, 2}, WEIR_PREPROCESSING_SPACE},
                 {{3, 7, 2}, WEIR_PREPROCESSING_SPELLING},
                 {{8, 1, 2}, WEIR_PREPROCESSING_NONE}};
    for (int i = 0; i < N; i++)
        a[i] = (uint32_t)(i % 3);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (int i = 0; i < M; i++)
            b[i] = (uint32_t)cases[k].map[i % 3];
        unlike_words(&samples[made], "country", words, ALL, a, N, b, M);
        struct weir_preprocessing found = diagnose(&samples[made++].field);
        ck_assert_int_eq(found.kind, cases[k].kind);
        if (k == 0) {
            ck_assert_double_eq_tol(found.share, 1, 1e-9);
            ck_assert_str_eq(found.examples[0].training, "US");
            ck_assert_str_eq(found.examples[0].serving, "us");
        }
    }
    for (int i = 0; i < N; i++)
        a[i] = 10 + (uint32_t)(i % 2);
    for (int i = 0; i < M; i++)
        b[i] = i % 2 ? 12 : 11;
    unlike_words(&samples[made], "code", words, ALL, a, N, b, M);
    ck_assert_int_eq(diagnose(&samples[made++].field).kind, WEIR_PREPROCESSING_NUMBER);
}
END_TEST

START_TEST(plain_drift_has_no_name)
{
    for (int i = 0; i < N; i++)
        then[i] = skewed();
    for (int i = 0; i < M; i++)
        now[i] = skewed() * 1.2 - 3;
    ck_assert_int_eq(diagnose(take("age", WEIR_TYPE_DOUBLE)).kind, WEIR_PREPROCESSING_NONE);
    for (int i = 0; i < M; i++)
        now[i] = skewed();
    ck_assert_int_eq(diagnose(take("age", WEIR_TYPE_DOUBLE)).kind, WEIR_PREPROCESSING_NONE);
}
END_TEST

START_TEST(one_hot_columns_in_another_order)
{
    static const double rate[4] = {.55, .25, .15, .05};
    static const size_t from[4] = {2, 1, 3, 0};
    static const char *const names[4] = {"country_US", "country_DE", "country_JP", "country_FR"};
    struct weir_unlike fields[5];
    size_t of[5];
    struct weir_one_hot out;
    for (size_t k = 0; k < 4; k++) {
        for (int i = 0; i < N; i++)
            then[i] = draw_uniform() < rate[k];
        for (int i = 0; i < M; i++)
            now[i] = draw_uniform() < rate[from[k]];
        fields[k] = *take(names[k], WEIR_TYPE_LONG);
    }
    for (int i = 0; i < M; i++)
        now[i] = draw_uniform() < .55;
    fields[4] = *take("other", WEIR_TYPE_LONG);
    ck_assert_int_eq(weir_one_hot_find(fields, 5, of, &out), 0);
    ck_assert_uint_eq(out.n, 3);
    for (size_t k = 0; k < 4; k++)
        ck_assert_uint_eq(of[k], from[k]);
    ck_assert_uint_eq(of[4], 4);
    ck_assert_int_eq(weir_one_hot_find(fields + 1, 2, of, &out), 0);
    ck_assert_uint_eq(out.n, 0);
}
END_TEST

// ---- cleanliness

START_TEST(what_is_dirtier_and_what_is_cleaner)
{
    struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS];
    for (int i = 0; i < N; i++)
        then[i] = i % 200 ? draw_normal() : NAN;
    for (int i = 0; i < M; i++)
        now[i] = i % 8 ? draw_normal() + 0.9 * draw_normal() : NAN;
    weir_cleanliness_compare(take("x", WEIR_TYPE_DOUBLE), 4, aspects);
    ck_assert_int_eq(aspects[WEIR_CLEAN_NULL].changed, 1);
    ck_assert_double_eq_tol(aspects[WEIR_CLEAN_NULL].before, 0.005, 1e-9);
    ck_assert_double_eq_tol(aspects[WEIR_CLEAN_NULL].after, 0.125, 1e-9);
    ck_assert_int_eq(aspects[WEIR_CLEAN_NOISE].changed, 1);
    ck_assert_double_eq_tol(aspects[WEIR_CLEAN_NOISE].after / aspects[WEIR_CLEAN_NOISE].before,
                            sqrt(1.81), 0.1);
    ck_assert_int_eq(aspects[WEIR_CLEAN_OUTLIER].changed, 1);
    ck_assert_int_eq(aspects[WEIR_CLEAN_RESOLUTION].changed, 0);
    for (int i = 0; i < M; i++)
        now[i] = round(5 * 0.8 * draw_normal()) / 5;
    weir_cleanliness_compare(take("x", WEIR_TYPE_DOUBLE), 4, aspects);
    ck_assert_int_eq(aspects[WEIR_CLEAN_NOISE].changed, -1);
    ck_assert_int_eq(aspects[WEIR_CLEAN_RESOLUTION].changed, -1);
    ck_assert_int_eq(aspects[WEIR_CLEAN_NULL].changed, 0);
    // A shift is neither.
    for (int i = 0; i < M; i++)
        now[i] = 0.5 + draw_normal();
    weir_cleanliness_compare(take("x", WEIR_TYPE_DOUBLE), 4, aspects);
    for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++)
        ck_assert_int_eq(aspects[k].changed, 0);
}
END_TEST

START_TEST(finer_values_and_other_entropies)
{
    struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS];
    for (int i = 0; i < N; i++)
        then[i] = round(10 * draw_normal()) / 10;
    for (int i = 0; i < M; i++)
        now[i] = draw_normal();
    weir_cleanliness_compare(take("x", WEIR_TYPE_DOUBLE), 4, aspects);
    ck_assert_int_eq(aspects[WEIR_CLEAN_RESOLUTION].changed, 1);
    ck_assert_int_eq(aspects[WEIR_CLEAN_NOISE].changed, 0);
    uint64_t even[4] = {1000000, 1000000, 1000000, 1000000}, one[4] = {10, 0, 0, 0};
    ck_assert_double_eq_tol(weir_entropy(even, 4), 2, 1e-5);
    ck_assert_double_eq(weir_entropy(one, 4), 0);
    ck_assert_double_eq(weir_entropy(one + 1, 3), 0);
}
END_TEST

START_TEST(typing_errors_are_garbage_and_a_new_category_is_not)
{
    enum { WORDS = 603 };
    static char text[WORDS][8];
    static const char *words[WORDS];
    static uint32_t a[N], b[M];
    struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS];
    for (int i = 0; i < WORDS; i++) {
        snprintf(text[i], sizeof text[i], "w%d", i);
        words[i] = text[i];
    }
    for (int i = 0; i < N; i++)
        a[i] = (uint32_t)(i % 3);
    for (int i = 0; i < M; i++)
        b[i] = i % 10 ? (uint32_t)(i % 3) : (uint32_t)(3 + i / 10 % 600);
    unlike_words(&samples[made], "word", words, WORDS, a, N, b, M);
    weir_cleanliness_compare(&samples[made++].field, 4, aspects);
    ck_assert_int_eq(aspects[WEIR_CLEAN_GARBAGE].changed, 1);
    ck_assert_double_eq_tol(aspects[WEIR_CLEAN_GARBAGE].after, 0.1, 1e-9);
    for (int i = 0; i < M; i++)
        b[i] = i % 10 ? (uint32_t)(i % 3) : 7;
    unlike_words(&samples[made], "word", words, WORDS, a, N, b, M);
    weir_cleanliness_compare(&samples[made++].field, 4, aspects);
    ck_assert_int_eq(aspects[WEIR_CLEAN_GARBAGE].changed, 0);
}
END_TEST

// ---- nothing to go by

START_TEST(few_values_constants_and_nulls_say_nothing)
{
    struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS];
    enum weir_span_part parts[FIELDS];
    for (int i = 0; i < N; i++)
        then[i] = 7;
    for (int i = 0; i < M; i++)
        now[i] = i % 2 ? NAN : 7;
    struct weir_unlike *field = take("constant", WEIR_TYPE_DOUBLE);
    ck_assert_int_eq(diagnose(field).kind, WEIR_PREPROCESSING_NONE);
    weir_cleanliness_compare(field, 4, aspects);
    ck_assert_int_eq(aspects[WEIR_CLEAN_NULL].changed, 1);
    for (int i = 0; i < M; i++)
        now[i] = NAN;
    field = take("null", WEIR_TYPE_DOUBLE);
    ck_assert_int_eq(diagnose(field).kind, WEIR_PREPROCESSING_NONE);
    weir_cleanliness_compare(field, 4, aspects);
    for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++) {
        ck_assert(isfinite(aspects[k].before) && isfinite(aspects[k].after));
        ck_assert(isfinite(aspects[k].z));
    }
    ck_assert_double_eq(find_span(parts).ratio, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unlike");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, another_span_is_told_by_the_common_ratio);
    tcase_add_test(all, names_speak_of_spans);
    tcase_add_test(all, other_changes_are_no_span);
    tcase_add_test(all, no_fields_have_no_span);
    tcase_add_test(all, a_standardised_side_is_named);
    tcase_add_test(all, a_side_scaled_to_a_range_is_named);
    tcase_add_test(all, a_logarithm_and_a_unit_are_named);
    tcase_add_test(all, another_time_zone_is_named);
    tcase_add_test(all, codes_assigned_anew_are_named);
    tcase_add_test(all, other_letters_spaces_and_numbers_are_named);
    tcase_add_test(all, plain_drift_has_no_name);
    tcase_add_test(all, one_hot_columns_in_another_order);
    tcase_add_test(all, what_is_dirtier_and_what_is_cleaner);
    tcase_add_test(all, finer_values_and_other_entropies);
    tcase_add_test(all, typing_errors_are_garbage_and_a_new_category_is_not);
    tcase_add_test(all, few_values_constants_and_nulls_say_nothing);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
