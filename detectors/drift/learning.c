// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/learning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t DAY = 24 * (int64_t)3600000;
// Chance that a stretch looks unlike a profile, over all fields: of what comes seldom it has few
// values.
static const double OFFSET_ALPHA = 1e-3;

// What a part of the work is, in windows of a field that are compared: some 25 ms. Of other work so
// many windows of a field take as long as one of that.
enum { PART = 2500, SUMMED = 12, TESTED = 200, CHARTED = 100 };

// ---- life

void drift_learning_free(struct drift_calibration *calibration)
{
    struct drift_learning *learning = calibration->learning;
    calibration->learning = NULL;
    if (!learning)
        return;
    // The stretch is not its own.
    learning->draft.calibration.stretch = (struct drift_history){0};
    drift_calibration_free(&learning->draft);
    free(learning->read);
    free(learning->season);
    free(learning->first);
    free(learning->n_hour);
    free(learning->n_near);
    free(learning->alone);
    free(learning->own.of);
    free(learning->z);
    free(learning->peak);
    free(learning->signals);
    free(learning->largest);
    free(learning);
}

// What may have moved since the last part, as windows came.
static void look_again(struct drift_memory *memory, struct drift_learning *learning)
{
    const struct drift_calibration *calibration = &memory->calibration;
    size_t n = learning->draft.calibration.stretch.n, own = drift_own_bases(calibration);
    size_t later = calibration->stretch.n - n;
    learning->draft.own = memory->own;
    learning->draft.references = memory->references;
    learning->draft.calibration.stretch.items = calibration->stretch.items;
    learning->rows = NULL;
    if (own && calibration->n_rows >= n + later)
        learning->rows = calibration->rows + (calibration->n_rows - later - n) * own *
                                                 memory->drift->n_fields * WEIR_SCORES;
}

static int make_draft(const struct drift_memory *memory, size_t windows, struct drift_memory *draft)
{
    *draft = (struct drift_memory){.drift = memory->drift, .own = memory->own};
    int code = drift_calibration_init(draft);
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        if (drift_memory_cells(memory, f))
            code = drift_calibration_shape(draft, f);
    }
    draft->calibration.stretch.items = memory->calibration.stretch.items;
    draft->calibration.stretch.n = draft->calibration.learnt_from = windows;
    return code ? code : drift_season_begin(draft);
}

// Whether all windows of a season are of one day.
static int is_alone(const struct drift_learning *learning, size_t season)
{
    const struct drift_history *stretch = &learning->draft.calibration.stretch;
    int64_t day = INT64_MIN;
    for (size_t w = 0; w < stretch->n; w++) {
        int64_t other = drift_day_of(stretch->items[w].start);
        if (learning->season[w] != season)
            continue;
        if (day != INT64_MIN && day != other)
            return 0;
        day = other;
    }
    return 1;
}

static int list_windows(struct drift_learning *learning)
{
    const struct drift_memory *draft = &learning->draft;
    const struct drift_history *stretch = &draft->calibration.stretch;
    size_t seasons = drift_seasons(draft->drift);
    int code = 0, has_days = draft->calibration.has_days;
    for (size_t w = 0; w < stretch->n && !code; w++) {
        learning->season[w] = has_days ? drift_season_of(draft->drift, stretch->items[w].start) : 0;
        learning->first[w] = learning->own.n;
        code = drift_season_list_own(draft, w, &learning->own, &learning->n_hour[w],
                                     &learning->n_near[w]);
        learning->largest[w] = NAN;
    }
    for (size_t s = 0; s < seasons && !learning->for_good && !code; s++) {
        int alone = is_alone(learning, s);
        for (size_t w = 0; w < stretch->n; w++)
            learning->alone[w] |= alone && learning->season[w] == s;
    }
    return code;
}

static int make_rooms(struct drift_learning *learning, size_t n)
{
    size_t n_fields = learning->draft.drift->n_fields;
    size_t tests = learning->draft.calibration.n_bases * WEIR_SCORES;
    learning->read = calloc(n + 1, sizeof *learning->read);
    learning->season = calloc(n + 1, sizeof *learning->season);
    learning->first = calloc(n + 1, sizeof *learning->first);
    learning->n_hour = calloc(n + 1, sizeof *learning->n_hour);
    learning->n_near = calloc(n + 1, sizeof *learning->n_near);
    learning->alone = calloc(n + 1, 1);
    learning->z = malloc((n * n_fields * tests + 1) * sizeof *learning->z);
    learning->peak = malloc((n * n_fields + 1) * sizeof *learning->peak);
    learning->signals = malloc((n * n_fields * WEIR_SIGNALS + 1) * sizeof *learning->signals);
    learning->largest = malloc((n + 1) * sizeof *learning->largest);
    return learning->read && learning->season && learning->first && learning->n_hour &&
                   learning->n_near && learning->alone && learning->z && learning->peak &&
                   learning->signals && learning->largest
               ? 0
               : WEIR_ENOMEM;
}

int drift_learning_begin(struct drift_memory *memory, size_t windows, int for_good)
{
    struct drift_calibration *calibration = &memory->calibration;
    drift_learning_free(calibration);
    struct drift_learning *learning = calloc(1, sizeof *learning);
    if (!learning)
        return WEIR_ENOMEM;
    calibration->learning = learning;
    learning->for_good = for_good;
    int code = make_draft(memory, windows, &learning->draft);
    if (!code)
        code = make_rooms(learning, windows);
    if (!code)
        code = list_windows(learning);
    if (code)
        drift_learning_free(calibration);
    return code;
}

// ---- parts

// The next piece, with what it costs; *ready: there is none.
static int do_next(struct drift_learning *learning, double *cost, int *ready)
{
    struct drift_memory *draft = &learning->draft;
    struct drift_calibration *calibration = &draft->calibration;
    size_t n = calibration->stretch.n, n_fields = draft->drift->n_fields;
    double all = (double)n * (double)n_fields;
    if (learning->seasons < drift_seasons(draft->drift)) {
        size_t s = learning->seasons++;
        int code = drift_season_learn(draft, s);
        *cost += (double)calibration->seasons[s].windows * (double)n_fields / SUMMED;
        return code;
    }
    if (learning->fields < n_fields) {
        *cost += (double)n;
        return drift_learn_field(learning, learning->fields++);
    }
    if (learning->tests < calibration->n_bases * WEIR_SCORES) {
        *cost += all / TESTED;
        return drift_learn_test(learning, learning->tests++);
    }
    if (calibration->usual_first && !learning->traced) {
        learning->traced = 1;
        *cost += all / TESTED;
        drift_slow_trace_stretch(draft, learning->signals);
        return 0;
    }
    if (calibration->usual_first && learning->folds <= DRIFT_SLOW_FOLDS) {
        *cost += all / CHARTED;
        return drift_slow_score(draft, learning->peak, learning->folds++, learning->largest);
    }
    *ready = 1;
    return 0;
}

int drift_learning_go_on(struct drift_memory *memory, uint64_t parts, int *ready)
{
    struct drift_learning *learning = memory->calibration.learning;
    int code = 0;
    *ready = 0;
    look_again(memory, learning);
    for (uint64_t i = 0; i < parts && !*ready && !code; i++) {
        double cost = 0;
        while (cost < PART && !*ready && !code)
            code = do_next(learning, &cost, ready);
        learning->parts++;
    }
    return code;
}

// ---- the end

static void name_stretch(struct drift_memory *draft)
{
    struct drift_calibration *calibration = &draft->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    int64_t days = (drift_calibration_span(draft) + DAY / 2) / DAY;
    char from[32], to[32], at[32];
    drift_time_text(stretch->items[0].start, from);
    drift_time_text(stretch->items[stretch->n - 1].end, to);
    drift_time_text(calibration->accepted, at);
    snprintf(calibration->name, sizeof calibration->name,
             "what is usual at this hour (%lld days of calibration, %.10s..%.10s%s%.10s)",
             (long long)days, from, to, calibration->accepted ? ", accepted " : "",
             calibration->accepted ? at : "");
    drift_calibration_name_ahead(calibration);
}

// Of windows that count records, how long they have been on average.
static double step_of(const struct drift_memory *memory)
{
    const struct drift *drift = memory->drift;
    double n = (double)memory->calibration.stretch.n;
    return drift->window > 0 ? (double)drift->window
                             : fmax((double)drift_calibration_span(memory) / n, 1);
}

static double whole_of(const struct drift *drift)
{
    return fmax(drift->alarms_at_most / drift->alarms_share, 1e-6);
}

static double period_of(const struct drift_memory *memory)
{
    return fmax((double)memory->drift->alarms_per / step_of(memory), 1);
}

void drift_calibration_take_part(struct drift_memory *memory)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    double part = weir_alarm_part(whole_of(drift), period_of(memory), drift->alarms_share);
    calibration->budget.threshold = calibration->threshold - log(part);
    calibration->budget.promised = calibration->promised * part;
    // Of few windows the highest says little of those to come. Their scores are by a law, and are
    // corrected for how many there are of them in the time in which one alarm is allowed.
    if (drift_calibration_is_few(calibration) && calibration->windows) {
        double scores = (double)(calibration->n_bases * drift->n_fields * WEIR_SCORES);
        calibration->budget.threshold = log(scores * (calibration->budget.needed + 1) / part);
    }
}

// How many windows the budget's period has, and how many there are, gaps included.
static int set_budget(struct drift_learning *learning)
{
    struct drift_memory *draft = &learning->draft;
    const struct drift *drift = draft->drift;
    const double *largest = learning->largest;
    int growing = !learning->for_good;
    struct drift_calibration *calibration = &draft->calibration;
    size_t n = calibration->stretch.n;
    double span = (double)drift_calibration_span(draft);
    // Windows without records are part of the time, and raise no alarm.
    double step = step_of(draft);
    size_t all = (size_t)fmin(fmax(span / step, (double)n), (double)n + 1e6);
    double *padded = malloc(all * sizeof *padded);
    if (!padded)
        return WEIR_ENOMEM;
    size_t judged = 0;
    for (size_t w = 0; w < n; w++)
        judged += !isnan(largest[w]);
    for (size_t w = 0; w < all; w++)
        padded[w] = w < n ? largest[w] : NAN;
    // Of a stretch that is growing only what could be judged makes the promise longer.
    if (growing && judged) {
        for (size_t w = 0, k = 0; w < n; w++)
            if (!isnan(largest[w]))
                padded[k++] = largest[w];
        all = judged;
    }
    struct weir_alarm_life life = {drift->open_after, drift->resolve_after};
    weir_alarm_budget(padded, all, whole_of(drift), period_of(draft), life, &calibration->budget);
    // Nor is more promised than the time tells in which all was judged that is judged from now on.
    size_t from = growing ? 0 : drift_calibration_judged_from(draft, learning->rows, n);
    if (from) {
        double threshold = calibration->budget.threshold;
        weir_alarm_budget(padded + from, all - from, whole_of(drift), period_of(draft), life,
                          &calibration->budget);
        calibration->budget.threshold = fmax(threshold, calibration->budget.threshold);
    }
    free(padded);
    calibration->budget.kept &= !growing;
    calibration->threshold = calibration->budget.threshold;
    calibration->promised = calibration->budget.promised;
    calibration->windows = judged;
    drift_calibration_take_part(draft);
    return 0;
}

static void learn_offsets(struct drift_memory *draft, const struct weir_window *window)
{
    const struct drift *drift = draft->drift;
    double alpha = OFFSET_ALPHA / (double)drift->n_fields;
    for (size_t f = 0; f < drift->n_fields; f++) {
        const struct drift_counts *pooled = &draft->calibration.pooled[f];
        draft->calibration.offset[f] = 0;
        for (size_t i = 0; i < drift->n_references; i++) {
            const struct weir_summary *then =
                drift->specs[i].kind == WEIR_REFERENCE_PROFILE
                    ? window->reference(window, i, drift->fields[f].index)
                    : NULL;
            if (then && then->cell && then->cells->n == pooled->n)
                draft->calibration.offset[f] =
                    fmax(draft->calibration.offset[f], drift_offset(then, pooled, alpha));
        }
    }
}

#define SWAP(type, a, b)                                                                           \
    do {                                                                                           \
        type kept = (a);                                                                           \
        (a) = (b);                                                                                 \
        (b) = kept;                                                                                \
    } while (0)

static void swap(struct drift_calibration *to, struct drift_calibration *from, size_t n_fields)
{
    SWAP(struct weir_usual *, to->usual, from->usual);
    SWAP(struct weir_tail *, to->tails, from->tails);
    SWAP(struct drift_season *, to->seasons, from->seasons);
    SWAP(struct drift_ahead *, to->ahead, from->ahead);
    SWAP(struct drift_slow, to->slow, from->slow);
    SWAP(double *, to->offset, from->offset);
    to->budget = from->budget;
    to->threshold = from->threshold;
    to->promised = from->promised;
    to->windows = from->windows;
    to->learnt_from = from->learnt_from;
    to->has_days = from->has_days;
    memcpy(to->name, from->name, sizeof to->name);
    memcpy(to->ahead_name, from->ahead_name, sizeof to->ahead_name);
    for (size_t f = 0; f < n_fields; f++) {
        // A field that had no cells then was not learnt.
        if (to->pooled[f].n == from->pooled[f].n && to->pooled[f].n)
            SWAP(struct drift_counts, to->pooled[f], from->pooled[f]);
        else
            drift_counts_reset(&to->pooled[f]);
    }
    if (to->usual_first)
        memset(to->held, 0, n_fields);
}

int drift_learning_take(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    struct drift_learning *learning = calibration->learning;
    struct drift_memory *draft = &learning->draft;
    int code = set_budget(learning);
    if (code)
        return code;
    int64_t span = drift_calibration_span(draft);
    calibration->tried = span + (span <= 0);
    // Past windows as references come later than the stream.
    if (learning->for_good || draft->calibration.windows >= DRIFT_LEARN_LEAST) {
        draft->calibration.accepted = calibration->accepted;
        learn_offsets(draft, window);
        name_stretch(draft);
        swap(calibration, &draft->calibration, memory->drift->n_fields);
        calibration->learnt = calibration->tried;
        calibration->frozen = learning->for_good;
        calibration->told |= DRIFT_TOLD_LEARNT;
    }
    if (calibration->frozen) {
        free(calibration->rows);
        calibration->rows = NULL;
        calibration->n_rows = calibration->rows_capacity = 0;
    }
    drift_learning_free(calibration);
    return 0;
}
