// SPDX-License-Identifier: Apache-2.0
// Since when counts are unlike what was expected, and how that came: a change point of multinomial
// likelihood over an ordered run of windows, with the interval of times that are nearly as likely.
//
// A change is sudden, or takes several windows (a step against a ramp, by BIC). Of the latter, in
// the words of Gama et al., "A survey on concept drift adaptation" (2014): it is gradual where old
// and new records are mixed, with ever more new ones, and incremental where values pass through
// what is in between. The windows on the way are asked which: whether a mixture (1 - t) p + t q of
// before and after is likelier than p^(1 - t) q^t, the path that a moving level or spread takes.
#ifndef WEIR_STATS_ONSET_H
#define WEIR_STATS_ONSET_H

#include <stddef.h>
#include <stdint.h>

struct weir_onset_series {
    const uint64_t *count; // [window][cell]
    const double *share;   // the same: what was expected of each window, sum 1
    size_t n, cells;
    double dispersion; // >= 1: windows vary so many times as much as samples do
    // Times may as well be the onset where 2 (largest ln likelihood - their own) is under it; 0: 6.
    double nearly;
    // Values that the expectation was learnt from: it is not surer than they make it. 0: exact.
    double worth;
    size_t ordered; // so many of the cells, the first ones, are of numbers, ascending; 0: none
};

enum weir_onset_kind { WEIR_ONSET_SUDDEN, WEIR_ONSET_GRADUAL, WEIR_ONSET_INCREMENTAL };

struct weir_onset {
    size_t at;          // the first window that is unlike
    size_t first, last; // windows that may as well be
    enum weir_onset_kind kind;
    // The same in windows since the start of the first, and finer: 12.25 is when a quarter of
    // window 12 was over. What a sudden change's own window is made of, before and after, says it
    // once there is a later window; before that it is anywhere in the window.
    double begins, earliest, latest;
};

// 0, or WEIR_EINVAL where the windows hold no values, or WEIR_ENOMEM.
int weir_onset_find(const struct weir_onset_series *series, struct weir_onset *onset);

#endif
