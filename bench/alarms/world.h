// SPDX-License-Identifier: Apache-2.0
// A stream that is simulated window by window, and a host for the drift detector that looks at it.
// One world at a time.
#ifndef WEIR_BENCH_ALARMS_WORLD_H
#define WEIR_BENCH_ALARMS_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"
#include "stats/summary.h"
#include "weir/detector.h"

enum { HALF = 100, MOST = 2 * HALF, CUTS = 35, CELLS = 36, KINDS = 8, HOURS = 24, MONTH = 720 };

struct feature {
    int category;
    double day, week, phase, memory; // amplitudes in sd; of the level now
    double base[KINDS];              // of categories
};

enum change { NONE, SHIFT, SMALL_SHIFT, SCALE, TAIL, MIXTURE, CATEGORY, RAMP, CHANGES };
extern const char *const change_names[];

struct world {
    struct feature features[MOST];
    size_t first, n;
    struct weir_cells *cells[2];
    struct weir_summary reference[MOST], now[MOST];
    double flat[MOST][CELLS]; // shares at no level
    uint64_t rows;
    enum change change;
    double since; // hours of the change
    double size;  // of a shift; 0: as its name says
};
extern struct world world;

void make_cells(void); // once, first
// Features first to first + n - 1, the first HALF stationary, the others not; hour 0, no change.
void make_world(uint64_t seed, size_t first, size_t n, uint64_t rows);
void draw_window(int64_t hour);    // into world.now
size_t victim(enum change change); // the feature that a change hits

struct verdict {       // of a window
    int omnibus, slow; // incidents of either kind
    int right;         // the victim leads one
};
extern int provisional; // some finding was
extern double closing;  // CPU seconds spent in the detector,
extern uint64_t closed; // for so many windows

void *make_instance(double delta);
void *make_owner(void *instance);
void *restored(void *instance, const struct weir_buffer *saved);
struct verdict judge(void *owner, int64_t hour);

#endif
