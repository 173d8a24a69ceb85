// SPDX-License-Identifier: Apache-2.0
// Planted causes are named, and what only looks like one is not.
#include "detectors/skew/cause.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/history.h"
#include "stats/hash.h"

enum { PAIRS = 3000 };

static uint64_t seed = 1;
static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

static struct skew_value number(double x)
{
    struct skew_value value = {0, 0, SKEW_DOUBLE};
    if (isnan(x))
        value.tag = SKEW_ABSENT;
    else
        memcpy(&value.bits, &x, sizeof x);
    return value;
}

static struct skew_value whole(int64_t x)
{
    return (struct skew_value){(uint64_t)x, 0, SKEW_LONG};
}

static struct skew_value yes(int x)
{
    return (struct skew_value){(uint64_t)x, 0, SKEW_BOOLEAN};
}

static struct skew_value text(const char *x)
{
    return skew_value_text(x, strlen(x), weir_hash(x, strlen(x)));
}

// ---- a field's pairs

static struct skew_pair field;
static struct skew_field_tally tally;
static struct skew_cause cause;
static char words[400];

static void begin(void)
{
    free(tally.samples);
    memset(&tally, 0, sizeof tally);
    field = (struct skew_pair){.name = (char *)(uintptr_t) "amount"};
}

static enum skew_verdict add(struct skew_value served, struct skew_value offline)
{
    enum skew_verdict verdict = skew_compare(&served, &offline, &field.tolerance);
    struct skew_sample sample = {.order = (uint64_t)(uniform() * 1e18),
                                 .served = served,
                                 .offline = offline,
                                 .verdict = verdict};
    tally.verdicts[verdict]++;
    if (verdict > SKEW_UNKNOWN)
        ck_assert_int_eq(skew_tally_sample(&tally, &sample), 0);
    return verdict;
}

static enum skew_kind find(void)
{
    ck_assert_int_eq(skew_find_cause(&field, &tally, &cause), 0);
    ck_assert(cause.share >= 0 && cause.share <= 1);
    skew_say_cause(&cause, 1, skew_field_differ(&tally), words, sizeof words);
    ck_assert_uint_gt(strlen(words), 5);
    ck_assert_uint_gt(strlen(skew_advise(cause.kind)), 5);
    return cause.kind;
}

#define SAYS(part) ck_assert_msg(strstr(words, part) != NULL, "%s", words)

// With `share` of the pairs changed by `change`, the rest equal.
static enum skew_kind plant(double share, double (*change)(double))
{
    begin();
    for (int i = 0; i < PAIRS; i++) {
        double x = exp(3 + normal());
        add(number(uniform() < share ? change(x) : x), number(x));
    }
    return find();
}

static double to_cents(double x)
{
    return x * 100;
}
static double to_thousands(double x)
{
    return round(x / 1000 * 1e6) / 1e6;
}
static double flip(double x)
{
    return -x;
}
static double shift(double x)
{
    return x + 12.5;
}
static double standardise(double x)
{
    return (x - 33) / 41;
}
static double take_log1p(double x)
{
    return log1p(x);
}
static double to_cent(double x)
{
    return round(x * 100) / 100;
}
static double cut(double x)
{
    return trunc(x * 10) / 10;
}
static double to_float(double x)
{
    return (float)x;
}
static double zero(double x)
{
    return x * 0;
}
static double nothing(double x)
{
    return x * NAN;
}
static double noise(double x)
{
    return x * exp(.3 * normal());
}
static double another(double x)
{
    return x * 0 + exp(3 + normal());
}

START_TEST(test_numbers)
{
    static const double shares[] = {.05, .3, 1};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(plant(shares[i], to_cents), SKEW_SCALE);
        SAYS("x 100");
        ck_assert_int_eq(plant(shares[i], to_thousands), SKEW_SCALE);
        SAYS("/ 1000");
        ck_assert_int_eq(plant(shares[i], flip), SKEW_SCALE);
        SAYS("other sign");
        ck_assert_int_eq(plant(shares[i], shift), SKEW_OFFSET);
        SAYS("+ 12.5");
        ck_assert_int_eq(plant(shares[i], standardise), SKEW_AFFINE);
        SAYS("(offline - 33) / 41");
        ck_assert_int_eq(plant(shares[i], take_log1p), SKEW_LOGARITHM);
        SAYS("served is ln(1 + x)");
        ck_assert_int_eq(plant(shares[i], to_cent), SKEW_ROUNDING);
        SAYS("2 decimals");
        ck_assert_int_eq(plant(shares[i], cut), SKEW_ROUNDING);
        SAYS("1 decimal");
        ck_assert_int_eq(plant(shares[i], to_float), SKEW_ROUNDING);
        SAYS("float32");
        ck_assert_int_eq(plant(shares[i], zero), SKEW_DEFAULT_SERVED);
        SAYS("0 was served");
        ck_assert_int_eq(plant(shares[i], nothing), SKEW_MISSING_SERVED);
        ck_assert_int_eq(plant(shares[i], noise), SKEW_NO_CAUSE);
        ck_assert_int_eq(plant(shares[i], another), SKEW_NO_CAUSE);
    }
    begin();
    for (int i = 0; i < 500; i++)
        add(number(NAN), number(i % 2 ? NAN : 1));
    ck_assert_int_eq(find(), SKEW_MISSING_SERVED);
    begin();
    for (int i = 0; i < 500; i++)
        add(number(i * .7), number(i % 3 ? NAN : i * .7));
    ck_assert_int_eq(find(), SKEW_MISSING_OFFLINE);
    // Nothing on the one side, always 0 on the other.
    begin();
    for (int i = 0; i < 500; i++)
        add(number(i % 3 ? 0 : i * .7), number(i % 3 ? NAN : i * .7));
    ck_assert_int_eq(find(), SKEW_DEFAULT_SERVED);
}
END_TEST

START_TEST(test_units)
{
    begin();
    field.unit = (char *)(uintptr_t) "ms";
    for (int i = 0; i < PAIRS; i++) {
        double x = exp(5 + normal());
        add(number(x / 1000), number(x));
    }
    ck_assert_int_eq(find(), SKEW_SCALE);
    SAYS("ms to s");
}
END_TEST

START_TEST(test_writing)
{
    static const char *const countries[] = {"DE", "US", "JP", "FR"};
    static const char *const lower[] = {"de", " US", "jp ", "fr"};
    begin();
    for (int i = 0; i < 400; i++)
        ck_assert_int_eq(add(text(countries[i % 4]), text(lower[i % 4])), SKEW_ENCODED);
    ck_assert_int_eq(find(), SKEW_ENCODING);
    SAYS("case and spaces");
    begin();
    for (int i = 0; i < 400; i++) {
        char spelt[32];
        snprintf(spelt, sizeof spelt, "%d.50", i);
        ck_assert_int_eq(add(text(spelt), number(i + .5)), SKEW_ENCODED);
    }
    ck_assert_int_eq(find(), SKEW_ENCODING);
    SAYS("as text");
    begin();
    for (int i = 0; i < 400; i++) {
        ck_assert_int_eq(add(yes(i % 2), whole(i % 2)), SKEW_ENCODED);
        ck_assert_int_eq(add(yes(i % 2), text(i % 2 ? "True" : "no")), SKEW_ENCODED);
        ck_assert_int_eq(add(yes(i % 2), text(i % 2 ? "False" : "y")), SKEW_DIFFERS);
    }
    ck_assert_int_eq(find(), SKEW_ENCODING);
    SAYS("true and false");
    begin(); // codes
    for (int i = 0; i < 400; i++)
        ck_assert_int_eq(add(whole(i % 4), text(countries[i % 4])), SKEW_DIFFERS);
    ck_assert_int_eq(find(), SKEW_CODES);
    begin(); // wrong now and then is no code, nor is any value
    for (int i = 0; i < 1000; i++)
        add(text(countries[i % 10 ? i % 4 : (i + 1) % 4]), text(countries[i % 4]));
    ck_assert_int_eq(find(), SKEW_NO_CAUSE);
    begin();
    for (int i = 0; i < 1000; i++)
        add(yes(i % 20 == 0), yes(0));
    ck_assert_int_eq(find(), SKEW_NO_CAUSE);
    begin();
    for (int i = 0; i < 500; i++)
        add(text(i % 3 ? "unknown" : countries[i % 4]), text(countries[i % 4]));
    ck_assert_int_eq(find(), SKEW_DEFAULT_SERVED);
    SAYS("one and the same value");
}
END_TEST

START_TEST(test_times)
{
    begin();
    for (int i = 0; i < 400; i++)
        add(whole(1772400000000 + i * 77777 + 7200000), whole(1772400000000 + i * 77777));
    ck_assert_int_eq(find(), SKEW_ZONE);
    SAYS("later by 2:00 hours");
    begin();
    for (int i = 0; i < 400; i++) {
        char a[40], b[40];
        snprintf(a, sizeof a, "2026-03-01T%02d:%02d:00Z", i % 19, i % 60);
        snprintf(b, sizeof b, "2026-03-01T%02d:%02d:00Z", i % 19 + 5, (i % 60) / 2 + 30);
        snprintf(b, sizeof b, "2026-03-01T%02d:%02d:00Z", i % 19 + 5, i % 60);
        add(text(a), text(b));
    }
    ck_assert_int_eq(find(), SKEW_ZONE);
    SAYS("earlier by 5:00 hours");
    begin();
    for (int i = 0; i < 400; i++) {
        char a[40], b[40];
        snprintf(a, sizeof a, "2026-03-01T%02d:%02d:00Z", i % 19, i % 60);
        snprintf(b, sizeof b, "2026-03-01 %02d:%02d:00+05:00", i % 19 + 5, i % 60);
        ck_assert_int_eq(add(text(a), text(b)), SKEW_ENCODED);
    }
    ck_assert_int_eq(find(), SKEW_ENCODING);
    SAYS("the times are the same");
}
END_TEST

// What was served beside what was computed offline, and what else was lately.
static void join(const struct skew_history *history, uint64_t entity, int64_t time, double served,
                 const struct skew_value *offline)
{
    struct skew_sample sample = {
        .order = (uint64_t)(uniform() * 1e18), .served = number(served), .offline = *offline};
    sample.verdict = skew_compare(&sample.served, offline, &field.tolerance);
    skew_history_match(history, entity, time, 0, &sample.served, &sample.known, &sample.stale);
    tally.verdicts[sample.verdict]++;
    if (sample.verdict > SKEW_UNKNOWN)
        ck_assert_int_eq(skew_tally_sample(&tally, &sample), 0);
}

static void plant_stale(int lag_hours, double share, double change, double wrong)
{
    struct skew_history history;
    double past[800];
    skew_history_init(&history, 1, 50);
    begin();
    for (uint64_t entity = 1; entity <= 40; entity++) {
        for (int hour = 0; hour < 100; hour++) {
            int64_t time = hour * 3600000LL;
            past[hour] = hour && uniform() > change ? past[hour - 1] : exp(3 + normal());
            struct skew_value offline = number(past[hour]);
            ck_assert_int_eq(skew_history_add(&history, entity, time, &offline), 0);
            double served =
                hour >= lag_hours && uniform() < share ? past[hour - lag_hours] : past[hour];
            if (uniform() < wrong)
                served *= 1.5 + uniform();
            join(&history, entity, time, served, &offline);
        }
    }
    skew_history_free(&history);
}

START_TEST(test_stale)
{
    static const int hours[] = {1, 6, 24};
    static const char *const say[] = {"1 hour before", "6 hours before", "1 day before"};
    for (int i = 0; i < 3; i++) {
        for (int how = 0; how < 4; how++) {
            plant_stale(hours[i], how % 2 ? .2 : 1, how / 2 ? .2 : 1, 0);
            ck_assert_int_eq(find(), SKEW_STALE);
            SAYS(say[i]);
        }
    }
    plant_stale(6, 0, 1, .3); // wrong, and not old
    ck_assert_int_eq(find(), SKEW_NO_CAUSE);
    plant_stale(6, .3, .5, .02);
    ck_assert_int_eq(find(), SKEW_STALE);
    ck_assert(cause.share > .8 && cause.share < 1);
}
END_TEST

// Values change at any time, and records come at any time: what an entity had then is not known
// for all. Of three values any age explains a half of what differs, and is none.
START_TEST(test_stale_between_records)
{
    for (int values = 0; values < 2; values++) {
        struct skew_history history;
        skew_history_init(&history, 1, 50);
        begin();
        for (uint64_t entity = 1; entity <= 40; entity++) {
            double at[200] = {0}, is[200];
            int n = 0, now = 0, then = 0;
            for (double hour = 0; hour < 100 && n < 200; hour -= 1.5 * log(uniform()), n++) {
                at[n] = hour;
                is[n] = values ? floor(3 * uniform()) : exp(3 + normal());
            }
            for (double hour = 0; hour < 100; hour -= .6 * log(uniform())) {
                int64_t time = (int64_t)(hour * 3600000);
                while (now + 1 < n && at[now + 1] <= hour)
                    now++;
                while (then + 1 < n && at[then + 1] <= hour - 3)
                    then++;
                double served = values ? floor(3 * uniform()) : is[then];
                struct skew_value offline = number(is[now]);
                ck_assert_int_eq(skew_history_add(&history, entity, time, &offline), 0);
                join(&history, entity, time, served, &offline);
            }
        }
        skew_history_free(&history);
        ck_assert_int_eq(find() == SKEW_STALE, !values);
        if (!values)
            SAYS("3 hours before");
    }
}
END_TEST

// Two things at once: the larger is told, with its share.
START_TEST(test_shares)
{
    begin();
    for (int i = 0; i < PAIRS; i++) {
        double x = exp(3 + normal());
        add(number(i % 10 < 7 ? x * 1000 : NAN), number(x));
    }
    ck_assert_int_eq(find(), SKEW_SCALE);
    ck_assert(fabs(cause.share - .7) < .15);
    begin();
    ck_assert_int_eq(find(), SKEW_NO_CAUSE);
    add(number(1), number(2));
    ck_assert_int_eq(find(), SKEW_NO_CAUSE);
}
END_TEST

START_TEST(test_tolerance)
{
    begin();
    field.tolerance = (struct skew_tolerance){.01, 0};
    ck_assert_int_eq(add(number(1), number(1.009)), SKEW_EQUAL);
    ck_assert_int_eq(add(number(1), number(1.2)), SKEW_DIFFERS);
    field.tolerance = (struct skew_tolerance){0, .1};
    ck_assert_int_eq(add(number(100), number(109)), SKEW_EQUAL);
    ck_assert_int_eq(add(whole(100), whole(109)), SKEW_EQUAL);
    ck_assert_int_eq(add(whole(100), whole(119)), SKEW_DIFFERS);
    ck_assert_int_eq(add(number(0), number(-0.0)), SKEW_EQUAL);
    ck_assert_int_eq(add(number(INFINITY), number(INFINITY)), SKEW_EQUAL);
    ck_assert_int_eq(add(number(INFINITY), number(-INFINITY)), SKEW_DIFFERS);
    ck_assert_int_eq(add(number(INFINITY), number(5)), SKEW_DIFFERS);
    field.tolerance = (struct skew_tolerance){0, 0};
    ck_assert_int_eq(add(whole(3), number(3)), SKEW_EQUAL);
    ck_assert_int_eq(add(whole(9007199254740993), whole(9007199254740992)), SKEW_DIFFERS);
    ck_assert_int_eq(add((struct skew_value){0, 0, SKEW_FAULT}, number(3)), SKEW_UNKNOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("skew_cause");
    TCase *tests = tcase_create("cause");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_numbers);
    tcase_add_test(tests, test_units);
    tcase_add_test(tests, test_writing);
    tcase_add_test(tests, test_times);
    tcase_add_test(tests, test_stale);
    tcase_add_test(tests, test_stale_between_records);
    tcase_add_test(tests, test_shares);
    tcase_add_test(tests, test_tolerance);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
