// SPDX-License-Identifier: Apache-2.0
// What charts are fed, beside them: to date slow drift by, and to know since when there may be
// some.
#include <math.h>

#include "detectors/drift/drift.h"

// Nothing is suspected, and nothing was.
void drift_slow_forget(struct drift_memory *memory)
{
    struct drift_slow *slow = &memory->calibration.slow;
    for (size_t f = 0; f < memory->drift->n_fields; f++)
        slow->suspected[f] = slow->jumped[f] = INT64_MIN;
    drift_trace_reset(&slow->trace);
}

// What is charted from now on is dated by how it was before, too.
void drift_slow_trace_stretch(struct drift_memory *memory, const float *signals)
{
    struct drift_trace *trace = &memory->calibration.slow.trace;
    const struct drift_history *stretch = &memory->calibration.stretch;
    drift_slow_forget(memory);
    for (size_t w = 0; w < stretch->n; w++) {
        drift_trace_begin(trace, stretch->items[w].start, stretch->items[w].end);
        for (size_t k = 0; k < trace->width; k++)
            drift_trace_put(trace, k, (double)signals[w * trace->width + k]);
        drift_trace_end(trace);
    }
}

void drift_slow_suspect(struct drift_memory *memory, const struct weir_window *window, size_t f,
                        int is_so)
{
    int64_t *since = &memory->calibration.slow.suspected[f];
    *since = !is_so ? INT64_MIN : *since == INT64_MIN ? window->start : *since;
}

void drift_slow_trace(struct drift_memory *memory, size_t f)
{
    for (size_t k = f * WEIR_SIGNALS; k < (f + 1) * WEIR_SIGNALS; k++)
        drift_trace_put(&memory->calibration.slow.trace, k, memory->calibration.signals[k]);
}

void drift_slow_jump(struct drift_memory *memory, const struct weir_window *window, size_t f)
{
    struct drift_slow *slow = &memory->calibration.slow;
    slow->apart[f] = 0;
    drift_slow_suspect(memory, window, f, 0);
    if (slow->jumped[f] == INT64_MIN)
        slow->jumped[f] = window->start;
}

void drift_slow_leave(struct drift_memory *memory, size_t f, int64_t since)
{
    struct drift_slow *slow = &memory->calibration.slow;
    slow->apart[f] = 0;
    // Its sums may be 0 by now.
    since = since > INT64_MIN ? since : slow->suspected[f];
    if (slow->jumped[f] == INT64_MIN || since < slow->jumped[f])
        slow->jumped[f] = since;
}

static int is_usual(const struct drift_memory *memory, size_t f)
{
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        const struct drift_chart *chart = drift_slow_chart(memory, f, k);
        if (chart->sd > 0 && fabs(chart->level.average) * chart->sd > chart->slack)
            return 0;
    }
    return 1;
}

// An incident may be of a change that lasts, though not all of it was told. Once all is usual for a
// day it is over, and no part of what comes.
void drift_slow_land(struct drift_memory *memory, const struct weir_window *window, size_t f)
{
    struct drift_slow *slow = &memory->calibration.slow;
    const int64_t day = 24 * (int64_t)3600000;
    int64_t over = slow->apart[f] * (window->end - window->start);
    if (slow->jumped[f] == INT64_MIN || over < day || drift_slow_suspects(memory, f) ||
        !is_usual(memory, f))
        return;
    drift_trace_erase(&slow->trace, f * WEIR_SIGNALS, WEIR_SIGNALS, slow->jumped[f],
                      window->end - over);
    slow->jumped[f] = INT64_MIN;
}

int drift_slow_suspects(const struct drift_memory *memory, size_t field)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    return slow->suspected && slow->suspected[field] > INT64_MIN;
}
