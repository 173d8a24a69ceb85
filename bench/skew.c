// SPDX-License-Identifier: Apache-2.0
// What `skew` finds of serving unlike training, and what it calls it: a table of customers of which
// one thing is done otherwise on one side. Training has 20,000 rows; serving comes in hourly
// windows for 27 hours, looked at over a day. Prints Markdown.
//
//     build/bench/skew [RUNS [NAME]]      NAME: only causes whose name has it; prints what was said
//     build/bench/skew --alarms [SEEDS [DAYS]]   nothing happens: how often it is told of (and,
//                                                with VERBOSE=1 in the environment, what is said)
//     build/bench/skew --check            the same, small: exits with 1 where it is over the budget
//     build/bench/skew --power [RUNS]     segments and noise by their size
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/skew/parts.h"
#include "detectors/skew/training.h"
#include "stats/draw_inside.h"
#include "stats/unlike_inside.h"

enum { TRAINED = 20000, WINDOWS = 27, SIZES = 3, MOST = 1000, HOUR = 3600000 };
static const int sizes[SIZES] = {50, 200, 1000};

enum {
    CLICKS,
    SPENT,
    PRICE,
    AGE,
    INCOME,
    HOUR_OF_DAY,
    RATING,
    PLAN_A,
    PLAN_B,
    PLAN_C,
    PLAN_D,
    WAIT,
    COUNTRY,
    FIELDS
};
static const struct weir_field infos[FIELDS] = {
    [CLICKS] = {.name = "clicks", .type = WEIR_TYPE_LONG},
    [SPENT] = {.name = "spent", .type = WEIR_TYPE_DOUBLE},
    [PRICE] = {.name = "mean_price", .type = WEIR_TYPE_DOUBLE},
    [AGE] = {.name = "age", .type = WEIR_TYPE_DOUBLE},
    [INCOME] = {.name = "income", .type = WEIR_TYPE_DOUBLE},
    [HOUR_OF_DAY] = {.name = "hour", .type = WEIR_TYPE_LONG},
    [RATING] = {.name = "rating", .type = WEIR_TYPE_LONG},
    [PLAN_A] = {.name = "plan_a", .type = WEIR_TYPE_LONG},
    [PLAN_B] = {.name = "plan_b", .type = WEIR_TYPE_LONG},
    [PLAN_C] = {.name = "plan_c", .type = WEIR_TYPE_LONG},
    [PLAN_D] = {.name = "plan_d", .type = WEIR_TYPE_LONG},
    [WAIT] = {.name = "wait", .type = WEIR_TYPE_DOUBLE},
    [COUNTRY] = {.name = "country", .type = WEIR_TYPE_STRING},
};
static const char *const words[] = {"US", "DE", "JP", "FR",  "GB",  "us",  "de",  "jp",
                                    "fr", "gb", "IN", "US ", "DE ", "JP ", "FR ", "GB "};
enum { COUNTRIES = 5, LOWER = 5, NEW_COUNTRY = 10, SPACED = 11 };

// ---- a row, and what is done to one

struct row {
    double x[FIELDS]; // of the country, the word
};

struct population {
    double days, more, nights;
    const double *rating, *country, *plan;
};
static const double ratings[5] = {.07, .11, .2, .36, .26}, countries[5] = {.45, .25, .15, .1, .05},
                    plans[4] = {.5, .28, .15, .07};
static const struct population usual = {10, 1, .3, ratings, countries, plans};

static void draw_row(const struct population *from, struct row *row)
{
    double rate = exp(-1 + 0.8 * draw_normal()) * from->more, *x = row->x;
    x[CLICKS] = draw_poisson(rate * from->days);
    x[SPENT] = 0;
    for (double k = 0; k < x[CLICKS]; k++)
        x[SPENT] += exp(2 + 0.5 * draw_normal());
    x[PRICE] = x[CLICKS] > 0 ? x[SPENT] / x[CLICKS] : exp(2 + 0.5 * draw_normal());
    x[AGE] = 41 + 12 * draw_normal() + 8 * pow(draw_uniform(), 3);
    x[INCOME] = exp(8 + 0.7 * draw_normal());
    double hour = 13 + 4.5 * draw_normal();
    x[HOUR_OF_DAY] =
        floor(draw_uniform() < from->nights ? 24 * draw_uniform() : hour - 24 * floor(hour / 24));
    x[RATING] = draw_pick(from->rating, 5);
    double plan = draw_pick(from->plan, 4);
    for (int k = 0; k < 4; k++)
        x[PLAN_A + k] = plan == k;
    x[WAIT] = -10 * log(draw_uniform());
    x[COUNTRY] = draw_pick(from->country, 5);
}

typedef void edit(struct row *row);
struct cause {
    const char *name, *rule; // NULL: nothing is to be said
    int field;
    edit *serving, *training; // NULL: nothing is done
    struct population from;   // of serving; days 0: as usual
    int may_differ;           // it may be called unlike or noisy, but nothing else
};

static void standardise(struct row *row)
{
    row->x[AGE] = (row->x[AGE] - 43) / 12.2;
}
static void to_range(struct row *row)
{
    row->x[AGE] = fmin(fmax((row->x[AGE] + 6) / 100, 0), 1);
}
static void logarithm(struct row *row)
{
    row->x[INCOME] = log1p(row->x[INCOME]);
}
static void hundredths(struct row *row)
{
    row->x[INCOME] *= 100;
}
static void later(struct row *row, int hours)
{
    row->x[HOUR_OF_DAY] = fmod(row->x[HOUR_OF_DAY] + hours, 24);
}
static void later_1(struct row *row)
{
    later(row, 1);
}
static void later_7(struct row *row)
{
    later(row, 7);
}
static void from_one(struct row *row)
{
    row->x[RATING]++;
}
static void recode(struct row *row)
{
    static const double codes[5] = {3, 0, 4, 1, 2};
    row->x[RATING] = codes[(int)row->x[RATING]];
}
static void reverse(struct row *row)
{
    row->x[RATING] = 4 - row->x[RATING];
}
static void reorder(struct row *row)
{
    double a = row->x[PLAN_A];
    row->x[PLAN_A] = row->x[PLAN_C];
    row->x[PLAN_C] = row->x[PLAN_B];
    row->x[PLAN_B] = a;
}
static void lower(struct row *row)
{
    row->x[COUNTRY] += LOWER;
}
static void space(struct row *row)
{
    row->x[COUNTRY] += SPACED;
}
static void lower_some(struct row *row)
{
    if (draw_uniform() < 0.1)
        lower(row);
}
static void nulls(struct row *row, double share)
{
    if (draw_uniform() < share)
        row->x[WAIT] = NAN;
}
static void nulls_2(struct row *row)
{
    nulls(row, .02);
}
static void nulls_10(struct row *row)
{
    nulls(row, .1);
}
static void noise_half(struct row *row)
{
    row->x[AGE] += 6.1 * draw_normal();
}
static void noise_one(struct row *row)
{
    row->x[AGE] += 12.2 * draw_normal();
}
static void rounded(struct row *row)
{
    row->x[AGE] = round(row->x[AGE]);
}
static void outliers(struct row *row)
{
    if (draw_uniform() < .01)
        row->x[AGE] += 200 * draw_uniform();
}
static void new_value(struct row *row, double share)
{
    if (draw_uniform() < share)
        row->x[COUNTRY] = NEW_COUNTRY;
}
static void new_2(struct row *row)
{
    new_value(row, .02);
}
static void new_10(struct row *row)
{
    new_value(row, .1);
}
static void offset_2(struct row *row)
{
    row->x[AGE] += .2 * 12.2;
}
static void offset_3(struct row *row)
{
    row->x[AGE] += .3 * 12.2;
}
static void offset_5(struct row *row)
{
    row->x[AGE] += .5 * 12.2;
}
static void dearer(struct row *row)
{
    row->x[INCOME] *= 1.5;
}
static void twice(struct row *row)
{
    row->x[INCOME] *= 2;
}
static void older_and_wider(struct row *row)
{
    row->x[AGE] = 50 + 1.4 * (row->x[AGE] - 43);
}
static void mixture(struct row *row)
{
    if (draw_uniform() < .2) {
        row->x[AGE] = 70 + 4 * draw_normal();
        row->x[INCOME] = exp(6.5 + .3 * draw_normal());
    }
}
static void longer_waits(struct row *row)
{
    row->x[WAIT] *= 1.6;
}
static void two_rise(struct row *row)
{
    row->x[WAIT] *= 1.8;
    row->x[INCOME] *= 1.8;
}

static const double other_ratings[5] = {.15, .2, .25, .25, .15};
static const double other_countries[5] = {.3, .2, .25, .15, .1};
static const double other_plans[4] = {.35, .4, .15, .1};

#define FROM(...) .from = {__VA_ARGS__}
#define SAME .3, ratings, countries, plans
static const struct cause causes[] = {
    {"nothing", NULL, .field = -1},
    {"span of 10 against 30 days", "window_span", CLICKS, FROM(30, 1, SAME)},
    {"span of 10 against 20 days", "window_span", CLICKS, FROM(20, 1, SAME)},
    {"span of 10 days against 1", "window_span", CLICKS, FROM(1, 1, SAME)},
    {"standardised in serving", "preprocessing:standardised", AGE, .serving = standardise},
    {"standardised in training", "preprocessing:standardised", AGE, .training = standardise},
    {"0 to 1 in serving", "preprocessing:min_max", AGE, .serving = to_range},
    {"logarithm in serving", "preprocessing:logarithm", INCOME, .serving = logarithm},
    {"logarithm in training", "preprocessing:logarithm", INCOME, .training = logarithm},
    {"hundredths", "preprocessing:unit", INCOME, .serving = hundredths},
    {"1 hour later", "preprocessing:cycle", HOUR_OF_DAY, .serving = later_1},
    {"7 hours later", "preprocessing:cycle", HOUR_OF_DAY, .serving = later_7},
    {"codes from 1", "preprocessing:base", RATING, .serving = from_one},
    {"codes assigned anew", "preprocessing:codes", RATING, .serving = recode},
    {"codes reversed", "preprocessing:codes", RATING, .serving = reverse},
    {"one-hot order", "preprocessing:one_hot", PLAN_A, .serving = reorder},
    {"lower case", "preprocessing:case", COUNTRY, .serving = lower},
    {"lower case, 10%", "preprocessing:case", COUNTRY, .serving = lower_some},
    {"a space behind", "preprocessing:space", COUNTRY, .serving = space},
    {"nulls, 2%", "noise", WAIT, .serving = nulls_2},
    {"nulls, 10%", "noise", WAIT, .serving = nulls_10},
    {"noise of 0.5 sd", "noise", AGE, .serving = noise_half},
    {"noise of 1 sd", "noise", AGE, .serving = noise_one},
    {"outliers, 1%", "noise", AGE, .serving = outliers},
    {"rounded to whole numbers", "noise", AGE, .serving = rounded},
    {"new category, 2%", "population", COUNTRY, .serving = new_2},
    {"new category, 10%", "population", COUNTRY, .serving = new_10},
    {"offset of 0.2 sd", "distribution", AGE, .serving = offset_2},
    {"offset of 0.3 sd", "distribution", AGE, .serving = offset_3},
    {"offset of 0.5 sd", "distribution", AGE, .serving = offset_5},
    {"drift: incomes x 1.5", "", INCOME, .serving = dearer, .may_differ = 1},
    {"drift: incomes x 2", "", INCOME, .serving = twice, .may_differ = 1},
    {"drift: older, and spread wider", "", AGE, .serving = older_and_wider, .may_differ = 1},
    {"drift: a fifth are others", "", AGE, .serving = mixture, .may_differ = 1},
    {"drift: waits x 1.6", "", WAIT, .serving = longer_waits, .may_differ = 1},
    {"drift: waits and incomes x 1.8", "", WAIT, .serving = two_rise, .may_differ = 1},
    {"drift: customers buy 1.5 times as much", "", CLICKS, FROM(10, 1.5, SAME), .may_differ = 1},
    {"drift: more at night", "", HOUR_OF_DAY, FROM(10, 1, .7, ratings, countries, plans),
     .may_differ = 1},
    {"drift: worse ratings", "", RATING, FROM(10, 1, .3, other_ratings, countries, plans),
     .may_differ = 1},
    {"drift: other countries", "", COUNTRY, FROM(10, 1, .3, ratings, other_countries, plans),
     .may_differ = 1},
    {"drift: other plans", "", PLAN_A, FROM(10, 1, .3, ratings, countries, other_plans),
     .may_differ = 1},
};
enum { CAUSES = sizeof causes / sizeof *causes };

// ---- one run

static struct unlike_sample samples[FIELDS];
static struct skew_training_field fields[FIELDS];
static struct skew_training_plan plan;
static double column[FIELDS][TRAINED];

// What was said of the last window.
struct said {
    int right, wrong, any; // the rule and the field; a name that is none; of the field
};
static struct said said;
static const struct cause *cause;
static int verbose;

static void draw(const struct population *from, edit *done, int n)
{
    for (int i = 0; i < n; i++) {
        struct row row;
        draw_row(from, &row);
        if (done)
            done(&row);
        for (int f = 0; f < FIELDS; f++)
            column[f][i] = row.x[f];
    }
}

static uint32_t *codes_of(int n)
{
    static uint32_t codes[TRAINED];
    for (int i = 0; i < n; i++)
        codes[i] = (uint32_t)column[COUNTRY][i];
    return codes;
}

static const struct weir_summary *summary_of(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &samples[field].side[1];
}

static const struct weir_summary *reference_of(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window, (void)i;
    return &samples[field].side[0];
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    int of_field = 0,
        unnamed = !strcmp(finding->rule, "distribution") || !strcmp(finding->rule, "noise");
    (void)window;
    for (size_t i = 0; i < finding->n_fields; i++)
        of_field |= cause->field >= 0 && !strcmp(finding->fields[i], infos[cause->field].name);
    said.any |= of_field;
    if (cause->rule && !strcmp(cause->rule, finding->rule) && of_field)
        said.right = 1;
    else if (!unnamed || !cause->rule)
        said.wrong = 1;
    if (verbose)
        printf("    %s: %s\n", cause->name, finding->summary);
}

static void serve(struct skew_training *training, int hour, int size)
{
    struct weir_error error;
    draw(cause->from.days > 0 ? &cause->from : &usual, cause->serving, size);
    for (int f = 0; f < FIELDS; f++) {
        weir_summary_free(&samples[f].side[1]);
        if (f == COUNTRY)
            unlike_side_words(&samples[f].side[1], samples[f].cells, words, 16, codes_of(size),
                              (size_t)size);
        else
            unlike_side_numbers(&samples[f].side[1], samples[f].cells, column[f], (size_t)size);
    }
    struct weir_window window = {.size = sizeof window,
                                 .start = 1760313600000 + hour * (int64_t)HOUR,
                                 .end = 1760313600000 + (hour + 1) * (int64_t)HOUR,
                                 .rows = (uint64_t)size,
                                 .phase = WEIR_FINAL,
                                 .summary = summary_of,
                                 .reference = reference_of,
                                 .emit = on_emit,
                                 .undecided = on_undecided};
    unlike_must(skew_training_window(training, &window, &error));
}

static void train(void)
{
    draw(&usual, cause->training, TRAINED);
    for (int f = 0; f < FIELDS; f++) {
        if (f == COUNTRY)
            unlike_words(&samples[f], infos[f].name, words, 16, codes_of(TRAINED), TRAINED,
                         codes_of(TRAINED), 0);
        else
            unlike_numbers(&samples[f], infos[f].name, infos[f].type, column[f], TRAINED, column[f],
                           0);
        fields[f] = (struct skew_training_field){f, &infos[f], &samples[f].side[0],
                                                 samples[f].side[0].parts};
    }
    plan = (struct skew_training_plan){.fields = fields,
                                       .n_fields = FIELDS,
                                       .reference = "training",
                                       .delta = 0.2,
                                       .critical = 0.5,
                                       .segment = 0.01,
                                       .alpha = 1 / 720. / SKEW_WAYS,
                                       .over = 24 * (int64_t)HOUR,
                                       .minimum = 100,
                                       .redact = 1};
}

// Whether the last window says it, and whether any said what is wrong.
static struct said run(int size)
{
    struct skew_training *training;
    struct said all = {0, 0, 0};
    train();
    unlike_must(skew_training_create(&plan, &training));
    for (int hour = 0; hour < WINDOWS; hour++) {
        memset(&said, 0, sizeof said);
        serve(training, hour, size);
        all.wrong |= said.wrong;
    }
    all.right = said.right;
    all.any = said.any;
    skew_training_destroy(training);
    for (int f = 0; f < FIELDS; f++)
        unlike_free(&samples[f]);
    return all;
}

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    if (!strcmp(part, "--alarms"))
        return skew_alarms(argc > 2 ? atoi(argv[2]) : 10, argc > 3 ? atoi(argv[3]) : 90, 0);
    if (!strcmp(part, "--check"))
        return skew_alarms(1, 30, 1);
    if (!strcmp(part, "--power"))
        return skew_power(argc > 2 ? atoi(argv[2]) : 20);
    int runs = argc > 1 ? atoi(argv[1]) : 20;
    const char *only = argc > 2 ? argv[2] : NULL;
    verbose = only != NULL;
    printf("| on one side | ");
    for (int s = 0; s < SIZES; s++)
        printf("%d records an hour | ", sizes[s]);
    printf("called wrongly |\n|---|---|---|---|---|\n");
    for (int c = 0; c < CAUSES; c++) {
        cause = &causes[c];
        if (only && !strstr(cause->name, only))
            continue;
        int wrong = 0;
        printf("| %s |", cause->name);
        for (int s = 0; s < SIZES; s++) {
            struct said sum = {0, 0, 0};
            for (int r = 0; r < runs; r++) {
                struct said one = run(sizes[s]);
                sum.right += one.right;
                sum.any += one.any;
                wrong += one.wrong;
            }
            if (!cause->rule)
                printf(" - |");
            else
                printf(" %.0f%% |", 100. * (cause->may_differ ? sum.any : sum.right) / runs);
        }
        printf(" %d of %d |\n", wrong, SIZES * runs);
        fflush(stdout);
    }
    return 0;
}
