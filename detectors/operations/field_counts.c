// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/field_counts.h"

#include <math.h>
#include <string.h>

#include "stats/ddsketch.h"
#include "stats/summary.h"
#include "stats/top.h"
#include "stats/two_sample.h"

static const double quantiles[] = {.02, .1, .2, .3, .4, .5, .6, .7, .8, .9, .98};
enum { CUTS = sizeof quantiles / sizeof *quantiles };

unsigned operations_count_parts(enum weir_type type)
{
    return type == WEIR_TYPE_BOOLEAN                            ? WEIR_PART_MOMENTS
           : type == WEIR_TYPE_LONG || type == WEIR_TYPE_DOUBLE ? WEIR_PART_QUANTILES
                                                                : WEIR_PART_TOP;
}

// ---- numbers

struct binning {
    double cuts[CUTS];
    size_t n_cuts;
    double *counts;
};

// Buckets are the same for all, so each falls into one cell whole.
static void add_bucket(void *context, double low, double high, uint64_t count)
{
    struct binning *binning = context;
    size_t cell = 0;
    while (cell < binning->n_cuts && low + (high - low) / 2 > binning->cuts[cell])
        cell++;
    binning->counts[cell] += (double)count;
}

static void count_numbers(const struct weir_window *window, int field, const size_t *which,
                          size_t n, const struct weir_summary *whole,
                          struct operations_field_counts *out)
{
    struct binning binning = {.n_cuts = 0};
    double origin = weir_ddsketch_origin(whole->quantiles);
    for (size_t q = 0; q < CUTS; q++) {
        double cut = weir_ddsketch_quantile(whole->quantiles, quantiles[q]) - origin;
        if (isfinite(cut) && (!binning.n_cuts || cut > binning.cuts[binning.n_cuts - 1]))
            binning.cuts[binning.n_cuts++] = cut;
    }
    if (!binning.n_cuts)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct weir_summary *summary = window->summary(window, which[i], field);
        binning.counts = out->slices[i];
        if (summary && summary->quantiles)
            weir_ddsketch_each(summary->quantiles, add_bucket, &binning);
    }
    out->n_cells = binning.n_cuts + 1;
    out->ordered = 1;
}

// ---- categories

static void count_booleans(const struct weir_window *window, int field, const size_t *which,
                           size_t n, struct operations_field_counts *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct weir_summary *summary = window->summary(window, which[i], field);
        if (!summary || !summary->moments.n)
            continue;
        double mean = weir_moments_mean(&summary->moments, summary->cells);
        double yes = round(mean * (double)summary->moments.n);
        out->slices[i][0] = (double)summary->moments.n - yes;
        out->slices[i][1] = yes;
    }
    out->n_cells = 2;
}

static void count_strings(const struct weir_window *window, int field, const size_t *which,
                          size_t n, const struct weir_summary *whole,
                          struct operations_field_counts *out)
{
    enum { KEPT = OPERATIONS_CELLS - 1, LOOKED_AT = 1024 };
    const struct weir_top_entry *cells[KEPT], *entries[LOOKED_AT];
    size_t n_cells = weir_top_sorted(whole->top, cells, KEPT);
    // With more values than there are counters what is counted depends on the order.
    if (!n_cells || weir_top_lost(whole->top))
        return;
    for (size_t i = 0; i < n; i++) {
        const struct weir_summary *summary = window->summary(window, which[i], field);
        if (!summary || !summary->top)
            continue;
        double left = (double)summary->values;
        size_t m = weir_top_sorted(summary->top, entries, LOOKED_AT);
        for (size_t k = 0; k < m; k++) {
            size_t cell = 0;
            while (cell < n_cells && cells[cell]->hash != entries[k]->hash)
                cell++;
            if (cell < n_cells) {
                out->slices[i][cell] = (double)entries[k]->count;
                left -= (double)entries[k]->count;
            }
        }
        out->slices[i][n_cells] = fmax(left, 0);
    }
    out->n_cells = n_cells + 1;
}

void operations_field_counts(const struct weir_window *window, int field, const size_t *which,
                             size_t n, struct operations_field_counts *out)
{
    const struct weir_summary *whole = window->summary(window, 0, field);
    memset(out->slices, 0, n * sizeof *out->slices);
    memset(out->all, 0, sizeof out->all);
    out->n_cells = 0;
    out->ordered = 0;
    if (!whole)
        return;
    if (whole->shape == WEIR_SHAPE_BOOLEAN)
        count_booleans(window, field, which, n, out);
    else if (whole->shape == WEIR_SHAPE_NUMERIC && whole->quantiles)
        count_numbers(window, field, which, n, whole, out);
    // With cells from a reference, frequent values are only counted where they are none of them.
    else if (whole->shape == WEIR_SHAPE_CATEGORICAL && whole->top && !whole->cells)
        count_strings(window, field, which, n, whole, out);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < out->n_cells; c++)
            out->all[c] += out->slices[i][c];
    }
}

void operations_unlike_peers(const struct operations_field_counts *counts, size_t i, double *effect,
                             double *p_value)
{
    double peers[OPERATIONS_CELLS] = {0};
    *effect = 0;
    *p_value = 1;
    for (size_t c = 0; c < counts->n_cells; c++)
        peers[c] = fmax(counts->all[c] - counts->slices[i][c], 0);
    struct weir_cell_counts cells = {peers, counts->slices[i], counts->n_cells, counts->ordered};
    struct weir_cell_distances distances;
    struct weir_omnibus omnibus;
    if (!counts->n_cells || weir_cell_distances(&cells, &distances) != WEIR_TEST_OK ||
        weir_omnibus(&cells, &omnibus) != WEIR_TEST_OK)
        return;
    *effect = distances.total_variation_debiased;
    *p_value = omnibus.p_value;
}
