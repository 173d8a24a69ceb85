// SPDX-License-Identifier: Apache-2.0
// Whether a field's values, or a share of them, are what they were in another unit or scale.
//
// Everything is decided on distribution functions: a change `map` of all values is believed when
// the current law, undone, is the reference again (Kolmogorov-Smirnov, less what lumps in a bucket
// may hide); one of a share w when (1 - w) F + w map(F) explains the current counts better than
// any plain drift (F shifted and spread) does, and no other place or spread of the second part
// explains them clearly better. What only looks like a change of unit, and is a new population, a
// heavier tail or a season, fails one of these.
#ifndef WEIR_STATS_UNIT_CHANGE_H
#define WEIR_STATS_UNIT_CHANGE_H

#include "stats/unit_catalogue.h"

enum { WEIR_UNIT_MATCHES = 4 };

enum weir_unit_finding {
    WEIR_UNIT_NOTHING,
    WEIR_UNIT_ALL,          // all values were changed in a way that has a name
    WEIR_UNIT_PART,         // a share of them was
    WEIR_UNIT_FACTOR,       // all values are multiplied by something that has no name
    WEIR_UNIT_STANDARDISED, // all have mean 0 and standard deviation 1 now
    WEIR_UNIT_RAW           // they had, and have not any more
};

struct weir_unit_question {
    const struct weir_law *reference, *current;
    const struct weir_unit_catalogue *catalogue;
    // 2 ln likelihood ratio that a share's change must gain over the reference as it is, and seven
    // tenths of it over a plain drift; 0: 40.
    double threshold;
};

struct weir_unit_change {
    enum weir_unit_finding finding;
    struct weir_unit_map map;     // what was done to the values, as estimated
    double ratio_low, ratio_high; // of map.a: its 3 standard errors; a point where it is exact
    double share, share_se;       // of values; 1 but for WEIR_UNIT_PART
    double gain;                  // 2 ln likelihood ratio over a plain drift; 0 but for a part
    double distance;              // KS of current and reference
    double undone;                // KS of what is left when the change is undone
    double noise;                 // what chance leaves of it (one in a thousand)
    // Entries that fit, the best first; 0 where the factor has no name.
    const struct weir_unit_entry *matches[WEIR_UNIT_MATCHES];
    size_t n_matches;
};

// WEIR_ENOMEM is not possible: it works in `change` and on the stack.
void weir_unit_diagnose(const struct weir_unit_question *question, struct weir_unit_change *change);

// A test on cells that costs next to nothing, for fields in which nothing changed: 0 where no
// change of unit can be hidden. Counts as in a summary.
int weir_unit_suspect(const uint64_t *reference, const uint64_t *current, size_t cells);

// The share of `part`, some of the current values, that was changed as `change` says.
double weir_unit_share_of(const struct weir_unit_question *question,
                          const struct weir_unit_change *change, const struct weir_law *part);
// What is left of the gain of `change` (2 ln likelihood ratio) when it is undone in `parts`, and
// there only: near 0 where they hold all that was changed and nothing else. The parts are of the
// current values and have none in common.
double weir_unit_left_without(const struct weir_unit_question *question,
                              const struct weir_unit_change *change, const struct weir_law *parts,
                              size_t n);

#endif
