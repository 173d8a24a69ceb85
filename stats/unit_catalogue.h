// SPDX-License-Identifier: Apache-2.0
// The changes of unit and scale that have a name, for a field of which something is known: its
// declared unit, its name, or nothing.
#ifndef WEIR_STATS_UNIT_CATALOGUE_H
#define WEIR_STATS_UNIT_CATALOGUE_H

#include "stats/unit_law.h"

enum weir_unit_scope {
    WEIR_UNIT_ANY_FIELD, // stands out in any field: a sign, a power of a thousand, a logarithm
    WEIR_UNIT_DECLARED,  // from the field's declared unit
    WEIR_UNIT_HINTED,    // the field's name speaks for it
    WEIR_UNIT_GUESS      // nothing speaks for it but the factor
};

struct weir_unit_entry {
    const char *from, *to; // "USD", "JPY"; static
    struct weir_unit_map map;
    double low, high; // of map.a, where it is a range (currencies); else both are map.a
    enum weir_unit_scope scope;
};

// Entries that differ only in their names (s to ms, g to kg the other way) stand side by side.
struct weir_unit_catalogue {
    struct weir_unit_entry *entries;
    size_t n;
};

// What may have become of values of `unit` (NULL, or not known: of any) in a field called `name`
// (may be NULL). WEIR_ENOMEM.
int weir_unit_catalogue_make(const char *unit, const char *name,
                             struct weir_unit_catalogue *catalogue);
void weir_unit_catalogue_free(struct weir_unit_catalogue *catalogue);

// Whether there is such a unit: "ms", "seconds", "usd".
int weir_unit_is_known(const char *unit);

#endif
