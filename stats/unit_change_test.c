// SPDX-License-Identifier: Apache-2.0
#include "stats/unit_change.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/unit_mixture.h"

static uint64_t state;

static double uniform(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

enum { THEN = 20000, NOW = 5000 };
static double then[THEN], now[NOW];

static struct weir_law law_of(const double *x, size_t n, double origin)
{
    struct weir_ddsketch *sketch = weir_ddsketch_create(origin);
    struct weir_law law;
    ck_assert_ptr_nonnull(sketch);
    ck_assert_int_eq(weir_ddsketch_add(sketch, x, n), 0);
    ck_assert_int_eq(weir_law_make(sketch, &law), 0);
    weir_ddsketch_destroy(sketch);
    return law;
}

static void seed(void)
{
    state = 7;
}

// ---- laws and maps

START_TEST(a_law_tells_shares_and_quantiles)
{
    for (int i = 0; i < THEN; i++)
        then[i] = 30 * normal() + 5;
    struct weir_law law = law_of(then, THEN, 0), about = law_of(then, THEN, 5);
    ck_assert_double_eq(law.total, THEN);
    for (double x = -100; x <= 100; x += 3.7) {
        double below = 0, doubt = 0;
        for (int i = 0; i < THEN; i++)
            below += then[i] < x;
        ck_assert_double_eq_tol(weir_law_below(&law, x, &doubt), below / THEN, 0.005);
        ck_assert_double_eq_tol(weir_law_below(&about, x, NULL), below / THEN, 0.005);
        ck_assert_double_ge(doubt, 0);
    }
    for (double q = 0.01; q < 1; q += 0.07)
        ck_assert_double_eq_tol(weir_law_below(&law, weir_law_quantile(&law, q), NULL), q, 1e-9);
    ck_assert_double_eq(weir_law_below(&law, -1e300, NULL), 0);
    ck_assert_double_eq(weir_law_below(&law, 1e300, NULL), 1);
    ck_assert_double_eq(weir_law_below(&law, -INFINITY, NULL), 0);
    weir_law_free(&law);
    weir_law_free(&about);
    law = law_of(NULL, 0, 0);
    ck_assert_double_eq(weir_law_below(&law, 1, NULL), 0);
    ck_assert_double_nan(weir_law_quantile(&law, 0.5));
    weir_law_free(&law);
}
END_TEST

START_TEST(values_that_are_equal_are_a_lump)
{
    for (int i = 0; i < THEN; i++)
        then[i] = i % 4 ? exp(normal()) : 3;
    struct weir_law law = law_of(then, THEN, 0);
    double doubt = 0;
    weir_law_below(&law, 3.01, &doubt);
    ck_assert_double_eq_tol(doubt, 0.25, 0.02);
    weir_law_free(&law);
}
END_TEST

START_TEST(maps_are_undone)
{
    static const struct weir_unit_map maps[] = {{WEIR_UNIT_LINEAR, 1.8, 32},
                                                {WEIR_UNIT_LINEAR, -1, 0},
                                                {WEIR_UNIT_LOG, 1, 1},
                                                {WEIR_UNIT_LOG, 1 / M_LN10, 0},
                                                {WEIR_UNIT_EXP, 1 / M_LN2, 0}};
    for (size_t k = 0; k < sizeof maps / sizeof *maps; k++) {
        struct weir_unit_map inverse = weir_unit_inverse(&maps[k]);
        for (double x = 0.25; x < 20; x *= 1.7) {
            double y = weir_unit_apply(&maps[k], x);
            ck_assert_double_eq_tol(weir_unit_undo(&maps[k], y), x, 1e-12 * x);
            ck_assert_double_eq_tol(weir_unit_apply(&inverse, y), x, 1e-12 * x);
        }
    }
    ck_assert_double_nan(weir_unit_apply(&maps[3], -1));
    ck_assert_double_infinite(weir_unit_undo(&maps[4], -1));
}
END_TEST

// ---- catalogue

static const struct weir_unit_entry *entry_to(const struct weir_unit_catalogue *catalogue,
                                              const char *to)
{
    for (size_t i = 0; i < catalogue->n; i++)
        if (!strcmp(catalogue->entries[i].to, to))
            return &catalogue->entries[i];
    return NULL;
}

static double factor(const char *unit, const char *to)
{
    struct weir_unit_catalogue catalogue;
    ck_assert_int_eq(weir_unit_catalogue_make(unit, "x", &catalogue), 0);
    const struct weir_unit_entry *entry = entry_to(&catalogue, to);
    double a = entry ? entry->map.a : NAN;
    weir_unit_catalogue_free(&catalogue);
    return a;
}

START_TEST(units_that_are_declared)
{
    ck_assert_double_eq_tol(factor("s", "ms"), 1000, 1e-9);
    ck_assert_double_eq_tol(factor("Seconds", "min"), 1 / 60.0, 1e-12);
    ck_assert_double_eq_tol(factor("km", "mi"), 0.621371192, 1e-9);
    ck_assert_double_eq_tol(factor("lb", "kg"), 0.45359237, 1e-12);
    ck_assert_double_eq_tol(factor("degrees", "radians"), M_PI / 180, 1e-12);
    ck_assert_double_eq_tol(factor("bytes", "KiB"), 1 / 1024.0, 1e-12);
    ck_assert_double_eq_tol(factor("MiB", "GB"), 1.048576e-3, 1e-12);
    ck_assert_double_eq_tol(factor("usd", "US cents"), 100, 1e-9);
    ck_assert_double_eq_tol(factor("%", "fraction"), 0.01, 1e-12);
    ck_assert(isnan(factor("s", "JPY")));
    ck_assert(isnan(factor("parsec", "ms")));
    ck_assert_double_eq(factor("parsec", "negative (the sign flipped)"), -1);
    ck_assert(weir_unit_is_known("Celsius") && weir_unit_is_known("C"));
    ck_assert(!weir_unit_is_known("") && !weir_unit_is_known(NULL));
}
END_TEST

START_TEST(temperatures_and_currencies)
{
    struct weir_unit_catalogue catalogue;
    ck_assert_int_eq(weir_unit_catalogue_make("C", NULL, &catalogue), 0);
    const struct weir_unit_entry *entry = entry_to(&catalogue, "Fahrenheit");
    ck_assert_double_eq_tol(weir_unit_apply(&entry->map, 100), 212, 1e-9);
    ck_assert_double_eq_tol(weir_unit_apply(&entry->map, -40), -40, 1e-9);
    entry = entry_to(&catalogue, "Kelvin");
    ck_assert_double_eq_tol(weir_unit_apply(&entry->map, 20), 293.15, 1e-9);
    weir_unit_catalogue_free(&catalogue);
    ck_assert_int_eq(weir_unit_catalogue_make("EUR", NULL, &catalogue), 0);
    entry = entry_to(&catalogue, "JPY");
    ck_assert(entry->low < 115 && entry->high > 180 && entry->low < entry->map.a);
    weir_unit_catalogue_free(&catalogue);
}
END_TEST

START_TEST(names_that_hint)
{
    static const struct {
        const char *name, *to;
        enum weir_unit_scope scope;
    } cases[] = {{"orderAmount", "JPY", WEIR_UNIT_HINTED},
                 {"total_price", "INR", WEIR_UNIT_HINTED},
                 {"request.latency", "min", WEIR_UNIT_HINTED},
                 {"room_temperature", "Fahrenheit", WEIR_UNIT_HINTED},
                 {"thing", "Fahrenheit", WEIR_UNIT_GUESS},
                 {NULL, "Kelvin", WEIR_UNIT_GUESS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weir_unit_catalogue catalogue;
        ck_assert_int_eq(weir_unit_catalogue_make(NULL, cases[i].name, &catalogue), 0);
        const struct weir_unit_entry *entry = entry_to(&catalogue, cases[i].to);
        ck_assert_msg(entry != NULL, "%s", cases[i].to);
        ck_assert_int_eq(entry->scope, cases[i].scope);
        weir_unit_catalogue_free(&catalogue);
    }
    ck_assert(isnan(factor(NULL, "nothing")));
}
END_TEST

// ---- estimates

START_TEST(a_line_without_noise)
{
    double x[19], y[19], level[19];
    struct weir_quantile_line line;
    for (int i = 0; i < 19; i++) {
        level[i] = (i + 1) / 20.0;
        x[i] = i < 10 ? i : i * 1.5;
        y[i] = 3 + 1.25 * x[i];
    }
    weir_quantile_line(x, y, level, 19, 10, 1000, 500, &line);
    ck_assert_uint_eq(line.points, 19);
    ck_assert_double_eq_tol(line.slope, 1.25, 1e-12);
    ck_assert_double_eq_tol(line.shift, 3 + 12.5 - 10, 1e-12);
    ck_assert(line.se_shift > 0 && line.se_slope > 0);
    for (int i = 0; i < 19; i++)
        x[i] = i / 10;
    weir_quantile_line(x, y, level, 19, 0, 1000, 500, &line);
    ck_assert_uint_eq(line.points, 0); // two values make no line
    weir_quantile_line(x, y, level, 19, 0, 0, 500, &line);
    ck_assert_uint_eq(line.points, 0);
}
END_TEST

START_TEST(standard_errors_are_what_they_say)
{
    double sum = 0, squares = 0, said = 0;
    enum { RUNS = 200, N = 2000 };
    for (int run = 0; run < RUNS; run++) {
        double x[19], y[19], level[19];
        struct weir_quantile_line line;
        for (int i = 0; i < THEN; i++)
            then[i] = normal();
        for (int i = 0; i < N; i++)
            now[i] = normal();
        struct weir_law a = law_of(then, THEN, 4),
                        b = law_of(now, N, 4); // an origin: no coarse bucket
        for (int i = 0; i < 19; i++) {
            level[i] = (i + 1) / 20.0;
            x[i] = weir_law_quantile(&a, level[i]);
            y[i] = weir_law_quantile(&b, level[i]);
        }
        weir_quantile_line(x, y, level, 19, 0, THEN, N, &line);
        sum += line.shift;
        squares += line.shift * line.shift;
        said += line.se_shift / RUNS;
        weir_law_free(&a);
        weir_law_free(&b);
    }
    ck_assert_double_eq_tol(sum / RUNS, 0, 0.01);
    ck_assert_double_eq_tol(sqrt(squares / RUNS) / said, 1, 0.15);
}
END_TEST

START_TEST(shares_of_a_mixture)
{
    for (int run = 0; run < 200; run++) {
        enum { CELLS = 12 };
        double f[CELLS], g[CELLS], count[CELLS], best = 0, at = 0;
        for (int i = 0; i < CELLS; i++) {
            f[i] = 0.01 + uniform();
            g[i] = 0.01 + uniform() * (i + 1);
            count[i] = floor(100 * uniform() * (run % 3 ? 1 : i));
        }
        struct weir_mixture mixture;
        weir_mixture_fit(count, f, g, CELLS, &mixture);
        for (int k = 0; k <= 1000; k++) {
            double gain = 0, w = k / 1000.0;
            for (int i = 0; i < CELLS; i++)
                gain += count[i] * log(((1 - w) * f[i] + w * g[i]) / f[i]);
            if (gain > best) {
                best = gain;
                at = w;
            }
        }
        ck_assert_double_eq_tol(mixture.share, at, 0.0011);
        ck_assert(mixture.gain >= best - 1e-9 && mixture.gain <= best + 0.01 * (1 + best));
        ck_assert(mixture.se >= 0 && (mixture.se > 0) == (mixture.share > 0 && mixture.share < 1));
    }
    struct weir_mixture mixture;
    weir_mixture_fit((double[]){0, 0}, (double[]){.5, .5}, (double[]){.1, .9}, 2, &mixture);
    ck_assert_double_eq(mixture.share, 0);
}
END_TEST

// ---- diagnoses

static struct weir_unit_change diagnose(const char *unit, const char *name)
{
    struct weir_unit_change change;
    static struct weir_unit_catalogue catalogue; // the matches point into it
    weir_unit_catalogue_free(&catalogue);
    struct weir_law a = law_of(then, THEN, 0), b = law_of(now, NOW, 0);
    ck_assert_int_eq(weir_unit_catalogue_make(unit, name, &catalogue), 0);
    weir_unit_diagnose(&(struct weir_unit_question){&a, &b, &catalogue, 0}, &change);
    weir_law_free(&a);
    weir_law_free(&b);
    ck_assert(change.share >= 0 && change.share <= 1 && isfinite(change.map.a));
    return change;
}

static double amount(void)
{
    return round(100 * exp(3.6 + 1.2 * normal())) / 100;
}

static void draw(double (*of)(void), const struct weir_unit_map *map, double share)
{
    for (int i = 0; i < THEN; i++)
        then[i] = of();
    for (int i = 0; i < NOW; i++) {
        double x = of();
        now[i] = map && uniform() < share ? weir_unit_apply(map, x) : x;
    }
}

static double celsius(void)
{
    return 12 + 8 * normal();
}

static double latency(void)
{
    return exp(-1.5 + 0.6 * normal());
}

START_TEST(all_values_changed)
{
    struct weir_unit_map yen = {WEIR_UNIT_LINEAR, 155, 0}, f = {WEIR_UNIT_LINEAR, 1.8, 32},
                         milli = {WEIR_UNIT_LINEAR, 1000, 0}, sign = {WEIR_UNIT_LINEAR, -1, 0},
                         ln = {WEIR_UNIT_LOG, 1, 0}, odd = {WEIR_UNIT_LINEAR, 71.3, 0},
                         z = {WEIR_UNIT_LINEAR, 0.125, -1.5};
    draw(amount, &yen, 1);
    struct weir_unit_change change = diagnose("USD", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_ALL);
    ck_assert_str_eq(change.matches[0]->to, "JPY");
    ck_assert(change.ratio_low < 155 && change.ratio_high > 155 && change.undone < change.noise);
    draw(celsius, &f, 1);
    change = diagnose(NULL, "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_ALL);
    ck_assert_str_eq(change.matches[0]->to, "Fahrenheit");
    draw(latency, &milli, 1);
    change = diagnose("s", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_ALL);
    ck_assert_str_eq(change.matches[0]->to, "ms");
    ck_assert_uint_eq(change.n_matches, 1);
    change = diagnose(NULL, "x"); // g to kg the other way, too
    ck_assert_int_eq(change.finding, WEIR_UNIT_ALL);
    ck_assert_uint_gt(change.n_matches, 2);
    draw(celsius, &sign, 1);
    change = diagnose("C", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_ALL);
    ck_assert_double_eq(change.map.a, -1);
    draw(amount, &ln, 1);
    change = diagnose("USD", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_ALL);
    ck_assert_int_eq(change.map.form, WEIR_UNIT_LOG);
    draw(latency, &odd, 1);
    change = diagnose(NULL, "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_FACTOR);
    ck_assert_double_eq_tol(change.map.a, 71.3, 3);
    draw(celsius, &z, 1);
    then[0] = 20 * (1 + then[0]); // not standardised itself
    change = diagnose("parsec", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_STANDARDISED);
}
END_TEST

START_TEST(a_share_changed)
{
    struct weir_unit_map yen = {WEIR_UNIT_LINEAR, 155, 0}, milli = {WEIR_UNIT_LINEAR, 1000, 0},
                         kelvin = {WEIR_UNIT_LINEAR, 1, 273.15};
    draw(amount, &yen, 0.1);
    struct weir_unit_change change = diagnose("USD", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_PART);
    ck_assert_str_eq(change.matches[0]->to, "JPY");
    ck_assert_double_eq_tol(change.share, 0.1, 0.02);
    ck_assert(change.ratio_low < 155 && change.ratio_high > 155);
    draw(latency, &milli, 0.02);
    change = diagnose("s", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_PART);
    ck_assert_str_eq(change.matches[0]->to, "ms");
    ck_assert_double_eq_tol(change.share, 0.02, 0.01);
    ck_assert_double_gt(change.gain, 100);
    draw(celsius, &kelvin, 0.3);
    change = diagnose("C", "x");
    ck_assert_int_eq(change.finding, WEIR_UNIT_PART);
    ck_assert_str_eq(change.matches[0]->to, "Kelvin");
}
END_TEST

START_TEST(nothing_and_plain_drift_are_no_change_of_unit)
{
    for (int kind = 0; kind < 8; kind++) {
        for (int run = 0; run < 4; run++) {
            draw(run % 2 ? amount : latency, NULL, 0);
            for (int i = 0; i < NOW; i++) {
                double *x = &now[i], l = log(*x), u = uniform();
                switch (kind) {
                case 1:
                    *x *= 1.2;
                    break;
                case 2:
                    *x = exp(l * 1.4);
                    break;
                case 3:
                    *x = u < 0.1 ? exp(l * 2) : *x;
                    break;
                case 4:
                    *x = u < 0.2 ? 9999 : *x;
                    break;
                case 5:
                    *x = u < 0.3 ? exp(6 + 0.2 * normal()) : *x;
                    break;
                case 6:
                    *x = exp(l + sin(6.28 * i / NOW));
                    break;
                case 7:
                    *x = u < 0.1 ? *x * (1.5 + 1.5 * uniform()) : *x;
                    break;
                default:
                    break;
                }
            }
            struct weir_unit_change change = diagnose("USD", "amount");
            ck_assert_msg(change.finding == WEIR_UNIT_NOTHING, "kind %d run %d: %s x %g, %g", kind,
                          run, change.n_matches ? change.matches[0]->to : "-", change.map.a,
                          change.share);
        }
    }
}
END_TEST

START_TEST(laws_at_the_edge)
{
    static const double scales[] = {1e-300, 1e-20, 1, 1e18, 1e300};
    struct weir_unit_change change;
    struct weir_unit_catalogue catalogue;
    ck_assert_int_eq(weir_unit_catalogue_make(NULL, NULL, &catalogue), 0);
    for (int kind = 0; kind < 7; kind++) {
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            for (int i = 0; i < THEN; i++) {
                double x = kind == 0   ? 1
                           : kind == 1 ? i % 2
                           : kind == 2 ? (i % 2 ? -1 : 1)
                           : kind == 3 ? normal()
                           : kind == 4 ? exp(20 * normal())
                           : kind == 5 ? (i % 10 ? 0 : uniform())
                                       : i;
                then[i] = x * scales[s] + 0.0;
                if (i < NOW)
                    now[i] = (i % 3 ? x : -x * 1e6) * scales[s] + 0.0;
                if (i < NOW && !isfinite(now[i]))
                    now[i] = 1;
                if (!isfinite(then[i]))
                    then[i] = 2;
            }
            for (size_t n = 0; n <= NOW; n = n ? n * 71 : 1) {
                struct weir_law a = law_of(then, n, 0), b = law_of(now, n, 0);
                struct weir_unit_question question = {&a, &b, &catalogue, 0};
                weir_unit_diagnose(&question, &change);
                ck_assert(!isnan(change.share) && !isnan(change.undone) && !isnan(change.gain));
                ck_assert(change.share >= 0 && change.share <= 1);
                ck_assert_uint_le(change.n_matches, WEIR_UNIT_MATCHES);
                change.map = catalogue.entries[n % catalogue.n].map;
                double share = weir_unit_share_of(&question, &change, &b);
                ck_assert(share >= 0 && share <= 1);
                ck_assert(weir_unit_left_without(&question, &change, &b, 1) >= 0);
                weir_law_free(&a);
                weir_law_free(&b);
            }
        }
    }
    weir_unit_catalogue_free(&catalogue);
}
END_TEST

START_TEST(the_part_to_blame)
{
    struct weir_unit_catalogue catalogue;
    struct weir_unit_change change;
    double part[2][NOW];
    size_t n[2] = {0, 0};
    ck_assert_int_eq(weir_unit_catalogue_make("USD", "x", &catalogue), 0);
    draw(amount, NULL, 0);
    for (int i = 0; i < NOW; i++) {
        int guilty = i % 8 == 0;
        now[i] *= guilty ? 155 : 1;
        part[guilty][n[guilty]++] = now[i];
    }
    struct weir_law a = law_of(then, THEN, 0), b = law_of(now, NOW, 0);
    struct weir_law parts[2] = {law_of(part[0], n[0], 0), law_of(part[1], n[1], 0)};
    struct weir_unit_question question = {&a, &b, &catalogue, 0};
    weir_unit_diagnose(&question, &change);
    ck_assert_int_eq(change.finding, WEIR_UNIT_PART);
    ck_assert_double_lt(weir_unit_share_of(&question, &change, &parts[0]), 0.02);
    ck_assert_double_gt(weir_unit_share_of(&question, &change, &parts[1]), 0.95);
    ck_assert_double_lt(weir_unit_left_without(&question, &change, &parts[1], 1), 10);
    ck_assert_double_gt(weir_unit_left_without(&question, &change, &parts[0], 1), 100);
    for (int i = 0; i < 2; i++)
        weir_law_free(&parts[i]);
    weir_law_free(&a);
    weir_law_free(&b);
    weir_unit_catalogue_free(&catalogue);
}
END_TEST

START_TEST(cells_that_are_suspect)
{
    uint64_t reference[8] = {2500, 2500, 2500, 2500, 2500, 2500, 2500, 2500}, current[8], none[8];
    memset(none, 0, sizeof none);
    for (size_t i = 0; i < 8; i++)
        current[i] = 100 + i % 3;
    ck_assert(!weir_unit_suspect(reference, current, 8));
    current[7] += 100;
    ck_assert(weir_unit_suspect(reference, current, 8));
    ck_assert(!weir_unit_suspect(reference, none, 8));
    ck_assert(!weir_unit_suspect(none, current, 8));
    ck_assert(!weir_unit_suspect(none, none, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unit_change");
    TCase *tests = tcase_create("unit_change");
    tcase_add_checked_fixture(tests, seed, NULL);
    tcase_add_test(tests, a_law_tells_shares_and_quantiles);
    tcase_add_test(tests, values_that_are_equal_are_a_lump);
    tcase_add_test(tests, maps_are_undone);
    tcase_add_test(tests, units_that_are_declared);
    tcase_add_test(tests, temperatures_and_currencies);
    tcase_add_test(tests, names_that_hint);
    tcase_add_test(tests, a_line_without_noise);
    tcase_add_test(tests, standard_errors_are_what_they_say);
    tcase_add_test(tests, shares_of_a_mixture);
    tcase_add_test(tests, all_values_changed);
    tcase_add_test(tests, a_share_changed);
    tcase_add_test(tests, nothing_and_plain_drift_are_no_change_of_unit);
    tcase_add_test(tests, laws_at_the_edge);
    tcase_add_test(tests, the_part_to_blame);
    tcase_add_test(tests, cells_that_are_suspect);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
