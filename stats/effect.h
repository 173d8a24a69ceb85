// SPDX-License-Identifier: Apache-2.0
// Differences of two distributions on one scale: the shift, in standard deviations of a normal
// variable, that would make as large a one.
#ifndef WEIR_STATS_EFFECT_H
#define WEIR_STATS_EFFECT_H

#include "stats/two_sample.h"

// The largest of what the debiased distances say. A shift by d gives KS and TV 2 Phi(d / 2) - 1,
// PSI d^2, Hellinger^2 1 - exp(-d^2 / 8); a ln variance ratio is as visible as a shift at 1.1 d.
// `scale_ratio` is that ln, 0 where it is not known to differ.
double weir_effect_of_distances(const struct weir_cell_distances *distances, double scale_ratio);

#endif
