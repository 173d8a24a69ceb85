// SPDX-License-Identifier: Apache-2.0
// A distribution function as a sketch's buckets tell it, and what a change of unit or scale makes
// of one.
#ifndef WEIR_STATS_UNIT_LAW_H
#define WEIR_STATS_UNIT_LAW_H

#include <stddef.h>

#include "stats/ddsketch.h"

// How a value became another.
enum weir_unit_form {
    WEIR_UNIT_LINEAR, // y = a x + b, a != 0
    WEIR_UNIT_LOG,    // y = a ln(x + b), a > 0
    WEIR_UNIT_EXP     // y = exp(x / a) - b, a > 0
};
struct weir_unit_map {
    enum weir_unit_form form;
    double a, b;
};
// The x that gave y; -inf where the map gives y for none.
double weir_unit_undo(const struct weir_unit_map *map, double y);
// The y of x; NAN where x has none (a logarithm of what is not positive).
double weir_unit_apply(const struct weir_unit_map *map, double x);
struct weir_unit_map weir_unit_inverse(const struct weir_unit_map *map);

// Buckets [low, high), ascending, and the counts below each.
struct weir_law {
    double *low, *high;
    double *below; // n + 1: below[n] is `total`
    double *lump;  // how much more is in a bucket than its neighbours lead one to expect: values
                   // that may all be equal, and so fall on either side of a cut within it
    size_t n;
    double total;
};
// WEIR_ENOMEM leaves `law` untouched. An empty sketch gives a total of 0.
int weir_law_make(const struct weir_ddsketch *sketch, struct weir_law *law);
void weir_law_free(struct weir_law *law);
// The share of values below x, evenly spread within a bucket. *doubt (may be NULL) grows by the
// share that may be on the other side.
double weir_law_below(const struct weir_law *law, double x, double *doubt);
// Of what `map` makes of the values.
double weir_law_mapped_below(const struct weir_law *law, const struct weir_unit_map *map, double y,
                             double *doubt);
// The value with the share q below it; NAN for an empty law.
double weir_law_quantile(const struct weir_law *law, double q);

#endif
