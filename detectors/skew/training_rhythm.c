// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/training_rhythm.h"

#include <math.h>

#include "stats/cells.h"
#include "stats/habits.h"
#include "stats/rhythm.h"
#include "stats/summary.h"

enum { RHYTHMS = WEIR_RHYTHM_WEEK + 1, ALONE = 500 };
// Against the same hours a difference that is already significant has to be clear only.
static const double CLEAR = 3, CLEAR_P = 0.00135, BELOW = 2.33; // standard errors, chance
static const double BEYOND = 0.2;                               // of the values
static const double UNEVEN = 2; // hours may have so many times fewer records than others
static const double SPREAD = 0.1;
enum { CALENDAR = 366 };

// What training had at the same times of day and week; known: enough of it.
struct same {
    struct weir_summary of[RHYTHMS];
    int known[RHYTHMS];
};

static int64_t lasts(const struct skew_training *training)
{
    return training->last - training->began;
}

static int is_within(const struct skew_training *training, enum weir_rhythm rhythm)
{
    return lasts(training) < weir_rhythm_period(rhythm);
}

static void forget(struct same *same)
{
    for (int k = 0; k < RHYTHMS; k++)
        weir_summary_free(&same->of[k]);
}

static int find(const struct skew_training *training, const struct weir_unlike *field,
                struct same *same)
{
    const struct weir_summary *then = field->side[0];
    int code = 0;
    *same = (struct same){.known = {0}};
    for (int k = 0; k < RHYTHMS && !code; k++) {
        code = weir_rhythm_same(then->cells->habits, training->began, training->last,
                                (enum weir_rhythm)k, &same->of[k]);
        same->known[k] = !code && same->of[k].rows >= ALONE && same->of[k].cell &&
                         same->of[k].cells->n == then->cells->n;
    }
    if (code)
        forget(same);
    return code;
}

// ---- the distribution

// The share of serving's values that no part of training as long as the stretch can have had: in no
// cell more than all that training has in it, if it is `times` as long.
static double beyond_any_part(const struct weir_unlike *field, double times)
{
    const struct weir_summary *then = field->side[0], *now = field->side[1];
    double sum = 0;
    for (size_t i = 0; i < then->cells->n && now->cells->n == then->cells->n; i++)
        sum += fmax(0, (double)now->cell[i] / fmax((double)now->values, 1) -
                           times * (double)then->cell[i] / fmax((double)then->values, 1));
    return sum;
}

// Whether too much is beyond any part of training for another day of the week to be all there is.
static int is_beyond_days(const struct skew_training *training, const struct weir_unlike *field)
{
    double times = (double)training->plan->over / fmax((double)lasts(training), 1);
    return beyond_any_part(field, fmax(times, 1)) >= BEYOND;
}

static int is_unlike(const struct skew_training *training, enum skew_stage stage,
                     const struct weir_unlike *field, const struct weir_summary *same, int *code)
{
    struct skew_difference difference = {.p_value = 1};
    *code = skew_difference_find(field, same, CLEAR_P, &difference);
    double least = difference.effect - BELOW * difference.error;
    return !*code && difference.p_value <= CLEAR_P &&
           (stage == SKEW_SETTLED ? difference.effect >= training->plan->delta
                                  : least >= training->plan->critical);
}

int skew_rhythm_distribution(const struct skew_training *training, enum skew_stage stage,
                             const struct weir_unlike *field, int *unlike)
{
    struct same same;
    int code = find(training, field, &same), known = 0;
    if (code)
        return code;
    for (int k = 0; k < RHYTHMS && *unlike && !code; k++) {
        if (!same.known[k] || same.of[k].values < ALONE)
            continue;
        *unlike = is_unlike(training, stage, field, &same.of[k], &code);
        known |= k == WEIR_RHYTHM_WEEK;
    }
    // Within a day only what training has next to nothing of was found, within `over` much.
    if (*unlike && !known && stage == SKEW_PROVISIONAL)
        *unlike = is_beyond_days(training, field);
    forget(&same);
    return code;
}

// ---- how clean it is

// Whether a share may be that of the worst, or best, hours of the day, whatever hours these are.
static int may_be_hours(const struct skew_training *training, const struct weir_cleanliness *one)
{
    double times =
        UNEVEN * (double)weir_rhythm_period(WEIR_RHYTHM_DAY) / fmax((double)lasts(training), 1);
    double error = one->z != 0 ? fabs((one->after - one->before) / one->z) : 0;
    double before = one->changed > 0 ? one->before : 1 - one->before;
    double after = one->changed > 0 ? one->after : 1 - one->after;
    return after - CLEAR * error <= times * before;
}

static int is_share(int aspect)
{
    return aspect == WEIR_CLEAN_NULL || aspect == WEIR_CLEAN_INVALID ||
           aspect == WEIR_CLEAN_OUTLIER;
}

// Against the same hours; panes have no sketches, so that spread is told by the cells.
static int hold_against(const struct weir_unlike *field, const struct weir_summary *same,
                        struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS])
{
    struct weir_unlike hours = {.side = {same, field->side[1]}, .dispersion = field->dispersion};
    struct weir_cleanliness again[WEIR_CLEAN_ASPECTS], *noise = &aspects[WEIR_CLEAN_NOISE];
    weir_cleanliness_compare(&hours, CLEAR, again);
    for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++)
        if (is_share(k) && again[k].changed != aspects[k].changed)
            aspects[k].changed = 0;
    struct skew_difference difference = {.p_value = 1};
    int code = noise->changed ? skew_difference_find(field, same, CLEAR_P, &difference) : 0;
    if (noise->changed && difference.scale / 2 * noise->changed < SPREAD)
        noise->changed = 0;
    return code;
}

int skew_rhythm_cleanliness(const struct skew_training *training, enum skew_stage stage,
                            const struct weir_unlike *field,
                            struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS])
{
    struct same same;
    int changed = 0, code = 0;
    for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++)
        changed |= aspects[k].changed;
    if (!changed || !is_within(training, WEIR_RHYTHM_WEEK))
        return 0;
    code = find(training, field, &same);
    if (code)
        return code;
    int known = same.known[WEIR_RHYTHM_DAY] || same.known[WEIR_RHYTHM_WEEK];
    for (int k = 0; k < RHYTHMS && !code; k++)
        if (same.known[k])
            code = hold_against(field, &same.of[k], aspects);
    // Values never seen have no hours in training.
    for (int k = 0; k < WEIR_CLEAN_ASPECTS && stage == SKEW_EARLY; k++)
        if (aspects[k].changed && ((is_share(k) && !known) || k == WEIR_CLEAN_GARBAGE) &&
            may_be_hours(training, &aspects[k]))
            aspects[k].changed = 0;
    if (stage == SKEW_PROVISIONAL && !same.known[WEIR_RHYTHM_WEEK] &&
        aspects[WEIR_CLEAN_NOISE].changed && !is_beyond_days(training, field))
        aspects[WEIR_CLEAN_NOISE].changed = 0;
    // Of few values, as an hour's or a weekday's, each may have its time.
    struct weir_cleanliness *resolution = &aspects[WEIR_CLEAN_RESOLUTION];
    if (stage != SKEW_SETTLED && resolution->changed < 0 && resolution->before <= CALENDAR)
        resolution->changed = 0;
    forget(&same);
    return code;
}
