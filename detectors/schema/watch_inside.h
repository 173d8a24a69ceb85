// SPDX-License-Identifier: Apache-2.0
// The inside of watch.h, for watch.c and watch_state.c.
#ifndef WEIR_DETECTORS_SCHEMA_WATCH_INSIDE_H
#define WEIR_DETECTORS_SCHEMA_WATCH_INSIDE_H

#include "detectors/schema/watch.h"

enum { WATCH_BUCKETS = 512, WATCH_PANES = 64, WATCH_EVERY = 8 };

// The majority value of those that fall here (Boyer and Moore), by weight: it came between `lead`
// and (lead + total) / 2 times.
struct watch_bucket {
    uint64_t bits;
    uint32_t lead, total;
};

struct watch_field { // of one pane
    struct schema_weights values;
    struct watch_bucket *buckets; // NULL: none asked for
    struct schema_weights texts;
    uint64_t low;
    uint64_t unlike[SCHEMA_LOW];
    size_t n_unlike;
    uint64_t broken;
};

struct watch_pane {
    int64_t start;
    uint64_t rows, stale;
    struct schema_weights sampled;
    int64_t oldest;
    struct watch_field *fields;
    uint64_t swapped[SCHEMA_PAIRS];
};

struct watch_memo { // what a string says, by dictionary code
    uint8_t *text;
    uint64_t *pairs;
    uint32_t n, room, generation;
};

struct schema_watch {
    const struct schema *schema;
    struct watch_pane *panes[WATCH_PANES]; // by start
    size_t n_panes;
    struct watch_memo *memos; // a field
    // Of the rows at hand: pairs that one value, and that both values, speak for.
    uint64_t once[WEIR_BATCH_ROWS], twice[WEIR_BATCH_ROWS];
    uint32_t rows[WEIR_BATCH_ROWS];
    uint32_t light; // so many of them, the first, weigh 1, the others WATCH_EVERY
};

void watch_pane_free(const struct schema *schema, struct watch_pane *pane);
// The pane that begins at `start`, made where there is none; NULL when memory is out, or there
// are WATCH_PANES (then *full is set).
struct watch_pane *watch_pane_at(struct schema_watch *watch, int64_t start, int *full);

#endif
