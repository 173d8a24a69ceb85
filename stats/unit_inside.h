// SPDX-License-Identifier: Apache-2.0
// What the files of stats/unit_change.h share.
#ifndef WEIR_STATS_UNIT_INSIDE_H
#define WEIR_STATS_UNIT_INSIDE_H

#include "stats/unit_change.h"
#include "stats/unit_mixture.h"

enum { UNIT_LEVELS = 39, UNIT_CUTS = 2 * UNIT_LEVELS };

// Where a law lies and how wide it is, of its logarithms where it has no negative value.
struct unit_shape {
    int logarithmic;
    double zero; // share of values that are 0; of a logarithmic shape only
    double centre, sd;
};

// A plain drift: everything moved by `shift` robust standard deviations and spread by `spread`
// about the centre (of logarithms, where the shape is logarithmic; zeros stay).
struct unit_drift {
    double shift, spread;
};

// The reference, looked at once.
struct unit_reference {
    const struct weir_law *law;
    struct unit_shape shape;
    double cut[UNIT_LEVELS]; // upper edges of buckets: equal shares, tails, and both ends
    size_t cuts;
    double quantile[UNIT_LEVELS]; // at 2.5, 5 ... 97.5%
};

// 0 where nothing can be said of such a law (too few values, all equal).
int unit_reference_make(const struct weir_law *law, struct unit_reference *reference);

double unit_drift_undo(const struct unit_shape *shape, const struct unit_drift *drift, double x);
// Of what a drift and then `map` makes of the reference.
double unit_below(const struct unit_reference *reference, const struct unit_drift *drift,
                  const struct weir_unit_map *map, double y, double *doubt);

// KS of the reference and `map` of it.
double unit_separation(const struct unit_reference *reference, const struct weir_unit_map *map);
double unit_noise(const struct weir_law *reference, const struct weir_law *current);
// Whether an entry tells enough to be named where `all` values or a share of them changed.
int unit_is_eligible(const struct weir_unit_entry *entry, int all);

void unit_diagnose_all(const struct weir_unit_question *question,
                       const struct unit_reference *reference, struct weir_unit_change *change);
void unit_diagnose_part(const struct weir_unit_question *question,
                        const struct unit_reference *reference, struct weir_unit_change *change);

static const struct weir_unit_map UNIT_SAME = {WEIR_UNIT_LINEAR, 1, 0};
static const struct unit_drift UNIT_STILL = {0, 1};

#endif
