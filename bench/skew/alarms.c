// SPDX-License-Identifier: Apache-2.0
// How often skew cries wolf: months of hourly windows in which serving is what training was,
// against a profile of four weeks. Fields are independent; or have a rhythm of day and week and a
// memory (an AR(1) process, .9 an hour, .1 sd); or have weeks that differ beside that (another
// AR(1) process, .9 a day): by .15 sd, or by .3 sd, which is more than the least that is worth an
// alert.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/skew/parts.h"
#include "detectors/skew/training.h"
#include "stats/cell_score.h"
#include "stats/draw_inside.h"
#include "stats/habits.h"
#include "stats/unlike_inside.h"

enum { FIELDS = 30, NUMBERS = 24, WEEKS = 4, HOUR = 3600000, DAY_HOURS = 24, MONTH = 720 };
enum { CATEGORIES = 8, BUDGETS = 2, RULES = 24, ROWS = 200, RESOLVE = 3 };
static const int64_t MONDAY = 1760313600000;
static const char *const worlds[] = {"independent", "rhythm of day and week, memory of hours",
                                     "the same, and weeks that differ by 0.15 sd",
                                     "the same, and weeks that differ by 0.3 sd"};
enum { WORLDS = 4 };
static const double slow[WORLDS] = {0, 0, .15, .3};
// Of the app's one alarm in 30 days: all of it, and what is left beside drift.
static const double budgets[BUDGETS] = {1, 1. / 9};

static struct {
    double amplitude, phase, weekend, memory, slow;
} moods[FIELDS];
static struct weir_field infos[FIELDS];
static char names[FIELDS][16];
static struct unlike_sample samples[FIELDS];
static struct skew_training_field fields[FIELDS];
static struct skew_training_plan plans[BUDGETS];
static const char *const words[CATEGORIES] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static int world, budget;

// ---- what happens

static void begin_world(uint64_t seed)
{
    draw_state = seed * 7919;
    for (int f = 0; f < FIELDS; f++) {
        snprintf(names[f], sizeof names[f], "f%02d", f);
        infos[f] = (struct weir_field){.name = names[f],
                                       .type = f < NUMBERS ? WEIR_TYPE_DOUBLE : WEIR_TYPE_STRING};
        moods[f].amplitude = .1 + .5 * draw_uniform();
        moods[f].phase = 2 * M_PI * draw_uniform();
        moods[f].weekend = .2 * draw_normal();
        moods[f].memory = .1 * draw_normal();
        moods[f].slow = slow[world] * draw_normal();
    }
}

// The mean of a field in this hour, in its own sd.
static double level_of(int f, int64_t hour)
{
    if (!world)
        return 0;
    moods[f].memory = .9 * moods[f].memory + .1 * sqrt(1 - .81) * draw_normal();
    if (hour % DAY_HOURS == 0)
        moods[f].slow = .9 * moods[f].slow + slow[world] * sqrt(1 - .81) * draw_normal();
    double level = moods[f].amplitude * sin((double)hour / DAY_HOURS * 2 * M_PI + moods[f].phase) +
                   moods[f].memory;
    level += hour / DAY_HOURS % 7 >= 5 ? moods[f].weekend : 0;
    return level + moods[f].slow;
}

static void draw_hour(int f, int64_t hour, double *number, uint32_t *code)
{
    double level = level_of(f, hour), share[CATEGORIES], sum = 0;
    for (int k = 0; k < CATEGORIES; k++)
        sum += share[k] = exp(-.4 * k + .25 * level * (k % 2 ? 1 : -1));
    for (int k = 0; k < CATEGORIES; k++)
        share[k] /= sum;
    for (int i = 0; i < ROWS; i++) {
        if (f < NUMBERS)
            number[i] = 100 + 10 * (level + draw_normal());
        else
            code[i] = (uint32_t)draw_pick(share, CATEGORIES);
    }
}

static void count(int f, const double *number, const uint32_t *code, size_t n,
                  struct weir_summary *out)
{
    if (f < NUMBERS)
        unlike_side_numbers(out, samples[f].cells, number, n);
    else
        unlike_side_words(out, samples[f].cells, words, CATEGORIES, code, n);
}

// ---- the profile, with how its stretches vary

static void learn_spread(int f, const double *number, const uint32_t *code)
{
    const struct weir_summary *all = &samples[f].side[0];
    struct weir_habits *habits = weir_habits_create();
    unlike_must(!habits);
    samples[f].cells->habits = habits;
    double panes = 0;
    for (int scale = 0; scale <= WEIR_HABITS_SPANS; scale++) {
        int hours = !scale ? 1 : scale == 1 ? DAY_HOURS : 7 * DAY_HOURS;
        for (int first = 0; first < WEEKS * 7 * DAY_HOURS; first += hours) {
            struct weir_summary one;
            double df, ratio;
            size_t from = (size_t)first * ROWS;
            count(f, number + from, code + from, (size_t)hours * ROWS, &one);
            if (scale) {
                unlike_must(weir_spread_add_part(&habits->spans[scale - 1], all->cell, one.cell,
                                                 all->cells->n, all->shape == WEIR_SHAPE_NUMERIC));
            } else {
                ratio = weir_spread_between(all->cell, one.cell, all->cells->n, 1, &df);
                habits->spread = (habits->spread * panes + ratio) / (panes + 1);
                panes++;
            }
            weir_summary_free(&one);
        }
    }
    habits->spread = fmax(habits->spread, 1);
}

static void train(void)
{
    size_t n = (size_t)WEEKS * 7 * DAY_HOURS * ROWS;
    double *number = malloc(n * sizeof *number);
    uint32_t *code = malloc(n * sizeof *code);
    unlike_must(!number || !code);
    for (int f = 0; f < FIELDS; f++) {
        for (int64_t hour = 0; hour < WEEKS * 7 * DAY_HOURS; hour++)
            draw_hour(f, hour, number + hour * ROWS, code + hour * ROWS);
        if (f < NUMBERS)
            unlike_numbers(&samples[f], infos[f].name, WEIR_TYPE_DOUBLE, number, n, number, 0);
        else
            unlike_words(&samples[f], infos[f].name, words, CATEGORIES, code, n, code, 0);
        learn_spread(f, number, code);
        fields[f] = (struct skew_training_field){f, &infos[f], &samples[f].side[0],
                                                 samples[f].side[0].parts};
    }
    free(number);
    free(code);
    for (int b = 0; b < BUDGETS; b++)
        plans[b] = (struct skew_training_plan){.fields = fields,
                                               .n_fields = FIELDS,
                                               .reference = "training",
                                               .delta = 0.2,
                                               .critical = 0.5,
                                               .segment = 0.01,
                                               .alpha = budgets[b] / MONTH / SKEW_WAYS,
                                               .over = 7 * DAY_HOURS * (int64_t)HOUR,
                                               .minimum = 100,
                                               .redact = 1};
}

static void forget_world(void)
{
    for (int f = 0; f < FIELDS; f++) {
        weir_habits_free((struct weir_habits *)samples[f].cells->habits);
        samples[f].cells->habits = NULL;
        unlike_free(&samples[f]);
    }
}

// ---- what is said

static struct life { // of the incidents of one rule
    char rule[48];
    int open, quiet, found;
    uint64_t incidents;
} lives[BUDGETS][RULES];
static uint64_t incidents[BUDGETS], in_alarm[BUDGETS], windows[BUDGETS];
static int is_undecided, verbose;

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

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    struct life *life = lives[budget];
    (void)window;
    while (*life->rule && strcmp(life->rule, finding->rule) != 0 &&
           life < lives[budget] + RULES - 1)
        life++;
    snprintf(life->rule, sizeof life->rule, "%s", finding->rule);
    life->found = 1;
    if (verbose && !life->open)
        fprintf(stderr, "%s: %s\n", finding->rule, finding->summary);
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
    is_undecided = 1;
}

static void live(void)
{
    int any = 0;
    for (int r = 0; r < RULES; r++) {
        struct life *life = &lives[budget][r];
        if (life->found) {
            incidents[budget] += !life->open;
            life->incidents += !life->open;
            life->open = 1;
            life->quiet = 0;
        } else if (life->open && !is_undecided && ++life->quiet == RESOLVE) {
            life->open = 0;
        }
        life->found = 0;
        any |= life->open;
    }
    in_alarm[budget] += any;
    windows[budget]++;
}

static void serve(struct skew_training **trainings, int64_t hour)
{
    static double number[ROWS];
    static uint32_t code[ROWS];
    struct weir_error error;
    for (int f = 0; f < FIELDS; f++) {
        draw_hour(f, hour, number, code);
        weir_summary_free(&samples[f].side[1]);
        count(f, number, code, ROWS, &samples[f].side[1]);
    }
    struct weir_window window = {.size = sizeof window,
                                 .start = MONDAY + hour * HOUR,
                                 .end = MONDAY + (hour + 1) * HOUR,
                                 .rows = ROWS,
                                 .phase = WEIR_FINAL,
                                 .summary = summary_of,
                                 .reference = reference_of,
                                 .emit = on_emit,
                                 .undecided = on_undecided};
    for (budget = 0; budget < BUDGETS; budget++) {
        is_undecided = 0;
        unlike_must(skew_training_window(trainings[budget], &window, &error));
        live();
    }
}

static void run(uint64_t seed, int days)
{
    struct skew_training *trainings[BUDGETS];
    begin_world(seed);
    train();
    for (int b = 0; b < BUDGETS; b++) {
        unlike_must(skew_training_create(&plans[b], &trainings[b]));
        for (int r = 0; r < RULES; r++)
            lives[b][r].open = lives[b][r].quiet = 0;
    }
    for (int64_t hour = 0; hour < (int64_t)days * DAY_HOURS; hour++)
        serve(trainings, (WEEKS + 1) * 7 * DAY_HOURS + hour);
    for (int b = 0; b < BUDGETS; b++)
        skew_training_destroy(trainings[b]);
    forget_world();
}

int skew_alarms(int seeds, int days, int check)
{
    int over = 0;
    verbose = getenv("VERBOSE") != NULL;
    printf("| features | incidents in 30 days, of 1 | time in alarm | of 1/9 | time in alarm | "
           "rules |\n|---|---|---|---|---|---|\n");
    for (world = 0; world < WORLDS; world++) {
        memset(lives, 0, sizeof lives);
        memset(incidents, 0, sizeof incidents);
        memset(in_alarm, 0, sizeof in_alarm);
        memset(windows, 0, sizeof windows);
        for (int seed = 1; seed <= seeds; seed++)
            run((uint64_t)seed, days);
        printf("| %s |", worlds[world]);
        double months = (double)windows[0] / MONTH;
        for (int b = 0; b < BUDGETS; b++) {
            printf(" %.2f | %.2f%% |", (double)incidents[b] / months,
                   100 * (double)in_alarm[b] / (double)windows[b]);
            double allowed = budgets[b] * months;
            over |= (double)incidents[b] > allowed + 3 * sqrt(allowed) + 1;
        }
        for (int r = 0; r < RULES && *lives[0][r].rule; r++)
            printf("%s %s %llu", r ? "," : "", lives[0][r].rule,
                   (unsigned long long)lives[0][r].incidents);
        printf(" |\n");
        fflush(stdout);
    }
    if (check && over)
        fprintf(stderr, "skew: more false alarms than the budget explains\n");
    return check && over;
}
