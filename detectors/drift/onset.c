// SPDX-License-Identifier: Apache-2.0
// Since when: the field that leads an incident, over the last windows, each against what is usual
// at its own hour.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/onset.h"

struct gathered {
    uint64_t *count;
    double *share;
    int64_t *start;
    size_t n, cells;
};

static int take(struct drift_memory *memory, size_t f, const struct drift_counts *counts,
                int64_t start, struct gathered *into)
{
    int code = drift_calibration_season(memory, start);
    if (code || counts[f].n != into->cells)
        return code;
    struct weir_expectation expected = drift_calibration_expect(memory, 0, f);
    memcpy(into->count + into->n * into->cells, counts[f].cell, into->cells * sizeof *into->count);
    memcpy(into->share + into->n * into->cells, expected.share, into->cells * sizeof *into->share);
    into->start[into->n++] = start;
    return 0;
}

static int gather(struct drift_memory *memory, const struct weir_window *window, size_t f,
                  struct drift_counts *scratch, struct gathered *into)
{
    const struct drift_history *history = &memory->history;
    size_t first = history->n > DRIFT_RECENT ? history->n - DRIFT_RECENT : 0;
    int code = 0;
    for (size_t e = first; e < history->n && !code; e++) {
        const struct drift_entry *entry = &history->items[e];
        if (entry->end > window->start)
            continue;
        drift_counts_reset_all(scratch, memory->drift->n_fields);
        code = drift_entry_add(entry, scratch, memory->drift->n_fields);
        if (!code)
            code = take(memory, f, scratch, entry->start, into);
    }
    // Last, so that what is usual is the present hour's again.
    return code ? code : take(memory, f, memory->now, window->start, into);
}

int drift_find_onset(struct drift_memory *memory, const struct weir_window *window,
                     const struct drift_verdict *lead, struct drift_onset *out)
{
    const struct drift *drift = memory->drift;
    size_t f = (size_t)(lead->field - drift->fields), cells = memory->now[f].n;
    size_t most = DRIFT_RECENT + 1;
    *out = (struct drift_onset){.known = 0};
    if (!memory->calibration.usual_first ||
        !drift_is_season(&memory->calibration, memory->calibration.scored[f].basis) || !cells)
        return 0;
    struct gathered all = {.count = calloc(most * cells, sizeof *all.count),
                           .share = calloc(most * cells, sizeof *all.share),
                           .start = calloc(most, sizeof *all.start),
                           .cells = cells};
    struct drift_counts *scratch = calloc(drift->n_fields, sizeof *scratch);
    int code = all.count && all.share && all.start && scratch ? 0 : WEIR_ENOMEM;
    for (size_t k = 0; k < drift->n_fields && !code; k++)
        code = drift_counts_init(&scratch[k], memory->now[k].n);
    if (!code)
        code = gather(memory, window, f, scratch, &all);
    struct weir_onset_series series = {all.count, all.share, all.n, cells, lead->dispersion};
    struct weir_onset onset;
    if (!code && weir_onset_find(&series, &onset) == 0)
        *out = (struct drift_onset){.known = 1,
                                    .at = all.start[onset.at],
                                    .first = all.start[onset.first],
                                    .last = all.start[onset.last],
                                    .gradual = onset.gradual,
                                    .open = onset.first == 0};
    drift_counts_free_all(scratch, drift->n_fields);
    free(all.count);
    free(all.share);
    free(all.start);
    return code;
}
