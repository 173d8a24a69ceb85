// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/calibration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"

static const int64_t HOUR = 3600000, DAY = 24 * (int64_t)3600000;
static const double KAPPA = 2; // windows that the whole stretch counts for beside an hour of it

// ---- seasons: the hour, or the longer window's place in its day, on working days and at weekends

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t day_of(int64_t time)
{
    return floor_div(time, DAY);
}

static int64_t season_of(const struct drift *drift, int64_t start)
{
    int64_t step = drift->window > HOUR && DAY % drift->window == 0 ? drift->window : HOUR;
    int64_t day = day_of(start), weekday = ((day + 3) % 7 + 7) % 7; // 1970-01-01 was a Thursday
    return (start - day * DAY) / step * 2 + (weekday >= 5);
}

// ---- life

static size_t own_bases(const struct drift_calibration *calibration)
{
    return calibration->n_bases - (calibration->usual_first != 0);
}

static void list_bases(const struct drift *drift, struct drift_calibration *calibration)
{
    for (size_t i = 0; i < drift->n_references; i++) {
        enum weir_reference_kind kind = drift->specs[i].kind;
        calibration->usual_first |= kind == WEIR_REFERENCE_PROFILE || kind == WEIR_REFERENCE_FIXED;
    }
    calibration->n_bases = calibration->usual_first != 0;
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
    calibration->bases = calloc(drift->n_references + 1, sizeof *calibration->bases);
    if (!calibration->bases)
        return WEIR_ENOMEM;
    list_bases(drift, calibration);
    // Slices of one window know no time: there is nothing to calibrate.
    if (!calibration->n_bases)
        return 0;
    calibration->usual = calloc(calibration->n_bases * n * WEIR_SCORES, sizeof(struct weir_usual));
    calibration->tails = calloc(calibration->n_bases * WEIR_SCORES, sizeof(struct weir_tail));
    calibration->pooled = calloc(n, sizeof *calibration->pooled);
    calibration->hour = calloc(n, sizeof *calibration->hour);
    calibration->offset = calloc(n, sizeof *calibration->offset);
    calibration->scored = calloc(n, sizeof *calibration->scored);
    calibration->wanted = drift->calibrate;
    return calibration->usual && calibration->tails && calibration->pooled && calibration->hour &&
                   calibration->offset && calibration->scored
               ? 0
               : WEIR_ENOMEM;
}

void drift_calibration_free(struct drift_memory *memory)
{
    struct drift_calibration *calibration = &memory->calibration;
    size_t n = memory->drift ? memory->drift->n_fields : 0;
    for (size_t f = 0; f < n; f++) {
        if (calibration->pooled)
            drift_counts_free(&calibration->pooled[f]);
        if (calibration->hour)
            drift_counts_free(&calibration->hour[f]);
    }
    drift_history_free(&calibration->stretch);
    free(calibration->rows);
    free(calibration->bases);
    free(calibration->usual);
    free(calibration->tails);
    free(calibration->pooled);
    free(calibration->hour);
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
    int code = drift_counts_init(&calibration->pooled[field], n);
    return code ? code : drift_counts_init(&calibration->hour[field], n);
}

// ---- expectations

static double total_of(const struct drift_counts *counts)
{
    double sum = 0;
    for (size_t i = 0; i < counts->n; i++)
        sum += (double)counts->cell[i];
    return sum;
}

// Shares of `sum`, drawn towards those of `pooled` (NULL: not) as if `kappa` windows of it had come
// beside; `less` (may be NULL) is taken off the sum.
static struct weir_expectation expect(struct drift_memory *memory, size_t field,
                                      const struct drift_counts *sum,
                                      const struct drift_counts *less,
                                      const struct drift_counts *pooled)
{
    struct drift_calibration *calibration = &memory->calibration;
    double *share = calibration->room, *score = share + calibration->room_cells;
    double all = pooled ? total_of(pooled) : 0, n = total_of(sum) - (less ? total_of(less) : 0);
    double rows = (double)sum->rows - (less ? (double)less->rows : 0);
    double nulls = (double)sum->null - (less ? (double)less->null : 0);
    double unseen = (double)sum->unseen - (less ? (double)less->unseen : 0);
    double windows = pooled ? fmax((double)calibration->stretch.n, 1) : 1;
    double by = all > 0 ? KAPPA / windows : 0, worth = n + by * all;
    struct weir_expectation out = {.share = share, .n = sum->n, .worth = worth > 0 ? worth : 0};
    for (size_t i = 0; i < sum->n && worth > 0; i++)
        share[i] = ((double)sum->cell[i] - (less ? (double)less->cell[i] : 0) +
                    (by > 0 ? by * (double)pooled->cell[i] : 0)) /
                   worth;
    double rows_worth = rows + (by > 0 ? by * (double)pooled->rows : 0);
    if (rows_worth > 0)
        out.null_share = (nulls + (by > 0 ? by * (double)pooled->null : 0)) / rows_worth;
    if (worth > 0)
        out.unseen_share = fmin((unseen + (by > 0 ? by * (double)pooled->unseen : 0)) / worth, 1);
    if (drift_memory_cells(memory, field)->shape == WEIR_SHAPE_NUMERIC && worth > 0) {
        weir_normal_scores(share, sum->n, score);
        out.score = score;
    }
    return out;
}

struct weir_expectation drift_calibration_expect(struct drift_memory *memory, size_t basis,
                                                 size_t field)
{
    struct drift_calibration *calibration = &memory->calibration;
    if (basis == 0 && calibration->usual_first)
        return expect(memory, field, &calibration->hour[field], NULL, &calibration->pooled[field]);
    return expect(memory, field, &memory->references[calibration->bases[basis]].sum[field], NULL,
                  NULL);
}

static int is_judged(const struct drift_memory *memory, const struct drift_counts *now)
{
    return now->n && now->values >= memory->drift->minimum;
}

static void score_counts(const struct weir_expectation *expected, const struct drift_counts *now,
                         double out[WEIR_SCORES], double *ratio)
{
    struct weir_cell_observation observation = {now->cell, now->rows, now->null, now->values,
                                                now->unseen};
    weir_cell_scores(expected, &observation, out, ratio);
}

// ---- collecting

// What the references that are past windows make of the present one.
static int add_row(struct drift_memory *memory)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    size_t width = own_bases(calibration) * drift->n_fields * WEIR_SCORES;
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
    for (size_t b = calibration->usual_first != 0; b < calibration->n_bases; b++) {
        const struct drift_reference *reference = &memory->references[calibration->bases[b]];
        for (size_t f = 0; f < drift->n_fields; f++) {
            double out[WEIR_SCORES], ratio;
            int judged = reference->ready && is_judged(memory, &memory->now[f]);
            if (judged) {
                struct weir_expectation expected = drift_calibration_expect(memory, b, f);
                score_counts(&expected, &memory->now[f], out, &ratio);
            }
            for (int k = 0; k < WEIR_SCORES; k++)
                *row++ = judged ? (float)out[k] : NAN;
        }
    }
    return 0;
}

// ---- freezing

// Each window of the stretch against the same season of its other days.
struct replay {
    struct drift_memory *memory;
    struct drift_counts *season, *day, *now; // per field
    float *scores;                           // [window][basis][field][score]
    size_t width;                            // of a window
};

static void reset_all(struct drift_counts *counts, size_t n)
{
    for (size_t f = 0; f < n; f++)
        drift_counts_reset(&counts[f]);
}

static int sum_where(struct replay *replay, int64_t season, int64_t day, struct drift_counts *into)
{
    const struct drift *drift = replay->memory->drift;
    const struct drift_history *stretch = &replay->memory->calibration.stretch;
    int code = 0;
    reset_all(into, drift->n_fields);
    for (size_t e = 0; e < stretch->n && !code; e++) {
        const struct drift_entry *entry = &stretch->items[e];
        if (season_of(drift, entry->start) == season &&
            (day == INT64_MIN || day_of(entry->start) == day))
            code = drift_entry_add(entry, into, drift->n_fields);
    }
    return code;
}

static int replay_window(struct replay *replay, size_t e)
{
    struct drift_memory *memory = replay->memory;
    const struct drift *drift = memory->drift;
    float *row = replay->scores + e * replay->width;
    reset_all(replay->now, drift->n_fields);
    int code = drift_entry_add(&memory->calibration.stretch.items[e], replay->now, drift->n_fields);
    for (size_t f = 0; f < drift->n_fields && !code; f++) {
        double out[WEIR_SCORES], ratio;
        int judged = is_judged(memory, &replay->now[f]);
        if (judged) {
            struct weir_expectation expected = expect(
                memory, f, &replay->season[f], &replay->day[f], &memory->calibration.pooled[f]);
            score_counts(&expected, &replay->now[f], out, &ratio);
        }
        for (int k = 0; k < WEIR_SCORES; k++)
            row[f * WEIR_SCORES + (size_t)k] = judged ? (float)out[k] : NAN;
    }
    return code;
}

static int replay_stretch(struct replay *replay)
{
    const struct drift *drift = replay->memory->drift;
    const struct drift_history *stretch = &replay->memory->calibration.stretch;
    uint8_t *done = calloc(stretch->n + 1, 1);
    int code = done ? 0 : WEIR_ENOMEM;
    for (size_t first = 0; first < stretch->n && !code; first++) {
        int64_t season = season_of(drift, stretch->items[first].start), day = INT64_MIN;
        if (done[first])
            continue;
        code = sum_where(replay, season, INT64_MIN, replay->season);
        for (size_t e = first; e < stretch->n && !code; e++) {
            int64_t start = stretch->items[e].start;
            if (season_of(drift, start) != season)
                continue;
            if (day_of(start) != day)
                code = sum_where(replay, season, day = day_of(start), replay->day);
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
enum { FOLDS = 5 };

static void standardise(const float *scores, size_t width, size_t n, struct weir_usual *usual,
                        float *z, double *room)
{
    for (size_t fold = 0; fold < FOLDS; fold++) {
        size_t first = fold * n / FOLDS, end = (fold + 1) * n / FOLDS, others = 0;
        for (size_t w = 0; w < n; w++) {
            if (w < first || w >= end)
                room[others++] = scores[w * width];
        }
        weir_usual_fit(usual, room, others);
        for (size_t w = first; w < end; w++)
            z[w] = (float)weir_usual_z(usual, scores[w * width]);
    }
    for (size_t w = 0; w < n; w++)
        room[w] = scores[w * width];
    weir_usual_fit(usual, room, n);
}

// Scores become z in place, then -ln p; M is the largest of each window.
static int fit(struct replay *replay, double *largest)
{
    struct drift_calibration *calibration = &replay->memory->calibration;
    size_t n = calibration->stretch.n, n_fields = replay->memory->drift->n_fields;
    double *column = malloc((n * n_fields + 1) * sizeof *column);
    float *z_of = malloc((n + 1) * sizeof *z_of);
    if (!column || !z_of) {
        free(column);
        free(z_of);
        return WEIR_ENOMEM;
    }
    for (size_t w = 0; w < n; w++)
        largest[w] = NAN;
    for (size_t c = 0; c < calibration->n_bases * WEIR_SCORES; c++) {
        size_t basis = c / WEIR_SCORES, k = c % WEIR_SCORES, pooled = 0;
        for (size_t f = 0; f < n_fields; f++) {
            size_t at = (basis * n_fields + f) * WEIR_SCORES + k;
            standardise(replay->scores + at, replay->width, n, &calibration->usual[at], z_of,
                        column);
            for (size_t w = 0; w < n; w++)
                replay->scores[w * replay->width + at] = z_of[w];
        }
        for (size_t f = 0; f < n_fields; f++) {
            size_t at = (basis * n_fields + f) * WEIR_SCORES + k;
            for (size_t w = 0; w < n; w++)
                column[pooled++] = replay->scores[w * replay->width + at];
        }
        weir_tail_fit(&calibration->tails[c], column, pooled);
        for (size_t f = 0; f < n_fields; f++) {
            size_t at = (basis * n_fields + f) * WEIR_SCORES + k;
            for (size_t w = 0; w < n; w++) {
                double z = replay->scores[w * replay->width + at];
                if (!isnan(z))
                    largest[w] = fmax(weir_tail_score(&calibration->tails[c], z),
                                      isnan(largest[w]) ? 0 : largest[w]);
            }
        }
    }
    free(column);
    free(z_of);
    return 0;
}

static void take_rows(struct replay *replay)
{
    const struct drift_calibration *calibration = &replay->memory->calibration;
    size_t n_fields = replay->memory->drift->n_fields;
    size_t width = own_bases(calibration) * n_fields * WEIR_SCORES;
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

static void name_stretch(struct drift_calibration *calibration)
{
    int64_t days = (calibration->stretch.items[calibration->stretch.n - 1].end -
                    calibration->stretch.items[0].start + DAY / 2) /
                   DAY;
    snprintf(calibration->name, sizeof calibration->name,
             "what is usual at this hour (%lld days of calibration)", (long long)days);
}

// How many windows the budget's period has, and how many there are, gaps included.
static int set_budget(struct drift_memory *memory, const double *largest)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    size_t n = stretch->n;
    double span = (double)(stretch->items[n - 1].end - stretch->items[0].start);
    // Windows without records are part of the time, and raise no alarm.
    double step = drift->window > 0 ? (double)drift->window : fmax(span / (double)n, 1);
    size_t all = (size_t)fmin(fmax(span / step, (double)n), (double)n + 1e6);
    double *padded = malloc(all * sizeof *padded);
    if (!padded)
        return WEIR_ENOMEM;
    for (size_t w = 0; w < all; w++)
        padded[w] = w < n ? largest[w] : NAN;
    weir_alarm_budget(
        padded, all, fmax(drift->alarms_at_most, 1e-6), fmax((double)drift->alarms_per / step, 1),
        (struct weir_alarm_life){drift->open_after, drift->resolve_after}, &calibration->budget);
    free(padded);
    calibration->windows = 0;
    for (size_t w = 0; w < n; w++)
        calibration->windows += !isnan(largest[w]);
    return 0;
}

static void learn_offsets(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
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
                    fmax(memory->calibration.offset[f], drift_offset(then, pooled));
        }
    }
}

static int freeze(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    size_t n = calibration->stretch.n, n_fields = drift->n_fields;
    struct replay replay = {.memory = memory,
                            .width = calibration->n_bases * n_fields * WEIR_SCORES};
    replay.scores = malloc(n * replay.width * sizeof *replay.scores);
    replay.season = calloc(n_fields, sizeof *replay.season);
    replay.day = calloc(n_fields, sizeof *replay.day);
    replay.now = calloc(n_fields, sizeof *replay.now);
    double *largest = malloc(n * sizeof *largest);
    int code =
        replay.scores && replay.season && replay.day && replay.now && largest ? 0 : WEIR_ENOMEM;
    for (size_t f = 0; f < n_fields && !code; f++) {
        size_t cells = calibration->pooled[f].n;
        if (drift_counts_init(&replay.season[f], cells) ||
            drift_counts_init(&replay.day[f], cells) || drift_counts_init(&replay.now[f], cells))
            code = WEIR_ENOMEM;
        drift_counts_reset(&calibration->pooled[f]);
    }
    for (size_t e = 0; e < n && !code; e++)
        code = drift_entry_add(&calibration->stretch.items[e], calibration->pooled, n_fields);
    if (!code && calibration->usual_first)
        code = replay_stretch(&replay);
    if (!code)
        take_rows(&replay);
    if (!code)
        code = fit(&replay, largest);
    if (!code)
        code = set_budget(memory, largest);
    if (!code) {
        learn_offsets(memory, window);
        name_stretch(calibration);
        calibration->frozen = 1;
        free(calibration->rows);
        calibration->rows = NULL;
        calibration->n_rows = calibration->rows_capacity = 0;
    }
    for (size_t f = 0; f < n_fields && replay.season && replay.day && replay.now; f++) {
        drift_counts_free(&replay.season[f]);
        drift_counts_free(&replay.day[f]);
        drift_counts_free(&replay.now[f]);
    }
    free(replay.scores);
    free(replay.season);
    free(replay.day);
    free(replay.now);
    free(largest);
    return code;
}

int drift_calibration_add(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    struct drift_history *stretch = &calibration->stretch;
    size_t before = stretch->n;
    int64_t began = before ? stretch->items[0].start : 0;
    if (!calibration->wanted || calibration->frozen || !window->rows)
        return 0;
    int code = drift_history_add(stretch, window->start, window->end, memory->now,
                                 memory->drift->n_fields);
    // Hopping windows are taken where they do not overlap.
    if (code || stretch->items[stretch->n - 1].start != window->start)
        return code;
    code = add_row(memory);
    int is_full = before && stretch->items[0].start != began;
    if (!code && (is_full || window->end - stretch->items[0].start >= calibration->wanted))
        code = freeze(memory, window);
    return code ? code : drift_calibration_report(memory, window);
}

// ---- judging

static int sum_stretch(struct drift_memory *memory, int64_t season, int64_t kinds)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    int code = 0;
    reset_all(calibration->hour, drift->n_fields);
    for (size_t e = 0; e < calibration->stretch.n && !code; e++) {
        const struct drift_entry *entry = &calibration->stretch.items[e];
        if (season_of(drift, entry->start) / kinds == season / kinds)
            code = drift_entry_add(entry, calibration->hour, drift->n_fields);
    }
    return code;
}

int drift_calibration_season(struct drift_memory *memory, int64_t start)
{
    int64_t season = season_of(memory->drift, start);
    int code = sum_stretch(memory, season, 1);
    // A short stretch may have no weekend: then the hour of the other days is what there is.
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        if (memory->calibration.hour[f].rows)
            return 0;
    }
    return code ? code : sum_stretch(memory, season, 2);
}

static void score_field(struct drift_memory *memory, size_t basis, size_t f)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_counts *now = &memory->now[f];
    struct drift_scored *scored = &calibration->scored[f], one = {.basis = basis};
    double out[WEIR_SCORES];
    if (!is_judged(memory, now) ||
        !(basis == 0 && calibration->usual_first
              ? calibration->pooled[f].values
              : (uint64_t)memory->references[calibration->bases[basis]].ready))
        return;
    struct weir_expectation expected = drift_calibration_expect(memory, basis, f);
    score_counts(&expected, now, out, &one.scale_ratio);
    for (int k = 0; k < WEIR_SCORES; k++) {
        size_t at = (basis * memory->drift->n_fields + f) * WEIR_SCORES + (size_t)k;
        double z = weir_usual_z(&calibration->usual[at], out[k]);
        one.of[k] = weir_tail_score(&calibration->tails[basis * WEIR_SCORES + (size_t)k], z);
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
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        calibration->scored[f] = (struct drift_scored){.score = 0};
        for (size_t b = 0; b < calibration->n_bases; b++)
            score_field(memory, b, f);
    }
    return code;
}
