// SPDX-License-Identifier: Apache-2.0
// What makes the search in cells fast. Inside libweir-stats only.
#ifndef WEIR_STATS_CELLS_INDEX_H
#define WEIR_STATS_CELLS_INDEX_H

#include "weir/summary.h"

// Makes the index of cells that own their arrays. WEIR_ENOMEM.
int weir_cells_index_make(struct weir_cells *cells);
void weir_cells_index_free(struct weir_cells_index *index);
uint64_t weir_cells_index_hash(const struct weir_cells_index *index);

#endif
