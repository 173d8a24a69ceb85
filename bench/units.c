// SPDX-License-Identifier: Apache-2.0
// What the diagnosis of unit changes can and cannot see: simulated fields, each with a reference
// of 20,000 values. Prints tables in Markdown: power against |ln factor| / sd, named changes,
// false alarms where nothing changes and where there is a plain drift, and the time it takes.
//
//     build/bench/units [RUNS [cost|named|power|false]]      VERBOSE=1: each false alarm
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/draw_inside.h"
#include "stats/summary.h"
#include "stats/unit_change.h"

enum { REFERENCE = 20000, SIZES = 3, SHARES = 3, MOST = 50000 };
static const int sizes[SIZES] = {1000, 5000, 50000};
static const double shares[SHARES] = {1, 0.1, 0.01};

// ---- kinds of fields

typedef double draw(void);
static double amounts(void)
{
    return round(100 * exp(3.6 + 1.2 * draw_normal())) / 100;
}
static double latencies(void)
{
    return exp(-1.5 + 0.6 * draw_normal());
}
static double temperatures(void)
{
    return round(10 * (12 + 8 * draw_normal())) / 10;
}
static double fractions(void)
{
    double x = 0.5 + 0.18 * draw_normal();
    return x < 0 ? 0 : x > 1 ? 1 : x;
}
static double sizes_of_files(void)
{
    return floor(exp(10 + 1.5 * draw_normal()));
}
static double ages(void)
{
    return floor(41 + 13 * draw_normal());
}
static double counts(void)
{
    return draw_uniform() < 0.3 ? 0 : floor(exp(1.5 + 0.8 * draw_normal()));
}
static double scores(void)
{
    return draw_normal();
}
static double angles(void)
{
    return 360 * draw_uniform() - 180;
}
static double waits(void)
{
    return -30 * log(draw_uniform());
}
static double weights(void)
{
    return 70 + 12 * draw_normal();
}

struct field {
    const char *name, *unit;
    draw *draw;
};
static const struct field fields[] = {
    {"amount", "USD", amounts},
    {"latency", "s", latencies},
    {"temperature", "C", temperatures},
    {"load", "fraction", fractions},
    {"size", "bytes", sizes_of_files},
    {"age", "years", ages},
    {"clicks", NULL, counts},
    {"z", NULL, scores},
    {"angle", "degrees", angles},
    {"waiting", NULL, waits},
    {"body", "kg", weights},
    {"amount", NULL, amounts},
    {"latency", NULL, latencies},
};
enum { FIELDS = sizeof fields / sizeof *fields };

// ---- one diagnosis

struct sample {
    double x[MOST];
    int n;
};

static struct sample then, now;

static struct weir_law law_of(const struct sample *sample)
{
    struct weir_law law = {0};
    struct weir_ddsketch *sketch = weir_ddsketch_create(0);
    if (!sketch || weir_ddsketch_add(sketch, sample->x, (size_t)sample->n) ||
        weir_law_make(sketch, &law))
        exit(1);
    weir_ddsketch_destroy(sketch);
    return law;
}

static void draw_sample(struct sample *sample, int n, draw *draw)
{
    sample->n = n;
    for (int i = 0; i < n; i++)
        sample->x[i] = draw() + 0.0;
}

static struct weir_unit_catalogue catalogue;

static struct weir_unit_change diagnose(const struct field *field)
{
    struct weir_unit_change change;
    weir_unit_catalogue_free(&catalogue);
    if (weir_unit_catalogue_make(field->unit, field->name, &catalogue))
        exit(1);
    struct weir_law a = law_of(&then), b = law_of(&now);
    struct weir_unit_question question = {&a, &b, &catalogue, 0};
    weir_unit_diagnose(&question, &change);
    weir_law_free(&a);
    weir_law_free(&b);
    return change;
}

// ---- changes that have a name

struct change {
    size_t field;
    const char *to;
    struct weir_unit_map map;
    double places; // values are rounded to 10^-places; 99: not at all
};
static const struct change changes[] = {
    {0, "JPY", {WEIR_UNIT_LINEAR, 155, 0}, 0},
    {0, "US cents", {WEIR_UNIT_LINEAR, 100, 0}, 0},
    {0, "EUR", {WEIR_UNIT_LINEAR, 0.92, 0}, 2},
    {0, "units", {WEIR_UNIT_LINEAR, -1, 0}, 2},
    {1, "ms", {WEIR_UNIT_LINEAR, 1000, 0}, 99},
    {1, "us", {WEIR_UNIT_LINEAR, 1e6, 0}, 99},
    {1, "min", {WEIR_UNIT_LINEAR, 1 / 60.0, 0}, 99},
    {2, "Fahrenheit", {WEIR_UNIT_LINEAR, 1.8, 32}, 1},
    {2, "Kelvin", {WEIR_UNIT_LINEAR, 1, 273.15}, 2},
    {3, "percent", {WEIR_UNIT_LINEAR, 100, 0}, 1},
    {4, "KiB", {WEIR_UNIT_LINEAR, 1 / 1024.0, 0}, 99},
    {4, "kB", {WEIR_UNIT_LINEAR, 1e-3, 0}, 99},
    {4, "bits", {WEIR_UNIT_LINEAR, 8, 0}, 0},
    {5, "months", {WEIR_UNIT_LINEAR, 12, 0}, 0},
    {8, "radians", {WEIR_UNIT_LINEAR, M_PI / 180, 0}, 99},
    {10, "lb", {WEIR_UNIT_LINEAR, 2.2046226, 0}, 99},
    {10, "g", {WEIR_UNIT_LINEAR, 1000, 0}, 99},
    {0, "its natural logarithm", {WEIR_UNIT_LOG, 1, 0}, 99},
    {4, "log1p of it", {WEIR_UNIT_LOG, 1, 1}, 99},
    {12, "ms", {WEIR_UNIT_LINEAR, 1000, 0}, 99},
};
enum { CHANGES = sizeof changes / sizeof *changes };

static void apply(const struct change *change, double share)
{
    for (int i = 0; i < now.n; i++) {
        if (draw_uniform() >= share)
            continue;
        double y = weir_unit_apply(&change->map, now.x[i]);
        double power = pow(10, change->places);
        if (isfinite(y))
            now.x[i] = change->places < 20 ? round(y * power) / power + 0.0 : y;
    }
}

static int is_named(const struct weir_unit_change *found, const char *to, size_t among)
{
    for (size_t i = 0; i < found->n_matches && i < among; i++)
        if (!strcmp(found->matches[i]->to, to))
            return 1;
    return 0;
}

static void named_changes(int runs)
{
    puts("| change | found and named, n = 1,000: all, 10%, 1% | 5,000 | 50,000 "
         "|\n|---|---|---|---|");
    for (size_t c = 0; c < CHANGES; c++) {
        const struct field *field = &fields[changes[c].field];
        printf("| %s (%s) to %s, x %.4g |", field->name, field->unit ? field->unit : "no unit",
               !strcmp(changes[c].to, "units") ? "sign flipped" : changes[c].to, changes[c].map.a);
        for (int k = 0; k < SIZES; k++) {
            for (int s = 0; s < SHARES; s++) {
                int found = 0, named = 0, listed = 0;
                for (int run = 0; run < runs; run++) {
                    draw_sample(&then, REFERENCE, field->draw);
                    draw_sample(&now, sizes[k], field->draw);
                    apply(&changes[c], shares[s]);
                    struct weir_unit_change change = diagnose(field);
                    const char *to =
                        changes[c].map.a == -1 ? "negative (the sign flipped)" : changes[c].to;
                    found += change.finding != WEIR_UNIT_NOTHING;
                    named += is_named(&change, to, 1);
                    listed += is_named(&change, to, WEIR_UNIT_MATCHES);
                }
                printf("%s %d/%d", s ? "," : "", 100 * found / runs, 100 * named / runs);
                if (listed != named)
                    printf(" (listed %d)", 100 * listed / runs);
            }
            printf(" |");
        }
        putchar('\n');
        fflush(stdout);
    }
    putchar('\n');
}

// ---- power against the size of the change

static void power(int runs)
{
    static const double distance[] = {0.5, 1, 1.5, 2, 3, 4, 6};
    static const char *const to[] = {"bits", "KiB"};
    static const double factor[] = {8, 1 / 1024.0};
    puts("| change, \\|ln factor\\| / sd | n = 1,000: all, 10%, 1% | 5,000 | 50,000 |\n"
         "|---|---|---|---|");
    const struct field field = {"size", "bytes", NULL};
    for (int t = 0; t < 2; t++) {
        for (size_t d = 0; d < sizeof distance / sizeof *distance; d++) {
            double sd = fabs(log(factor[t])) / distance[d];
            struct change change = {0, to[t], {WEIR_UNIT_LINEAR, factor[t], 0}, 99};
            printf("| bytes to %s, %.3g |", to[t], distance[d]);
            for (int k = 0; k < SIZES; k++) {
                for (int s = 0; s < SHARES; s++) {
                    int found = 0, named = 0;
                    for (int run = 0; run < runs; run++) {
                        then.n = REFERENCE;
                        now.n = sizes[k];
                        for (int i = 0; i < then.n; i++)
                            then.x[i] = exp(9 + sd * draw_normal());
                        for (int i = 0; i < now.n; i++)
                            now.x[i] = exp(9 + sd * draw_normal());
                        apply(&change, shares[s]);
                        struct weir_unit_change seen = diagnose(&field);
                        found += seen.finding != WEIR_UNIT_NOTHING;
                        named += is_named(&seen, to[t], 1);
                    }
                    printf("%s %d/%d", s ? "," : "", 100 * found / runs, 100 * named / runs);
                }
                printf(" |");
            }
            putchar('\n');
            fflush(stdout);
        }
    }
    putchar('\n');
}

// ---- what is no change of unit

static double robust_sd(const struct sample *sample)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < sample->n; i++) {
        sum += sample->x[i];
        squares += sample->x[i] * sample->x[i];
    }
    return sqrt(fmax(0, squares / sample->n - sum * sum / sample->n / sample->n));
}

static void rescale(double factor, double share)
{
    for (int i = 0; i < now.n; i++)
        now.x[i] *= draw_uniform() < share ? factor : 1;
}

static const char *const drifts[] = {"none",
                                     "all up by 20%",
                                     "all down by a third",
                                     "shift by half an sd",
                                     "shift by two sd",
                                     "spread by half more",
                                     "heavier tail",
                                     "a new population, its place and spread at random",
                                     "all from a new population",
                                     "a spike of one value",
                                     "a season: shift of up to 1 sd within the window",
                                     "truncated above",
                                     "capped at the 90% quantile",
                                     "ten times the zeros",
                                     "outliers, log-uniform over nine decades",
                                     "noise added",
                                     "a tenth grows by 1.5 to 3",
                                     "sway: 0.15 sd"};
enum { DRIFTS = sizeof drifts / sizeof *drifts };

static void drift(int kind)
{
    double sd = robust_sd(&now), share = 0.02 + 0.48 * draw_uniform();
    double place = 6 * draw_uniform() - 3, spread = 0.3 + 1.2 * draw_uniform(), mean = 0,
           least = now.x[0];
    double spike = now.x[(int)(draw_uniform() * now.n)] * exp(4 * draw_uniform() - 1), cap = 0;
    for (int i = 0; i < now.n; i++) {
        mean += now.x[i] / now.n;
        least = fmin(least, now.x[i]);
    }
    if (kind == 11 || kind == 12)
        for (int i = 0, above; i < 200; i++) {
            cap = now.x[i];
            above = 0;
            for (int k = 0; k < now.n; k++)
                above += now.x[k] > cap;
            if (abs(above - now.n / 10) < now.n / 50)
                break;
        }
    double log_mean = 0, log_sd = 0;
    for (int i = 0; least > 0 && i < now.n; i++)
        log_mean += log(now.x[i]) / now.n;
    for (int i = 0; least > 0 && i < now.n; i++)
        log_sd += (log(now.x[i]) - log_mean) * (log(now.x[i]) - log_mean) / now.n;
    log_sd = sqrt(log_sd);
    for (int i = 0; i < now.n; i++) {
        double *x = &now.x[i], u = draw_uniform(), z = draw_normal();
        double l = least > 0 ? (log(*x) - log_mean) / log_sd : (*x - mean) / sd;
        int scaled = 1;
        switch (kind) {
        case 3:
            l += 0.5;
            break;
        case 4:
            l += 2;
            break;
        case 5:
            l *= 1.5;
            break;
        case 6:
            l *= u < 0.2 ? 1 + 1.5 * share : 1;
            break;
        case 7:
            l = u < share ? place + spread * l : l;
            break;
        case 8:
            l = place + spread * l;
            break;
        case 10:
            l += sin(2 * M_PI * i / now.n) * share * 2;
            break;
        case 13:
            l = u < 0.1 ? -4 : l;
            break;
        case 15:
            l += 0.7 * z;
            break;
        case 17:
            l += 0.3 * (share - 0.26) / 0.24 * 0.5 * 2;
            break;
        default:
            scaled = 0;
        }
        if (scaled)
            *x = least > 0 ? exp(log_mean + log_sd * l) : mean + sd * l;
        if (kind == 9 && u < share)
            *x = spike;
        if (kind == 11 && *x > cap)
            *x = now.x[(i * 7 + 1) % now.n] > cap ? cap * draw_uniform()
                                                  : now.x[(i * 7 + 1) % now.n];
        if (kind == 12)
            *x = fmin(*x, cap);
        if (kind == 14 && u < share / 5)
            *x = pow(10, 9 * draw_uniform() - 2);
    }
    if (kind == 1)
        rescale(1.2, 1);
    if (kind == 2)
        rescale(2 / 3.0, 1);
    for (int i = 0; kind == 16 && i < now.n; i++)
        now.x[i] *= draw_uniform() < 0.1 ? 1.5 + 1.5 * draw_uniform() : 1;
}

static void false_alarms(int runs)
{
    puts("| drift | called a change of unit, n = 1,000 | 5,000 | 50,000 | as what, mostly |\n"
         "|---|---|---|---|---|");
    for (int kind = 0; kind < DRIFTS; kind++) {
        char what[128] = "";
        printf("| %s |", drifts[kind]);
        for (int k = 0; k < SIZES; k++) {
            int called = 0, all = 0;
            for (size_t f = 0; f < FIELDS; f++) {
                for (int run = 0; run < runs; run++) {
                    draw_sample(&then, REFERENCE, fields[f].draw);
                    draw_sample(&now, sizes[k], fields[f].draw);
                    drift(kind);
                    struct weir_unit_change change = diagnose(&fields[f]);
                    all++;
                    if (change.finding == WEIR_UNIT_NOTHING)
                        continue;
                    called++;
                    if (getenv("VERBOSE"))
                        fprintf(stderr,
                                "%d %s(%s): %.3g%% x %.3g + %.3g form %d, gain %.3g (%.2g a value) "
                                "%s->%s\n",
                                sizes[k], fields[f].name, fields[f].unit ? fields[f].unit : "",
                                100 * change.share, change.map.a, change.map.b, change.map.form,
                                change.gain, change.gain / change.share / sizes[k],
                                change.n_matches ? change.matches[0]->from : "?",
                                change.n_matches ? change.matches[0]->to : "no name");
                    snprintf(what, sizeof what, "%s: %.2g%% x %.3g, %s", fields[f].name,
                             100 * change.share, change.map.a,
                             change.n_matches ? change.matches[0]->to : "no name");
                }
            }
            printf(" %d of %d |", called, all);
        }
        printf(" %s |\n", what);
        fflush(stdout);
    }
    putchar('\n');
}

// ---- time

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void cost(void)
{
    enum { ROUNDS = 20000 };
    struct weir_cells *cells;
    struct weir_error error;
    draw_sample(&then, REFERENCE, amounts);
    draw_sample(&now, 5000, amounts);
    if (weir_cells_build_numeric(then.x, REFERENCE, &cells, &error))
        exit(1);
    uint64_t *a = calloc(2 * cells->n, sizeof *a), *b = a + cells->n;
    if (!a)
        exit(1);
    weir_cells_count(cells, then.x, REFERENCE, a);
    weir_cells_count(cells, now.x, 5000, b);
    double start = seconds();
    int suspects = 0;
    for (int i = 0; i < ROUNDS; i++) {
        b[i % cells->n]++; // so that nothing is taken out of the loop
        suspects += weir_unit_suspect(a, b, cells->n);
        b[i % cells->n]--;
    }
    printf("A field in which nothing changed: %.2f us (%d suspects).\n",
           1e6 * (seconds() - start) / ROUNDS, suspects);
    static const struct {
        const char *what;
        double factor, share;
    } cases[] = {{"moved by 50%", 1.5, 1}, {"all x 155", 155, 1}, {"10% x 155", 155, 0.1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        draw_sample(&now, 5000, amounts);
        rescale(cases[k].factor, cases[k].share);
        start = seconds();
        for (int i = 0; i < 20; i++)
            diagnose(&fields[0]);
        printf("One that %s: %.0f us declared, ", cases[k].what, 1e6 * (seconds() - start) / 20);
        start = seconds();
        for (int i = 0; i < 20; i++)
            diagnose(&fields[11]);
        printf("%.0f us not.\n", 1e6 * (seconds() - start) / 20);
    }
    free(a);
    weir_cells_free(cells);
}

int main(int argc, char **argv)
{
    int runs = argc > 1 ? atoi(argv[1]) : 20;
    const char *only = argc > 2 ? argv[2] : "cost named power false";
    if (runs < 1)
        return 2;
    if (strstr(only, "cost"))
        cost();
    if (strstr(only, "named"))
        named_changes(runs);
    if (strstr(only, "power"))
        power(runs);
    if (strstr(only, "false"))
        false_alarms(runs);
    weir_unit_catalogue_free(&catalogue);
    return 0;
}
