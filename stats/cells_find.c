// SPDX-License-Identifier: Apache-2.0
// The cell of a number is the number of cuts below it. A table over coarse bins of the numbers
// gives the number of cuts in earlier bins; the few in the value's own bin are compared, without
// a branch. Bins are even steps, or even steps of the number's bits (some even parts of each
// octave); whichever leaves fewer cuts in the fullest bin. Where both leave many, the search is
// binary.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/cells_index.h"
#include "stats/hash.h"
#include "stats/summary.h"

enum {
    BINS = 2048,
    STEPS = 4,        // more cuts in a bin than this: binary search is as fast
    TABLE_CUTS = 255, // a table's entry is a byte
    OCTAVES = 24      // that log bins resolve below the largest cut
};

enum way { BINARY, EVEN, LOG };

struct bins {
    double low, per_step; // EVEN
    uint64_t base, reach; // LOG: magnitudes (as bits) from `base` on, at most `reach` beyond
    unsigned shift;
};

struct weir_cells_index {
    uint64_t hash;
    enum way way;
    unsigned steps; // of comparison, for the fullest bin
    struct bins bins;
    uint8_t before[BINS];
    double *cuts; // padded with infinities to `padded`, a power of two less one, plus STEPS
    size_t padded;
    // Categories: 1 + number by hash, linear probing.
    uint32_t *slots;
    size_t n_slots;
};

static inline uint32_t even_bin(const struct bins *bins, double x)
{
    double step = (x - bins->low) * bins->per_step;
    step = step > 0 ? step : 0;
    step = step < BINS - 1 ? step : BINS - 1;
    return (uint32_t)(int32_t)step;
}

static inline uint32_t log_bin(const struct bins *bins, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t magnitude = bits & 0x7fffffffffffffffu;
    magnitude = magnitude > bins->base ? magnitude - bins->base : 0;
    magnitude = magnitude < bins->reach ? magnitude : bins->reach;
    int32_t step = (int32_t)(magnitude >> bins->shift);
    return (uint32_t)(BINS / 2 + (bits >> 63 ? -step : step));
}

static uint32_t bin_of(const struct weir_cells_index *index, double x)
{
    return index->way == EVEN ? even_bin(&index->bins, x) : log_bin(&index->bins, x);
}

// Fills the table; the number of cuts in the fullest bin.
static unsigned fill(struct weir_cells_index *index, const double *cuts, size_t n)
{
    uint8_t in[BINS] = {0};
    unsigned most = 0, before = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned now = ++in[bin_of(index, cuts[i])];
        most = now > most ? now : most;
    }
    for (size_t b = 0; b < BINS; b++) {
        index->before[b] = (uint8_t)before;
        before += in[b];
    }
    return most;
}

static unsigned try_even(struct weir_cells_index *index, const double *cuts, size_t n)
{
    struct bins *bins = &index->bins;
    index->way = EVEN;
    bins->low = cuts[0];
    bins->per_step = (BINS - 2) / (cuts[n - 1] - cuts[0]);
    if (!isfinite(bins->per_step) || !(bins->per_step > 0) || isinf(cuts[n - 1] - cuts[0]))
        return TABLE_CUTS;
    return fill(index, cuts, n);
}

static unsigned try_log(struct weir_cells_index *index, const double *cuts, size_t n)
{
    struct bins *bins = &index->bins;
    double largest = fmax(fabs(cuts[0]), fabs(cuts[n - 1])), smallest = largest;
    for (size_t i = 0; i < n; i++) {
        double magnitude = fabs(cuts[i]);
        if (magnitude < smallest && magnitude > ldexp(largest, -OCTAVES))
            smallest = magnitude;
    }
    uint64_t low, high;
    memcpy(&low, &smallest, sizeof low);
    memcpy(&high, &largest, sizeof high);
    index->way = LOG;
    bins->base = low;
    bins->reach = high - low;
    for (bins->shift = 0; bins->reach >> bins->shift > BINS / 2 - 2; bins->shift++) {
    }
    bins->reach += (uint64_t)1 << bins->shift;
    return fill(index, cuts, n);
}

static int index_cuts(struct weir_cells_index *index, const struct weir_cells *cells)
{
    size_t n = cells->n - 1;
    index->padded = 1;
    while (index->padded < n)
        index->padded = index->padded * 2 + 1;
    size_t room = index->padded + STEPS + 1;
    index->cuts = malloc(room * sizeof *index->cuts);
    if (!index->cuts)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < room; i++)
        index->cuts[i] = i < n ? cells->cuts[i] : INFINITY;
    index->way = BINARY;
    if (n < 1 || n >= TABLE_CUTS)
        return 0;
    unsigned even = try_even(index, cells->cuts, n);
    unsigned log = try_log(index, cells->cuts, n);
    index->steps = log;
    if (even <= log)
        index->steps = try_even(index, cells->cuts, n);
    if (index->steps > STEPS)
        index->way = BINARY;
    return 0;
}

static int index_categories(struct weir_cells_index *index, const struct weir_cells *cells)
{
    index->n_slots = 16;
    while (index->n_slots < 2 * cells->n_categories)
        index->n_slots *= 2;
    index->slots = calloc(index->n_slots, sizeof *index->slots);
    if (!index->slots)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < cells->n_categories; i++) {
        size_t slot = cells->categories[i].hash & (index->n_slots - 1);
        while (index->slots[slot])
            slot = (slot + 1) & (index->n_slots - 1);
        index->slots[slot] = (uint32_t)i + 1;
    }
    return 0;
}

int weir_cells_index_make(struct weir_cells *cells)
{
    struct weir_cells_index *index = calloc(1, sizeof *index);
    struct weir_buffer bytes;
    if (!index)
        return WEIR_ENOMEM;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    int code = weir_cells_write(cells, &bytes);
    if (!code)
        index->hash = weir_hash(bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    if (!code && cells->shape == WEIR_SHAPE_NUMERIC)
        code = index_cuts(index, cells);
    else if (!code && cells->shape != WEIR_SHAPE_BOOLEAN)
        code = index_categories(index, cells);
    if (code)
        weir_cells_index_free(index);
    else
        cells->index = index;
    return code;
}

void weir_cells_index_free(struct weir_cells_index *index)
{
    if (!index)
        return;
    free(index->cuts);
    free(index->slots);
    free(index);
}

uint64_t weir_cells_index_hash(const struct weir_cells_index *index)
{
    return index->hash;
}

static size_t search(const double *cuts, size_t n, double x)
{
    size_t low = 0;
    while (n) {
        size_t half = n / 2;
        if (cuts[low + half] < x) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

size_t weir_cells_find(const struct weir_cells *cells, double x)
{
    return search(cells->cuts, cells->n - 1, x);
}

// One loop for each way and number of comparisons, so that both are known inside.
#define COUNT(bin, comparisons)                                                                    \
    for (size_t i = 0; i < n; i++) {                                                               \
        size_t at = before[bin(&bins, x[i])];                                                      \
        for (int s = 0; s < (comparisons); s++)                                                    \
            at += cuts[at] < x[i];                                                                 \
        cell[at]++;                                                                                \
    }

static void count_by_table(const struct weir_cells_index *index, const double *restrict x, size_t n,
                           uint64_t *restrict cell)
{
    const struct bins bins = index->bins; // in registers: no store can change it
    const uint8_t *restrict before = index->before;
    const double *restrict cuts = index->cuts;
    switch (index->way == EVEN ? index->steps : index->steps + 100) {
    case 1:
        COUNT(even_bin, 1)
        break;
    case 2:
        COUNT(even_bin, 2)
        break;
    case 3:
    case STEPS:
        COUNT(even_bin, STEPS)
        break;
    case 101:
        COUNT(log_bin, 1)
        break;
    case 102:
        COUNT(log_bin, 2)
        break;
    default:
        COUNT(log_bin, STEPS)
    }
}

static void count_by_search(const struct weir_cells_index *index, const double *x, size_t n,
                            uint64_t *cell)
{
    const double *cuts = index->cuts;
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        for (size_t step = (index->padded + 1) / 2; step; step /= 2)
            at += cuts[at + step - 1] < x[i] ? step : 0;
        cell[at]++;
    }
}

void weir_cells_count(const struct weir_cells *cells, const double *x, size_t n, uint64_t *cell)
{
    if (!cells->index) {
        for (size_t i = 0; i < n; i++)
            cell[search(cells->cuts, cells->n - 1, x[i])]++;
    } else if (cells->index->way == BINARY) {
        count_by_search(cells->index, x, n, cell);
    } else {
        count_by_table(cells->index, x, n, cell);
    }
}

// ---- categories

static size_t find_category(const struct weir_cells *cells, const struct weir_string *string)
{
    if (!cells->index) {
        for (size_t i = 0; i < cells->n_categories; i++) {
            if (cells->categories[i].length == string->length &&
                (!string->length ||
                 !memcmp(cells->categories[i].data, string->data, string->length)))
                return i;
        }
        return cells->n;
    }
    const struct weir_cells_index *index = cells->index;
    size_t slot = string->hash & (index->n_slots - 1);
    for (; index->slots[slot]; slot = (slot + 1) & (index->n_slots - 1)) {
        size_t i = index->slots[slot] - 1;
        if (cells->categories[i].hash == string->hash &&
            cells->categories[i].length == string->length &&
            (!string->length || !memcmp(cells->categories[i].data, string->data, string->length)))
            return i;
    }
    return cells->n;
}

int weir_cells_knows(const struct weir_cells *cells, uint64_t hash)
{
    size_t n = cells->known ? cells->n_known : 0, low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (cells->known[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && cells->known[low] == hash;
}

size_t weir_cells_find_string(const struct weir_cells *cells, const struct weir_string *string,
                              int *unseen)
{
    size_t i = find_category(cells, string);
    *unseen = i == cells->n && cells->known && !weir_cells_knows(cells, string->hash);
    return i < cells->n ? i : cells->n_categories + string->hash % WEIR_HASHED_CELLS;
}
