// SPDX-License-Identifier: Apache-2.0
// Finding the cell of a value. Names, bytes and freeing of cells are in stats/summary.h, making
// them from data in stats/cells_build.h.
#ifndef WEIR_STATS_CELLS_H
#define WEIR_STATS_CELLS_H

#include "weir/error.h"
#include "weir/summary.h"

// What cells may be at most: more is refused when they are read.
enum {
    WEIR_CELLS_CUTS = 4096,
    WEIR_CELLS_CATEGORIES = 65536,
    WEIR_CELLS_KNOWN = 1 << 20,
    WEIR_CELLS_TEXT = 1 << 16 // bytes of one category
};

// Copies `from` into one that owns all it points to, and checks it: finite ascending cuts, a
// usable centre and scale, a number of cells that fits. Free it with weir_cells_free().
int weir_cells_copy(const struct weir_cells *from, struct weir_cells **cells,
                    struct weir_error *error);

// Adds one to the cell of each value. `x` is finite and holds no negative zero.
void weir_cells_count(const struct weir_cells *cells, const double *x, size_t n, uint64_t *cell);
size_t weir_cells_find(const struct weir_cells *cells, double x);
// The cell of a string; *unseen: the reference has no such value.
size_t weir_cells_find_string(const struct weir_cells *cells, const struct weir_string *string,
                              int *unseen);
// Whether the reference has a string of that hash; 0 where it does not list them.
int weir_cells_knows(const struct weir_cells *cells, uint64_t hash);
// Whether numeric cell i is that of one value alone.
int weir_cells_is_atom(const struct weir_cells *cells, size_t i);

#endif
