// SPDX-License-Identifier: Apache-2.0
// Cells of numbers that no profile knows. They are cut from the first 1,000 values, so that other
// slices can be compared with at once; and once more, for good, when the first day is there: the
// values of a few hours of a rhythm would leave most of the others in the outermost cells. Until
// then the windows' sketches are kept, from which all that was counted is counted anew.
#ifndef WEIR_DRIFT_CUTS_H
#define WEIR_DRIFT_CUTS_H

#include "detectors/drift/history.h"
#include "stats/ddsketch.h"

struct drift_memory;
struct weir_window;
struct weir_cells;

struct drift_sketched { // a field in a window
    int64_t start, end; // event time, ms
    uint64_t rows, null, values, unseen;
    uint8_t *bytes; // of its sketch
    size_t length;
};

struct drift_own {
    struct weir_cells *cells;           // NULL: there are too few values yet
    struct weir_ddsketch *first;        // of all values so far; NULL: the cells are fixed for good
    int64_t since;                      // start of the first window with values; INT64_MIN: none
    struct drift_sketched *windows;     // those that do not overlap, while `first` is there
    size_t n_windows, capacity, length; // bytes of all
};

// The most that is kept of one detector's windows, bytes: then cells are fixed as they are due.
enum { DRIFT_CUTS_BYTES = 16 << 20 };

int drift_own_init(struct drift_own *own); // WEIR_ENOMEM
void drift_own_free(struct drift_own *own);
// Takes the window in, before it is counted, and cuts cells where that is due. WEIR_ENOMEM.
int drift_cuts_add(struct drift_memory *memory, const struct weir_window *window);
int drift_own_write(const struct drift_own *own, struct weir_buffer *out);
// Into one that was just made. `has_cells`: as it was written. WEIR_ECORRUPT, WEIR_ENOMEM.
int drift_own_read(struct drift_own *own, int has_cells, struct weir_reader *in);

#endif
