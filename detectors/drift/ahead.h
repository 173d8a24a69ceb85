// SPDX-License-Identifier: Apache-2.0
// What the last windows say of the next: fields have a memory, so that what is left after the
// season (its signals, stats/cell_signal.h) goes on for a while. Beside what is usual at its hour
// a window is compared with that, moved by what is left: its error is that of one step ahead.
#ifndef WEIR_DRIFT_AHEAD_H
#define WEIR_DRIFT_AHEAD_H

#include "stats/cell_signal.h"
#include "weir/error.h"

struct drift_memory;
struct drift_verdict;
struct weir_buffer;
struct weir_reader;

struct drift_ahead { // of a field
    // An AR(1) process seen through noise: of what is left `keep` is there a window later, and
    // `gain` of what was not foreseen is learnt. gain 0: nothing is foreseen.
    double keep, gain;
    double left[WEIR_SIGNAL_CATEGORIES]; // as of the window that started at
    int64_t at;                          // INT64_MIN: none yet; long ago: it is not known
};

// Learns from the signals of the stretch ([window][field][signal]), and fills `foreseen`
// ([window][field][WEIR_SIGNAL_CATEGORIES]) for each of its windows; NAN after a gap.
void drift_ahead_learn(struct drift_memory *memory, const float *signals, float *foreseen);
// Moves an expectation, which is in calibration->room, by what was foreseen.
void drift_ahead_move(struct drift_memory *memory, const struct weir_expectation *expected,
                      const double *foreseen);
// Whether the windows before `start` say anything of it: not after a gap.
int drift_ahead_knows(const struct drift_memory *memory, size_t field, int64_t start);
// What is left by `start`, into `out` (WEIR_SIGNAL_CATEGORIES); 0 where nothing is known.
void drift_ahead_at(const struct drift_memory *memory, size_t field, int64_t start, double *out);
// Adds the window's signals, but for fields that moved or drift: what they are at is not usual.
void drift_ahead_add(struct drift_memory *memory, int64_t start, const struct drift_verdict *moved,
                     size_t n_moved);
int drift_ahead_write(const struct drift_memory *memory, struct weir_buffer *out);
int drift_ahead_read(struct drift_memory *memory, struct weir_reader *in); // WEIR_ECORRUPT

#endif
