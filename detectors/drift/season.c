// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/season.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"

static const int64_t HOUR = 3600000, DAY = 24 * (int64_t)3600000;
static const double NEAR = 2;     // windows that the hours beside one count for
enum { FINE = 16 };               // seasons, from which on the hours beside one are like it
static const double POOLED = 0.1; // and the whole stretch: nothing that was ever seen is impossible

// ---- seasons

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t drift_day_of(int64_t time)
{
    return floor_div(time, DAY);
}

static int64_t step_of(const struct drift *drift)
{
    return drift->window > HOUR && DAY % drift->window == 0 ? drift->window : HOUR;
}

size_t drift_seasons(const struct drift *drift)
{
    return (size_t)(DAY / step_of(drift)) * 2;
}

size_t drift_season_of(const struct drift *drift, int64_t start)
{
    int64_t day = drift_day_of(start);
    int64_t weekday = ((day + 3) % 7 + 7) % 7; // 1970-01-01 was a Thursday
    return (size_t)((start - day * DAY) / step_of(drift)) * 2 + (weekday >= 5);
}

static int has_days(const struct drift_memory *memory)
{
    const struct drift_calibration *calibration = &memory->calibration;
    struct {
        int64_t day; // of the first window
        size_t windows;
        int others; // on other days
    } seen[48] = {{0}};
    size_t in_such = 0, n = calibration->learnt_from;
    for (size_t e = 0; e < n; e++) {
        int64_t start = calibration->stretch.items[e].start, day = drift_day_of(start);
        size_t s = drift_season_of(memory->drift, start);
        if (!seen[s].windows++)
            seen[s].day = day;
        seen[s].others |= seen[s].day != day;
    }
    for (size_t s = 0; s < sizeof seen / sizeof *seen; s++)
        in_such += seen[s].others ? seen[s].windows : 0;
    return 2 * in_such >= n;
}

// ---- sums

static int sum_stretch(struct drift_memory *memory, size_t season, struct drift_counts *into,
                       size_t *windows)
{
    const struct drift *drift = memory->drift;
    const struct drift_history *stretch = &memory->calibration.stretch;
    int code = 0;
    *windows = 0;
    drift_counts_reset_all(into, drift->n_fields);
    for (size_t e = 0; e < stretch->n && !code; e++) {
        if (drift_season_of(drift, stretch->items[e].start) != season)
            continue;
        code = drift_entry_add(&stretch->items[e], into, drift->n_fields);
        ++*windows;
    }
    return code;
}

static int pack(const struct drift_counts *counts, size_t n, struct drift_season *season)
{
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    int code = drift_counts_write(counts, n, &out);
    season->bytes = code ? NULL : malloc(out.length + 1);
    season->length = out.length;
    if (season->bytes && out.length)
        memcpy(season->bytes, out.data, out.length);
    weir_buffer_free(&out);
    return season->bytes ? 0 : WEIR_ENOMEM;
}

int drift_season_begin(struct drift_memory *memory)
{
    struct drift_calibration *calibration = &memory->calibration;
    drift_season_free(memory);
    calibration->has_days = has_days(memory);
    calibration->seasons = calloc(drift_seasons(memory->drift), sizeof *calibration->seasons);
    return calibration->seasons ? 0 : WEIR_ENOMEM;
}

int drift_season_learn(struct drift_memory *memory, size_t s)
{
    struct drift_calibration *calibration = &memory->calibration;
    struct drift_season *season = &calibration->seasons[s];
    struct drift_counts *sum = calibration->usual_now.hour;
    int code = sum_stretch(memory, s, sum, &season->windows);
    if (!code && season->windows)
        code = pack(sum, memory->drift->n_fields, season);
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++)
        drift_counts_add(&calibration->pooled[f], &sum[f]);
    return code;
}

int drift_season_learn_all(struct drift_memory *memory)
{
    int code = drift_season_begin(memory);
    drift_counts_reset_all(memory->calibration.pooled, memory->drift->n_fields);
    for (size_t s = 0; s < drift_seasons(memory->drift) && !code; s++)
        code = drift_season_learn(memory, s);
    return code;
}

void drift_season_free(struct drift_memory *memory)
{
    struct drift_calibration *calibration = &memory->calibration;
    for (size_t s = 0; calibration->seasons && s < drift_seasons(memory->drift); s++)
        free(calibration->seasons[s].bytes);
    free(calibration->seasons);
    calibration->seasons = NULL;
}

static int add(const struct drift_memory *memory, size_t season, struct drift_counts *into,
               size_t *windows)
{
    const struct drift_season *from = &memory->calibration.seasons[season];
    struct drift_entry entry = {.bytes = from->bytes, .length = from->length};
    if (!from->windows)
        return 0;
    *windows += from->windows;
    return drift_entry_add(&entry, into, memory->drift->n_fields);
}

int drift_season_sum(struct drift_memory *memory, size_t season, struct drift_usual *usual)
{
    size_t n = drift_seasons(memory->drift), windows = 0;
    drift_counts_reset_all(usual->hour, memory->drift->n_fields);
    drift_counts_reset_all(usual->near, memory->drift->n_fields);
    usual->near_windows = 0;
    if (!memory->calibration.has_days) {
        for (size_t f = 0; f < memory->drift->n_fields; f++)
            drift_counts_add(&usual->hour[f], &memory->calibration.pooled[f]);
        return 0;
    }
    int code = add(memory, season, usual->hour, &windows);
    if (!code && !windows)
        code = add(memory, season ^ 1, usual->hour, &windows);
    // Two to a place: the hours before and after, on such days.
    if (!code && n >= FINE)
        code = add(memory, (season + n - 2) % n, usual->near, &usual->near_windows);
    if (!code && n >= FINE)
        code = add(memory, (season + 2) % n, usual->near, &usual->near_windows);
    return code;
}

int drift_season_has_near(size_t n)
{
    return n >= FINE;
}

// Whether two seasons are beside each other: an hour apart, on such days.
static int is_beside(size_t a, size_t b, size_t n)
{
    return n >= FINE && ((a + 2) % n == b || (b + 2) % n == a);
}

static int add_own(struct drift_own_windows *own, size_t window)
{
    if (own->n == own->capacity) {
        size_t capacity = own->capacity ? 2 * own->capacity : 1024;
        uint32_t *grown = realloc(own->of, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        own->of = grown;
        own->capacity = capacity;
    }
    own->of[own->n++] = (uint32_t)window;
    return 0;
}

int drift_season_list_own(const struct drift_memory *memory, size_t window,
                          struct drift_own_windows *own, size_t *n_hour, size_t *n_near)
{
    const struct drift *drift = memory->drift;
    const struct drift_history *stretch = &memory->calibration.stretch;
    int64_t start = stretch->items[window].start, day = drift_day_of(start);
    size_t season = drift_season_of(drift, start), first = window, before = own->n;
    int code = 0;
    if (!memory->calibration.has_days) {
        *n_hour = 1;
        *n_near = 0;
        return add_own(own, window);
    }
    while (first && stretch->items[first - 1].start > start - DAY)
        first--;
    for (int near = 0; near < 2; near++) {
        for (size_t e = first; e < stretch->n && stretch->items[e].start < start + DAY; e++) {
            int64_t other_start = stretch->items[e].start;
            size_t other = drift_season_of(drift, other_start);
            int is_own = other == season && drift_day_of(other_start) == day;
            if (near ? !is_own && is_beside(other, season, drift_seasons(drift)) &&
                           llabs(other_start - start) <= DAY / 2
                     : is_own)
                code |= add_own(own, e);
        }
        *n_hour = near ? *n_hour : own->n - before;
    }
    *n_near = own->n - before - *n_hour;
    return code ? WEIR_ENOMEM : 0;
}

// ---- expectations

struct part {
    const struct drift_counts *counts;
    double by;
};

static double total_of(const struct drift_counts *counts)
{
    double sum = 0;
    for (size_t i = 0; i < counts->n; i++)
        sum += (double)counts->cell[i];
    return sum;
}

static struct weir_expectation mix(struct drift_memory *memory, size_t field,
                                   const struct part *parts, size_t n_parts)
{
    struct drift_calibration *calibration = &memory->calibration;
    double *share = calibration->room, *score = share + calibration->room_cells;
    double rows = 0, nulls = 0, unseen = 0;
    struct weir_expectation out = {.share = share, .n = parts[0].counts->n};
    for (size_t k = 0; k < n_parts; k++) {
        const struct drift_counts *counts = parts[k].counts;
        double by = parts[k].by;
        out.worth += by * total_of(counts);
        rows += by * (double)counts->rows;
        nulls += by * (double)counts->null;
        unseen += by * (double)counts->unseen;
    }
    if (!(out.worth > 1e-9))
        out.worth = 0;
    for (size_t i = 0; i < out.n && out.worth > 0; i++) {
        double sum = 0;
        for (size_t k = 0; k < n_parts; k++)
            sum += parts[k].by * (double)parts[k].counts->cell[i];
        share[i] = fmax(sum, 0) / out.worth;
    }
    if (rows > 1e-9)
        out.null_share = fmin(fmax(nulls / rows, 0), 1);
    if (out.worth > 0)
        out.unseen_share = fmin(fmax(unseen / out.worth, 0), 1);
    if (drift_memory_cells(memory, field)->shape == WEIR_SHAPE_NUMERIC && out.worth > 0) {
        weir_normal_scores(share, out.n, score);
        out.score = score;
    }
    return out;
}

struct weir_expectation drift_season_expect(struct drift_memory *memory, size_t field,
                                            const struct drift_usual *usual,
                                            const struct drift_usual *less)
{
    const struct drift_calibration *calibration = &memory->calibration;
    size_t windows = usual->near_windows - (less ? less->near_windows : 0);
    int near = windows && usual->near[field].rows > (less ? less->near[field].rows : 0);
    double all = fmax((double)calibration->learnt_from, 1);
    double beside = near ? NEAR / (double)windows : 0;
    struct part parts[5] = {
        {&usual->hour[field], 1},
        {&calibration->pooled[field], (near ? POOLED : NEAR) / all},
        {&usual->near[field], beside},
        {less ? &less->hour[field] : NULL, -1},
        {less ? &less->near[field] : NULL, -beside},
    };
    return mix(memory, field, parts, less ? 5 : 3);
}

struct weir_expectation drift_sum_expect(struct drift_memory *memory, size_t field,
                                         const struct drift_counts *sum)
{
    struct part part = {sum, 1};
    return mix(memory, field, &part, 1);
}
