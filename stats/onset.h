// SPDX-License-Identifier: Apache-2.0
// Since when counts are unlike what was expected: a change point of multinomial likelihood over an
// ordered run of windows, with the interval of those that are nearly as likely.
#ifndef WEIR_STATS_ONSET_H
#define WEIR_STATS_ONSET_H

#include <stddef.h>
#include <stdint.h>

struct weir_onset_series {
    const uint64_t *count; // [window][cell]
    const double *share;   // the same: what was expected of each window, sum 1
    size_t n, cells;
    double dispersion; // >= 1: windows vary so many times as much as samples do
};

struct weir_onset {
    size_t at;          // the first window that is unlike
    size_t first, last; // windows that may as well be: 2 (largest ln likelihood - its own) < 6
    int gradual;        // the change grew: a ramp fits better than a step (BIC, equal parameters)
};

// 0, or WEIR_EINVAL where the windows hold no values, or WEIR_ENOMEM.
int weir_onset_find(const struct weir_onset_series *series, struct weir_onset *onset);

#endif
