// SPDX-License-Identifier: Apache-2.0
// Power and delay of a change in one of 100 features, beside formulas that others decide by, all
// at the same measured rate of false incidents.
#ifndef WEIR_BENCH_ALARMS_POWER_H
#define WEIR_BENCH_ALARMS_POWER_H

#include <stddef.h>
#include <stdint.h>

enum { CALIBRATIONS = 32, TRIALS = 4096 }; // at most; trials of all calibrations

// `only`: changes whose name has this in it; NULL: all.
void power(int calibrations, int trials, int64_t days, uint64_t rows, size_t first,
           const char *only);

#endif
