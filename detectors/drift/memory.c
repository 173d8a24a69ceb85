// SPDX-License-Identifier: Apache-2.0
// What references are made of, where they are no profile: sums of past windows. Numbers without a
// profile are cut from the first values that come (cuts.c), and counted from windows' sketches:
// cuts are edges of its buckets, so that nothing is lost.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/cells.h"
#include "stats/summary.h"

enum {
    DISPERSION_FROM = 12,
    DISPERSION_OVER = 500,
    NEWEST_BYTES = 16 << 20 // of past windows that no reference needs
};

static const int64_t HOUR = 3600000, WEEK = 7 * 24 * (int64_t)3600000;

// ---- life

const struct weir_cells *drift_memory_cells(const struct drift_memory *memory, size_t field)
{
    const struct weir_cells *cells = memory->drift->fields[field].cells;
    return cells ? cells : memory->own[field].cells;
}

static int init_reference(struct drift_reference *reference, const struct drift *drift)
{
    size_t n = drift->n_fields;
    reference->sum = calloc(n, sizeof *reference->sum);
    reference->then = calloc(n, sizeof *reference->then);
    reference->dispersion = calloc(n, sizeof *reference->dispersion);
    reference->n_dispersion = calloc(n, sizeof *reference->n_dispersion);
    return reference->sum && reference->then && reference->dispersion && reference->n_dispersion
               ? 0
               : WEIR_ENOMEM;
}

// Nothing is counted in the field's cells yet: they are new.
int drift_memory_shape(struct drift_memory *memory, size_t field)
{
    const struct weir_cells *cells = drift_memory_cells(memory, field);
    struct drift_counts *all[3] = {&memory->now[field], NULL, NULL};
    for (int k = 0; k < 2; k++)
        all[k + 1] = memory->recount[k] ? &memory->recount[k][field] : NULL;
    for (size_t k = 0; k < 3; k++) {
        if (all[k] && drift_counts_shape(all[k], cells->n))
            return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < memory->drift->n_references; i++) {
        struct drift_reference *reference = &memory->references[i];
        if (drift_counts_shape(&reference->sum[field], cells->n))
            return WEIR_ENOMEM;
    }
    return drift_calibration_shape(memory, field);
}

int drift_memory_init(struct drift_memory *memory, const struct drift *drift)
{
    *memory = (struct drift_memory){.drift = drift, .began = INT64_MIN};
    memory->own = calloc(drift->n_fields, sizeof *memory->own);
    memory->now = calloc(drift->n_fields, sizeof *memory->now);
    memory->references = calloc(drift->n_references, sizeof *memory->references);
    memory->hour = calloc(drift->n_fields, sizeof *memory->hour);
    int code = memory->own && memory->now && memory->references && memory->hour ? 0 : WEIR_ENOMEM;
    for (int k = 0; k < 2 && !code; k++) {
        memory->recounted[k] = calloc(drift->n_fields, sizeof *memory->recounted[k]);
        memory->recount[k] = calloc(drift->n_fields, sizeof *memory->recount[k]);
        code = memory->recounted[k] && memory->recount[k] ? 0 : WEIR_ENOMEM;
    }
    for (size_t i = 0; i < drift->n_references && !code; i++)
        code = init_reference(&memory->references[i], drift);
    if (!code)
        code = drift_calibration_init(memory);
    for (size_t f = 0; f < drift->n_fields && !code; f++) {
        if (drift->fields[f].cells)
            code = drift_memory_shape(memory, f);
        else
            code = drift_own_init(&memory->own[f]);
    }
    if (code)
        drift_memory_free(memory);
    return code;
}

void drift_memory_free(struct drift_memory *memory)
{
    const struct drift *drift = memory->drift;
    size_t n = drift ? drift->n_fields : 0;
    for (size_t i = 0; memory->references && i < drift->n_references; i++) {
        struct drift_reference *reference = &memory->references[i];
        drift_counts_free_all(reference->sum, n);
        free(reference->then);
        free(reference->dispersion);
        free(reference->n_dispersion);
    }
    for (size_t f = 0; memory->own && f < n; f++)
        drift_own_free(&memory->own[f]);
    drift_calibration_free(memory);
    free(memory->own);
    free(memory->hour);
    free(memory->references);
    drift_counts_free_all(memory->now, n);
    for (int k = 0; k < 2; k++) {
        drift_counts_free_all(memory->recount[k], n);
        free(memory->recounted[k]);
    }
    drift_history_free(&memory->history);
    drift_explain_free(memory);
    *memory = (struct drift_memory){0};
}

// ---- counting a window

struct recount {
    const struct weir_cells *cells;
    double origin;
    uint64_t *cell;
};

// A bucket's values are below its upper edge, or are zero: nothing of it is beyond a cut.
static void count_bucket(void *context, double low, double high, uint64_t count)
{
    struct recount *recount = context;
    double at = low < 0 && high > 0 ? 0 : high;
    recount->cell[weir_cells_find(recount->cells, at + recount->origin)] += count;
}

void drift_memory_count(const struct drift_memory *memory, const struct weir_summary *summary,
                        size_t field, struct drift_counts *counts)
{
    const struct weir_cells *cells = drift_memory_cells(memory, field);
    drift_counts_reset(counts);
    if (!cells)
        return;
    struct drift_counts seen = drift_counts_of(summary);
    int counted = memory->drift->fields[field].cells && seen.n == counts->n;
    seen.n = counted ? seen.n : 0;
    drift_counts_add(counts, &seen);
    if (!counted && summary->quantiles) {
        struct recount recount = {cells, weir_ddsketch_origin(summary->quantiles), counts->cell};
        weir_ddsketch_each(summary->quantiles, count_bucket, &recount);
    }
}

struct weir_summary drift_memory_over(const struct drift_memory *memory, size_t field,
                                      const struct drift_counts *counts)
{
    const struct weir_cells *cells = drift_memory_cells(memory, field);
    struct weir_summary summary = {.shape = cells->shape,
                                   .parts = WEIR_PART_CELLS,
                                   .rows = counts->rows,
                                   .values = counts->values,
                                   .null = counts->null,
                                   .unseen = counts->unseen,
                                   .cells = cells,
                                   .cell = counts->cell};
    return summary;
}

// ---- references of a window

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

// Windows of an hour or less have the hour in common, longer ones where in the week they start.
static int same_hour(const struct drift *drift, int64_t a, int64_t b)
{
    int64_t step = drift->window > HOUR ? drift->window : HOUR;
    if (WEEK % step)
        step = HOUR;
    return floor_mod(a, WEEK) / step == floor_mod(b, WEEK) / step;
}

static int is_part(const struct drift_memory *memory, const struct weir_reference_spec *spec,
                   const struct drift_entry *entry, const struct weir_window *window, size_t newer)
{
    if (entry->end > window->start)
        return 0;
    if (spec->kind == WEIR_REFERENCE_PREVIOUS)
        return newer < (size_t)spec->windows;
    // The hours around the present one are of the same week, not of an earlier one.
    return entry->start >= window->start - spec->span - HOUR / 2 &&
           entry->end <= window->start - WEEK / 2 &&
           same_hour(memory->drift, entry->start, window->start);
}

static int sum_history(struct drift_memory *memory, size_t i, const struct weir_window *window)
{
    const struct weir_reference_spec *spec = &memory->drift->specs[i];
    struct drift_reference *reference = &memory->references[i];
    const struct drift_history *history = &memory->history;
    size_t newer = 0;
    reference->windows = 0;
    drift_counts_reset_all(reference->sum, memory->drift->n_fields);
    for (size_t e = history->n; e-- > 0;) {
        const struct drift_entry *entry = &history->items[e];
        if (is_part(memory, spec, entry, window, newer)) {
            int code = drift_entry_add(entry, reference->sum, memory->drift->n_fields);
            if (code)
                return code;
            reference->windows++;
        }
        newer += entry->end <= window->start;
        if (spec->kind == WEIR_REFERENCE_PREVIOUS && newer >= (size_t)spec->windows)
            break;
    }
    size_t least = spec->kind == WEIR_REFERENCE_PREVIOUS ? (size_t)spec->windows : 2;
    reference->ready = reference->windows >= (least < 3 ? least : 3);
    return 0;
}

static int make_reference(struct drift_memory *memory, size_t i, const struct weir_window *window)
{
    const struct weir_reference_spec *spec = &memory->drift->specs[i];
    struct drift_reference *reference = &memory->references[i];
    int code = 0;
    if (spec->kind == WEIR_REFERENCE_FIXED)
        reference->ready = window->start >= spec->to && reference->windows > 0;
    else if (drift_is_past(spec))
        code = sum_history(memory, i, window);
    else
        return 0;
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        if (drift_memory_cells(memory, f))
            reference->then[f] = drift_memory_over(memory, f, &reference->sum[f]);
    }
    return code;
}

int drift_memory_past(struct drift_memory *memory, const struct weir_window *window)
{
    int code = 0;
    for (size_t i = 0; i < memory->drift->n_references && !code; i++)
        code = drift_is_past(&memory->drift->specs[i]) ? make_reference(memory, i, window) : 0;
    return code;
}

int drift_memory_begin(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    int code = 0;
    if (!drift->specs)
        return 0;
    if (memory->began == INT64_MIN && window->rows)
        memory->began = window->start;
    code = drift_panes_calibrate(memory, window);
    if (!code)
        code = drift_cuts_add(memory, window);
    for (size_t f = 0; f < drift->n_fields && !code; f++) {
        const struct weir_summary *summary = window->summary(window, 0, drift->fields[f].index);
        if (summary)
            drift_memory_count(memory, summary, f, &memory->now[f]);
    }
    for (size_t i = 0; i < drift->n_references && !code; i++)
        code = make_reference(memory, i, window);
    return code;
}

// ---- what windows vary by

// How much more two samples differ than those of one distribution do: Pearson's statistic over its
// degrees of freedom; but where one thing varies, such as the level, that is spread thin over many
// cells, so Anderson and Darling's (mean 1), or of categories the largest cell's, if it is more.
static double dispersion_of(const struct drift_counts *now, const struct drift_counts *then,
                            int ordered)
{
    double n = 0, m = 0, sum = 0, a = 0, b = 0, below_a = 0, below_b = 0, level = 0, largest = 0;
    int degrees = -1;
    for (size_t i = 0; i < now->n; i++) {
        n += (double)now->cell[i];
        m += (double)then->cell[i];
    }
    if (n < 1 || m < 1)
        return NAN;
    double all = n + m, before = 0;
    for (size_t i = 0; i < now->n; i++) {
        a += (double)now->cell[i];
        b += (double)then->cell[i];
        // Cells are taken together until each is expected to have a few.
        if ((a + b) * n < 5 * all && i + 1 < now->n)
            continue;
        double difference = a * sqrt(m / n) - b * sqrt(n / m), share = (below_a + below_b) / all;
        if (before > 0) {
            double gap = below_a / n - below_b / m, mass = (before + a + b) / (2 * all);
            level += mass * gap * gap * n * m / all / (share * (1 - share));
        }
        if (a + b > 0) {
            double square = difference * difference / (a + b);
            sum += square;
            largest = fmax(largest, square / fmax(1 - (a + b) / all, 1e-9));
            degrees++;
            before = a + b;
        }
        below_a += a;
        below_b += b;
        a = b = 0;
    }
    // All in one cell, here as there: nothing varies, and no more than samples do.
    if (degrees < 1)
        return 1;
    // The square of the largest of so many normal variables is expected at about 2 ln of them.
    double one = ordered ? level : largest / fmax(2 * log(degrees + 1), 1);
    return fmax(sum / degrees, one);
}

// Enough to have seen a day, where windows are short.
static uint32_t dispersion_from(const struct drift *drift)
{
    double day = drift->hop > 0 ? 24.0 * 3600e3 / (double)drift->hop : 0;
    return (uint32_t)fmin(fmax(day, DISPERSION_FROM), DISPERSION_OVER / 2);
}

// A window that is far off is taken for less: it may be what is to be found.
static void learn_dispersion(struct drift_reference *reference, size_t field, double value)
{
    double *mean = &reference->dispersion[field];
    uint32_t *n = &reference->n_dispersion[field];
    if (!isfinite(value))
        return;
    if (*n >= DISPERSION_FROM && value > 4 * *mean)
        value = 4 * *mean;
    *n += *n < DISPERSION_OVER;
    *mean += (value - *mean) / *n;
}

// Writes anew what a reference makes of the stretch's window in a row.
static void compare_row(struct drift_memory *memory, size_t i, size_t field, size_t row,
                        const struct drift_counts *now)
{
    struct drift_calibration *calibration = &memory->calibration;
    size_t first = calibration->n_bases - drift_own_bases(calibration);
    size_t width = drift_own_bases(calibration) * memory->drift->n_fields * WEIR_SCORES;
    for (size_t b = first; b < calibration->n_bases; b++) {
        if (calibration->bases[b] == i)
            drift_calibration_row(memory, b, field, now,
                                  calibration->rows + row * width +
                                      ((b - first) * memory->drift->n_fields + field) *
                                          WEIR_SCORES);
    }
}

void drift_memory_compare_again(struct drift_memory *memory, size_t i, size_t field,
                                const struct drift_counts *windows)
{
    const struct weir_reference_spec *spec = &memory->drift->specs[i];
    const struct drift_own *own = &memory->own[field];
    const struct drift_calibration *calibration = &memory->calibration;
    struct drift_reference *reference = &memory->references[i];
    struct drift_counts *sum = &reference->sum[field];
    size_t row = 0;
    reference->n_dispersion[field] = 0;
    reference->dispersion[field] = 0;
    drift_counts_reset(sum);
    for (size_t w = 0; w < own->n_windows && spec->kind == WEIR_REFERENCE_PREVIOUS; w++) {
        size_t before = w < (size_t)spec->windows ? w : (size_t)spec->windows;
        reference->ready = before >= (spec->windows < 3 ? (size_t)spec->windows : 3);
        if (before)
            learn_dispersion(reference, field, dispersion_of(&windows[w], sum, 1));
        while (row < calibration->n_rows &&
               calibration->stretch.items[row].start < own->windows[w].start)
            row++;
        if (row < calibration->n_rows &&
            calibration->stretch.items[row].start == own->windows[w].start)
            compare_row(memory, i, field, row, &windows[w]);
        drift_counts_add(sum, &windows[w]);
        if (before == (size_t)spec->windows)
            drift_counts_take_off(sum, &windows[w - before]);
    }
}

double drift_memory_dispersion(const struct drift_memory *memory, size_t i, size_t field)
{
    const struct weir_reference_spec *spec = memory->drift->specs ? &memory->drift->specs[i] : NULL;
    if (!spec || !drift_is_past(spec))
        return 1;
    double mean = memory->references[i].dispersion[field];
    return mean > 1 ? mean : 1;
}

int drift_memory_end(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    if (!drift->specs || !window->rows)
        return 0;
    for (size_t i = 0; i < drift->n_references; i++) {
        const struct weir_reference_spec *spec = &drift->specs[i];
        struct drift_reference *reference = &memory->references[i];
        int is_inside = spec->kind == WEIR_REFERENCE_FIXED && window->start >= spec->from &&
                        window->end <= spec->to;
        for (size_t f = 0; f < drift->n_fields; f++) {
            if (drift_is_past(spec) && reference->windows)
                learn_dispersion(
                    reference, f,
                    dispersion_of(&memory->now[f], &reference->sum[f],
                                  drift->fields[f].cells
                                      ? drift->fields[f].cells->shape == WEIR_SHAPE_NUMERIC
                                      : 1));
            else if (is_inside)
                drift_counts_add(&reference->sum[f], &memory->now[f]);
        }
        reference->windows += is_inside;
    }
    int code = drift_calibration_add(memory, window);
    if (!drift->keeps || code)
        return code;
    code = drift_history_add(&memory->history, window->start, window->end, memory->now,
                             drift->n_fields);
    int64_t span = drift->keep_span > drift->keep_newest ? drift->keep_span : drift->keep_newest;
    drift_history_forget(&memory->history, window->end - span - WEEK / 7, drift->keep_windows + 1);
    drift_history_fit(&memory->history, NEWEST_BYTES, window->end - drift->keep_span - WEEK / 7,
                      drift->keep_windows + 1);
    return code;
}

// ---- what is judged

const struct weir_summary *drift_memory_now(struct drift_memory *memory,
                                            const struct weir_window *window, size_t slice,
                                            size_t field, int room)
{
    const struct drift *drift = memory->drift;
    const struct weir_summary *now = window->summary(window, slice, drift->fields[field].index);
    if (!now || drift->fields[field].cells)
        return now;
    if (!memory->own[field].cells)
        return NULL;
    struct drift_counts *counts = &memory->recount[room][field];
    struct weir_summary *recounted = &memory->recounted[room][field];
    drift_memory_count(memory, now, field, counts);
    *recounted = *now;
    recounted->cells = memory->own[field].cells;
    recounted->cell = counts->cell;
    return recounted;
}

const struct weir_summary *drift_memory_then(const struct drift_memory *memory,
                                             const struct weir_window *window, size_t i,
                                             size_t field)
{
    const struct drift *drift = memory->drift;
    if (!drift->specs || drift->specs[i].kind == WEIR_REFERENCE_PROFILE)
        return window->reference(window, i, drift->fields[field].index);
    const struct drift_reference *reference = &memory->references[i];
    if (drift_is_of_window(&drift->specs[i]) || !reference->ready ||
        !drift_memory_cells(memory, field))
        return NULL;
    if (drift->specs[i].kind != WEIR_REFERENCE_FIXED &&
        reference->n_dispersion[field] < dispersion_from(drift))
        return NULL;
    return &reference->then[field];
}
