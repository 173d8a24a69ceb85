// SPDX-License-Identifier: Apache-2.0
// Collecting a calibration. It freezes once the stretch is whole; before that it is learnt from
// what there is, from two days on and anew as days come, with a threshold that is wider by what so
// short a stretch does not show (stats/alarm_budget.h). A window with a critical change is left
// out, or it would be what is usual from then on; but what lasts is how the stream is now.
#include <math.h>
#include <stdlib.h>

#include "detectors/drift/learning.h"

static const int64_t DAY = 24 * (int64_t)3600000;
static const int64_t LASTS = 3 * 24 * (int64_t)3600000; // a change that lasts so long stays
static const double LEFT_OUT = 0.1;                     // of the stretch, at most, besides that
enum {
    FIRST = 2, // days: one alone says nothing of how days differ
    WEEK = 7   // days
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
        return drift_calibration_is_few(calibration) ? (delta + critical) / 2 : 0;
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

// Begins anew: what was collected is of how the stream was before.
static void begin_anew(struct drift_calibration *calibration)
{
    drift_history_free(&calibration->stretch);
    calibration->n_rows = 0;
    calibration->learnt = calibration->tried = 0;
    calibration->learnt_from = 0;
    calibration->left_out = 0;
    calibration->accepted = 0;
    drift_learning_free(calibration);
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

static int is_due(const struct drift_memory *memory)
{
    const struct drift_calibration *calibration = &memory->calibration;
    double span = (double)drift_calibration_span(memory), tried = (double)calibration->tried;
    return memory->drift->window > 0 && !calibration->learning &&
           calibration->stretch.n >= DRIFT_LEARN_LEAST && span >= (double)(FIRST * DAY) &&
           span >= fmax(tried + (double)DAY, AGAIN * tried) &&
           (calibration->apart_since == INT64_MIN || calibration->apart_since == INT64_MAX);
}

// Of healthy time that in which each reference had something to compare with: where the same hours
// of past weeks are one they come two weeks after the stream, and a promise of a month needs a
// month of both.
static int64_t judged_span(const struct drift_memory *memory)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    size_t width = drift_own_bases(calibration) * memory->drift->n_fields * WEIR_SCORES, from = 0;
    if (calibration->rows && calibration->n_rows >= stretch->n)
        from = drift_calibration_judged_from(
            memory, calibration->rows + (calibration->n_rows - stretch->n) * width, stretch->n);
    int64_t first = stretch->items[0].start, start = stretch->items[from].start;
    return drift_calibration_span(memory) - (start - first) +
           drift_excluded(memory->drift, first, start);
}

// The window more makes it whole, or as long as a history can be.
static int is_whole(const struct drift_memory *memory, int64_t began)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    const struct drift_entry *first = &stretch->items[0], *last = first + stretch->n - 1;
    int64_t wanted = calibration->wanted + calibration->left_out;
    int64_t slack = wanted / 10 < DAY ? wanted / 10 : DAY;
    return (drift_calibration_span(memory) >= wanted && judged_span(memory) >= wanted - slack) ||
           first->start != began || stretch->bytes + 2 * last->length > DRIFT_HISTORY_BYTES;
}

// Whether there is anything to compare with: past windows, as references, come after some.
static int can_begin(const struct drift_memory *memory)
{
    const struct drift_calibration *calibration = &memory->calibration;
    int ready = calibration->usual_first || calibration->stretch.n;
    for (size_t b = 0; b < calibration->n_bases && !ready; b++)
        ready = memory->references[calibration->bases[b]].ready;
    return ready;
}

static int collect(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    struct drift_history *stretch = &calibration->stretch;
    if (!window->rows || drift_excluded(memory->drift, window->start, window->end) ||
        leave_out(memory, window) || !can_begin(memory))
        return 0;
    int64_t began = stretch->n ? stretch->items[0].start : window->start;
    int code = drift_history_add(stretch, window->start, window->end, memory->now,
                                 memory->drift->n_fields);
    // Hopping windows are taken where they do not overlap.
    if (code || stretch->items[stretch->n - 1].start != window->start)
        return code;
    code = drift_calibration_add_row(memory);
    if (!code && is_whole(memory, began))
        code = drift_learning_begin(memory, stretch->n, 1);
    else if (!code && is_due(memory))
        code = drift_learning_begin(memory, stretch->n, 0);
    calibration->told |= DRIFT_TOLD_MORE;
    return code;
}

static int learn(struct drift_memory *memory, const struct weir_window *window, uint64_t parts)
{
    int ready, code = drift_learning_go_on(memory, parts, &ready);
    return !code && ready ? drift_learning_take(memory, window) : code;
}

int drift_calibration_learn(struct drift_memory *memory, const struct weir_window *window)
{
    int code = drift_learning_begin(memory, memory->calibration.stretch.n, 0);
    return code ? code : learn(memory, window, UINT64_MAX);
}

int drift_calibration_freeze(struct drift_memory *memory, const struct weir_window *window)
{
    int code = drift_learning_begin(memory, memory->calibration.stretch.n, 1);
    return code ? code : learn(memory, window, UINT64_MAX);
}

int drift_calibration_add(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    int code = 0;
    if (!calibration->wanted || calibration->frozen)
        return 0;
    if (!calibration->learning || !calibration->learning->for_good)
        code = collect(memory, window);
    if (!code && calibration->learning)
        code = learn(memory, window, memory->drift->at_once ? UINT64_MAX : 1);
    return code || !calibration->told ? code : drift_calibration_report(memory, window);
}
