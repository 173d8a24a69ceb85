// SPDX-License-Identifier: Apache-2.0
// What an owner remembers to explain: the last panes' counts, and the life of all of it.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"

void drift_explain_free(struct drift_memory *memory)
{
    struct drift_explain *explain = &memory->explain;
    drift_history_free(&explain->recent);
    for (size_t i = 0; i < explain->episodes.n; i++) {
        drift_counts_free(&explain->episodes.items[i].counts);
        drift_counts_free(&explain->episodes.items[i].before);
    }
    free(explain->episodes.items);
    drift_slices_free(&explain->slices, memory->drift ? memory->drift->n_fields : 0);
    drift_slices_free(&explain->lately, memory->drift ? memory->drift->n_fields : 0);
    *explain = (struct drift_explain){0};
}

static int has_panes(const struct weir_window *window)
{
    return window->size > offsetof(struct weir_window, pane_summary) && window->pane_summary &&
           window->n_panes > 1 && window->pane > 0;
}

// The panes that no window before had.
static int add_panes(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    struct drift_history *recent = &memory->explain.recent;
    struct drift_counts *counts = drift_counts_make_all(memory->now, drift->n_fields);
    int code = counts ? 0 : WEIR_ENOMEM;
    for (size_t p = 0; p < window->n_panes && !code; p++) {
        int64_t start = window->start + (int64_t)p * window->pane;
        uint64_t rows = 0;
        if (recent->n && start < recent->items[recent->n - 1].end)
            continue;
        for (size_t f = 0; f < drift->n_fields; f++) {
            const struct weir_summary *summary =
                window->pane_summary(window, p, drift->fields[f].index);
            drift_counts_reset(&counts[f]);
            if (summary)
                drift_memory_count(memory, summary, f, &counts[f]);
            rows |= counts[f].rows;
        }
        if (rows)
            code = drift_history_add(recent, start, start + window->pane, counts, drift->n_fields);
    }
    drift_counts_free_all(counts, drift->n_fields);
    return code;
}

int drift_explain_begin(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_history *recent = &memory->explain.recent;
    int code = 0;
    if (!memory->drift->specs || !window->rows)
        return 0;
    code = has_panes(window) ? add_panes(memory, window)
                             : drift_history_add(recent, window->start, window->end, memory->now,
                                                 memory->drift->n_fields);
    drift_history_forget(recent, INT64_MAX, DRIFT_RECENT);
    return code;
}

int drift_explain_learn(struct drift_memory *memory, const struct weir_window *window)
{
    if (!memory->drift->specs || window->rows < memory->drift->minimum)
        return 0;
    return drift_slices_add(memory, window);
}

int drift_explain(struct drift_memory *memory, const struct weir_window *window,
                  struct drift_room *room, const struct drift_verdict *moved, size_t n_moved,
                  struct drift_explanation *out)
{
    memset(out, 0, sizeof *out);
    if (memory->drift->specs)
        drift_episodes_hold(memory, window);
    if (!memory->drift->specs || window->rows < memory->drift->minimum)
        return 0;
    int code = drift_episodes_add(memory, window, moved, n_moved);
    if (code || !n_moved)
        return code;
    code = drift_find_onsets(memory, window, moved, n_moved, out);
    if (!code)
        code = drift_find_carriers(memory, window, room, &moved[0], 0, &out->carriers);
    if (!code)
        drift_find_recurrence(memory, &moved[0], INT64_MAX, room, &out->again);
    return code;
}
