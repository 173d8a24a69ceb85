// SPDX-License-Identifier: Apache-2.0
#include "stats/effect.h"

#include <math.h>

#include "stats/special.h"

// A difference of distribution functions, or total variation, as a shift.
static double shift_of_difference(double difference)
{
    if (!(difference > 0))
        return 0;
    return 2 * weir_normal_quantile((1 + fmin(difference, 0.999999)) / 2);
}

double weir_effect_of_distances(const struct weir_cell_distances *distances, double scale_ratio)
{
    double effect = distances->psi_debiased > 0 ? sqrt(distances->psi_debiased) : 0;
    effect = fmax(effect, shift_of_difference(distances->ks_debiased));
    effect = fmax(effect, shift_of_difference(distances->total_variation_debiased));
    double hellinger = fmin(distances->hellinger_debiased, 0.999);
    if (hellinger > 0)
        effect = fmax(effect, sqrt(-8 * log1p(-hellinger * hellinger)));
    return fmax(effect, fabs(scale_ratio) / 1.1);
}
