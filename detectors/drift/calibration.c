// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/calibration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/learning.h"

// ---- life

size_t drift_own_bases(const struct drift_calibration *calibration)
{
    return calibration->n_bases - (calibration->usual_first ? DRIFT_SEASON_BASES : 0);
}

int drift_is_season(const struct drift_calibration *calibration, size_t basis)
{
    return calibration->usual_first && basis < DRIFT_SEASON_BASES;
}

static void list_bases(const struct drift *drift, struct drift_calibration *calibration)
{
    for (size_t i = 0; i < drift->n_references; i++) {
        enum weir_reference_kind kind = drift->specs[i].kind;
        calibration->usual_first |= kind == WEIR_REFERENCE_PROFILE || kind == WEIR_REFERENCE_FIXED;
    }
    calibration->n_bases = calibration->usual_first ? DRIFT_SEASON_BASES : 0;
    for (size_t i = 0; i < drift->n_references; i++) {
        if (drift_is_past(&drift->specs[i]))
            calibration->bases[calibration->n_bases++] = i;
    }
}

int drift_calibration_init(struct drift_memory *memory)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    size_t n = drift->n_fields;
    if (!drift->specs || drift->calibrate <= 0)
        return 0;
    calibration->bases =
        calloc(drift->n_references + DRIFT_SEASON_BASES, sizeof *calibration->bases);
    if (!calibration->bases)
        return WEIR_ENOMEM;
    list_bases(drift, calibration);
    // Slices of one window know no time: there is nothing to calibrate.
    if (!calibration->n_bases)
        return 0;
    calibration->usual = calloc(calibration->n_bases * n * WEIR_SCORES, sizeof(struct weir_usual));
    calibration->tails = calloc(calibration->n_bases * WEIR_SCORES, sizeof(struct weir_tail));
    calibration->pooled = calloc(n, sizeof *calibration->pooled);
    calibration->usual_now.hour = calloc(n, sizeof *calibration->usual_now.hour);
    calibration->usual_now.near = calloc(n, sizeof *calibration->usual_now.near);
    calibration->ahead = calloc(n, sizeof *calibration->ahead);
    calibration->foreseen = calloc(n, sizeof *calibration->foreseen);
    calibration->held = calloc(n, 1);
    calibration->signals = calloc(n * WEIR_SIGNALS, sizeof *calibration->signals);
    calibration->offset = calloc(n, sizeof *calibration->offset);
    calibration->scored = calloc(n, sizeof *calibration->scored);
    calibration->wanted = drift->calibrate;
    calibration->n_charts = n * WEIR_SIGNALS;
    calibration->has_days = 1;
    calibration->apart_since = INT64_MIN;
    if (!calibration->usual || !calibration->tails || !calibration->pooled || !calibration->ahead ||
        !calibration->foreseen || !calibration->held || !calibration->usual_now.hour ||
        !calibration->usual_now.near || !calibration->signals || !calibration->offset ||
        !calibration->scored)
        return WEIR_ENOMEM;
    return calibration->usual_first ? drift_slow_init(memory) : 0;
}

void drift_calibration_free(struct drift_memory *memory)
{
    struct drift_calibration *calibration = &memory->calibration;
    size_t n = memory->drift ? memory->drift->n_fields : 0;
    drift_learning_free(calibration);
    drift_history_free(&calibration->stretch);
    free(calibration->rows);
    free(calibration->bases);
    free(calibration->usual);
    free(calibration->tails);
    drift_counts_free_all(calibration->pooled, n);
    drift_counts_free_all(calibration->usual_now.hour, n);
    drift_counts_free_all(calibration->usual_now.near, n);
    free(calibration->signals);
    free(calibration->ahead);
    drift_counts_free_all(calibration->foreseen, n);
    free(calibration->held);
    drift_season_free(memory);
    drift_slow_free(memory);
    free(calibration->offset);
    free(calibration->room);
    free(calibration->scored);
    *calibration = (struct drift_calibration){0};
}

int drift_calibration_shape(struct drift_memory *memory, size_t field)
{
    struct drift_calibration *calibration = &memory->calibration;
    size_t n = drift_memory_cells(memory, field)->n;
    if (!calibration->wanted)
        return 0;
    if (n > calibration->room_cells) {
        double *grown = realloc(calibration->room, 2 * n * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        calibration->room = grown;
        calibration->room_cells = n;
    }
    int code = drift_counts_shape(&calibration->pooled[field], n);
    if (!code)
        code = drift_counts_shape(&calibration->usual_now.hour[field], n);
    if (!code)
        code = drift_counts_shape(&calibration->foreseen[field], n);
    return code ? code : drift_counts_shape(&calibration->usual_now.near[field], n);
}

// ---- expectations

struct weir_expectation drift_calibration_expect(struct drift_memory *memory, size_t basis,
                                                 size_t field)
{
    struct drift_calibration *calibration = &memory->calibration;
    if (drift_is_season(calibration, basis)) {
        struct weir_expectation usual =
            drift_season_expect(memory, field, &calibration->usual_now, NULL);
        if (basis && usual.worth > 0) {
            double foreseen[WEIR_SIGNAL_CATEGORIES];
            drift_ahead_at(memory, field, calibration->start, foreseen);
            drift_ahead_move(memory, &usual, foreseen);
        }
        return usual;
    }
    return drift_sum_expect(memory, field,
                            &memory->references[calibration->bases[basis]].sum[field]);
}

void drift_calibration_name_ahead(struct drift_calibration *calibration)
{
    const char *days = strchr(calibration->name, '(');
    snprintf(calibration->ahead_name, sizeof calibration->ahead_name,
             "what this hour and the last ones let expect %.100s", days ? days : "");
}

int drift_calibration_is_judged(const struct drift_memory *memory, const struct drift_counts *now)
{
    return now->n && now->rows >= memory->drift->minimum;
}

void drift_calibration_look(const struct drift_memory *memory,
                            const struct weir_expectation *expected, const struct drift_counts *now,
                            double out[WEIR_SCORES], double signal[WEIR_SIGNALS], double *ratio)
{
    struct weir_cell_observation seen = drift_counts_seen(now);
    int few = now->values < memory->drift->minimum;
    weir_cell_scores(expected, &seen, out, ratio);
    for (int k = 0; k < WEIR_SCORES && few; k++)
        out[k] = k == WEIR_SCORE_NULL ? out[k] : NAN;
    if (!signal)
        return;
    weir_cell_signals(expected, &seen, signal);
    for (int k = 0; k < WEIR_SIGNALS && few; k++)
        signal[k] = k == WEIR_SIGNAL_NULL ? signal[k] : NAN;
}

// ---- collecting

void drift_calibration_row(struct drift_memory *memory, size_t basis, size_t field,
                           const struct drift_counts *now, float row[WEIR_SCORES])
{
    const struct drift_calibration *calibration = &memory->calibration;
    double out[WEIR_SCORES], ratio;
    int judged = memory->references[calibration->bases[basis]].ready &&
                 drift_calibration_is_judged(memory, now);
    if (judged) {
        struct weir_expectation expected = drift_calibration_expect(memory, basis, field);
        drift_calibration_look(memory, &expected, now, out, NULL, &ratio);
    }
    for (int k = 0; k < WEIR_SCORES; k++)
        row[k] = judged ? (float)out[k] : NAN;
}

// What the references that are past windows make of the present one.
int drift_calibration_add_row(struct drift_memory *memory)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    size_t width = drift_own_bases(calibration) * drift->n_fields * WEIR_SCORES;
    if (!width)
        return 0;
    if (calibration->n_rows == calibration->rows_capacity) {
        size_t capacity = calibration->rows_capacity ? 2 * calibration->rows_capacity : 64;
        float *grown = realloc(calibration->rows, capacity * width * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        calibration->rows = grown;
        calibration->rows_capacity = capacity;
    }
    float *row = calibration->rows + calibration->n_rows++ * width;
    for (size_t b = calibration->n_bases - drift_own_bases(calibration); b < calibration->n_bases;
         b++) {
        for (size_t f = 0; f < drift->n_fields; f++, row += WEIR_SCORES)
            drift_calibration_row(memory, b, f, &memory->now[f], row);
    }
    return 0;
}

// Whether some field was judged.
static int has_score(const float *row, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        if (!isnan(row[i]))
            return 1;
    }
    return 0;
}

size_t drift_calibration_judged_from(const struct drift_memory *memory, const float *rows, size_t n)
{
    size_t own = drift_own_bases(&memory->calibration), from = 0;
    size_t width = memory->drift->n_fields * WEIR_SCORES;
    for (size_t b = 0; b < own && rows; b++) {
        size_t w = 0;
        while (w < n && !has_score(rows + (w * own + b) * width, width))
            w++;
        from = w < n && w > from ? w : from;
    }
    return from;
}

// ---- the stretch

int64_t drift_excluded(const struct drift *drift, int64_t from, int64_t to)
{
    int64_t sum = 0;
    for (size_t i = 0; i < drift->n_exclude; i++) {
        int64_t first = drift->exclude[i].from > from ? drift->exclude[i].from : from;
        int64_t last = drift->exclude[i].to < to ? drift->exclude[i].to : to;
        sum += last > first ? last - first : 0;
    }
    return sum;
}

// What the stretch spans, without what was left out.
int64_t drift_calibration_span(const struct drift_memory *memory)
{
    const struct drift_history *stretch = &memory->calibration.stretch;
    if (!stretch->n)
        return 0;
    int64_t from = stretch->items[0].start, to = stretch->items[stretch->n - 1].end;
    return to - from - drift_excluded(memory->drift, from, to);
}

// ---- judging

int drift_calibration_season(struct drift_memory *memory, int64_t start)
{
    return drift_season_sum(memory, drift_season_of(memory->drift, start),
                            &memory->calibration.usual_now);
}

enum { FEW = 16 };

int drift_calibration_is_few(const struct drift_calibration *calibration)
{
    return calibration->windows < FEW;
}

// A statistic is a log likelihood ratio, so that as far as it is beyond its usual value so much is
// -ln p, if windows vary as samples do. They vary by what that value is more than a sample's; and
// as so few tell that badly, the law is Student's.
static double score_of_few(const struct weir_usual *usual, size_t windows,
                           enum weir_cell_score which, double value, size_t cells)
{
    static const double OF_SAMPLES[WEIR_SCORES] = {
        [WEIR_SCORE_LEVEL] = .77, [WEIR_SCORE_CUT] = 1.8,  [WEIR_SCORE_SCALE] = .23,
        [WEIR_SCORE_TAIL] = .23,  [WEIR_SCORE_NULL] = .23, [WEIR_SCORE_UNSEEN] = .23};
    double chance = which == WEIR_SCORE_SHAPE ? fmax((double)cells - 1, 1) / 2 : OF_SAMPLES[which];
    double median = exp(usual->median) - WEIR_USUAL_FLOOR, freedom = fmax((double)windows - 1, 1);
    if (isnan(value) || isinf(usual->spread))
        return 0;
    double beyond = fmax(value - median, 0) / fmax(median / chance, 1);
    return (freedom + 1) / 2 * log1p(2 * beyond / freedom);
}

double drift_calibration_score_of(const struct drift_memory *memory, size_t basis, size_t field,
                                  enum weir_cell_score which, double value, size_t cells)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct weir_usual *usual =
        &calibration->usual[(basis * memory->drift->n_fields + field) * WEIR_SCORES + which];
    if (drift_calibration_is_few(calibration))
        return score_of_few(usual, calibration->windows, which, value, cells);
    return weir_tail_score(&calibration->tails[basis * WEIR_SCORES + which],
                           weir_usual_z(usual, value));
}

static void score_field(struct drift_memory *memory, size_t basis, size_t f)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_counts *now = &memory->now[f];
    struct drift_scored *scored = &calibration->scored[f], one = {.basis = basis};
    double out[WEIR_SCORES];
    int is_ahead = basis && drift_is_season(calibration, basis);
    if (!drift_calibration_is_judged(memory, now) ||
        (is_ahead && !drift_ahead_knows(memory, f, calibration->start)) ||
        !(drift_is_season(calibration, basis)
              ? calibration->pooled[f].values
              : (uint64_t)memory->references[calibration->bases[basis]].ready))
        return;
    struct weir_expectation expected = drift_calibration_expect(memory, basis, f);
    drift_calibration_look(
        memory, &expected, now, out,
        basis == 0 && calibration->usual_first ? calibration->signals + f * WEIR_SIGNALS : NULL,
        &one.scale_ratio);
    for (int k = 0; k < WEIR_SCORES; k++) {
        one.of[k] = drift_calibration_score_of(memory, basis, f, (enum weir_cell_score)k, out[k],
                                               expected.n);
        if (one.of[k] > one.score) {
            one.score = one.of[k];
            one.which = (enum weir_cell_score)k;
        }
    }
    if (one.score > scored->score || !basis)
        *scored = one;
}

int drift_calibration_score(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    int code = calibration->usual_first ? drift_calibration_season(memory, window->start) : 0;
    calibration->start = window->start;
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        calibration->scored[f] = (struct drift_scored){.score = 0};
        for (int k = 0; k < WEIR_SIGNALS; k++)
            calibration->signals[f * WEIR_SIGNALS + (size_t)k] = NAN;
        for (size_t b = 0; b < calibration->n_bases; b++)
            score_field(memory, b, f);
    }
    return code;
}
