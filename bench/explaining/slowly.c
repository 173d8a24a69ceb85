// SPDX-License-Identifier: Apache-2.0
#include "bench/explaining/slowly.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/explaining/score.h"
#include "bench/explaining/stream.h"

struct planted {
    enum cause cause;
    const char *name, *field, *kind;
    const char *slice; // NULL: "all" of them, or "": the field is what they are by
    double takes, sizes[2];
    size_t check; // the size that --check looks at
};

static const struct planted planted[] = {
    {SHIFT, "small step, sd", "f1", "at once", NULL, 0, {.25, .3}, 0},
    {STEADY, "ramp over 5 days, to sd", "f1", "incrementally", NULL, 120, {.4, .7}, 1},
    {STEADY, "ramp over 12 days, to sd", "f1", "incrementally", NULL, 288, {.4, .7}, 1},
    {ONE_SLICE, "step in JP alone, sd", "f1", "at once", "JP", 0, {1, 1.2}, 0},
    {IN_SLICE,
     "ramp over 5 days in JP alone, to sd",
     "f1",
     "incrementally",
     "JP",
     120,
     {1.5, 2.5},
     1},
    {CREEPING, "JP over 5 days: share more", "country", "gradually", "", 120, {.15, .25}, 1},
    {FIRST,
     "f1, 3 days later f2, ramps over 5 days to sd",
     "f1",
     "incrementally",
     NULL,
     120,
     {.5, .7},
     1},
    {AGAIN, "step for 6 days, again 9 days later, sd", "f1", "at once", NULL, 144, {.25, .27}, 1},
};
enum { PLANTED = sizeof planted / sizeof *planted, SIZES = 2 };
enum { ROWS = 300, AFTER = 720, LATEST = 360, FOLLOW = 48 }; // hours

struct score {
    struct rate found, top, slice, first_inside, inside, kind, order, again;
    double width, delay; // hours, summed
    int wrong;           // slices, orders and recurrences that were told and are not there
};

static int say_all;

static void judge_slices(const struct planted *plan, const struct said *said, struct score *score)
{
    int told = *said->carrier != 0, all = strstr(said->carrier, "all of them moved") != NULL;
    int right = plan->slice ? !strcmp(said->slice, plan->slice) : all;
    if (plan->slice && !*plan->slice) {
        score->wrong += told && !all; // of itself its slices say nothing
        return;
    }
    rate_count(&score->slice, right);
    score->wrong += told && !right;
}

static int is_inside(const struct said *said, double truth)
{
    double low = said_hour(said->onset, "between "), high = said_hour(said->onset, " and ");
    return low <= truth + 1. / 60 && truth - 1. / 60 <= high;
}

static void judge_last(const struct planted *plan, const struct said *said, double truth,
                       struct score *score)
{
    char how[40];
    snprintf(how, sizeof how, "unlike it %s", plan->kind);
    rate_count(&score->kind, strstr(said->onset, how) != NULL);
    rate_count(&score->inside, is_inside(said, truth));
    score->width += said_hour(said->onset, " and ") - said_hour(said->onset, "between ");
    judge_slices(plan, said, score);
    if (plan->cause == FIRST)
        rate_count(&score->order, strstr(said->order, "f1 changed first") != NULL);
    score->wrong +=
        *said->order && (plan->cause != FIRST || !strstr(said->order, "f1 changed first"));
    if (plan->cause == AGAIN)
        rate_count(&score->again, *said->again != 0);
    else
        score->wrong += *said->again != 0;
}

static void trial(const struct planted *plan, double size, void *owner, struct score *score)
{
    struct said first = {.n = 0}, last = {.n = 0};
    double truth = stream.begins, found = 0;
    stream.cause = plan->cause;
    stream.size = size;
    stream.takes = plan->takes;
    stream.later = 72;
    // Where it comes again the second time is told of.
    double from = plan->cause == AGAIN ? floor(truth + 2.5 * plan->takes) : AFTER;
    truth += plan->cause == AGAIN ? 2.5 * plan->takes : 0;
    double until = plan->cause == AGAIN ? truth + plan->takes : truth + LATEST;
    double follow = plan->cause == FIRST ? 120 : FOLLOW;
    for (double hour = AFTER; hour < until && !(first.n && hour > found + follow); hour++) {
        struct said said = stream_window(owner, hour, 0);
        // A false one would be told apart from these.
        if (!said.n || strcmp(said.kind, "drift.slow") != 0 || hour < from || hour + 1 < truth)
            continue;
        if (!first.n) {
            first = said;
            found = hour;
        }
        last = said;
    }
    rate_count(&score->found, first.n > 0);
    if (!first.n)
        return;
    score->delay += found - truth;
    rate_count(&score->top, !strcmp(first.field, plan->field));
    rate_count(&score->first_inside, is_inside(&first, truth));
    judge_last(plan, &last, truth, score);
    if (say_all)
        printf("  truth %.1f h, told at %.0f\n  first: %s\n  last: %s\n    onset %s\n    order %s\n"
               "    carrier %s %s\n    again %s\n",
               truth, found, first.summary, last.summary, last.onset, last.order, last.slice,
               last.carrier, last.again);
}

static void print(const char *name, double size, const struct score *score)
{
    const struct rate *rates[] = {&score->found,  &score->top,  &score->slice, &score->first_inside,
                                  &score->inside, &score->kind, &score->order, &score->again};
    double n = fmax(score->found.right, 1);
    printf("| %s %g |", name, size);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        rate_print(rates[i]);
        if (!i)
            printf(" %.0f |", score->delay / n);
        if (i == 4)
            printf(" %.0f |", score->width / n);
    }
    printf(" %d |\n", score->wrong);
    fflush(stdout);
}

static void add(struct rate *into, const struct rate *rate)
{
    into->right += rate->right;
    into->of += rate->of;
}

// How many bounds do not hold, of all causes together: of each there are few.
static int judge(struct score scores[PLANTED][SIZES])
{
    struct score all = {.wrong = 0};
    for (size_t i = 0; i < PLANTED * SIZES; i++) {
        const struct score *one = &scores[i / SIZES][i % SIZES];
        add(&all.found, &one->found);
        add(&all.top, &one->top);
        add(&all.slice, &one->slice);
        add(&all.first_inside, &one->first_inside);
        add(&all.inside, &one->inside);
        add(&all.kind, &one->kind);
        add(&all.order, &one->order);
        add(&all.again, &one->again);
        all.width += one->width;
        all.wrong += one->wrong;
    }
    double n = fmax(all.found.right, 1);
    return rate_is_below(&all.found, .9) + rate_is_below(&all.top, .9) +
           rate_is_below(&all.slice, .8) + rate_is_below(&all.first_inside, .8) +
           rate_is_below(&all.inside, .8) + rate_is_below(&all.kind, .75) +
           rate_is_below(&all.order, .5) + rate_is_below(&all.again, .5) + !(all.width / n < 60) +
           (all.wrong * 10 > all.found.of);
}

static void calibrate(uint64_t seed, void *instance, struct weir_buffer *out)
{
    void *owner = stream_owner(instance, NULL);
    stream_seed(seed);
    stream.cause = NOTHING;
    for (double hour = 0; hour < AFTER; hour++)
        stream_window(owner, hour, 0);
    stream_save(owner, out);
    stream_end(owner);
}

int explain_slowly(uint64_t seeds, int check, int say)
{
    static struct score scores[PLANTED][SIZES];
    say_all = say;
    memset(scores, 0, sizeof scores);
    stream = (struct stream){.rows = ROWS, .rhythm = .2, .fields = 6};
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct weir_buffer saved;
        stream_seed(seed * 7);
        stream_open();
        void *instance = stream_instance(0, 1);
        calibrate(seed, instance, &saved);
        for (size_t p = 0; p < PLANTED; p++) {
            for (size_t k = 0; k < SIZES; k++) {
                if (check && k != planted[p].check)
                    continue;
                stream_seed(seed * 1000 + p * 10 + k);
                stream.begins = AFTER + 30 + (double)((seed * 37 + p * 11) % 600) / 60;
                void *owner = stream_owner(instance, &saved);
                trial(&planted[p], planted[p].sizes[k], owner, &scores[p][k]);
                stream_end(owner);
            }
        }
        weir_buffer_free(&saved);
        stream_destroy(instance);
        stream_close();
    }
    printf("\nDrift that no window shows: calibrated, with a daily rhythm of 0.2 sd, %d records an "
           "hour\n\n| cause | found | after hours | top field | slices | onset in its interval at "
           "first | 2 days later | hours wide | kind of onset | first field | again | wrongly told "
           "|\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
           ROWS);
    for (size_t p = 0; p < PLANTED; p++) {
        for (size_t k = 0; k < SIZES; k++) {
            if (scores[p][k].found.of)
                print(planted[p].name, planted[p].sizes[k], &scores[p][k]);
        }
    }
    return judge(scores);
}
