// SPDX-License-Identifier: Apache-2.0
// What a profile's sample of whole rows says of single values and of fields beside each other.
#ifndef WEIR_INFER_JOINT_H
#define WEIR_INFER_JOINT_H

#include "stats/reservoir.h"

enum { WEIR_JOINT_ROWS = 1000 }; // fewer say nothing

// So many decimals at most have all of the field's numbers, and a tenth of them or more just so
// many; -1: that is not clear, or it has none.
int weir_joint_precision(const struct weir_rows *rows, const char *field);
// Whether no value of the field comes twice.
int weir_joint_is_unique(const struct weir_rows *rows, const char *field);
// Whether `late` is never before `early`, and after it in one row of ten or more. Both are whole
// numbers, or texts that are times.
int weir_joint_is_ordered(const struct weir_rows *rows, const char *early, const char *late);

#endif
