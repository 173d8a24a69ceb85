// SPDX-License-Identifier: Apache-2.0
// Collecting a calibration. It freezes once the stretch is whole; before that it is learnt from
// what there is, from two days on and anew as days come, with a threshold that is wider by what so
// short a stretch does not show (stats/alarm_budget.h). A window with a critical change is left
// out, or it would be what is usual from then on; but what lasts is how the stream is now.
#include <math.h>
#include <stdlib.h>

#include "detectors/drift/drift.h"

static const int64_t DAY = 24 * (int64_t)3600000;
static const int64_t LASTS = 3 * 24 * (int64_t)3600000; // a change that lasts so long stays
static const double LEFT_OUT = 0.1;                     // of the stretch, at most, besides that
enum {
    FIRST = 2, // days: one alone says nothing of how days differ
    WEEK = 7,  // days
    LEAST = 24 // windows
};
static const double AGAIN = 1.2; // as much of it: it is learnt anew

int drift_calibration_is_early(const struct drift_memory *memory)
{
    const struct drift_calibration *calibration = &memory->calibration;
    return !calibration->frozen && calibration->learnt < WEEK * DAY;
}

// The less was seen, the larger: critical at first, and what matters at all in the end.
double drift_calibration_least(const struct drift_memory *memory)
{
    const struct drift_calibration *calibration = &memory->calibration;
    double delta = memory->drift->delta, critical = memory->drift->critical;
    if (calibration->frozen)
        return 0;
    if (drift_calibration_is_early(memory))
        return critical;
    double part = fmin((double)calibration->learnt / (double)calibration->wanted, 1);
    return critical - (critical - delta) * part;
}

int drift_calibration_knows(const struct drift_memory *memory, int64_t start)
{
    const struct drift_calibration *calibration = &memory->calibration;
    if (calibration->frozen || !calibration->usual_first)
        return 1;
    return calibration->seasons &&
           calibration->seasons[drift_season_of(memory->drift, start)].windows > 0;
}

int drift_calibration_knows_day(const struct drift_memory *memory, int64_t start)
{
    const struct drift_history *stretch = &memory->calibration.stretch;
    size_t kind = drift_season_of(memory->drift, start) % 2; // of seasons the last bit
    for (size_t e = stretch->n; e-- > 0;) {
        if (drift_season_of(memory->drift, stretch->items[e].start) % 2 == kind)
            return 1;
    }
    return 0;
}

// Begins anew: what was collected is of how the stream was before.
static void begin_anew(struct drift_calibration *calibration)
{
    drift_history_free(&calibration->stretch);
    calibration->n_rows = 0;
    calibration->learnt = 0;
    calibration->left_out = 0;
    calibration->accepted = 0;
}

static int leave_out(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    int apart = calibration->apart;
    calibration->apart = 0;
    if (!apart) {
        calibration->apart_since = INT64_MIN;
        return 0;
    }
    if (calibration->apart_since == INT64_MAX) // it has stayed
        return 0;
    if (calibration->apart_since == INT64_MIN)
        calibration->apart_since = window->start;
    if (window->end - calibration->apart_since > LASTS) {
        begin_anew(calibration);
        calibration->apart_since = INT64_MAX;
        return 0;
    }
    double most = (double)LASTS + LEFT_OUT * (double)drift_calibration_span(memory);
    if ((double)calibration->left_out >= most)
        return 0;
    calibration->left_out += window->end - window->start;
    return 1;
}

static int learn_early(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    int64_t span = drift_calibration_span(memory);
    double due =
        fmax((double)calibration->learnt + (double)DAY, AGAIN * (double)calibration->learnt);
    if (calibration->stretch.n < LEAST || span < FIRST * DAY || (double)span < due ||
        (calibration->apart_since != INT64_MIN && calibration->apart_since != INT64_MAX))
        return 0;
    int code = drift_calibration_learn(memory, window);
    // Past windows as references come later than the stream.
    if (!code && calibration->windows < LEAST)
        calibration->learnt = 0;
    return code;
}

int drift_calibration_add(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    struct drift_history *stretch = &calibration->stretch;
    if (!calibration->wanted || calibration->frozen || !window->rows ||
        drift_excluded(memory->drift, window->start, window->end) || leave_out(memory, window))
        return 0;
    size_t before = stretch->n;
    int64_t began = before ? stretch->items[0].start : 0;
    int code = drift_history_add(stretch, window->start, window->end, memory->now,
                                 memory->drift->n_fields);
    // Hopping windows are taken where they do not overlap.
    if (code || stretch->items[stretch->n - 1].start != window->start)
        return code;
    code = drift_calibration_add_row(memory);
    int is_full = before && stretch->items[0].start != began;
    int64_t healthy = drift_calibration_span(memory) - calibration->left_out;
    if (!code && (is_full || healthy >= calibration->wanted))
        code = drift_calibration_freeze(memory, window);
    else if (!code && memory->drift->window > 0)
        code = learn_early(memory, window);
    return code ? code : drift_calibration_report(memory, window);
}
