// SPDX-License-Identifier: Apache-2.0
// A calibration that is there from the beginning: the ordered panes of a profile, put together to
// windows, are the stretch.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/hash.h"

struct drift_panes {
    size_t n, n_fields;
    const struct weir_calibration_pane **pane;
    const struct weir_summary **of; // [pane][field]
};

void drift_panes_free(struct drift_panes *panes)
{
    if (!panes)
        return;
    free(panes->pane);
    free(panes->of);
    free(panes);
}

// Windows are sums of panes.
static int check(const struct drift *drift, const struct drift_panes *panes,
                 struct weir_error *error)
{
    int64_t window = drift->window;
    for (size_t k = 0; k < panes->n; k++) {
        int64_t length = panes->pane[k]->end - panes->pane[k]->start;
        if (window > 0 && length > 0 && window % length == 0)
            continue;
        if (window <= 0)
            return weir_error_set(error, WEIR_EINVAL,
                                  "%s: calibration.profile needs a window that is a time",
                                  drift->name);
        return weir_error_set(
            error, WEIR_EINVAL,
            "%s: the panes of calibration.profile are of %lld s, and its window of "
            "%lld s is no multiple of that: make the profile with --pane",
            drift->name, (long long)(length / 1000), (long long)(window / 1000));
    }
    for (size_t i = 0; i < drift->n_references; i++) {
        if (drift_is_past(&drift->specs[i]))
            return weir_error_set(error, WEIR_EINVAL,
                                  "%s: reference %s is of the stream's own windows, which only the "
                                  "stream calibrates: say calibration.last instead of profile",
                                  drift->name, drift->references[i]);
    }
    return 0;
}

int drift_panes_take(struct drift *drift, const struct weir_setup *setup, struct weir_error *error)
{
    int is_there = setup->size > offsetof(struct weir_setup, calibration_summary) &&
                   setup->calibration_panes && drift->specs;
    size_t n = is_there && drift->tests >> DRIFT_OMNIBUS & 1 ? setup->calibration_panes(setup) : 0;
    if (!n)
        return 0;
    struct drift_panes *panes = calloc(1, sizeof *panes);
    if (panes) {
        panes->n = n;
        panes->n_fields = drift->n_fields;
        panes->pane = calloc(n, sizeof *panes->pane);
        panes->of = calloc(n * drift->n_fields, sizeof *panes->of);
    }
    if (!panes || !panes->pane || !panes->of) {
        drift_panes_free(panes);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", drift->name);
    }
    for (size_t k = 0; k < n; k++) {
        panes->pane[k] = setup->calibration_pane(setup, k);
        for (size_t f = 0; f < drift->n_fields; f++)
            panes->of[k * drift->n_fields + f] =
                setup->calibration_summary(setup, k, drift->fields[f].index);
    }
    drift->panes = panes;
    drift->calibrate = panes->pane[n - 1]->end - panes->pane[0]->start;
    drift->calibrate = drift->calibrate > 0 ? drift->calibrate : 1;
    return check(drift, panes, error);
}

static void add(struct drift_memory *memory, const struct drift_panes *panes, size_t k)
{
    for (size_t f = 0; f < panes->n_fields; f++) {
        const struct weir_summary *of = panes->of[k * panes->n_fields + f];
        struct drift_counts *now = &memory->now[f];
        if (!of || !of->cell || !now->n || of->cells->n != now->n)
            continue;
        struct drift_counts counts = {
            of->rows, of->null + of->missing, of->values, of->unseen, of->cell, now->n};
        drift_counts_add(now, &counts);
    }
}

static int64_t window_of(const struct drift *drift, int64_t time)
{
    int64_t rest = time % drift->window;
    return time - (rest < 0 ? rest + drift->window : rest);
}

static int fill(struct drift_memory *memory, struct drift_history *stretch)
{
    const struct drift *drift = memory->drift;
    const struct drift_panes *panes = drift->panes;
    int code = 0;
    for (size_t k = 0; k < panes->n && !code;) {
        int64_t start = window_of(drift, panes->pane[k]->start);
        drift_counts_reset_all(memory->now, drift->n_fields);
        for (; k < panes->n && panes->pane[k]->start < start + drift->window; k++)
            add(memory, panes, k);
        if (!drift_excluded(drift, start, start + drift->window))
            code = drift_history_add(stretch, start, start + drift->window, memory->now,
                                     drift->n_fields);
    }
    drift_counts_reset_all(memory->now, drift->n_fields);
    return code;
}

static int is_same(const struct drift_history *a, const struct drift_history *b)
{
    int same = a->n == b->n;
    for (size_t e = 0; e < a->n && same; e++)
        same = a->items[e].start == b->items[e].start && a->items[e].end == b->items[e].end &&
               a->items[e].length == b->items[e].length &&
               !memcmp(a->items[e].bytes, b->items[e].bytes, a->items[e].length);
    return same;
}

static uint64_t hash_of(const struct drift_history *stretch)
{
    uint64_t hash = stretch->n;
    for (size_t e = 0; e < stretch->n; e++) {
        const struct drift_entry *entry = &stretch->items[e];
        uint64_t parts[] = {hash, (uint64_t)entry->start, (uint64_t)entry->end,
                            weir_hash(entry->bytes, entry->length)};
        hash = weir_hash(parts, sizeof parts);
    }
    return hash | 1; // 0 is none
}

int drift_panes_hash(struct drift_memory *memory, uint64_t *hash)
{
    struct drift_history stretch = {0};
    int code = memory->drift->panes ? fill(memory, &stretch) : 0;
    if (!code)
        *hash = memory->drift->panes ? hash_of(&stretch) : 0;
    drift_history_free(&stretch);
    return code;
}

int drift_panes_calibrate(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    struct drift_history stretch = {0};
    if (!memory->drift->panes || !calibration->wanted || calibration->from_panes)
        return 0;
    int code = fill(memory, &stretch);
    calibration->from_panes = !code;
    // What a person accepted in place of this very profile holds, until there is another.
    if (!code && calibration->accepted && calibration->replaced == hash_of(&stretch)) {
        drift_history_free(&stretch);
        return 0;
    }
    calibration->accepted = 0;
    if (code || is_same(&stretch, &calibration->stretch)) {
        drift_history_free(&stretch);
        if (code || calibration->frozen)
            return code;
    } else {
        drift_history_free(&calibration->stretch);
        calibration->stretch = stretch;
    }
    if (!calibration->stretch.n)
        return 0;
    code = drift_calibration_freeze(memory, window);
    return code ? code : drift_calibration_report(memory, window);
}
