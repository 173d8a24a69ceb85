// SPDX-License-Identifier: Apache-2.0
// What the files of the onset share.
#ifndef WEIR_STATS_ONSET_INSIDE_H
#define WEIR_STATS_ONSET_INSIDE_H

#include "stats/onset.h"

// Adds a window's counts to `seen`, and what was expected of them to `expected`; returns how many
// values it has.
double weir_onset_sum(const struct weir_onset_series *series, size_t w, double *seen,
                      double *expected);
// ln of how many times as frequent each cell is in windows `from` to the end as was expected,
// less what chance alone makes of it. `room`: 2 times the cells. 0 where nothing is left.
int weir_onset_ratio(const struct weir_onset_series *series, size_t from, double *room,
                     double *ln_ratio);
// How a change came that took the windows from `from` on.
enum weir_onset_kind weir_onset_way(const struct weir_onset_series *series, size_t from,
                                    double *room, double *ln_ratio);
// Moves begins, earliest and latest within windows.
void weir_onset_sharpen(const struct weir_onset_series *series, double nearly, double *room,
                        double *ln_ratio, double *after, struct weir_onset *onset);

#endif
