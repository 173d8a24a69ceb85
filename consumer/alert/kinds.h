// SPDX-License-Identifier: Apache-2.0
// The failure modes that an alert can name: a closed list, never renamed.
#ifndef WEIR_ALERT_KINDS_H
#define WEIR_ALERT_KINDS_H

#include <stddef.h>

struct weir_kind {
    const char *name;
    const char *meaning; // one line
};

extern const struct weir_kind weir_kinds[];
extern const size_t weir_n_kinds;

// The row of `kind`, or of the listed kind that it refines ("schema.range.high" is a
// "schema.range"); NULL where there is none.
const struct weir_kind *weir_kind_find(const char *kind);

#endif
