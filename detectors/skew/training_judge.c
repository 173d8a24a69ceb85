// SPDX-License-Identifier: Apache-2.0
// Which fields are unlike training, and what was done to them. What explains many fields is asked
// first, so that it is one incident; what is left is a difference without a name.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/slices.h"
#include "detectors/skew/training_rhythm.h"
#include "stats/cells.h"
#include "stats/effect.h"
#include "stats/habits.h"
#include "stats/special.h"
#include "stats/top.h"
#include "stats/unit_change.h"

static const int64_t DAY = 24 * (int64_t)3600000;
// Times before this are numbers of rows, not times.
static const int64_t CLOCK = 100000000000;
// Windows that stand beside each other are alike: their part of the variation weighs so much.
static const double TOGETHER = 3, WINDOWS = 12;
static const double BELOW = 2.33; // standard errors: 99%
static const double ERRORS = 2;   // of a window by itself
// A share of values where training has nearly none is told at once.
static const double BEYOND = 0.2, NEARLY_NONE = 0.002;
static const double MANY_NEW = 0.05;
enum { SEEN = 50, ALONE = 500 };

// What has a name is to be asked for it before it is called anything else, and that takes values.
static uint64_t least_of(const struct skew_training_plan *plan)
{
    return plan->minimum > ALONE ? plan->minimum : ALONE;
}

// ---- how far, and how sure

static enum skew_stage stage_of(const struct skew_training *training,
                                const struct weir_window *window)
{
    int64_t span = window->end - training->began;
    if (window->start < CLOCK || span >= training->plan->over)
        return SKEW_SETTLED;
    return span >= DAY ? SKEW_PROVISIONAL : SKEW_EARLY;
}

// Windows beside each other, of serving; of training's own stretches; and what days or weeks differ
// by, of either: as long as the stretch is one of them, or two, all of its records are of few.
static double dispersion_of(const struct skew_training *training, size_t f)
{
    const struct skew_training_plan *plan = training->plan;
    const struct skew_training_stretch *stretch = &training->fields[f];
    const struct weir_habits *habits = stretch->all.cells->habits;
    double alpha = plan->alpha / (double)plan->n_fields;
    double now = stretch->windows >= WINDOWS ? stretch->dispersion / stretch->windows : 1;
    double more = 1 + TOGETHER * (fmax(fmax(habits ? habits->spread : 1, now), 1) - 1);
    double lasts = (double)(training->last - training->began);
    for (int k = 0; habits && k < WEIR_HABITS_SPANS; k++) {
        double parts = lasts / (double)(k == WEIR_HABITS_WEEK ? 7 * DAY : DAY);
        // Weeks say what days do, and more, where there are enough of them.
        if (parts < 0.99 ||
            (k == WEIR_HABITS_DAY && lasts >= 6.9 * (double)DAY && habits->spans[1].n > 2))
            continue;
        double of_span = weir_spread_reckoned(&habits->spans[k], alpha);
        more = fmax(more, 1 + fmin(parts, TOGETHER) * (of_span - 1));
    }
    double parts = fmax(lasts / (double)plan->over, 1);
    more = fmax(more, 1 + parts * (weir_spread_reckoned(&stretch->between, alpha) - 1));
    return isfinite(more) ? more : 1;
}

struct counted {
    double *reference, *current;
    struct weir_cell_counts counts;
};

// Cells that training has, of `then`, which is training or a part of it; `by`: so many count as
// one.
static int count(const struct weir_unlike *field, const struct weir_summary *then, double then_by,
                 double by, struct counted *out)
{
    const struct weir_summary *all = field->side[0], *now = field->side[1];
    size_t n = all->cells->n, used = 0;
    out->reference = malloc(2 * n * sizeof *out->reference);
    if (!out->reference)
        return WEIR_ENOMEM;
    out->current = out->reference + n;
    for (size_t i = 0; i < n && now->cells->n == n && then->cells->n == n; i++) {
        double current = by > 1 ? floor((double)now->cell[i] / by + 0.5) : (double)now->cell[i];
        if (!all->cell[i] || (!then->cell[i] && !(current > 0)))
            continue;
        out->reference[used] = (double)then->cell[i] / then_by;
        out->current[used++] = current;
    }
    out->counts = (struct weir_cell_counts){out->reference, out->current, used,
                                            all->shape == WEIR_SHAPE_NUMERIC};
    return 0;
}

static double effect_of(const struct weir_unlike *field, const struct weir_summary *then,
                        double scale, int *code)
{
    struct counted counted;
    struct weir_cell_distances distances;
    double effect = 0;
    *code = count(field, then, 1, 1, &counted);
    if (*code)
        return 0;
    if (weir_cell_distances(&counted.counts, &distances) == WEIR_TEST_OK)
        effect = weir_effect_of_distances(&distances, scale);
    free(counted.reference);
    return effect;
}

// The omnibus of the cells, of as many values as windows that vary so are worth.
int skew_difference_find(const struct weir_unlike *field, const struct weir_summary *then,
                         double alpha, struct skew_difference *difference)
{
    struct counted counted;
    struct weir_omnibus omnibus;
    // Of all of training there is enough.
    double by = then == field->side[0] ? 1 : field->dispersion;
    int code = count(field, then, by, field->dispersion, &counted);
    if (code)
        return code;
    weir_omnibus(&counted.counts, &omnibus);
    const struct weir_test *scale = &omnibus.parts[WEIR_OMNIBUS_SCALE];
    int scaled =
        omnibus.status == WEIR_TEST_OK && scale->status == WEIR_TEST_OK && scale->p_value <= alpha;
    difference->p_value = omnibus.status == WEIR_TEST_OK ? omnibus.p_value : 1;
    difference->scale = scaled ? scale->value : 0;
    free(counted.reference);
    double n = (double)then->values, m = (double)field->side[1]->values;
    difference->error = 1.25 * sqrt(by / fmax(n, 1) + field->dispersion / fmax(m, 1));
    difference->effect = effect_of(field, then, difference->scale, &code);
    return code;
}

// The share of values in cells that training has next to nothing in.
static double beyond(const struct weir_unlike *field)
{
    const struct weir_summary *then = field->side[0], *now = field->side[1];
    double sum = 0;
    for (size_t i = 0; i < then->cells->n && now->cells->n == then->cells->n; i++)
        if ((double)then->cell[i] <= NEARLY_NONE * (double)then->values)
            sum += (double)now->cell[i];
    return sum / fmax((double)now->values, 1);
}

static int judge_distribution(const struct skew_training *training,
                              const struct skew_judgement *judgement, size_t f)
{
    const struct skew_training_plan *plan = training->plan;
    const struct weir_unlike *field = &judgement->fields[f];
    struct skew_field_verdict *verdict = &judgement->verdicts[f];
    double alpha = plan->alpha / (double)plan->n_fields;
    int code = 0;
    verdict->p_value = 1;
    // Where many values are new anyway, the commonest of training were so by chance.
    if (field->side[1]->values < least_of(plan) || field->side[0]->values < 2 ||
        field->side[0]->cells->unseen_share > MANY_NEW)
        return 0;
    verdict->effect = effect_of(field, field->side[0], 0, &code);
    // A change of spread alone may be as large as twice of what cells say of it.
    if (code || verdict->effect < plan->delta / 2)
        return code;
    struct skew_difference difference = {.p_value = 1};
    code = skew_difference_find(field, field->side[0], alpha, &difference);
    verdict->p_value = difference.p_value;
    verdict->effect = difference.effect;
    verdict->error = difference.error;
    double least = verdict->effect - BELOW * verdict->error;
    int large = judgement->stage == SKEW_SETTLED       ? verdict->effect >= plan->delta
                : judgement->stage == SKEW_PROVISIONAL ? least >= plan->critical
                                                       : beyond(field) >= BEYOND;
    verdict->unlike = verdict->p_value <= alpha && large;
    if (!code && verdict->unlike)
        code = skew_rhythm_distribution(training, judgement->stage, field, &verdict->unlike);
    return code;
}

// ---- what was done to a field

// The window by itself, looked at only where that is asked for. NULL: it has nothing of the field.
static const struct weir_unlike *window_of(const struct skew_training *training,
                                           const struct skew_judgement *judgement, size_t f)
{
    const struct weir_window *window = judgement->window;
    struct weir_unlike *here = &judgement->here[f];
    const struct weir_summary *now = window->summary(window, 0, training->plan->fields[f].index);
    if (!here->side[1] && now && now->cell)
        weir_unlike_open(here, judgement->fields[f].side[0], now);
    return here->side[1] ? here : NULL;
}

static int is_suspect(const struct weir_unlike *field, const struct skew_field_verdict *verdict)
{
    const struct weir_summary *then = field->side[0], *now = field->side[1];
    if (now->values < ALONE || now->cells->n != then->cells->n)
        return 0;
    return verdict->effect >= 0.2 || now->unseen * 100 > now->values ||
           weir_unit_suspect(then->cell, now->cell, then->cells->n);
}

// Of the stretch; where it is a mixture of before and after, of the window by itself.
static void judge_preprocessing(const struct skew_training *training,
                                const struct skew_judgement *judgement, size_t f)
{
    const struct skew_training_plan *plan = training->plan;
    struct skew_field_verdict *verdict = &judgement->verdicts[f];
    struct weir_preprocessing alone;
    if (verdict->kind != SKEW_LIKE || !is_suspect(&judgement->fields[f], verdict))
        return;
    weir_preprocessing_find(&judgement->fields[f], &verdict->preprocessing);
    const struct weir_unlike *here = window_of(training, judgement, f);
    if (verdict->preprocessing.kind == WEIR_PREPROCESSING_NONE && here &&
        here->side[1]->values >= ALONE) {
        weir_preprocessing_find(here, &alone);
        if (alone.kind != WEIR_PREPROCESSING_NONE)
            verdict->preprocessing = alone;
    }
    if (verdict->preprocessing.kind == WEIR_PREPROCESSING_NONE)
        return;
    // Where its windows have enough values, it sees what this one sees.
    int left = verdict->preprocessing.kind == WEIR_PREPROCESSING_UNIT && here &&
               plan->leave_units * (double)here->side[1]->values >= ALONE;
    verdict->kind = left ? SKEW_LEFT : SKEW_PREPROCESSED;
}

// Values that are common in serving and were never seen in training.
static void find_new_values(const struct skew_training_plan *plan, const struct weir_unlike *field,
                            struct skew_field_verdict *verdict)
{
    const struct weir_summary *then = field->side[0], *now = field->side[1];
    const struct weir_top_entry *entries[64];
    if (!then->cells->known || !now->top || now->values < least_of(plan) ||
        then->cells->unseen_share * 5 > plan->segment)
        return;
    size_t n = weir_top_sorted(now->top, entries, 64);
    for (size_t i = 0; i < n && verdict->n_values < SKEW_NEW_VALUES; i++) {
        double share = (double)entries[i]->count / (double)now->values;
        if (share < plan->segment || entries[i]->count < SEEN)
            return;
        if (weir_cells_knows(then->cells, entries[i]->hash))
            continue;
        struct skew_new_value *value = &verdict->values[verdict->n_values++];
        size_t length = entries[i]->length < sizeof value->text - 1 ? entries[i]->length
                                                                    : sizeof value->text - 1;
        value->share = share;
        memcpy(value->text, entries[i]->data, length);
        verdict->new_share += share;
    }
}

static int judge_cleanliness(const struct skew_training *training,
                             const struct skew_judgement *judgement, size_t f)
{
    const struct skew_training_plan *plan = training->plan;
    struct skew_field_verdict *verdict = &judgement->verdicts[f];
    double z =
        weir_normal_upper_quantile(plan->alpha / 2 / WEIR_CLEAN_ASPECTS / (double)plan->n_fields);
    if (verdict->kind != SKEW_LIKE || judgement->fields[f].side[1]->rows < least_of(plan))
        return 0;
    weir_cleanliness_compare(&judgement->fields[f], z, verdict->aspects);
    // Days and nights are spread otherwise, and categories mixed otherwise, than all of training.
    if (judgement->stage == SKEW_EARLY || verdict->may_narrow)
        verdict->aspects[WEIR_CLEAN_NOISE].changed = 0;
    if (verdict->may_narrow)
        verdict->aspects[WEIR_CLEAN_OUTLIER].changed = 0;
    if (judgement->stage == SKEW_EARLY || verdict->n_values || !verdict->unlike)
        verdict->aspects[WEIR_CLEAN_ENTROPY].changed = 0;
    if (verdict->n_values)
        verdict->aspects[WEIR_CLEAN_GARBAGE].changed = 0;
    int code = skew_rhythm_cleanliness(training, judgement->stage, &judgement->fields[f],
                                       verdict->aspects);
    for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++) {
        // Another mixture of the same categories is unlike; it is not dirtier by that alone.
        if (k == WEIR_CLEAN_ENTROPY)
            continue;
        verdict->dirtier += verdict->aspects[k].changed > 0;
        verdict->cleaner += verdict->aspects[k].changed < 0;
    }
    if (verdict->dirtier + verdict->cleaner)
        verdict->kind = SKEW_NOISY;
    return code;
}

// ---- what explains many fields

static void take_span(const struct skew_training_plan *plan, const struct skew_judgement *judgement)
{
    if (!(judgement->span.ratio > 0))
        return;
    for (size_t f = 0; f < plan->n_fields; f++) {
        struct skew_field_verdict *verdict = &judgement->verdicts[f];
        const struct weir_unlike *field = &judgement->fields[f];
        double moved = log(field->mean[1] / field->mean[0]);
        // What may be a span is not called anything else, until there is enough to tell.
        if (judgement->span.vague) {
            int early = judgement->stage != SKEW_SETTLED;
            verdict->unsure = early && judgement->parts[f] == WEIR_SPAN_SCALED;
            verdict->may_narrow = early && judgement->parts[f] == WEIR_SPAN_UNMOVED;
            continue;
        }
        if (judgement->parts[f] == WEIR_SPAN_SCALED)
            verdict->kind = SKEW_SCALED;
        // Means over a longer span vary less, maxima and distinct counts grow, by less.
        else if (judgement->parts[f] == WEIR_SPAN_UNMOVED ||
                 (judgement->parts[f] == WEIR_SPAN_OTHER &&
                  (judgement->span.ratio > 1) == (moved > 0)))
            verdict->kind = SKEW_WITH_SPAN;
    }
}

static void take_order(const struct skew_training_plan *plan,
                       const struct skew_judgement *judgement)
{
    for (size_t f = 0; f < plan->n_fields; f++) {
        struct skew_field_verdict *verdict = &judgement->verdicts[f];
        verdict->other = judgement->of[f];
        if (judgement->one_hot.n && judgement->of[f] != f && verdict->kind != SKEW_SCALED)
            verdict->kind = SKEW_REORDERED;
    }
}

// ---- the window by itself

// Whether the window's own value is clearly nearer to training's than to the stretch's.
static int aspect_is_contrary(const struct weir_cleanliness *all,
                              const struct weir_cleanliness *now)
{
    double whole = all->after - all->before, way = (now->after - all->before) / whole;
    double error = now->z != 0 ? fabs((now->after - now->before) / now->z / whole) : 0;
    return way + ERRORS * error < 0.5;
}

// Whether the window by itself is not clearly like training: skew is there all the time.
static int agrees(const struct skew_training *training, const struct skew_judgement *judgement,
                  size_t f)
{
    const struct weir_unlike *here = window_of(training, judgement, f);
    const struct skew_field_verdict *verdict = &judgement->verdicts[f];
    struct weir_cleanliness now[WEIR_CLEAN_ASPECTS];
    double error, way;
    if (!here)
        return 1;
    if (verdict->kind != SKEW_NOISY) {
        way = weir_unlike_way(&judgement->fields[f], here->side[1], &error);
        return way + ERRORS * error >= 0.5;
    }
    weir_cleanliness_compare(here, 0, now);
    for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++) {
        // Distinct values of a window are fewer than those of a stretch.
        if (verdict->aspects[k].changed &&
            (k == WEIR_CLEAN_RESOLUTION || !aspect_is_contrary(&verdict->aspects[k], &now[k])))
            return 1;
    }
    return 0;
}

// ---- a window

static int open_fields(const struct skew_training *training, struct skew_judgement *judgement)
{
    const struct skew_training_plan *plan = training->plan;
    for (size_t f = 0; f < plan->n_fields; f++) {
        const struct skew_training_field *field = &plan->fields[f];
        const struct skew_training_stretch *stretch = &training->fields[f];
        const struct weir_summary *then =
            judgement->window->reference(judgement->window, 0, field->index);
        struct weir_unlike made = {.name = field->info->name,
                                   .unit = field->info->unit,
                                   .type = field->info->type,
                                   .dispersion = dispersion_of(training, f)};
        judgement->fields[f] = judgement->here[f] = made;
        judgement->n_open = f + 1;
        int code =
            weir_unlike_open(&judgement->fields[f], then ? then : field->then, &stretch->all);
        if (code)
            return code;
    }
    return 0;
}

static int judge(const struct skew_training *training, struct skew_judgement *judgement)
{
    const struct skew_training_plan *plan = training->plan;
    int code = open_fields(training, judgement);
    for (size_t f = 0; !code && f < plan->n_fields; f++)
        code = judge_distribution(training, judgement, f);
    if (!code)
        code = weir_window_span_find(judgement->fields, plan->n_fields, judgement->parts,
                                     &judgement->span);
    if (!code)
        code = weir_one_hot_find(judgement->fields, plan->n_fields, judgement->of,
                                 &judgement->one_hot);
    if (code)
        return code;
    take_span(plan, judgement);
    take_order(plan, judgement);
    for (size_t f = 0; f < plan->n_fields; f++) {
        struct skew_field_verdict *verdict = &judgement->verdicts[f];
        judge_preprocessing(training, judgement, f);
        verdict->unsure |= verdict->kind == SKEW_LIKE && training->fields[f].named &&
                           is_suspect(&judgement->fields[f], verdict);
        if (verdict->unsure && verdict->kind == SKEW_LIKE)
            continue;
        verdict->unsure = 0;
        if (verdict->kind == SKEW_LIKE)
            find_new_values(plan, &judgement->fields[f], verdict);
        code = judge_cleanliness(training, judgement, f);
        if (code)
            return code;
        // A mean over what may be another span is narrower, and that is soon known by its name.
        if (verdict->kind == SKEW_LIKE && verdict->unlike && !verdict->may_narrow)
            verdict->kind = SKEW_UNLIKE;
        if ((verdict->kind != SKEW_LIKE && verdict->kind != SKEW_LEFT) || verdict->n_values)
            verdict->agrees = agrees(training, judgement, f);
    }
    code = skew_segments_judge(training, judgement);
    return code || !training->slices ? code : skew_slices_judge(training->slices, judgement);
}

int skew_training_judge(const struct skew_training *training, const struct weir_window *window,
                        struct skew_judgement *judgement)
{
    size_t n = training->plan->n_fields;
    *judgement = (struct skew_judgement){
        .stage = stage_of(training, window), .window = window, .window_rows = window->rows};
    judgement->fields = calloc(n + 1, sizeof *judgement->fields);
    judgement->here = calloc(n + 1, sizeof *judgement->here);
    judgement->verdicts = calloc(n + 1, sizeof *judgement->verdicts);
    judgement->parts = calloc(n + 1, sizeof *judgement->parts);
    judgement->of = calloc(n + 1, sizeof *judgement->of);
    if (n)
        judgement->rows = training->fields[0].all.rows;
    int code = judgement->fields && judgement->here && judgement->verdicts && judgement->parts &&
                       judgement->of
                   ? judge(training, judgement)
                   : WEIR_ENOMEM;
    if (code)
        skew_judgement_free(training, judgement);
    return code;
}

void skew_judgement_free(const struct skew_training *training, struct skew_judgement *judgement)
{
    (void)training;
    for (size_t f = 0; f < judgement->n_open; f++) {
        weir_unlike_close(&judgement->fields[f]);
        weir_unlike_close(&judgement->here[f]);
    }
    free(judgement->fields);
    free(judgement->here);
    free(judgement->verdicts);
    free(judgement->parts);
    free(judgement->of);
    memset(judgement, 0, sizeof *judgement);
}
