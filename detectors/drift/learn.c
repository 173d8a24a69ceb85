// SPDX-License-Identifier: Apache-2.0
// Freezing a calibration: what is usual of each statistic, its tail, and the threshold.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"

static const int64_t DAY = 24 * (int64_t)3600000;
// Chance that a stretch looks unlike a profile, over all fields: of what comes seldom it has few
// values.
static const double OFFSET_ALPHA = 1e-3;

// Each window of the stretch against the same season of its other days. Of the hours beside it,
// too, those of its day are left out: a field with a memory was then where it is now. In a stretch
// that is still growing days that are the only ones of their kind, as a first Saturday, are left
// out: what one would expect of them is not known.
struct replay {
    int ahead;       // the second basis is under way
    int growing;     // the stretch is not whole yet
    int alone;       // the season under way has windows of one day alone
    float *foreseen; // [window][field][WEIR_SIGNAL_CATEGORIES]
    struct drift_memory *memory;
    struct drift_usual season; // of the season under way
    struct drift_usual own;    // of it, what the window is not to be judged by
    struct drift_counts *now;  // per field
    float *signals;            // [window][field][signal]
    float *scores;             // [window][basis][field][score]
    size_t width;              // of a window
};

// The window against the season, moved by what was foreseen of it.
static void replay_ahead(struct replay *replay, size_t e, size_t f, float *row)
{
    struct drift_memory *memory = replay->memory;
    struct drift_calibration *calibration = &memory->calibration;
    const float *foreseen =
        replay->foreseen + (e * memory->drift->n_fields + f) * WEIR_SIGNAL_CATEGORIES;
    double out[WEIR_SCORES], signal[WEIR_SIGNAL_CATEGORIES], ratio;
    int judged = !replay->alone && calibration->ahead[f].gain > 0 && !isnan(foreseen[0]) &&
                 drift_calibration_is_judged(memory, &replay->now[f]);
    if (judged) {
        struct weir_expectation expected =
            drift_season_expect(memory, f, &replay->season, &replay->own);
        for (int k = 0; k < WEIR_SIGNAL_CATEGORIES; k++)
            signal[k] = (double)foreseen[k];
        if (expected.worth > 0)
            drift_ahead_move(memory, &expected, signal);
        drift_calibration_look(memory, &expected, &replay->now[f], out, NULL, &ratio);
    }
    for (int k = 0; k < WEIR_SCORES; k++)
        row[k] = judged ? (float)out[k] : NAN;
}

static void replay_usual(struct replay *replay, size_t e, size_t f, float *row)
{
    struct drift_memory *memory = replay->memory;
    float *signals = replay->signals + (e * memory->drift->n_fields + f) * WEIR_SIGNALS;
    double out[WEIR_SCORES], signal[WEIR_SIGNALS], ratio;
    int judged = !replay->alone && drift_calibration_is_judged(memory, &replay->now[f]);
    if (judged) {
        struct weir_expectation expected =
            drift_season_expect(memory, f, &replay->season, &replay->own);
        drift_calibration_look(memory, &expected, &replay->now[f], out, signal, &ratio);
    }
    for (int k = 0; k < WEIR_SIGNALS; k++)
        signals[k] = judged ? (float)signal[k] : NAN;
    for (int k = 0; k < WEIR_SCORES; k++)
        row[k] = judged ? (float)out[k] : NAN;
}

static int replay_window(struct replay *replay, size_t e)
{
    const struct drift *drift = replay->memory->drift;
    float *row = replay->scores + e * replay->width;
    drift_counts_reset_all(replay->now, drift->n_fields);
    int code = drift_entry_add(&replay->memory->calibration.stretch.items[e], replay->now,
                               drift->n_fields);
    for (size_t f = 0; f < drift->n_fields && !code; f++) {
        if (replay->ahead)
            replay_ahead(replay, e, f, row + (drift->n_fields + f) * WEIR_SCORES);
        else
            replay_usual(replay, e, f, row + f * WEIR_SCORES);
    }
    return code;
}

// Whether all windows of a season are of one day.
static int is_alone(const struct drift *drift, const struct drift_history *stretch, size_t first)
{
    size_t season = drift_season_of(drift, stretch->items[first].start);
    int64_t day = drift_day_of(stretch->items[first].start);
    for (size_t e = first; e < stretch->n; e++) {
        if (drift_season_of(drift, stretch->items[e].start) == season &&
            drift_day_of(stretch->items[e].start) != day)
            return 0;
    }
    return 1;
}

static int replay_stretch(struct replay *replay)
{
    const struct drift *drift = replay->memory->drift;
    const struct drift_history *stretch = &replay->memory->calibration.stretch;
    uint8_t *done = calloc(stretch->n + 1, 1);
    int code = done ? 0 : WEIR_ENOMEM;
    for (size_t first = 0; first < stretch->n && !code; first++) {
        size_t season = drift_season_of(drift, stretch->items[first].start);
        if (done[first])
            continue;
        code = drift_season_sum(replay->memory, season, &replay->season);
        replay->alone = replay->growing && is_alone(drift, stretch, first);
        for (size_t e = first; e < stretch->n && !code; e++) {
            if (drift_season_of(drift, stretch->items[e].start) != season)
                continue;
            code = drift_season_sum_own(replay->memory, e, &replay->own);
            if (!code)
                code = replay_window(replay, e);
            done[e] = 1;
        }
    }
    free(done);
    return code;
}

// What is usual of a column, and the column as z. Each fifth of the stretch is standardised by the
// other four: with the hour's memory a month is few independent values, and a field's own median
// and spread, fitted to the very windows that they judge, would make them look tamer than those to
// come.
enum { FOLDS = 5, KNOWN_FROM = 20 };

static size_t count_known(const float *scores, size_t width, size_t n)
{
    size_t known = 0;
    for (size_t w = 0; w < n; w++)
        known += !isnan(scores[w * width]);
    return known;
}

// Where there was nothing to hold any field against until lately, one is judged as it is.
static void fit_usual(struct weir_usual *usual, double *values, size_t n)
{
    weir_usual_fit(usual, values, n);
    if (isinf(usual->spread))
        *usual = (struct weir_usual){0, 1};
}

// `most`: windows in which some field was judged.
static void standardise(const float *scores, size_t width, size_t n, size_t most,
                        struct weir_usual *usual, float *z, double *room)
{
    // A field that was judged in far fewer windows than others has no usual: a number that comes
    // seldom, of which there were not enough values to cut cells until lately.
    size_t known = count_known(scores, width, n);
    if (4 * known < most && known < KNOWN_FROM) {
        weir_usual_fit(usual, room, 0);
        for (size_t w = 0; w < n; w++)
            z[w] = NAN;
        return;
    }
    for (size_t fold = 0; fold < FOLDS; fold++) {
        size_t first = fold * n / FOLDS, end = (fold + 1) * n / FOLDS, others = 0;
        for (size_t w = 0; w < n; w++) {
            if (w < first || w >= end)
                room[others++] = scores[w * width];
        }
        fit_usual(usual, room, others);
        for (size_t w = first; w < end; w++)
            z[w] = (float)weir_usual_z(usual, scores[w * width]);
    }
    for (size_t w = 0; w < n; w++)
        room[w] = scores[w * width];
    fit_usual(usual, room, n);
}

// All fields' z of a test, but for those of windows first to end - 1.
static void fit_tail(const struct replay *replay, size_t c, size_t first, size_t end, double *room,
                     struct weir_tail *tail)
{
    const struct drift_calibration *calibration = &replay->memory->calibration;
    size_t n_fields = replay->memory->drift->n_fields, pooled = 0;
    const float *z = replay->scores + c / WEIR_SCORES * n_fields * WEIR_SCORES + c % WEIR_SCORES;
    for (size_t w = 0; w < calibration->stretch.n; w++) {
        for (size_t f = 0; f < n_fields && (w < first || w >= end); f++)
            room[pooled++] = z[w * replay->width + f * WEIR_SCORES];
    }
    weir_tail_fit(tail, room, pooled);
}

// The tail of a test, and the scores that it gives. Each fifth is judged by the tail of the other
// four: the most extreme windows of a stretch are never beyond a tail that was fitted to them, and
// where fields have a memory these are few excursions of few fields.
static void score_test(struct replay *replay, size_t c, double *room, double *largest)
{
    struct drift_calibration *calibration = &replay->memory->calibration;
    size_t n = calibration->stretch.n, n_fields = replay->memory->drift->n_fields;
    const float *z = replay->scores + c / WEIR_SCORES * n_fields * WEIR_SCORES + c % WEIR_SCORES;
    for (size_t fold = 0; fold < FOLDS; fold++) {
        struct weir_tail tail;
        size_t first = fold * n / FOLDS, end = (fold + 1) * n / FOLDS;
        fit_tail(replay, c, first, end, room, &tail);
        for (size_t w = first; w < end; w++) {
            for (size_t f = 0; f < n_fields; f++) {
                double one = (double)z[w * replay->width + f * WEIR_SCORES];
                if (!isnan(one))
                    largest[w] =
                        fmax(weir_tail_score(&tail, one), isnan(largest[w]) ? 0 : largest[w]);
            }
        }
    }
    fit_tail(replay, c, n, n, room, &calibration->tails[c]);
}

// Scores become z in place, then -ln p; M is the largest of each window.
static int fit(struct replay *replay, double *largest)
{
    struct drift_calibration *calibration = &replay->memory->calibration;
    size_t n = calibration->stretch.n, n_fields = replay->memory->drift->n_fields;
    double *room = malloc((n * n_fields + 1) * sizeof *room);
    float *z_of = malloc((n + 1) * sizeof *z_of);
    int code = room && z_of ? 0 : WEIR_ENOMEM;
    for (size_t w = 0; w < n; w++)
        largest[w] = NAN;
    for (size_t c = 0; c < calibration->n_bases * WEIR_SCORES && !code; c++) {
        size_t column = c / WEIR_SCORES * n_fields * WEIR_SCORES + c % WEIR_SCORES, most = 0;
        for (size_t f = 0; f < n_fields; f++) {
            size_t known = count_known(replay->scores + column + f * WEIR_SCORES, replay->width, n);
            most = known > most ? known : most;
        }
        for (size_t f = 0; f < n_fields; f++) {
            size_t at = column + f * WEIR_SCORES;
            standardise(replay->scores + at, replay->width, n, most, &calibration->usual[at], z_of,
                        room);
            for (size_t w = 0; w < n; w++)
                replay->scores[w * replay->width + at] = z_of[w];
        }
        score_test(replay, c, room, largest);
    }
    free(room);
    free(z_of);
    return code;
}

static void take_rows(struct replay *replay)
{
    const struct drift_calibration *calibration = &replay->memory->calibration;
    size_t n_fields = replay->memory->drift->n_fields;
    size_t width = drift_own_bases(calibration) * n_fields * WEIR_SCORES;
    size_t first = replay->width - width, n = calibration->n_rows < calibration->stretch.n
                                                  ? calibration->n_rows
                                                  : calibration->stretch.n;
    for (size_t w = 0; w < calibration->stretch.n; w++) {
        float *row = replay->scores + w * replay->width + first;
        size_t from_end = calibration->stretch.n - w;
        for (size_t i = 0; i < width; i++)
            row[i] = from_end <= n ? calibration->rows[(calibration->n_rows - from_end) * width + i]
                                   : NAN;
    }
}

static void name_stretch(struct drift_memory *memory)
{
    struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    int64_t days = (drift_calibration_span(memory) + DAY / 2) / DAY;
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
}

// How many windows the budget's period has, and how many there are, gaps included.
static int set_budget(struct drift_memory *memory, const double *largest, int growing)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    size_t n = stretch->n;
    double span = (double)drift_calibration_span(memory);
    // Windows without records are part of the time, and raise no alarm.
    double step = step_of(memory);
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
    weir_alarm_budget(padded, all, whole_of(drift), period_of(memory),
                      (struct weir_alarm_life){drift->open_after, drift->resolve_after},
                      &calibration->budget);
    free(padded);
    calibration->budget.kept &= !growing;
    calibration->threshold = calibration->budget.threshold;
    calibration->promised = calibration->budget.promised;
    drift_calibration_take_part(memory);
    calibration->windows = judged;
    return 0;
}

static void learn_offsets(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    double alpha = OFFSET_ALPHA / (double)drift->n_fields;
    for (size_t f = 0; f < drift->n_fields; f++) {
        const struct drift_counts *pooled = &memory->calibration.pooled[f];
        memory->calibration.offset[f] = 0;
        for (size_t i = 0; i < drift->n_references; i++) {
            const struct weir_summary *then =
                drift->specs[i].kind == WEIR_REFERENCE_PROFILE
                    ? window->reference(window, i, drift->fields[f].index)
                    : NULL;
            if (then && then->cell && then->cells->n == pooled->n)
                memory->calibration.offset[f] =
                    fmax(memory->calibration.offset[f], drift_offset(then, pooled, alpha));
        }
    }
}

static void free_replay(struct replay *replay)
{
    size_t n = replay->memory->drift->n_fields;
    free(replay->scores);
    free(replay->signals);
    free(replay->foreseen);
    drift_counts_free_all(replay->season.hour, n);
    drift_counts_free_all(replay->season.near, n);
    drift_counts_free_all(replay->own.hour, n);
    drift_counts_free_all(replay->own.near, n);
    drift_counts_free_all(replay->now, n);
}

static int make_replay(struct replay *replay)
{
    const struct drift_calibration *calibration = &replay->memory->calibration;
    size_t n = calibration->stretch.n, n_fields = replay->memory->drift->n_fields;
    struct drift_counts **const all[] = {&replay->season.hour, &replay->season.near,
                                         &replay->own.hour, &replay->own.near, &replay->now};
    replay->width = calibration->n_bases * n_fields * WEIR_SCORES;
    replay->scores = malloc(n * replay->width * sizeof *replay->scores);
    replay->signals = malloc(n * n_fields * WEIR_SIGNALS * sizeof *replay->signals);
    replay->foreseen = calloc(n * n_fields * WEIR_SIGNAL_CATEGORIES, sizeof *replay->foreseen);
    int code = replay->scores && replay->signals && replay->foreseen ? 0 : WEIR_ENOMEM;
    for (size_t k = 0; k < sizeof all / sizeof *all && !code; k++) {
        *all[k] = drift_counts_make_all(calibration->pooled, n_fields);
        code = *all[k] ? 0 : WEIR_ENOMEM;
    }
    return code;
}

int drift_calibration_pool(struct drift_memory *memory)
{
    struct drift_calibration *calibration = &memory->calibration;
    size_t n_fields = memory->drift->n_fields;
    int code = 0;
    drift_counts_reset_all(calibration->pooled, n_fields);
    for (size_t e = 0; e < calibration->stretch.n && !code; e++)
        code = drift_entry_add(&calibration->stretch.items[e], calibration->pooled, n_fields);
    return code;
}

int drift_calibration_learn(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    struct replay replay = {.memory = memory, .growing = !calibration->frozen};
    double *largest = malloc((calibration->stretch.n + 1) * sizeof *largest);
    int code = largest ? make_replay(&replay) : WEIR_ENOMEM;
    if (!code)
        code = drift_calibration_pool(memory);
    if (!code)
        code = drift_season_learn(memory);
    if (!code && calibration->usual_first)
        code = replay_stretch(&replay);
    if (!code && calibration->usual_first) {
        drift_ahead_learn(memory, replay.signals, replay.foreseen);
        memset(calibration->held, 0, memory->drift->n_fields);
        replay.ahead = 1;
        code = replay_stretch(&replay);
    }
    if (!code) {
        take_rows(&replay);
        code = fit(&replay, largest);
    }
    if (!code && calibration->usual_first)
        code = drift_slow_learn(memory, replay.signals, largest);
    if (!code)
        code = set_budget(memory, largest, replay.growing);
    if (!code) {
        learn_offsets(memory, window);
        name_stretch(memory);
        calibration->learnt = drift_calibration_span(memory);
        calibration->learnt += calibration->learnt <= 0;
        calibration->told = 1;
    }
    free_replay(&replay);
    free(largest);
    return code;
}

int drift_calibration_freeze(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    calibration->frozen = 1;
    int code = drift_calibration_learn(memory, window);
    calibration->frozen = !code;
    if (code)
        return code;
    free(calibration->rows);
    calibration->rows = NULL;
    calibration->n_rows = calibration->rows_capacity = 0;
    return 0;
}
