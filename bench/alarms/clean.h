// SPDX-License-Identifier: Apache-2.0
// Months in which nothing happens, and what is counted in them.
#ifndef WEIR_BENCH_ALARMS_CLEAN_H
#define WEIR_BENCH_ALARMS_CLEAN_H

#include "bench/alarms/peers.h"
#include "bench/alarms/world.h"
#include "stats/alarm_budget.h"

extern const struct weir_alarm_life life;

struct result {
    size_t incidents, windows_in_alarm, windows;
};
void add_series(struct result *result, const double *series, size_t n, double threshold);
double months_of(const struct result *result);
void print_result(const char *name, const struct result *result);

// Series of clean windows: 0 or 1, or the largest statistic.
enum { OMNIBUS, SLOW, EITHER, WAYS };
struct run {
    double *weir[WAYS], *floors[WAYS], *peers[PEERS], *three_sd;
    size_t n, n_peers; // windows; others' formulas for the first of them only
};
struct run make_run(size_t n);
void free_run(struct run *run);

// Significance alone is delta 0.01, which leaves next to no floors.
enum { NO_FLOORS, FLOORS, JUDGES };
// The states of the first `judges` after the 30 days that calibrate.
void calibrate(struct weir_buffer saved[JUDGES], int judges, int with_peers);
// Appends the days after them: significance alone, with `floors` also with the floors on effects,
// and others' formulas for `peer_days`.
void run_clean(struct run *run, const struct weir_buffer saved[JUDGES], int64_t days, int floors,
               int64_t peer_days);
void print_peers(const struct run *run); // at their own defaults

#endif
