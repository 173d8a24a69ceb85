// SPDX-License-Identifier: Apache-2.0
// Since when: fields of an incident over the last panes, each against what is usual at its own
// hour; and which of them was first.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/onset.h"

enum { FIELDS = 48, BYTES = 24 << 20, PARTS = 4 };
static const double NEARLY = 6; // stats/onset.h
// What came with the change is expected a little, or no window before would deny it. Not what never
// came: of 64 hashed cells that are empty it would make more than there is of many a category.
static const double LEAST = 1e-4;

// A field's panes. The last cell is of nulls.
struct series {
    uint64_t *count;
    double *share;
    size_t n, cells;
    int ordered; // all but the last are of numbers, ascending
};
struct gathered {
    struct series of[FIELDS];
    int64_t start[FIELDS][DRIFT_RECENT + 1], end[FIELDS][DRIFT_RECENT + 1];
    size_t n;
    int seasonal; // expectations are the calibration's, of each pane's hour
};

static void add(struct gathered *all, size_t k, const struct drift_counts *counts,
                const double *share, double null_share, const struct drift_entry *entry)
{
    struct series *series = &all->of[k];
    if (series->n > DRIFT_RECENT || counts->n + 1 != series->cells || !counts->rows)
        return;
    uint64_t *count = series->count + series->n * series->cells;
    double *expected = series->share + series->n * series->cells;
    memcpy(count, counts->cell, counts->n * sizeof *count);
    count[counts->n] = counts->null;
    for (size_t i = 0; i < counts->n; i++)
        expected[i] = share[i] * (1 - null_share);
    expected[counts->n] = null_share;
    all->start[k][series->n] = entry->start;
    all->end[k][series->n++] = entry->end;
}

// Of a reference that does not depend on the hour. Past windows soon have the change in them: they
// count as they were when it began.
static double shares_of(const struct drift_memory *memory, size_t f,
                        const struct weir_summary *then, double *share)
{
    const struct drift_episode *episode = drift_episode_of(memory, f);
    int frozen = episode && episode->before.n == then->cells->n;
    const uint64_t *cell = frozen ? episode->before.cell : then->cell;
    double rows = (double)(frozen ? episode->before.rows : then->rows), n = 0;
    double nulls = (double)(frozen ? episode->before.null : then->null + then->missing);
    for (size_t i = 0; i < then->cells->n; i++)
        n += (double)cell[i];
    for (size_t i = 0; i < then->cells->n; i++)
        share[i] = n > 0 ? (double)cell[i] / n : 0;
    return rows > 0 ? nulls / rows : 0;
}

static int add_pane(struct drift_memory *memory, const struct drift_verdict *moved,
                    const struct drift_counts *counts, const struct drift_entry *entry,
                    struct gathered *all)
{
    const struct drift *drift = memory->drift;
    int code = all->seasonal ? drift_calibration_season(memory, entry->start) : 0;
    for (size_t k = 0; !code && k < all->n; k++) {
        size_t f = (size_t)(moved[k].field - drift->fields);
        if (all->seasonal) {
            struct weir_expectation expected = drift_calibration_expect(memory, 0, f);
            if (expected.worth > 0)
                add(all, k, &counts[f], expected.share, expected.null_share, entry);
        } else if (moved[k].then->cells->n + 1 == all->of[k].cells) {
            double *share = all->of[k].share + DRIFT_RECENT * all->of[k].cells;
            double nulls = shares_of(memory, f, moved[k].then, share);
            if (all->of[k].n < DRIFT_RECENT)
                add(all, k, &counts[f], share, nulls, entry);
        }
    }
    return code;
}

static int gather(struct drift_memory *memory, const struct weir_window *window,
                  const struct drift_verdict *moved, struct gathered *all)
{
    const struct drift *drift = memory->drift;
    const struct drift_history *recent = &memory->explain.recent;
    struct drift_counts *counts = drift_counts_make_all(memory->now, drift->n_fields);
    int code = counts ? 0 : WEIR_ENOMEM;
    for (size_t e = 0; e < recent->n && !code; e++) {
        const struct drift_entry *entry = &recent->items[e];
        if (entry->end > window->end)
            continue;
        drift_counts_reset_all(counts, drift->n_fields);
        code = drift_entry_add(entry, counts, drift->n_fields);
        if (!code)
            code = add_pane(memory, moved, counts, entry, all);
    }
    drift_counts_free_all(counts, drift->n_fields);
    // What is usual is the present hour's again.
    return code || !all->seasonal ? code : drift_calibration_season(memory, window->start);
}

static void expect_what_came(struct series *of)
{
    for (size_t i = 0; i < of->cells; i++) {
        uint64_t seen = 0;
        for (size_t w = 0; w < of->n; w++)
            seen += of->count[w * of->cells + i];
        for (size_t w = 0; w < of->n && seen; w++)
            of->share[w * of->cells + i] = fmax(of->share[w * of->cells + i], LEAST);
    }
    for (size_t w = 0; w < of->n; w++) {
        double *share = of->share + w * of->cells, sum = 0;
        for (size_t i = 0; i < of->cells; i++)
            sum += share[i];
        for (size_t i = 0; i < of->cells && sum > 0; i++)
            share[i] /= sum;
    }
}

// Of what is told as a share the rest says nothing: cells become those on either end, what is in
// between, and nulls.
static void take_share(struct series *of, enum drift_test test)
{
    size_t values = of->cells - 1;
    if (test != DRIFT_TAIL && test != DRIFT_NULL_RATE)
        return;
    for (size_t w = 0; w < of->n; w++) {
        const uint64_t *count = of->count + w * of->cells;
        const double *share = of->share + w * of->cells;
        uint64_t seen[PARTS] = {0};
        double expected[PARTS] = {0};
        for (size_t i = 0; i <= values; i++) {
            int part = i == values               ? PARTS - 1
                       : test == DRIFT_NULL_RATE ? 1
                                                 : (i > 0) + (i + 1 == values);
            seen[part] += count[i];
            expected[part] += share[i];
        }
        memcpy(of->count + w * PARTS, seen, sizeof seen);
        memcpy(of->share + w * PARTS, expected, sizeof expected);
    }
    of->cells = PARTS;
    of->ordered = 0;
}

static int64_t time_at(const struct gathered *all, size_t k, double position)
{
    size_t n = all->of[k].n, w = position < (double)n ? (size_t)position : n - 1;
    double part = fmin(position - (double)w, 1);
    return all->start[k][w] + (int64_t)(part * (double)(all->end[k][w] - all->start[k][w]));
}

// Panes from `from` on. `whole`: to the pane, for within one it is a matter of a few values.
static int find_from(const struct drift_memory *memory, const struct gathered *all, size_t k,
                     const struct drift_verdict *verdict, double nearly, size_t from, int whole,
                     struct drift_onset *out)
{
    const struct series *of = &all->of[k];
    size_t f = (size_t)(verdict->field - memory->drift->fields);
    uint64_t worth = all->seasonal ? memory->calibration.pooled[f].rows : verdict->then->rows;
    struct weir_onset_series series = {.count = of->count + from * of->cells,
                                       .share = of->share + from * of->cells,
                                       .n = of->n - from,
                                       .cells = of->cells,
                                       .dispersion = fmax(verdict->dispersion, 1),
                                       .nearly = nearly,
                                       .worth = (double)worth,
                                       .ordered = of->ordered ? of->cells - 1 : 0};
    struct weir_onset onset;
    *out = (struct drift_onset){.known = 0};
    int code = of->n > from ? weir_onset_find(&series, &onset) : WEIR_EINVAL;
    if (code)
        return code == WEIR_ENOMEM ? code : 0;
    *out = (struct drift_onset){.known = 1,
                                .kind = onset.kind,
                                .at = time_at(all, k, (double)from + onset.begins),
                                .first = time_at(all, k, (double)from + onset.earliest),
                                .last = time_at(all, k, (double)from + onset.latest),
                                .open = onset.earliest <= 0};
    if (whole) {
        out->first = all->start[k][from + onset.first];
        out->last = all->end[k][from + onset.last];
    }
    return 0;
}

// The first pane after the field's last incident, if that is over; 0: there is none before it.
static size_t since_last(const struct drift_memory *memory, const struct gathered *all, size_t k,
                         size_t f)
{
    const struct drift_episodes *episodes = &memory->explain.episodes;
    int64_t until = INT64_MIN;
    size_t from = 0;
    for (size_t i = 0; i < episodes->n; i++) {
        const struct drift_episode *episode = &episodes->items[i];
        if (episode->field == f && !episode->open && episode->last > until)
            until = episode->last;
    }
    while (from < all->of[k].n && all->start[k][from] < until)
        from++;
    return from;
}

// What comes again began anew, where panes since the last time were as usual. Where they were not,
// it never ceased.
static int find(const struct drift_memory *memory, const struct gathered *all, size_t k,
                const struct drift_verdict *verdict, double nearly, int whole,
                struct drift_onset *out)
{
    size_t from = since_last(memory, all, k, (size_t)(verdict->field - memory->drift->fields));
    int code = find_from(memory, all, k, verdict, nearly, from, whole, out);
    return from && !code && (!out->known || out->open)
               ? find_from(memory, all, k, verdict, nearly, 0, whole, out)
               : code;
}

// ---- which was first

static int by_last(const void *a, const void *b)
{
    const struct drift_dated *x = a, *y = b;
    if (x->onset.last != y->onset.last)
        return x->onset.last < y->onset.last ? -1 : 1;
    return (x->field > y->field) - (x->field < y->field);
}

// The first are those that none is surely before; they are told where all others are surely later
// than each of them.
void drift_find_order(struct drift_dated *dated, size_t n, struct drift_order *out)
{
    qsort(dated, n, sizeof *dated, by_last);
    size_t best = 0;
    int64_t last = INT64_MIN;
    for (size_t first = 1; first < n && first <= DRIFT_ORDERED && !best; first++) {
        int64_t next = INT64_MAX;
        last = dated[first - 1].onset.last;
        for (size_t k = first; k < n; k++)
            next = dated[k].onset.first < next ? dated[k].onset.first : next;
        best = last < next ? first : 0;
    }
    if (!best)
        return;
    out->n_first = best;
    out->n_later = n - best;
    out->from = dated[0].onset;
    out->next = dated[best].onset;
    out->later = dated[best].field;
    for (size_t k = 0; k < best; k++)
        out->first[k] = dated[k].field;
}

static size_t room_of(const struct drift_memory *memory, const struct drift_verdict *verdict)
{
    size_t f = (size_t)(verdict->field - memory->drift->fields);
    return (DRIFT_RECENT + 1) * (memory->now[f].n + 1);
}

// Which was first is told of all that moved, or not at all.
static size_t count_dated(const struct drift_memory *memory, const struct drift_verdict *moved,
                          size_t n)
{
    size_t bytes = 0;
    for (size_t k = 0; k < n && k < FIELDS; k++)
        bytes += room_of(memory, &moved[k]) * (sizeof(uint64_t) + sizeof(double));
    return n <= FIELDS && bytes <= BYTES ? n : 1;
}

static int make(const struct drift_memory *memory, const struct drift_verdict *moved, size_t n,
                struct gathered *all)
{
    for (size_t k = 0; k < n; k++) {
        size_t cells = room_of(memory, &moved[k]);
        size_t f = (size_t)(moved[k].field - memory->drift->fields);
        all->of[k] = (struct series){.count = calloc(cells, sizeof(uint64_t)),
                                     .share = calloc(cells, sizeof(double)),
                                     .cells = memory->now[f].n + 1,
                                     .ordered = moved[k].then->shape == WEIR_SHAPE_NUMERIC};
        all->n = k + 1;
        if (!all->of[k].count || !all->of[k].share)
            return WEIR_ENOMEM;
    }
    return 0;
}

int drift_find_onsets(struct drift_memory *memory, const struct weir_window *window,
                      const struct drift_verdict *moved, size_t n, struct drift_explanation *out)
{
    struct gathered *all = calloc(1, sizeof *all);
    struct drift_dated dated[FIELDS];
    size_t n_dated = 0;
    int code = all ? make(memory, moved, count_dated(memory, moved, n), all) : WEIR_ENOMEM;
    if (!code) {
        all->seasonal = moved[0].score > 0 && memory->calibration.usual_first;
        code = gather(memory, window, moved, all);
    }
    for (size_t k = 0; !code && k < all->n; k++) {
        take_share(&all->of[k], moved[k].test);
        expect_what_came(&all->of[k]);
    }
    if (!code)
        code = find(memory, all, 0, &moved[0], NEARLY, 0, &out->onset);
    // Of so many intervals hardly one is to miss what it is about.
    double nearly = NEARLY + 2 * log((double)(all ? all->n : 1));
    for (size_t k = 0; !code && all->n > 1 && k < all->n; k++) {
        dated[n_dated].field = k;
        code = find(memory, all, k, &moved[k], nearly, 1, &dated[n_dated].onset);
        n_dated += dated[n_dated].onset.known != 0;
    }
    if (!code && n_dated == n)
        drift_find_order(dated, n_dated, &out->order);
    // One of those that moved by the share of false discoveries alone may be where its noise is.
    for (size_t k = 0; k < out->order.n_first; k++) {
        if (moved[out->order.first[k]].also)
            out->order.n_first = 0;
    }
    for (size_t k = 0; all && k < all->n; k++) {
        free(all->of[k].count);
        free(all->of[k].share);
    }
    free(all);
    return code;
}
