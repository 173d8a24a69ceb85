// SPDX-License-Identifier: Apache-2.0
// The slices of a key: once seen they are in each of its windows, in one order, until they are
// forgotten.
#include <stdlib.h>
#include <string.h>

#include "consumer/task/merger.h"

// Those that were not seen for so long are forgotten.
#define FORGET ((int64_t)28 * 24 * 3600 * 1000)

static int compare_values(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
    struct weir_span x[WEIR_SLICE_FIELDS], y[WEIR_SLICE_FIELDS];
    size_t n = weir_pane_key_values(a, a_length, x, WEIR_SLICE_FIELDS);
    size_t m = weir_pane_key_values(b, b_length, y, WEIR_SLICE_FIELDS);
    for (size_t i = 0; i < n && i < m; i++) {
        size_t shorter = x[i].length < y[i].length ? x[i].length : y[i].length;
        int order = shorter ? memcmp(x[i].data, y[i].data, shorter) : 0;
        if (order)
            return order;
        if (x[i].length != y[i].length)
            return x[i].length < y[i].length ? -1 : 1;
    }
    return (n > m) - (n < m);
}

static size_t lower_bound(const struct weir_merge_key *key, unsigned by, const uint8_t *bytes,
                          size_t length, int *found)
{
    size_t low = 0, high = key->n_tracked;
    *found = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct weir_tracked *at = &key->tracked[middle];
        int order = at->by != by ? (at->by < by ? -1 : 1)
                                 : compare_values(at->key, at->length, bytes, length);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
        if (!order)
            *found = 1;
    }
    return low;
}

int weir_merger_track(struct weir_merger *merger, struct weir_merge_key *key, unsigned by,
                      const uint8_t *bytes, size_t length, uint64_t hash, int64_t start)
{
    int found;
    size_t at = lower_bound(key, by, bytes, length, &found);
    if (found) {
        key->tracked[at].seen = start > key->tracked[at].seen ? start : key->tracked[at].seen;
        return 1;
    }
    if (key->n_tracked >= (size_t)merger->plan->config->limit_slices || merger->room <= 0)
        return 0;
    if (key->n_tracked == key->tracked_capacity) {
        size_t capacity = key->tracked_capacity ? key->tracked_capacity * 2 : 16;
        struct weir_tracked *grown = realloc(key->tracked, capacity * sizeof *grown);
        if (!grown) {
            merger->failed = WEIR_ENOMEM;
            return 0;
        }
        key->tracked = grown;
        key->tracked_capacity = capacity;
    }
    uint8_t *copy = malloc(length ? length : 1);
    if (!copy) {
        merger->failed = WEIR_ENOMEM;
        return 0;
    }
    memcpy(copy, bytes, length);
    memmove(&key->tracked[at + 1], &key->tracked[at], (key->n_tracked - at) * sizeof *key->tracked);
    key->tracked[at] = (struct weir_tracked){by, copy, length, hash, start};
    key->n_tracked++;
    merger->room -= (int64_t)(key->slice_bytes + length);
    return 1;
}

static int by_size(const void *a, const void *b)
{
    const struct weir_pane_slice *x = *(const struct weir_pane_slice *const *)a;
    const struct weir_pane_slice *y = *(const struct weir_pane_slice *const *)b;
    if (x->rows != y->rows)
        return x->rows > y->rows ? -1 : 1;
    if (x->by != y->by)
        return x->by < y->by ? -1 : 1;
    return compare_values(x->key, x->key_length, y->key, y->key_length);
}

uint64_t weir_merger_track_window(struct weir_merger *merger, struct weir_merge_key *key,
                                  const struct weir_pane *window, int64_t start)
{
    const struct weir_pane_slice **fresh = malloc(window->n_slices * sizeof *fresh);
    size_t n_fresh = 0;
    uint64_t refused = 0;
    if (!fresh) {
        merger->failed = WEIR_ENOMEM;
        return 0;
    }
    for (size_t i = 0; i < window->n_slices; i++) {
        const struct weir_pane_slice *slice = &window->slices[i];
        int found = !slice->by;
        size_t at = found ? 0 : lower_bound(key, slice->by, slice->key, slice->key_length, &found);
        if (!found)
            fresh[n_fresh++] = slice;
        else if (slice->by && start > key->tracked[at].seen)
            key->tracked[at].seen = start;
    }
    if (n_fresh > 1)
        qsort(fresh, n_fresh, sizeof *fresh, by_size);
    for (size_t i = 0; i < n_fresh; i++) {
        if (!weir_merger_track(merger, key, fresh[i]->by, fresh[i]->key, fresh[i]->key_length,
                               fresh[i]->hash, start))
            refused += fresh[i]->rows;
    }
    free(fresh);
    size_t kept = 0;
    for (size_t i = 0; i < key->n_tracked; i++) {
        // Windows of records have no length in time: their slices stay until the limit.
        if (!key->plan->window.records && key->tracked[i].seen < start - FORGET)
            free(key->tracked[i].key);
        else
            key->tracked[kept++] = key->tracked[i];
    }
    key->n_tracked = kept;
    return refused;
}
