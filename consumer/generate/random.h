// SPDX-License-Identifier: Apache-2.0
// A small generator of random numbers (splitmix64, Steele et al. 2014), seeded by what it is for.
#ifndef WEIR_GENERATE_RANDOM_H
#define WEIR_GENERATE_RANDOM_H

#include <math.h>
#include <stdint.h>

struct weir_random {
    uint64_t state;
};

static inline uint64_t weir_random_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

// A stream of its own for each (seed, purpose, number).
static inline struct weir_random weir_random_make(uint64_t seed, uint64_t purpose, uint64_t number)
{
    struct weir_random random = {weir_random_mix(seed + UINT64_C(0x9e3779b97f4a7c15)) ^
                                 weir_random_mix(purpose * UINT64_C(0xd1342543de82ef95) + 1)};
    random.state = weir_random_mix(random.state + number * UINT64_C(0x9e3779b97f4a7c15));
    return random;
}

static inline uint64_t weir_random_next(struct weir_random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return weir_random_mix(random->state);
}

// In (0, 1), never an end.
static inline double weir_random_unit(struct weir_random *random)
{
    return ((double)(weir_random_next(random) >> 12) + 0.5) / 4503599627370496.0;
}

static inline double weir_random_exponential(struct weir_random *random)
{
    return -log(weir_random_unit(random));
}

static inline double weir_random_normal(struct weir_random *random)
{
    double radius = sqrt(2 * weir_random_exponential(random));
    return radius * cos(6.283185307179586 * weir_random_unit(random));
}

// In [0, n).
static inline int weir_random_below(struct weir_random *random, int n)
{
    return (int)(weir_random_unit(random) * n);
}

#endif
