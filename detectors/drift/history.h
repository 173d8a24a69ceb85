// SPDX-License-Identifier: Apache-2.0
// Counts of past windows, packed: what drift compares with besides profiles is sums of these.
#ifndef WEIR_DRIFT_HISTORY_H
#define WEIR_DRIFT_HISTORY_H

#include "stats/buffer.h"
#include "stats/cell_score.h"
#include "weir/error.h"
#include "weir/summary.h"

// One field of one window, or of several together. Adding is all that is done with it, so sums do
// not depend on the order.
struct drift_counts {
    uint64_t rows, null, values, unseen; // `null` with those that are missing
    uint64_t *cell;                      // n; of cells that belong to the field's owner
    size_t n;                            // 0: it has no cells yet
};

int drift_counts_init(struct drift_counts *counts, size_t n_cells); // WEIR_ENOMEM
void drift_counts_free(struct drift_counts *counts);
// The same with another number of cells, and empty. WEIR_ENOMEM.
int drift_counts_shape(struct drift_counts *counts, size_t n_cells);
// What a summary counted, in its own cells and as long as it lives; n = 0 where it has none.
struct drift_counts drift_counts_of(const struct weir_summary *summary);
void drift_counts_reset(struct drift_counts *counts);
void drift_counts_add(struct drift_counts *into, const struct drift_counts *from);
// What was added before.
void drift_counts_take_off(struct drift_counts *from, const struct drift_counts *added);
// Those of n fields, with as many cells each as in `like`; NULL: no memory.
struct drift_counts *drift_counts_make_all(const struct drift_counts *like, size_t n);
// Freed with the list itself, which may be NULL.
void drift_counts_reset_all(struct drift_counts *fields, size_t n);
void drift_counts_free_all(struct drift_counts *fields, size_t n);

struct weir_cell_observation drift_counts_seen(const struct drift_counts *counts);

struct drift_entry {
    int64_t start, end; // event time, ms
    uint8_t *bytes;
    size_t length;
};

struct drift_history {
    struct drift_entry *items; // by start
    size_t n, capacity, bytes;
};

// The most that one history holds: the oldest entries go first.
enum { DRIFT_HISTORY_BYTES = 64 << 20 };

void drift_history_free(struct drift_history *history);
// Appends a window, which starts where the last one ended or later; others are left out.
int drift_history_add(struct drift_history *history, int64_t start, int64_t end,
                      const struct drift_counts *fields, size_t n_fields);
// Forgets what ended before `time`, but for the newest `keep`.
void drift_history_forget(struct drift_history *history, int64_t time, size_t keep);
// Forgets the oldest until the rest takes no more than so many bytes, but for those that ended
// after `time`, and for the newest `keep`.
void drift_history_fit(struct drift_history *history, size_t bytes, int64_t time, size_t keep);
// Appends a copy of another history's entry. WEIR_ENOMEM.
int drift_history_take(struct drift_history *history, const struct drift_entry *entry);
// Adds an entry's counts to `fields`; a field that had other cells then is left out.
// WEIR_ECORRUPT: the bytes are not of so many fields.
int drift_entry_add(const struct drift_entry *entry, struct drift_counts *fields, size_t n_fields);

// The same of one field, whose bytes begin at *at: that goes on to the next field's.
int drift_entry_add_one(const struct drift_entry *entry, size_t *at, struct drift_counts *field);

int drift_counts_write(const struct drift_counts *fields, size_t n_fields, struct weir_buffer *out);
// Adds what was written for `n_saved` fields: the i-th to fields[map[i]], or nowhere where that is
// -1. Fields whose number of cells differs are left out. WEIR_ECORRUPT.
int drift_counts_read_add(struct weir_reader *in, const int *map, size_t n_saved,
                          struct drift_counts *fields);

int drift_history_write(const struct drift_history *history, struct weir_buffer *out);
// Into an empty history; `scratch` has one a field and is overwritten.
int drift_history_read(struct drift_history *history, struct weir_reader *in, const int *map,
                       size_t n_saved, struct drift_counts *scratch, size_t n_fields);

#endif
