// SPDX-License-Identifier: Apache-2.0
// Fills, merges and writes summaries (weir/summary.h). Everything but `top` is order-free to the
// byte: absorbing and merging in any order and grouping writes the same bytes.
#ifndef WEIR_STATS_SUMMARY_H
#define WEIR_STATS_SUMMARY_H

#include "stats/buffer.h"
#include "weir/error.h"
#include "weir/summary.h"

// What a summary shall hold. `cells` outlives the summary.
struct weir_summary_spec {
    enum weir_shape shape;
    unsigned parts;
    const struct weir_cells *cells; // NULL: none; moments are then about 0 with scale 1
    uint32_t top_capacity;          // 0: 64
};

int weir_summary_init(struct weir_summary *summary, const struct weir_summary_spec *spec);
void weir_summary_free(struct weir_summary *summary);
// Empties it, keeping its memory.
void weir_summary_reset(struct weir_summary *summary);

// Takes in the values of `rows` (ascending, `n` of them; NULL: all rows of the column, which is
// the fast way). For a list column the elements of those rows. `scratch` belongs to the caller's
// thread and column, and keeps what can be kept by dictionary code (cells, hashes).
// WEIR_EINVAL: a column whose type does not fit the shape; nothing was taken in. WEIR_ENOMEM: some
// values may have been.
struct weir_absorb_scratch;
int weir_absorb_scratch_create(struct weir_absorb_scratch **scratch);
void weir_absorb_scratch_destroy(struct weir_absorb_scratch *scratch);
size_t weir_absorb_scratch_memory(const struct weir_absorb_scratch *scratch); // bytes held
int weir_summary_absorb(struct weir_summary *summary, const struct weir_column *column,
                        const uint32_t *rows, size_t n, struct weir_absorb_scratch *scratch);

// Adds `from` to `into`. WEIR_EINVAL where their specs differ; after WEIR_ENOMEM, here and when
// absorbing or reading, `into` has a part of it and is good for nothing but free().
int weir_summary_merge(struct weir_summary *into, const struct weir_summary *from);

// Canonical bytes, compact (zeros are cheap); reading needs the spec that wrote them, checks all
// lengths and never trusts a count. Parts and cell count are in the bytes and must fit.
int weir_summary_write(const struct weir_summary *summary, struct weir_buffer *out);
// Adds what was written to `into`: reading into an empty one restores it.
int weir_summary_read_merge(struct weir_summary *into, struct weir_reader *in);

size_t weir_summary_memory(const struct weir_summary *summary); // bytes held, itself included

double weir_moments_mean(const struct weir_moments *moments, const struct weir_cells *cells);
// Sample variance (n - 1); 0 for n < 2.
double weir_moments_variance(const struct weir_moments *moments, const struct weir_cells *cells);
// The q-quantile by the sketch, else by the cells; NAN where there is neither or no value.
double weir_summary_quantile(const struct weir_summary *summary, double q);

// The name of cell i for people: "(12, 15.5]", "JP", "rarer values (group 17)".
void weir_cells_name(const struct weir_cells *cells, size_t i, char *out, size_t size);

// Deep copies, and bytes, of cells (profiles hold them).
int weir_cells_write(const struct weir_cells *cells, struct weir_buffer *out);
int weir_cells_read(struct weir_reader *in, struct weir_cells **cells, struct weir_error *error);
void weir_cells_free(struct weir_cells *cells);
uint64_t weir_cells_hash(const struct weir_cells *cells);

#endif
