// SPDX-License-Identifier: Apache-2.0
// For tests and benchmarks: numbers drawn at random, the same ones from the same seed everywhere.
#ifndef WEIR_STATS_DRAW_INSIDE_H
#define WEIR_STATS_DRAW_INSIDE_H

#include <math.h>
#include <stdint.h>

static uint64_t draw_state = 1; // set it to begin again

// In (0, 1): splitmix64.
static inline double draw_uniform(void)
{
    uint64_t z = draw_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static inline double draw_normal(void)
{
    return sqrt(-2 * log(draw_uniform())) * cos(2 * M_PI * draw_uniform());
}

// Of large means a rounded normal.
static inline double draw_poisson(double mean)
{
    if (mean > 50)
        return fmax(0, round(mean + sqrt(mean) * draw_normal()));
    double k = 0, p = exp(-mean), sum = p, u = draw_uniform();
    while (sum < u && k < 1000)
        sum += p *= mean / ++k;
    return k;
}

// One of n, by their shares; what is lacking from 1 is the last one's.
static inline int draw_pick(const double *share, int n)
{
    double u = draw_uniform();
    int i = 0;
    for (; i + 1 < n && u > share[i]; i++)
        u -= share[i];
    return i;
}

#endif
