// SPDX-License-Identifier: Apache-2.0
// What is usual at an hour: sums of the calibration's windows by season, which is the hour of the
// day (or the longer window's place in it), on working days and at weekends.
#ifndef WEIR_DRIFT_SEASON_H
#define WEIR_DRIFT_SEASON_H

#include "detectors/drift/history.h"
#include "stats/cell_score.h"

struct drift;
struct drift_memory;

struct drift_season { // all windows of a season
    uint8_t *bytes;   // their sum as drift_counts_write() packs it
    size_t length, windows;
};

// Sums of a season, per field: its own windows, and those of the hours before and after it.
struct drift_usual {
    struct drift_counts *hour, *near;
    size_t near_windows;
};

size_t drift_seasons(const struct drift *drift); // how many there are
size_t drift_season_of(const struct drift *drift, int64_t start);
int64_t drift_day_of(int64_t time);

// Whether the hours beside one are like it: season s has s - 2 and s + 2 beside it, round the day.
int drift_season_has_near(size_t n_seasons);

// Sums the stretch by season into calibration->seasons, and all of it into `pooled`: at once, or
// begun and a season after the other (`pooled` is then the caller's to reset). WEIR_ENOMEM,
// WEIR_ECORRUPT.
int drift_season_learn_all(struct drift_memory *memory);
int drift_season_begin(struct drift_memory *memory);
int drift_season_learn(struct drift_memory *memory, size_t season);
void drift_season_free(struct drift_memory *memory);
// Fills `usual` for a season, or without days with all of them: where it has no windows (a short
// stretch has no weekend) those of the other days at that hour.
int drift_season_sum(struct drift_memory *memory, size_t season, struct drift_usual *usual);

// Appends the windows of the stretch that one of them is not to be judged by: of its season those
// of its own day (*n_hour), and of the hours beside it those within half a day (*n_near).
// WEIR_ENOMEM.
struct drift_own_windows {
    uint32_t *of;
    size_t n, capacity;
};
int drift_season_list_own(const struct drift_memory *memory, size_t window,
                          struct drift_own_windows *own, size_t *n_hour, size_t *n_near);
// What to expect of a field: the season's windows without `less` (may be NULL), drawn towards the
// hours beside it as if two windows of those had come too: a day's course is smooth, and an hour
// has few windows. In calibration->room, until the next call.
struct weir_expectation drift_season_expect(struct drift_memory *memory, size_t field,
                                            const struct drift_usual *usual,
                                            const struct drift_usual *less);
// The same of one sum alone.
struct weir_expectation drift_sum_expect(struct drift_memory *memory, size_t field,
                                         const struct drift_counts *sum);

#endif
